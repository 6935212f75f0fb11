/**
 * A move that kills its own process at a given moment, as a crash would: started by tests.
 * Arguments: FROM TO PHASE RECORDS.
 */
import { migrate } from './migrate.ts';

const [from = '', to = '', phase = '', records = '0'] = process.argv.slice(2);
await migrate({
  from: [from],
  to: [to],
  environment: {},
  keepSource: false,
  quietMs: 10,
  progress: (now, done) => {
    if (now === phase && done >= Number(records)) process.kill(process.pid, 'SIGKILL');
  },
});
