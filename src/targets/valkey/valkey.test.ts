/** Valkey and Redis, at a real server. */
import { VALKEY_ADMIN, VALKEY_HINT, startValkey, valkeyIsHere } from '../../../rig/valkey.ts';
import { testDatabase } from '../database.contract.ts';
import { valkey } from './valkey.ts';

testDatabase({
  member: valkey,
  missing: valkeyIsHere() ? '' : VALKEY_HINT,
  start: async () => {
    const server = await startValkey();
    return {
      settings: { host: '127.0.0.1', port: server.port, ...VALKEY_ADMIN },
      stop: () => server.stop(),
    };
  },
  creation: ['["~app:*", "+@read"]'],
  failing: ['+@nonsense'],
  unusable: [
    {},
    { host: 'h', port: 6379, username: 'u' },
    { host: 'h', port: 'many', username: 'u', password: 'p' },
    { connection_url: 'http://h' },
  ],
});
