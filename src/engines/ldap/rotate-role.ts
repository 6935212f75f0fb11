/**
 * The rotation of a static role, by the calendar and on demand. The next password is stored before the directory gets it, so a
 * crash at any point leaves at most two passwords in question, and both are known.
 */
import { definePath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { RequestError, invalidRequest } from '../../model/errors.ts';
import { ACT_MS_MAX } from '../../model/outside.ts';
import type { IntentType, TaskType } from '../../model/outside.ts';
import { findAccount, putAccount, withPassword } from './accounts.ts';
import { configOf } from './config.ts';
import { accepts, setPassword, telling } from './directory.ts';
import {
  ROTATE_ROLE,
  STATIC_ROLES,
  STATIC_ROLE_NAME,
  accountOf,
  findStaticRole,
} from './static-roles.ts';
import type { LdapPorts } from './ports.ts';

export { ROTATE_ROLE } from './static-roles.ts';

const RETRY_MS = 10_000;
const RETRY_MS_MAX = 600_000;

export function rotateRolePath(ports: LdapPorts): Path {
  return definePath({
    pattern: 'rotate-role/{name}',
    fields: { name: STATIC_ROLE_NAME },
    help: { synopsis: 'Changes the password of a static role now.' },
    operations: {
      update: {
        summary: 'Rotate the password',
        outsideEffects: true,
        handler: async ({ fields: { name }, namespace, nowMs, outside, schedule }, store) => {
          const role = await findStaticRole(store, name);
          if (role === undefined) throw invalidRequest(`role doesn't exist: ${name}`);
          const config = await configOf(store);
          const account = await accountOf(store, role);
          const password =
            account.pending === ''
              ? await ports.password(namespace.id, config.passwordPolicy)
              : account.pending;
          const { username, owner, rotatedMs: beforeMs } = account;
          await outside.intend(ROTATE_ROLE, { username, owner, password, beforeMs });
          await telling('unable to finish rotating credentials', () =>
            setPassword(config, account, password),
          );
          putAccount(store, withPassword(account, password, nowMs));
          const dueMs = nowMs + role.periodSeconds * 1000;
          store.putJson(STATIC_ROLES + name, { ...role, dueMs, failures: 0 });
          schedule(ROTATE_ROLE, name, dueMs);
          return undefined;
        },
      },
    },
  });
}

/** A request that did not come to its end: whichever password the directory takes is the one that is kept. */
export function rotateRoleIntent(): IntentType {
  return {
    async settle({ data, openedMs, nowMs }, store) {
      const { username, owner, password, beforeMs } = data;
      if (typeof username !== 'string' || typeof password !== 'string') return;
      const account = await findAccount(store, username);
      if (account === undefined || account.owner !== owner || account.password === password) return;
      const config = await configOf(store);
      // Changed since, by a request that may have run beside this one: which of the two came last only the directory knows. Servers'
      // clocks differ, so no time is compared but with itself.
      const changedSince = account.rotatedMs !== beforeMs;
      const isKept = changedSince && (await accepts(config, account, account.password));
      if (!isKept && (await accepts(config, account, password))) {
        putAccount(store, withPassword(account, password, openedMs));
        return;
      }
      if (nowMs - openedMs < ACT_MS_MAX) {
        throw new RequestError('upstream_failed', 'the change may still come about');
      }
    },
  };
}

export function rotateRoleTask(ports: LdapPorts): TaskType {
  return {
    async run({ name, namespaceId, nowMs }, store) {
      const role = await findStaticRole(store, name);
      if (role === undefined) return 'done';
      if (role.dueMs > nowMs) return role.dueMs;
      const config = await configOf(store);
      const account = await accountOf(store, role);
      if (account.pending === '') {
        const pending = await ports.password(namespaceId, config.passwordPolicy);
        putAccount(store, { ...account, pending });
        return 'again';
      }
      await setPassword(config, account, account.pending);
      putAccount(store, withPassword(account, account.pending, nowMs));
      const dueMs = nowMs + role.periodSeconds * 1000;
      store.putJson(STATIC_ROLES + name, { ...role, dueMs, failures: 0 });
      return dueMs;
    },
    async failed({ name, nowMs }, store) {
      const role = await findStaticRole(store, name);
      if (role === undefined) return 'done';
      const failures = role.failures + 1;
      store.putJson(STATIC_ROLES + name, { ...role, failures });
      return nowMs + Math.min(RETRY_MS * 2 ** (failures - 1), RETRY_MS_MAX);
    },
  };
}
