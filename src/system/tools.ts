/** `sys/tools/*`: random bytes and hashes for callers that have none at hand. */
import { createHash } from 'node:crypto';
import type { Random } from '../base/random.ts';
import { parseDecimalInteger } from '../base/duration.ts';
import { defineSystemPath } from '../model/backend.ts';
import type { Path } from '../model/backend.ts';
import { invalidRequest } from '../model/errors.ts';
import type { Reply, Request } from '../model/request.ts';
import type { Unit } from '../model/transaction.ts';

/** Most random bytes in one answer. */
const RANDOM_BYTES_MAX = 128 * 1024;
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

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Standard base64 with its padding; line ends are passed over, as Go's decoder does. */
function decodeBase64(text: string): Buffer {
  const joined = text.replaceAll(/[\r\n]/g, '');
  if (!BASE64.test(joined)) throw invalidRequest('unable to decode input as base64');
  return Buffer.from(joined, 'base64');
}

type Encoding = 'hex' | 'base64';

function assertFormat(format: string): Encoding {
  if (format === 'hex' || format === 'base64') return format;
  throw invalidRequest('unsupported encoding format; must be "hex" or "base64"');
}

interface RandomFields {
  readonly source: string | undefined;
  readonly urlbytes: string | undefined;
  readonly bytes: number;
  readonly format: string;
}

/** `random/16` names a count, `random/seal` a source, `random/seal/16` both. */
function sourceAndCount(fields: RandomFields): readonly [source: string, count: number] {
  const { source, urlbytes, bytes } = fields;
  if (source === undefined) return ['platform', bytes];
  // A lone segment that names neither, such as `-1`, is passed over: the reference does so.
  if (urlbytes === undefined && !/^\w/.test(source)) return ['platform', bytes];
  if (urlbytes === undefined && SOURCES.has(source)) return [source, bytes];
  const count = parseDecimalInteger(urlbytes ?? source);
  if (count === undefined) throw invalidRequest('error parsing url-set byte count');
  return [urlbytes === undefined ? 'platform' : source, count];
}

function randomHandler(random: Random) {
  return function generate(request: Request<RandomFields>): Reply {
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

interface HashFields {
  readonly input: string;
  readonly algorithm: string;
  readonly urlalgorithm: string | undefined;
  readonly format: string;
}

function hash(request: Request<HashFields>): Reply {
  const { input, algorithm, urlalgorithm } = request.fields;
  const bytes = decodeBase64(input);
  const format = assertFormat(request.fields.format);
  const name = ALGORITHMS.get(urlalgorithm ?? algorithm);
  if (name === undefined) throw invalidRequest('unsupported algorithm');
  return { data: { sum: createHash(name).update(bytes).digest(format) } };
}

const FORMAT = {
  kind: 'string',
  description: 'How the answer is encoded: "hex" or "base64".',
} as const;

/** The paths, below `sys/`. */
export function toolPaths(random: Random): readonly Path<Unit>[] {
  const generate = randomHandler(random);
  return [
    defineSystemPath({
      pattern: 'tools/random[/{source:any}][/{urlbytes:any}]',
      fields: {
        source: {
          kind: 'string',
          description: 'Where the bytes come from: platform, seal or all.',
        },
        urlbytes: { kind: 'string', description: 'How many bytes, as part of the path.' },
        bytes: {
          kind: 'int',
          description: 'How many bytes.',
          default: RANDOM_BYTES_DEFAULT,
        },
        format: { ...FORMAT, default: 'base64' },
      },
      operations: {
        update: { summary: 'Generate random bytes.', handler: generate },
      },
      help: {
        synopsis: 'Generate random bytes.',
        description: `Up to ${RANDOM_BYTES_MAX} bytes from a cryptographically secure source.`,
      },
    }),
    defineSystemPath({
      pattern: 'tools/hash[/{urlalgorithm:any}]',
      fields: {
        input: {
          kind: 'string',
          description: 'What to hash, in base64.',
          default: '',
          sensitive: true,
        },
        algorithm: {
          kind: 'string',
          description: `The algorithm: ${[...ALGORITHMS.keys()].join(', ')}.`,
          default: 'sha2-256',
        },
        urlalgorithm: { kind: 'string', description: 'The algorithm, as part of the path.' },
        format: { ...FORMAT, default: 'hex' },
      },
      operations: {
        update: { summary: 'Hash data.', handler: hash },
      },
      help: { synopsis: 'Hash data with a SHA-2 or SHA-3 function.' },
    }),
  ];
}
