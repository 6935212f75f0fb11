/** transit: the encryption engine, by what one does with it; text and lines of text in, and out. */
import { constants, createPublicKey, publicEncrypt, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { joinPath } from '../../../client/address.ts';
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
import { readPairs } from '../../key-values.ts';
import { cleanPath } from '../../paths.ts';
import { reportSteps } from '../../progress.ts';
import { say, sayInTable } from '../../render/output.ts';
import { warn } from '../../terminal.ts';
import { textOfBytes } from '../../text-input.ts';

const DEFAULT_MOUNT = 'transit';
/** Inputs in one request: enough that the request itself costs little, and few enough that the bar moves. */
const BATCH = 250;
const EPHEMERAL_KEY_BYTES = 32;

function pathOf(invocation: Invocation, operation: string): string {
  const mount = cleanPath(invocation.flags.text('mount') || DEFAULT_MOUNT);
  return joinPath(mount, operation, cleanPath(invocation.args[0] ?? ''));
}

/** The argument at `index`: itself, a file's content after `@`, standard input for `-` or when it is missing. */
async function inputAt(invocation: Invocation, index: number): Promise<Buffer> {
  const given = invocation.args[index];
  if (given === undefined || given === '-') return await invocation.terminal.readBytes();
  if (!given.startsWith('@')) return Buffer.from(given);
  try {
    return await readFile(given.slice(1));
  } catch (cause) {
    throw new CommandFailure(EXIT_LOCAL, `Cannot read ${given.slice(1)}`, cause);
  }
}

/** What the engine calls input and output of an operation. */
interface Operation {
  readonly name: 'encrypt' | 'decrypt' | 'rewrap';
  readonly takes: 'plaintext' | 'ciphertext';
  readonly gives: 'plaintext' | 'ciphertext';
  readonly doing: string;
}

function encoded(invocation: Invocation, operation: Operation, input: Buffer): string {
  const isReady = operation.takes === 'ciphertext' || invocation.flags.boolean('base64');
  return isReady ? input.toString().trim() : input.toString('base64');
}

function shown(invocation: Invocation, operation: Operation, value: JsonValue | undefined): string {
  if (typeof value !== 'string') throw new CommandFailure(EXIT_SERVER, 'The answer has no result');
  if (operation.gives === 'ciphertext' || invocation.flags.boolean('base64')) return value;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(value, 'base64'));
  } catch (cause) {
    throw new CommandFailure(EXIT_LOCAL, 'The plaintext is no text: use -base64', cause);
  }
}

/** What every input of a request shares. */
function shared(invocation: Invocation): JsonObject {
  const text = (name: string): string => {
    const value = invocation.flags.text(name);
    return value === '' ? '' : Buffer.from(value).toString('base64');
  };
  const [context, associated] = [text('context'), text('associated-data')];
  return {
    ...(context === '' ? {} : { context }),
    ...(associated === '' ? {} : { associated_data: associated }),
  };
}

async function crypt(invocation: Invocation, operation: Operation): Promise<number> {
  const path = pathOf(invocation, operation.name);
  const input = await inputAt(invocation, 1);
  const client = await invocation.session.client();
  if (invocation.flags.boolean('lines')) {
    return await cryptLines(invocation, operation, { client, path, input });
  }
  const body = { ...shared(invocation), [operation.takes]: encoded(invocation, operation, input) };
  const secret = await attempt(`Error writing data to ${path}`, client.write(path, body));
  const text = shown(invocation, operation, secret?.data?.[operation.gives]);
  // A plaintext comes out as it went in: with no line end of ours behind it, unless somebody looks at it.
  const end = operation.gives === 'plaintext' && !invocation.terminal.stdoutIsTty ? '' : '\n';
  invocation.terminal.write(`${text}${end}`);
  return EXIT_OK;
}

interface Lines {
  readonly client: Client;
  readonly path: string;
  readonly input: Buffer;
}

/** @throws {CommandFailure} */
function textLines(input: Buffer): string[] {
  try {
    return textOfBytes(input)
      .replace(/\r?\n$/, '')
      .split(/\r?\n/);
  } catch (cause) {
    throw new CommandFailure(EXIT_LOCAL, 'Lines of what is no text: encode each as base64', cause);
  }
}

/** One result per line, in order. A line that fails gives an empty one, and is told with its number. */
async function cryptLines(
  invocation: Invocation,
  operation: Operation,
  { client, path, input }: Lines,
): Promise<number> {
  const lines = textLines(input);
  const steps = reportSteps(invocation.terminal);
  const common = shared(invocation);
  let failed = 0;
  for (let start = 0; start < lines.length; start += BATCH) {
    steps.show(operation.doing, start, lines.length);
    const batch = lines.slice(start, start + BATCH);
    const items = batch.map((line) => ({
      ...common,
      [operation.takes]: encoded(invocation, operation, Buffer.from(line)),
    }));
    // Failures of single lines must not hide the others.
    const body = { batch_input: items, partial_failure_response_code: 200 };
    const secret = await attempt(`Error writing data to ${path}`, client.write(path, body));
    const results = secret?.data?.['batch_results'];
    if (!Array.isArray(results) || results.length !== batch.length) {
      throw new CommandFailure(EXIT_SERVER, 'The answer has not one result for each line');
    }
    let text = '';
    for (const [index, result] of results.entries()) {
      const found = isJsonObject(result) ? result : {};
      if (typeof found['error'] === 'string' && found['error'] !== '') {
        failed++;
        steps.end();
        warn(invocation.terminal, `line ${start + index + 1}: ${found['error']}`);
        text += '\n';
      } else text += `${shown(invocation, operation, found[operation.gives])}\n`;
    }
    steps.end();
    invocation.terminal.write(text);
  }
  if (failed === 0) return EXIT_OK;
  throw new CommandFailure(EXIT_SERVER, `${failed} of ${lines.length} lines failed`);
}

export const encrypt = (invocation: Invocation): Promise<number> =>
  crypt(invocation, {
    name: 'encrypt',
    takes: 'plaintext',
    gives: 'ciphertext',
    doing: 'encrypting',
  });
export const decrypt = (invocation: Invocation): Promise<number> =>
  crypt(invocation, {
    name: 'decrypt',
    takes: 'ciphertext',
    gives: 'plaintext',
    doing: 'decrypting',
  });
export const rewrap = (invocation: Invocation): Promise<number> =>
  crypt(invocation, {
    name: 'rewrap',
    takes: 'ciphertext',
    gives: 'ciphertext',
    doing: 'rewrapping',
  });

export async function sign(invocation: Invocation): Promise<number> {
  const path = pathOf(invocation, 'sign');
  const input = (await inputAt(invocation, 1)).toString('base64');
  const client = await invocation.session.client();
  const options = await readPairs(invocation, invocation.args.slice(2));
  const call = client.write(path, { ...options, input });
  const secret = await attempt(`Error writing data to ${path}`, call);
  const signature = secret?.data?.['signature'];
  if (typeof signature !== 'string') throw new CommandFailure(EXIT_SERVER, 'No signature came');
  say(invocation, signature);
  return EXIT_OK;
}

/** Exit code 1 when the signature is not one of this input: scripts ask for nothing else. */
export async function verify(invocation: Invocation): Promise<number> {
  const path = pathOf(invocation, 'verify');
  const signature = (invocation.args[1] ?? '').trim();
  const input = (await inputAt(invocation, 2)).toString('base64');
  const client = await invocation.session.client();
  const options = await readPairs(invocation, invocation.args.slice(3));
  const call = client.write(path, { ...options, input, signature });
  const secret = await attempt(`Error writing data to ${path}`, call);
  if (secret?.data?.['valid'] !== true) {
    throw new CommandFailure(EXIT_LOCAL, 'The signature is not valid');
  }
  return sayInTable(invocation, 'Success! The signature is valid');
}

const KEY_PATH = /^(?<mount>.+)\/keys\/(?<name>[^/]+)$/;

async function bringIn(invocation: Invocation, operation: string): Promise<number> {
  const parts = KEY_PATH.exec(cleanPath(invocation.args[0] ?? ''))?.groups;
  if (parts === undefined) {
    throw new CommandFailure(EXIT_LOCAL, 'The path must be MOUNT/keys/NAME');
  }
  const { mount = '', name = '' } = parts;
  const text = (await inputAt(invocation, 1)).toString().replaceAll(/\s/g, '');
  const key = Buffer.from(text, 'base64');
  if (key.length === 0 || key.toString('base64') !== text) {
    throw new CommandFailure(EXIT_LOCAL, 'The key must be base64: raw bytes, or PKCS #8 in DER');
  }
  const options = await readPairs(invocation, invocation.args.slice(2));
  const client = await invocation.session.client();
  const from = joinPath(mount, 'wrapping_key');
  const answer = await attempt(`Error reading ${from}`, client.read(from));
  const wrappingKey = answer?.data?.['public_key'];
  if (typeof wrappingKey !== 'string') {
    throw new CommandFailure(EXIT_SERVER, `No wrapping key at ${from}`);
  }
  const ciphertext = await wrapped(key, wrappingKey);
  const path = joinPath(mount, 'keys', name, operation);
  const call = client.write(path, { ...options, ciphertext, hash_function: 'SHA256' });
  await attempt(`Error writing data to ${path}`, call);
  return sayInTable(invocation, `Success! Imported: ${mount}/keys/${name}`);
}

/** As imports take it: an AES-256 key under RSA-OAEP, then the key under AES key wrap with padding. */
async function wrapped(key: Buffer, wrappingKey: string): Promise<string> {
  const { wrapKey } = await import('../../../crypto/key-wrap.ts');
  const ephemeral = randomBytes(EPHEMERAL_KEY_BYTES);
  const publicKey = createPublicKey(wrappingKey);
  const padding = constants.RSA_PKCS1_OAEP_PADDING;
  const sealed = publicEncrypt({ key: publicKey, padding, oaepHash: 'sha256' }, ephemeral);
  const blob = Buffer.concat([sealed, wrapKey(ephemeral, key)]);
  ephemeral.fill(0);
  key.fill(0);
  return blob.toString('base64');
}

export const importKey = (invocation: Invocation): Promise<number> => bringIn(invocation, 'import');
export const importVersion = (invocation: Invocation): Promise<number> =>
  bringIn(invocation, 'import_version');
