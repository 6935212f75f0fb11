/** `sign` and `verify`. */
import { decodeBase64Url } from '../../../base/base64.ts';
import type { JsonObject, JsonValue } from '../../../base/json.ts';
import { definePath } from '../../../model/backend.ts';
import type { Path } from '../../../model/backend.ts';
import { invalidRequest } from '../../../model/errors.ts';
import type { Request } from '../../../model/request.ts';
import type { Transaction } from '../../../model/transaction.ts';
import { batchReply, batchTexts, itemText, outcomesOf, singleReply } from './batch.ts';
import type { Outcome } from './batch.ts';
import { inputBytes } from './crypt.ts';
import { ItemError, NO_CONTEXT, SOFT_DELETED } from '../failures.ts';
import { hmacVerifier } from './hmac.ts';
import { derivedEd25519 } from '../keys/key-cache.ts';
import type { ReadyKey } from '../keys/key-cache.ts';
import { findKey, parseMarked, versionToMake, withVersion } from '../keys/key-record.ts';
import type { StoredKey } from '../keys/key-record.ts';
import { keyTypeOf } from '../keys/key-types.ts';
import { findKeyToMake } from '../keys/make-key.ts';
import { ed25519PublicText } from '../keys/material.ts';
import { BATCH_INPUT, CONTEXT, KEY_VERSION, NAME } from '../ports.ts';
import type { TransitPorts } from '../ports.ts';
import { HASHES, signInput, verifyInput } from './signatures.ts';
import type { SignatureOptions } from './signatures.ts';
import type { Reply } from '../../../model/reply.ts';

interface SignFields {
  readonly name: string;
  readonly urlalgorithm: string;
  readonly hash_algorithm: string;
  readonly algorithm: string;
  readonly input: string;
  readonly context: string;
  readonly prehashed: boolean;
  readonly signature_algorithm: string;
  readonly marshaling_algorithm: string;
  readonly salt_length: string;
  readonly batch_input: JsonValue | undefined;
  readonly key_version: number;
}

interface VerifyFields extends Omit<SignFields, 'key_version'> {
  readonly signature: string | undefined;
  readonly hmac: string | undefined;
}

function saltOf(text: string): SignatureOptions['salt'] {
  const lower = text.toLowerCase();
  if (lower === 'auto' || lower === 'hash') return lower;
  if (!/^[+-]?\d{1,6}$/.test(lower)) {
    throw invalidRequest("salt length neither 'auto', 'hash', nor an int");
  }
  const bytes = Number(lower);
  // Go's library gives 0 and -1 these meanings, and the API passes them on.
  if (bytes === 0) return 'auto';
  if (bytes === -1) return 'hash';
  if (bytes < 0) throw invalidRequest('salt length is invalid');
  return bytes;
}

const DEFAULT_HASH = 'sha2-256';

function optionsOf(fields: Omit<SignFields, 'key_version'>): SignatureOptions {
  const name = fields.urlalgorithm || fields.hash_algorithm || fields.algorithm || DEFAULT_HASH;
  if (!HASHES.has(name)) throw invalidRequest('invalid hash algorithm');
  const marshaling = fields.marshaling_algorithm;
  if (marshaling !== 'asn1' && marshaling !== 'jws') {
    throw invalidRequest('invalid marshaling type');
  }
  return {
    hash: HASHES.get(name),
    marshaling,
    prehashed: fields.prehashed,
    algorithm: fields.signature_algorithm,
    salt: saltOf(fields.salt_length),
  };
}

function checkSigns(record: StoredKey, options: SignatureOptions, purpose: string): void {
  if (!keyTypeOf(record).signs) {
    throw invalidRequest(`key type ${record.type} does not support ${purpose}`);
  }
  if (options.hash === undefined && (!options.prehashed || options.algorithm !== 'pkcs1v15')) {
    throw invalidRequest(
      'hash_algorithm=none requires both prehashed=true and signature_algorithm=pkcs1v15',
    );
  }
}

interface Item {
  readonly values: JsonObject;
  readonly index: number;
}

/** The items of a batch, or the one that the fields make. */
function itemsOf(
  fields: { readonly batch_input: JsonValue | undefined },
  one: JsonObject,
): readonly Item[] {
  const batch = fields.batch_input ?? null;
  const items = batch === null ? [one] : batchTexts(batch);
  return items.map((values, index) => ({ values, index }));
}

function textOf(item: Item, name: string): string | undefined {
  return itemText(item.values, item.index, name);
}

function decodedInput(item: Item): Buffer {
  const text = textOf(item, 'input');
  if (text === undefined) throw new ItemError('missing input');
  return inputBytes(text, 'unable to decode input as base64');
}

function contextOf(item: Item): Buffer {
  return inputBytes(textOf(item, 'context') ?? '', 'failed to base64-decode context');
}

/** The Ed25519 key of a context. */
function contextKey(ready: ReadyKey, context: Buffer) {
  if (context.length === 0) {
    throw new ItemError(`error deriving key: ${NO_CONTEXT}`, 'internal');
  }
  if (ready.root === undefined) throw new Error('a derived key has no root');
  return derivedEd25519(ready.root, context);
}

function answer(
  batch: boolean,
  items: readonly Item[],
  outcomes: readonly Outcome[],
  onFailure: Readonly<Record<string, unknown>>,
): Reply {
  if (!batch) return singleReply(outcomes[0]);
  const references = items.map((item) => textOf(item, 'reference') ?? '');
  return batchReply(outcomes, { references, onFailure, alwaysOk: true });
}

function isBatch(fields: { readonly batch_input: JsonValue | undefined }): boolean {
  return (fields.batch_input ?? null) !== null;
}

const SIGN_FIELDS = {
  name: NAME,
  urlalgorithm: { kind: 'string', description: 'The hash, as part of the path.', default: '' },
  hash_algorithm: {
    kind: 'string',
    description: `The hash: ${[...HASHES.keys()].join(', ')}. Ed25519 and ML-DSA hash for themselves.`,
    default: DEFAULT_HASH,
  },
  algorithm: {
    kind: 'string',
    description: 'Old name of hash_algorithm.',
    default: DEFAULT_HASH,
    deprecated: true,
  },
  input: { kind: 'string', description: 'What is signed, in base64.', default: '' },
  context: CONTEXT,
  prehashed: {
    kind: 'bool',
    description: 'The input is the digest already. Of RSA keys only.',
    default: false,
  },
  signature_algorithm: {
    kind: 'string',
    description: 'Of RSA: `pss`, the default, or `pkcs1v15`.',
    default: '',
  },
  marshaling_algorithm: {
    kind: 'string',
    description: 'Form of ECDSA signatures: `asn1`, or `jws` as JWTs have them.',
    default: 'asn1',
  },
  salt_length: {
    kind: 'string',
    description: 'Of RSA PSS: `auto` (as long as fits), `hash`, or a number of bytes.',
    default: 'auto',
  },
  batch_input: BATCH_INPUT,
} as const;

export function signingPaths(ports: TransitPorts): readonly Path[] {
  const { keys, random } = ports;
  const verifyHmac = hmacVerifier(ports);

  async function signItems(request: Request<SignFields>, store: Transaction): Promise<Reply> {
    const { fields } = request;
    const { name } = fields;
    const options = optionsOf(fields);
    const record = await findKeyToMake(store, name, ports, request);
    if (record === undefined) throw invalidRequest('signing key not found');
    checkSigns(record, options, 'signing');
    const type = keyTypeOf(record);
    const items = itemsOf(fields, { input: fields.input, context: fields.context });
    const outcomes = await outcomesOf(items, async (item) => {
      const input = decodedInput(item);
      const context = contextOf(item);
      if (record.softDeleted) throw new ItemError(SOFT_DELETED, 'internal');
      const version = makeVersion(record, fields.key_version);
      const ready = await keys.ready(store, name, record, version);
      const key = record.derived ? contextKey(ready, context) : ready.privateKey;
      if (key === undefined) {
        throw new ItemError(
          'requested version for signing does not contain a private part',
          'internal',
        );
      }
      const signature = await signInput(type, key, input, options, random);
      const encoding = options.marshaling === 'jws' ? 'base64url' : 'base64';
      return {
        signature: withVersion(version, signature.toString(encoding)),
        key_version: version,
        ...(record.derived
          ? { [isBatch(fields) ? 'publickey' : 'public_key']: ed25519PublicText(key) }
          : {}),
      };
    });
    return answer(isBatch(fields), items, outcomes, { key_version: 0 });
  }

  async function verifyItems(request: Request<VerifyFields>, store: Transaction): Promise<Reply> {
    const { fields } = request;
    const { name, signature, hmac } = fields;
    const items = itemsOf(fields, {
      input: fields.input,
      context: fields.context,
      ...(signature === undefined ? {} : { signature }),
      ...(hmac === undefined ? {} : { hmac }),
    });
    if (isHmac(items, isBatch(fields))) return await verifyHmac(request, store);
    const options = optionsOf(fields);
    const record = await findKey(store, name);
    if (record === undefined) throw invalidRequest('signature verification key not found');
    checkSigns(record, options, 'verification');
    const type = keyTypeOf(record);
    const outcomes = await outcomesOf(items, async (item) => {
      const input = decodedInput(item);
      const context = contextOf(item);
      if (record.softDeleted) throw new ItemError(SOFT_DELETED);
      const { version, body } = parseMarked(record, textOf(item, 'signature') ?? '', 'signature');
      const bytes =
        options.marshaling === 'jws'
          ? decodeBase64Url(body)
          : inputBytes(body, 'invalid base64 signature value');
      if (bytes === undefined) throw new ItemError('invalid base64 signature value');
      const ready = await keys.ready(store, name, record, version);
      const key = record.derived ? contextKey(ready, context) : ready.publicKey;
      if (key === undefined) throw new Error('a signing key has no public half');
      return { valid: await verifyInput(type, key, input, bytes, options) };
    });
    return answer(isBatch(fields), items, outcomes, { valid: false });
  }

  return [
    definePath({
      pattern: 'sign/{name}[/{urlalgorithm..+}]',
      fields: { ...SIGN_FIELDS, key_version: KEY_VERSION },
      help: { synopsis: 'Signs data with a named key.' },
      operations: { update: { summary: 'Sign', handler: signItems } },
    }),
    definePath({
      pattern: 'verify/{name}[/{urlalgorithm..+}]',
      fields: {
        ...SIGN_FIELDS,
        signature: { kind: 'string', description: 'The signature, as it was answered.' },
        hmac: { kind: 'string', description: 'The HMAC, as it was answered.' },
      },
      help: { synopsis: 'Verifies a signature or an HMAC made with a named key.' },
      operations: { update: { summary: 'Verify', handler: verifyItems } },
    }),
  ];
}

/** Which version signs. The contract answers a wrong one with 500. */
function makeVersion(record: StoredKey, wanted: number): number {
  try {
    return versionToMake(record, wanted, 'signing');
  } catch (error) {
    if (error instanceof ItemError) throw new ItemError(error.message, 'internal');
    throw error;
  }
}

/** True for HMACs, false for signatures. @throws {RequestError} neither, or both */
function isHmac(items: readonly Item[], batch: boolean): boolean {
  const has = (name: string) => (item: Item) => Object.hasOwn(item.values, name);
  const signatures = items.filter(has('signature')).length;
  const hmacs = items.filter((item) => has('hmac')(item) && !has('signature')(item)).length;
  const [first] = items;
  if (!batch && first !== undefined) {
    if (has('signature')(first) && has('hmac')(first)) return false;
    if (signatures + hmacs === 0) {
      throw invalidRequest("neither a 'signature' nor an 'hmac' were given to verify");
    }
  }
  if (signatures > 0 && hmacs > 0) {
    throw invalidRequest(
      "elements of batch_input must all provide 'signature' or all provide 'hmac'",
    );
  }
  if (signatures + hmacs < items.length) {
    const missing = signatures > 0 ? "'signature'" : hmacs > 0 ? "'hmac'" : 'both';
    throw invalidRequest(`elements of batch_input are missing ${missing}`);
  }
  return hmacs > 0;
}
