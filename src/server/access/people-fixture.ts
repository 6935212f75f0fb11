/** What tests of approvals, roles and environments share: people who log in, and groups of them. */
import type { JsonObject } from '../../base/json.ts';
import { openInstance } from '../instance-fixture.ts';
import type { OpenInstance, OpeningOptions } from '../instance-fixture.ts';

export interface Person {
  readonly token: string;
  readonly entityId: string;
}

export interface People {
  readonly open: OpenInstance;
  policy(name: string, text: string): Promise<void>;
  /** Logs in by userpass, with these policies of the user; the same entity each time. */
  person(name: string, policies?: readonly string[], namespace?: string): Promise<Person>;
  group(name: string, data: JsonObject): Promise<string>;
  /** Whether a read is answered. */
  reads(person: Person | string, path: string, namespace?: string): Promise<boolean>;
}

export async function openPeople(options: OpeningOptions = {}): Promise<People> {
  const open = await openInstance(options);
  await open.get('write', 'sys/auth/userpass', { data: { type: 'userpass' } });
  return {
    open,
    async policy(name, text) {
      await open.get('write', `sys/policies/acl/${name}`, { data: { policy: text } });
    },
    async person(name, policies = [], namespace = '') {
      await open.get('write', `auth/userpass/users/${name}`, {
        namespace,
        data: { password: 'pw', token_policies: [...policies] },
      });
      const { auth, error } = await open.ask('write', `auth/userpass/login/${name}`, {
        namespace,
        token: null,
        data: { password: 'pw' },
      });
      if (auth === undefined) throw error ?? new Error('no token');
      return { token: auth.clientToken, entityId: auth.entityId };
    },
    group: async (name, data) =>
      String((await open.get('write', 'identity/group', { data: { name, ...data } }))['id']),
    async reads(person, path, namespace = '') {
      const token = typeof person === 'string' ? person : person.token;
      return (await open.outcome('read', path, { token, namespace })) === 'ok';
    },
  };
}
