/** operator rekey and rotate-keys: new key shares for a quorum of old ones. They differ in paths and words only. */
import type { Client } from '../../../client/client.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../../client/json.ts';
import {
  attempt,
  CommandFailure,
  EXIT_LOCAL,
  EXIT_OK,
  EXIT_SERVER,
  type Invocation,
} from '../../command.ts';
import { readPgpKeys, readShare } from '../../key-share.ts';
import { formatTable, wrapText } from '../../render/columns.ts';
import { printDocument, printObject, say } from '../../render/output.ts';
import { plainText } from '../../render/values.ts';
import { warn } from '../../terminal.ts';

interface Operation {
  /** "rekey" and "rotation", as the messages put it. */
  readonly noun: string;
  readonly command: string;
  readonly canceled: string;
  readonly deleted: string;
  /** Folder of the API for each target. */
  readonly folders: { readonly barrier: string; readonly recovery: string };
  readonly backups: { readonly barrier: string; readonly recovery: string };
  readonly progressTitle: string;
}

const REKEY: Operation = {
  noun: 'rekey',
  command: 'operator rekey',
  canceled: 'Success! Canceled rekeying (if it was started)',
  deleted: 'Success! Delete stored keys (if they existed)',
  folders: { barrier: 'sys/rekey', recovery: 'sys/rekey-recovery-key' },
  backups: { barrier: 'sys/rekey/backup', recovery: 'sys/rekey/recovery-key-backup' },
  progressTitle: 'Rekey Progress',
};
const ROTATION: Operation = {
  noun: 'rotation',
  command: 'operator rotate-keys',
  canceled: 'Success! Canceled rotation (if it was started)',
  deleted: 'Success! Deleted stored keys (if they existed)',
  folders: { barrier: 'sys/rotate/root', recovery: 'sys/rotate/recovery' },
  backups: { barrier: 'sys/rotate/root/backup', recovery: 'sys/rotate/recovery/backup' },
  progressTitle: 'Rotation Progress',
};

export async function rekey(invocation: Invocation): Promise<number> {
  return operate(REKEY, invocation);
}

export async function rotateKeys(invocation: Invocation): Promise<number> {
  return operate(ROTATION, invocation);
}

type Target = 'barrier' | 'recovery';

async function operate(operation: Operation, invocation: Invocation): Promise<number> {
  const { flags } = invocation;
  const target = readTarget(invocation);
  const client = await invocation.session.client();
  const backup = operation.backups[target];
  if (flags.boolean('backup-delete')) {
    await attempt(`Error deleting ${operation.noun} stored keys`, client.request('DELETE', backup));
    say(invocation, operation.deleted);
    return EXIT_OK;
  }
  if (flags.boolean('backup-retrieve')) {
    const stored = await attempt(
      `Error retrieving ${operation.noun} stored keys`,
      call(client, 'GET', backup),
    );
    return printObject(invocation, stored);
  }
  const folder = operation.folders[target];
  const place = `${folder}/${flags.boolean('verify') ? 'verify' : 'init'}`;
  if (flags.boolean('cancel')) {
    await attempt(`Error canceling ${operation.noun}`, client.request('DELETE', place));
    say(invocation, operation.canceled);
    return EXIT_OK;
  }
  if (flags.boolean('init')) return begin(operation, invocation, client, folder, target);
  if (flags.boolean('status')) return printStatus(operation, invocation, client, place);
  return provide(operation, invocation, client, folder, target);
}

function readTarget(invocation: Invocation): Target {
  const text = (invocation.flags.text('target') || 'barrier').trim().toLowerCase();
  if (text === 'barrier') return 'barrier';
  if (text === 'recovery' || text === 'hsm') return 'recovery';
  throw new CommandFailure(EXIT_LOCAL, `Unknown target: ${text}`);
}

/** Some servers answer these calls with an envelope, some with the bare object. */
async function call(
  client: Client,
  method: string,
  path: string,
  body?: JsonObject,
): Promise<JsonObject> {
  const answer = await client.object(method, path, body === undefined ? {} : { body });
  const data = answer['data'];
  return 'request_id' in answer && isJsonObject(data) ? data : answer;
}

async function begin(
  operation: Operation,
  invocation: Invocation,
  client: Client,
  folder: string,
  target: Target,
): Promise<number> {
  const { flags } = invocation;
  const pgpKeys = await readPgpKeys(flags.list('pgp-keys'));
  const body: JsonObject = {
    secret_shares: flags.integer('key-shares', 5),
    secret_threshold: flags.integer('key-threshold', 3),
    pgp_keys: pgpKeys.length > 0 ? pgpKeys : null,
    backup: flags.boolean('backup'),
    require_verification: flags.boolean('verify'),
  };
  const status = await attempt(
    `Error initializing ${operation.noun}`,
    call(client, operation === REKEY ? 'PUT' : 'POST', `${folder}/init`, body),
  );
  if (invocation.format === 'table' && pgpKeys.length === 0) {
    const kind = target === 'barrier' ? 'unseal' : 'recovery';
    warn(
      invocation.terminal,
      `${wrapText(`WARNING! There is no second copy of the new ${kind} keys once they are shown. Consider -cancel and a new start with -pgp-keys to have them encrypted.`)}\n`,
    );
  }
  if (status['complete'] === true)
    return printKeys(operation, invocation, client, folder, target, status, status);
  return printStatusOf(operation, invocation, status);
}

async function provide(
  operation: Operation,
  invocation: Invocation,
  client: Client,
  folder: string,
  target: Target,
): Promise<number> {
  const { flags } = invocation;
  const verify = flags.boolean('verify');
  const statusPath = `${folder}/${verify ? 'verify' : 'init'}`;
  const status = await attempt(
    `Error getting ${operation.noun} status`,
    call(client, 'GET', statusPath),
  );
  if (status['started'] !== true) {
    throw new CommandFailure(
      EXIT_LOCAL,
      `No ${operation.noun} is in progress. Start one by running "strongroom ${operation.command} -init".`,
    );
  }
  const nonce = plainText(status['nonce'] ?? '');
  const kind = target === 'barrier' ? 'Unseal' : 'Recovery';
  const share = await readShare(
    invocation,
    `Operation nonce: ${nonce}\n${kind} Key (will be hidden): `,
  );
  const usedNonce = share.asked ? nonce : flags.text('nonce');
  if (usedNonce === '') {
    throw new CommandFailure(EXIT_LOCAL, 'Missing nonce value: specify it via the -nonce flag');
  }
  const answer = await attempt(
    'Error posting unseal key',
    call(client, 'PUT', `${folder}/${verify ? 'verify' : 'update'}`, {
      key: share.key,
      nonce: usedNonce,
    }),
  );
  if (answer['complete'] !== true) return printStatus(operation, invocation, client, statusPath);
  if (!verify) return printKeys(operation, invocation, client, folder, target, status, answer);
  say(
    invocation,
    wrapText(
      `${capitalised(operation.noun)} verification successful. The ${operation.noun} is complete and the new keys are now active.`,
    ),
  );
  return EXIT_OK;
}

async function printStatus(
  operation: Operation,
  invocation: Invocation,
  client: Client,
  path: string,
): Promise<number> {
  const reading = operation === REKEY ? 'rekey' : 'rotate';
  const status = await attempt(`Error reading ${reading} status`, call(client, 'GET', path));
  return printStatusOf(operation, invocation, status);
}

async function printStatusOf(
  operation: Operation,
  invocation: Invocation,
  status: JsonObject,
): Promise<number> {
  if (invocation.format !== 'table') return printDocument(invocation, status);
  say(invocation, formatTable(['Key', 'Value'], statusRows(operation, status)));
  return EXIT_OK;
}

function statusRows(operation: Operation, status: JsonObject): string[][] {
  const text = (key: string): string => plainText(status[key] ?? '');
  // The status of a verification names no required number of shares.
  if (!('required' in status)) {
    return [
      ['Started', text('started')],
      ['New Shares', text('n')],
      ['New Threshold', text('t')],
      ['Verification Nonce', text('nonce')],
      ['Verification Progress', `${text('progress')}/${text('t')}`],
    ];
  }
  const rows = [
    ['Nonce', text('nonce')],
    ['Started', text('started')],
  ];
  if (status['started'] === true) {
    const full = status['progress'] === status['required'] ? ' (verification in progress)' : '';
    rows.push(
      [operation.progressTitle, `${text('progress')}/${text('required')}${full}`],
      ['New Shares', text('n')],
      ['New Threshold', text('t')],
      ['Verification Required', String(status['verification_required'] === true)],
    );
    if (text('verification_nonce') !== '')
      rows.push(['Verification Nonce', text('verification_nonce')]);
  }
  const fingerprints = status['pgp_fingerprints'];
  if (Array.isArray(fingerprints) && fingerprints.length > 0) {
    rows.push(['PGP Fingerprints', plainText(fingerprints)], ['Backup', text('backup')]);
  }
  return rows;
}

async function printKeys(
  operation: Operation,
  invocation: Invocation,
  client: Client,
  folder: string,
  target: Target,
  status: JsonObject,
  answer: JsonObject,
): Promise<number> {
  if (invocation.format !== 'table') return printDocument(invocation, answer);
  const hex = list(answer['keys']);
  const base64 = list(answer['keys_base64']);
  const fingerprints = list(answer['pgp_fingerprints']);
  const keys = base64.length === hex.length ? base64 : hex;
  say(invocation, '');
  keys.forEach((key, index) => {
    const fingerprint = fingerprints[index];
    say(
      invocation,
      fingerprint === undefined
        ? `Key ${index + 1}: ${plainText(key)}`
        : `Key ${index + 1} fingerprint: ${plainText(fingerprint)}; value: ${plainText(key)}`,
    );
  });
  say(invocation, '');
  say(invocation, `Operation nonce: ${plainText(answer['nonce'] ?? '')}`);
  say(invocation, '');
  const shares = plainText(status['n']);
  const threshold = plainText(status['t']);
  const kind = target === 'barrier' ? 'unseal' : 'recovery';
  if (status['verification_required'] !== true) {
    say(
      invocation,
      wrapText(
        `Vault ${kind} keys renewed with ${shares} key shares and a key threshold of ${threshold}. The old shares are worthless now; give the new ones to different people.`,
      ),
    );
    return EXIT_OK;
  }
  say(
    invocation,
    wrapText(
      `The new ${kind} key is split into ${shares} key shares with a threshold of ${threshold}. They do not count until ${threshold} of them are given back with -verify; keep the old ones until then.`,
    ),
  );
  say(invocation, '');
  const verifying = await attempt(
    `Error reading ${operation.noun} status`,
    call(client, 'GET', `${folder}/verify`),
    EXIT_SERVER,
  );
  return printStatusOf(operation, invocation, verifying);
}

function list(value: JsonValue | undefined): JsonValue[] {
  return Array.isArray(value) ? value : [];
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
