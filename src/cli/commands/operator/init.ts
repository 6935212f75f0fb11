/** operator init: sets up a new server and prints its key shares. */
import type { Client } from '../../../client/client.ts';
import type { JsonObject, JsonValue } from '../../../client/json.ts';
import { attempt, EXIT_LOCAL, EXIT_OK, EXIT_SERVER, type Invocation } from '../../command.ts';
import { readPgpKey, readPgpKeys } from '../../key-share.ts';
import { wrapText } from '../../render/columns.ts';
import { printDocument, say } from '../../render/output.ts';
import { plainText } from '../../render/values.ts';

const DEFAULT_SHARES = 5;
const DEFAULT_THRESHOLD = 3;

export async function operatorInit(invocation: Invocation): Promise<number> {
  const client = await invocation.session.client();
  if (invocation.flags.boolean('status')) return printInitStatus(invocation, client);
  const preflight = await invocation.session.preflight();
  const seal = await attempt('', preflight.object('GET', 'sys/seal-status'));
  const body = await initBody(invocation, seal['recovery_seal'] === true);
  const answer = await attempt('Error initializing', client.object('PUT', 'sys/init', { body }));
  return printInit(invocation, body, answer);
}

async function printInitStatus(invocation: Invocation, client: Client): Promise<number> {
  const status = await attempt(
    'Error checking init status',
    client.object('GET', 'sys/init'),
    EXIT_LOCAL,
  );
  const initialized = status['initialized'] === true;
  if (invocation.format === 'table') {
    say(invocation, initialized ? 'Vault is initialized' : 'Vault is not initialized');
  } else {
    await printDocument(invocation, { Initialized: initialized });
  }
  return initialized ? EXIT_OK : EXIT_SERVER;
}

/** A seal that unseals by itself has no unseal keys, only recovery keys; the other way round for the rest. */
async function initBody(invocation: Invocation, autoUnseal: boolean): Promise<JsonObject> {
  const { flags } = invocation;
  const shares = flags.integer('key-shares', autoUnseal ? 0 : DEFAULT_SHARES);
  const threshold = flags.integer('key-threshold', autoUnseal ? 0 : DEFAULT_THRESHOLD);
  const rootKey = flags.text('root-token-pgp-key');
  const pgpKeys = await readPgpKeys(flags.list('pgp-keys'));
  const recoveryPgpKeys = await readPgpKeys(flags.list('recovery-pgp-keys'));
  return {
    secret_shares: shares === 0 && !autoUnseal ? DEFAULT_SHARES : shares,
    secret_threshold: threshold === 0 && !autoUnseal ? DEFAULT_THRESHOLD : threshold,
    stored_shares: 0,
    pgp_keys: pgpKeys.length > 0 ? pgpKeys : null,
    recovery_shares: autoUnseal ? flags.integer('recovery-shares', DEFAULT_SHARES) : 0,
    recovery_threshold: autoUnseal ? flags.integer('recovery-threshold', DEFAULT_THRESHOLD) : 0,
    recovery_pgp_keys: recoveryPgpKeys.length > 0 ? recoveryPgpKeys : null,
    root_token_pgp_key: rootKey === '' ? '' : await readPgpKey(rootKey),
  };
}

async function printInit(
  invocation: Invocation,
  body: JsonObject,
  answer: JsonObject,
): Promise<number> {
  if (invocation.format !== 'table') return printDocument(invocation, initDocument(body, answer));
  const keys = bestKeys(answer, 'keys');
  const recoveryKeys = bestKeys(answer, 'recovery_keys');
  keys.forEach((key, index) => say(invocation, `Unseal Key ${index + 1}: ${key}`));
  recoveryKeys.forEach((key, index) => say(invocation, `Recovery Key ${index + 1}: ${key}`));
  say(invocation, '');
  say(invocation, `Initial Root Token: ${plainText(answer['root_token'])}`);
  say(invocation, '');
  const threshold = plainText(body['secret_threshold']);
  if (keys.length > 0) {
    say(
      invocation,
      wrapText(
        `Vault initialized with ${plainText(body['secret_shares'])} key shares and a key threshold of ${threshold}. Give the shares to different people. Whenever the server is sealed or started again, ${threshold} of them are needed before it answers requests.`,
      ),
    );
    say(invocation, '');
    say(
      invocation,
      wrapText(
        `The server keeps no copy of the key: with fewer than ${threshold} shares it stays sealed for ever. "strongroom operator rotate-keys" makes new shares.`,
      ),
    );
  } else {
    say(invocation, 'Success! Vault is initialized');
  }
  if (recoveryKeys.length > 0) {
    say(invocation, '');
    say(
      invocation,
      wrapText(
        `Recovery key initialized with ${plainText(body['recovery_shares'])} key shares and a key threshold of ${plainText(body['recovery_threshold'])}. Give the shares to different people.`,
      ),
    );
  }
  return EXIT_OK;
}

function list(value: JsonValue | undefined): JsonValue[] {
  return Array.isArray(value) ? value : [];
}

/** Base64 where the server gives it for every key, else hexadecimal. */
function bestKeys(answer: JsonObject, name: string): string[] {
  const hex = list(answer[name]);
  const base64 = list(answer[`${name}_base64`]);
  return (base64.length === hex.length ? base64 : hex).map(plainText);
}

function initDocument(body: JsonObject, answer: JsonObject): JsonObject {
  const stored = list(answer['keys']).length === 0;
  return {
    unseal_keys_b64: list(answer['keys_base64']),
    unseal_keys_hex: list(answer['keys']),
    unseal_shares: stored ? 1 : (body['secret_shares'] ?? 0),
    unseal_threshold: stored ? 1 : (body['secret_threshold'] ?? 0),
    recovery_keys_b64: answer['recovery_keys_base64'] ?? null,
    recovery_keys_hex: answer['recovery_keys'] ?? null,
    recovery_keys_shares: body['recovery_shares'] ?? 0,
    recovery_keys_threshold: body['recovery_threshold'] ?? 0,
    root_token: answer['root_token'] ?? '',
  };
}
