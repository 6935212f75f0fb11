/** `random` and `hash`: the same as `sys/tools`, for those who have this mount only. */
import type { Random } from '../../base/random.ts';
import { definePath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import {
  HASH_FIELDS,
  RANDOM_FIELDS,
  hashHandler,
  randomHandler,
} from '../../model/random-and-hash.ts';
import type { Reply } from '../../model/reply.ts';

/** Unlike `sys/tools/hash`, which hashes nothing when nothing is given. @throws {RequestError} */
function hashGiven(request: Parameters<typeof hashHandler>[0]): Reply {
  if (request.fields.input === undefined) throw invalidRequest('input missing');
  return hashHandler(request);
}

export function toolPaths(random: Random): readonly Path[] {
  return [
    definePath({
      pattern: 'random[/{source}][/{urlbytes..+}]',
      fields: RANDOM_FIELDS,
      help: { synopsis: 'Generates random bytes.' },
      operations: { update: { summary: 'Generate random bytes', handler: randomHandler(random) } },
    }),
    definePath({
      pattern: 'hash[/{urlalgorithm..+}]',
      fields: HASH_FIELDS,
      help: { synopsis: 'Hashes data with a SHA-2 or SHA-3 function.' },
      operations: { update: { summary: 'Hash data', handler: hashGiven } },
    }),
  ];
}
