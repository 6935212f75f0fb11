/** `sys/tools/*`: random bytes and hashes for callers that have none at hand. */
import type { Random } from '../base/random.ts';
import { defineSystemPath } from '../model/backend.ts';
import type { Path } from '../model/backend.ts';
import {
  HASH_FIELDS,
  RANDOM_BYTES_MAX,
  RANDOM_FIELDS,
  hashHandler,
  randomHandler,
} from '../model/random-and-hash.ts';
import type { Unit } from '../model/transaction.ts';

/** The paths, below `sys/`. */
export function toolPaths(random: Random): readonly Path<Unit>[] {
  return [
    defineSystemPath({
      pattern: 'tools/random[/{source}][/{urlbytes..+}]',
      fields: RANDOM_FIELDS,
      operations: {
        update: { summary: 'Generate random bytes.', handler: randomHandler(random) },
      },
      help: {
        synopsis: 'Generate random bytes.',
        description: `Up to ${RANDOM_BYTES_MAX} bytes from a cryptographically secure source.`,
      },
    }),
    defineSystemPath({
      pattern: 'tools/hash[/{urlalgorithm..+}]',
      fields: HASH_FIELDS,
      operations: {
        update: { summary: 'Hash data.', handler: hashHandler },
      },
      help: { synopsis: 'Hash data with a SHA-2 or SHA-3 function.' },
    }),
  ];
}
