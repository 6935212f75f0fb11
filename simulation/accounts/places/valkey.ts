/** Users of a Valkey or Redis server. */
import { Redis } from 'ioredis';
import { startValkey } from '../../../rig/valkey.ts';
import {
  FIXED_ACCOUNTS,
  FIXED_PASSWORD,
  KEEPERS,
  KEEPER_PASSWORD,
  databasePlace,
} from '../place.ts';
import type { AccountPlace } from '../place.ts';

const LENT = /^V_/;

export async function valkeyPlace(): Promise<AccountPlace> {
  const target = await startValkey();
  const { port } = target;
  for (const name of FIXED_ACCOUNTS) {
    await target.command('ACL', 'SETUSER', name, 'on', `>${FIXED_PASSWORD}`, '+ping');
  }
  for (const name of KEEPERS) {
    const rules = ['~*', '&*', '+@all'];
    await target.command('ACL', 'SETUSER', name, 'on', `>${KEEPER_PASSWORD}`, ...rules);
  }
  return databasePlace(
    {
      plugin: 'valkey-database-plugin',
      rotator: 'valkey',
      address: { host: '127.0.0.1', port },
      creationStatements: '["~app:*", "+@read", "+ping"]',
    },
    {
      async lent() {
        const users = (await target.command('ACL', 'USERS')) as readonly string[];
        return new Set(users.filter((name) => LENT.test(name)));
      },
      async logsIn(username, password) {
        const client = new Redis({
          port,
          username,
          password,
          lazyConnect: true,
          retryStrategy: () => null,
          maxRetriesPerRequest: 0,
          enableReadyCheck: false,
          enableOfflineQueue: false,
        });
        let refusal = '';
        client.on('error', (error: Error) => (refusal ||= error.message));
        try {
          await client.connect();
          await client.call('PING');
          return true;
        } catch (error) {
          if (/WRONGPASS/.test(`${refusal} ${String(error)}`)) return false;
          throw error;
        } finally {
          client.disconnect();
        }
      },
      stop: () => target.stop(),
    },
  );
}
