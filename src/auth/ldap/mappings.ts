/** `groups/` and `users/`: policies that go with names of the directory, and groups that it does not know. */
import { canonicalName } from '../../ldap/names.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { Reader } from '../../model/transaction.ts';
import { entryPaths } from '../../model/listing/entry-paths.ts';
import { NAMED_LIST_MAX, nameOfSegment, policiesOf, segmentOf } from '../named-policies.ts';
import { configOf } from './config.ts';

interface Group {
  readonly policies: readonly string[];
}

interface User extends Group {
  readonly groups: readonly string[];
}

const GROUPS = 'group/';
const USERS = 'user/';
const NAME_LENGTH_MAX = 512;

async function folded(store: Reader, name: string): Promise<string> {
  const { case_sensitive_names: sensitive } = await configOf(store);
  const form = canonicalName(name, { foldCase: !sensitive });
  if (form === '' || form.length > NAME_LENGTH_MAX) throw invalidRequest('invalid name');
  return form;
}

const policies = {
  kind: 'comma_string_list',
  description: 'Policies that go with the name.',
  default: [],
} as const;

export const mappingPaths: readonly Path[] = [
  ...entryPaths({
    folder: 'groups',
    parameter: 'name',
    matches: '..+',
    prefix: GROUPS,
    nameOf: nameOfSegment,
    one: 'group',
    many: 'groups',
    fields: {
      name: { kind: 'string', description: 'Name of the group in the directory.' },
      policies,
    },
    tellsCreate: false,
    async read(store, name) {
      const group = await store.getRecord<Group>(GROUPS + segmentOf(await folded(store, name)));
      return group === undefined ? undefined : { policies: group.policies };
    },
    async write(request, store) {
      const key = segmentOf(await folded(store, request.fields.name ?? ''));
      store.putJson(GROUPS + key, { policies: policiesOf(request.fields.policies) });
      return undefined;
    },
    remove: async (store, name) => store.delete(GROUPS + segmentOf(await folded(store, name))),
  }),
  ...entryPaths({
    folder: 'users',
    parameter: 'name',
    matches: '..+',
    prefix: USERS,
    nameOf: nameOfSegment,
    one: 'user',
    many: 'users',
    fields: {
      name: { kind: 'string', description: 'Name of the user in the directory.' },
      groups: {
        kind: 'comma_string_list',
        description: 'Groups of the user beside those of the directory.',
        default: [],
      },
      policies,
    },
    tellsCreate: false,
    async read(store, name) {
      const user = await store.getRecord<User>(USERS + segmentOf(await folded(store, name)));
      if (user === undefined) return undefined;
      return { groups: user.groups.join(','), policies: user.policies };
    },
    async write(request, store) {
      const key = segmentOf(await folded(store, request.fields.name ?? ''));
      const { case_sensitive_names: sensitive } = await configOf(store);
      const groups = new Set(
        request.fields.groups.map((name) => (sensitive ? name.trim() : name.trim().toLowerCase())),
      );
      groups.delete('');
      if (groups.size > NAMED_LIST_MAX)
        throw invalidRequest(`at most ${NAMED_LIST_MAX} groups are allowed`);
      const user: User = {
        groups: [...groups].sort(),
        policies: policiesOf(request.fields.policies),
      };
      store.putJson(USERS + key, user);
      return undefined;
    },
    remove: async (store, name) => store.delete(USERS + segmentOf(await folded(store, name))),
  }),
];

export interface Mapped {
  readonly groups: readonly string[];
  readonly policies: readonly string[];
}

/** Groups and policies of a user whom the directory puts into these groups. */
export async function mapped(
  store: Reader,
  username: string,
  groups: readonly string[],
  options: { readonly foldCase: boolean },
): Promise<Mapped> {
  const user = await store.getRecord<User>(USERS + segmentOf(username));
  const all = [...new Set([...(user?.groups ?? []), ...groups])];
  const keys = all.map((name) => GROUPS + segmentOf(canonicalName(name, options)));
  const found = keys.length === 0 ? [] : await store.getRecords<Group>([...new Set(keys)]);
  const names = [...found.flatMap((group) => group?.policies ?? []), ...(user?.policies ?? [])];
  return { groups: all, policies: [...new Set(names)] };
}
