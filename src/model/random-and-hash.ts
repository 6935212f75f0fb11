/** Random bytes and hashes as `sys/tools` and the transit engine answer them: fields and handlers, the same for both. */
import { createHash } from 'node:crypto';
import { decodeBase64 } from '../base/base64.ts';
import { parseDecimalInteger } from '../base/duration.ts';
import type { Random } from '../base/random.ts';
import { invalidRequest } from './errors.ts';
import type { Field } from './field.ts';
import type { Request } from './request.ts';
import type { Reply } from './reply.ts';

/** Most random bytes in one answer. */
export const RANDOM_BYTES_MAX: number = 128 * 1024;
const RANDOM_BYTES_DEFAULT = 32;

/** Where randomness may be asked from. There is one source; a seal that has its own is not asked. */
const SOURCES: ReadonlySet<string> = new Set(['platform', 'seal', 'all']);
const NO_SEAL_ENTROPY = 'no seal/entropy augmentation available, using platform entropy source';

/** Names of the API, and of OpenSSL. */
const ALGORITHMS: ReadonlyMap<string, string> = new Map([
  ['sha2-224', 'sha224'],
  ['sha2-256', 'sha256'],
  ['sha2-384', 'sha384'],
  ['sha2-512', 'sha512'],
  ['sha3-224', 'sha3-224'],
  ['sha3-256', 'sha3-256'],
  ['sha3-384', 'sha3-384'],
  ['sha3-512', 'sha3-512'],
]);

type Encoding = 'hex' | 'base64';

function assertFormat(format: string): Encoding {
  if (format === 'hex' || format === 'base64') return format;
  throw invalidRequest('unsupported encoding format; must be "hex" or "base64"');
}

interface RandomValues {
  readonly source: string | undefined;
  readonly urlbytes: string | undefined;
  readonly bytes: number;
  readonly format: string;
}

/** `random/16` names a count, `random/seal` a source, `random/seal/16` both. */
function sourceAndCount(fields: RandomValues): readonly [source: string, count: number] {
  const { source, urlbytes, bytes } = fields;
  // What is no name, such as `-1`, stands where a count would and is passed over: the reference does so.
  if (source === undefined) return ['platform', bytes];
  if (urlbytes === undefined && SOURCES.has(source)) return [source, bytes];
  const count = parseDecimalInteger(urlbytes ?? source);
  if (count === undefined) throw invalidRequest('error parsing url-set byte count');
  return [urlbytes === undefined ? 'platform' : source, count];
}

/** Answers {@link RANDOM_FIELDS}. */
export function randomHandler(random: Random): (request: Request<RandomValues>) => Reply {
  return function generate(request) {
    const [source, count] = sourceAndCount(request.fields);
    if (count < 1) throw invalidRequest("'bytes' cannot be less than 1");
    if (count > RANDOM_BYTES_MAX) {
      throw invalidRequest(`'bytes' should be less than ${RANDOM_BYTES_MAX}`);
    }
    const format = assertFormat(request.fields.format);
    if (!SOURCES.has(source)) {
      throw invalidRequest('unsupported entropy source; must be "platform" or "seal", or "all"');
    }
    const data = { random_bytes: random.bytes(count).toString(format) };
    return source === 'seal' ? { data, warnings: [NO_SEAL_ENTROPY] } : { data };
  };
}

interface HashValues {
  readonly input: string | undefined;
  readonly algorithm: string;
  readonly urlalgorithm: string | undefined;
  readonly format: string;
}

/** Answers {@link HASH_FIELDS}. @throws {RequestError} */
export function hashHandler(request: Request<HashValues>): Reply {
  const { input, algorithm, urlalgorithm } = request.fields;
  const bytes = decodeBase64(input ?? '');
  if (bytes === undefined) throw invalidRequest('unable to decode input as base64');
  const format = assertFormat(request.fields.format);
  const name = ALGORITHMS.get(urlalgorithm ?? algorithm);
  if (name === undefined) throw invalidRequest('unsupported algorithm');
  return { data: { sum: createHash(name).update(bytes).digest(format) } };
}

const FORMAT = 'How the answer is encoded: "hex" or "base64".';

type WithDefault<K extends 'string' | 'int', T> = Field<K> & { readonly default: T };

/** Of a path that ends in `random[/{source}][/{urlbytes..+}]`. */
export const RANDOM_FIELDS: {
  readonly source: Field<'string'>;
  readonly urlbytes: Field<'string'>;
  readonly bytes: WithDefault<'int', number>;
  readonly format: WithDefault<'string', string>;
} = {
  source: { kind: 'string', description: 'Where the bytes come from: platform, seal or all.' },
  urlbytes: { kind: 'string', description: 'How many bytes, as part of the path.' },
  bytes: { kind: 'int', description: 'How many bytes.', default: RANDOM_BYTES_DEFAULT },
  format: { kind: 'string', description: FORMAT, default: 'base64' },
};

/** Of a path that ends in `hash[/{urlalgorithm..+}]`. */
export const HASH_FIELDS: {
  readonly input: Field<'string'>;
  readonly algorithm: WithDefault<'string', string>;
  readonly urlalgorithm: Field<'string'>;
  readonly format: WithDefault<'string', string>;
} = {
  input: { kind: 'string', description: 'What to hash, in base64.', sensitive: true },
  algorithm: {
    kind: 'string',
    description: `The algorithm: ${[...ALGORITHMS.keys()].join(', ')}.`,
    default: 'sha2-256',
  },
  urlalgorithm: { kind: 'string', description: 'The algorithm, as part of the path.' },
  format: { kind: 'string', description: FORMAT, default: 'hex' },
};
