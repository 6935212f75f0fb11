/** `hmac`, and the HMAC side of `verify`. */
import { createHmac } from 'node:crypto';
import type { JsonValue } from '../../../base/json.ts';
import { equalConstantTime } from '../../../crypto/secret-bytes.ts';
import { definePath } from '../../../model/backend.ts';
import type { Path } from '../../../model/backend.ts';
import { invalidRequest } from '../../../model/errors.ts';
import type { Request } from '../../../model/request.ts';
import type { Transaction } from '../../../model/transaction.ts';
import { batchReply, batchTexts, itemText, outcomesOf, singleReply } from './batch.ts';
import { inputBytes } from './crypt.ts';
import { ItemError, SOFT_DELETED } from '../failures.ts';
import { findKey, parseMarked, withVersion } from '../keys/key-record.ts';
import type { StoredKey } from '../keys/key-record.ts';
import { findKeyToMake } from '../keys/make-key.ts';
import { BATCH_INPUT, KEY_VERSION, NAME } from '../ports.ts';
import type { TransitPorts } from '../ports.ts';
import { HASHES } from './signatures.ts';
import type { Reply } from '../../../model/reply.ts';

const DEFAULT_HASH = 'sha2-256';
const NOT_FOUND = 'encryption key not found';

interface HashFields {
  readonly urlalgorithm: string;
  readonly algorithm: string;
}

function hashOf(fields: HashFields): string {
  const name = HASHES.get(fields.urlalgorithm || fields.algorithm);
  if (name === undefined) throw invalidRequest('unsupported algorithm');
  return name;
}

function versionOf(record: StoredKey, wanted: number): number {
  const version = wanted === 0 ? record.latestVersion : wanted;
  if (record.softDeleted) throw invalidRequest(SOFT_DELETED);
  if (version < 0) throw invalidRequest('key version does not exist (cannot be negative)');
  if (version > record.latestVersion) {
    throw invalidRequest(
      `key version does not exist; latest key version is ${record.latestVersion}`,
    );
  }
  if (version < record.minEncryptionVersion) {
    throw invalidRequest('cannot generate HMAC: version is too old (disallowed by policy)');
  }
  if (!Object.hasOwn(record.versions, version)) throw invalidRequest('no such key version');
  return version;
}

interface HmacFields extends HashFields {
  readonly name: string;
  readonly input: string | undefined;
  readonly key_version: number;
  readonly batch_input: JsonValue | undefined;
}

interface VerifyFields extends HashFields {
  readonly name: string;
  readonly input: string;
  readonly hmac: string | undefined;
  readonly batch_input: JsonValue | undefined;
}

const BAD_INPUT = 'unable to decode input as base64';

/** Checks the HMACs of a `verify` request. */
export function hmacVerifier({
  keys,
}: TransitPorts): (request: Request<VerifyFields>, store: Transaction) => Promise<Reply> {
  return async function verify({ fields }, store) {
    const { name } = fields;
    const batch = fields.batch_input ?? null;
    const record = await findKey(store, name);
    if (record === undefined) throw invalidRequest(NOT_FOUND);
    const hash = hashOf(fields);
    const items =
      batch === null ? [{ input: fields.input, hmac: fields.hmac ?? '' }] : batchTexts(batch);
    const outcomes = await outcomesOf(items, async (item, index) => {
      const text = itemText(item, index, 'input');
      if (text === undefined) throw new ItemError('missing input');
      const input = inputBytes(text, BAD_INPUT);
      if (record.softDeleted) throw new ItemError(SOFT_DELETED);
      const { version, body } = parseMarked(
        record,
        itemText(item, index, 'hmac') ?? '',
        'HMAC to verify',
      );
      const given = inputBytes(body, 'unable to decode verification HMAC as base64');
      const { hmac } = await keys.ready(store, name, record, version);
      const valid = equalConstantTime(createHmac(hash, hmac).update(input).digest(), given);
      // A batch shows only what is true of its items.
      return batch === null || valid ? { valid } : {};
    });
    if (batch === null) return singleReply(outcomes[0]);
    const references = items.map((item, index) => itemText(item, index, 'reference') ?? '');
    return batchReply(outcomes, { references, alwaysOk: true });
  };
}

export function hmacPaths(ports: TransitPorts): readonly Path[] {
  async function generate(request: Request<HmacFields>, store: Transaction): Promise<Reply> {
    const { fields } = request;
    const { name } = fields;
    const batch = fields.batch_input ?? null;
    const record = await findKeyToMake(store, name, ports, request);
    if (record === undefined) throw invalidRequest(NOT_FOUND);
    const version = versionOf(record, fields.key_version);
    const hash = hashOf(fields);
    if (batch === null && fields.input === undefined)
      throw invalidRequest('missing input for HMAC');
    const items = batch === null ? [{ input: fields.input ?? '' }] : batchTexts(batch);
    const { hmac } = await ports.keys.ready(store, name, record, version);
    const outcomes = await outcomesOf(items, (item, index) => {
      const text = itemText(item, index, 'input');
      if (text === undefined) throw new ItemError('missing input for HMAC');
      const digest = createHmac(hash, hmac).update(inputBytes(text, BAD_INPUT)).digest();
      return { hmac: withVersion(version, digest.toString('base64')) };
    });
    if (batch === null) return singleReply(outcomes[0]);
    const references = items.map((item, index) => itemText(item, index, 'reference') ?? '');
    return batchReply(outcomes, { references, alwaysOk: true });
  }

  return [
    definePath({
      pattern: 'hmac/{name}[/{urlalgorithm..+}]',
      fields: {
        name: NAME,
        urlalgorithm: {
          kind: 'string',
          description: 'The hash, as part of the path.',
          default: '',
        },
        algorithm: {
          kind: 'string',
          description: 'The hash: sha1, or one of SHA-2 and SHA-3 such as sha2-256.',
          default: DEFAULT_HASH,
        },
        input: { kind: 'string', description: 'What the HMAC is of, in base64.' },
        key_version: KEY_VERSION,
        batch_input: BATCH_INPUT,
      },
      help: {
        synopsis: 'Makes an HMAC of data with a named key.',
        description: 'Every key, whatever its type, has a key for HMACs of its own.',
      },
      operations: { update: { summary: 'Make an HMAC', handler: generate } },
    }),
  ];
}
