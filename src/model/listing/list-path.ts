/** The path that lists what is stored by name. */
import { definePath } from '../backend.ts';
import type { Path } from '../backend.ts';
import { LIST_FIELDS, listNames } from './list-names.ts';

/**
 * @param prefix where the names lie, with its slash
 * @param what as help says it: `the roles`
 */
export function listPath(pattern: string, prefix: string, what: string): Path {
  return definePath({
    pattern,
    fields: LIST_FIELDS,
    help: { synopsis: `Lists ${what}.` },
    operations: {
      list: {
        summary: `List ${what}`,
        handler: ({ fields }, store) => listNames(store, prefix, fields),
      },
    },
  });
}
