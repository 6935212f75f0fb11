/** Commands of operators that only look at a file, or only say why there is nothing to do. */
import type { CommandRow } from '../command.ts';

export const OTHER_OPERATOR_COMMANDS: readonly CommandRow[] = [
  {
    name: 'operator validate-config',
    synopsis: 'Check a configuration without starting a server',
    usage: '[options]',
    about:
      'Reads a configuration as a start would: keys, references to files and variables, certificates. The exit code is 0 when a server could start with it, 1 when not, 3 when none was named.',
    examples: [
      {
        about: 'Before a restart:',
        line: 'operator validate-config -config=/etc/strongroom/strongroom.hcl',
      },
    ],
    flags: [
      {
        name: 'config',
        kind: 'list',
        complete: 'file',
        usage: 'Configuration file, or folder of such files. May be repeated.',
      },
    ],
    takes: { min: 0 },
    local: true,
    load: async () => (await import('../commands/operator/validate-config.ts')).validateConfig,
  },
  {
    name: 'operator diagnose',
    synopsis: 'Look at what a server would stand on, without starting one',
    usage: '[options]',
    about:
      'Beside what validate-config reads it tries the storage (reachable, durable, room), the ports, the dates, names and order of certificates, the seal, the audit files and the limits of this process. Run it as the user of the server. A server may run meanwhile: what it holds is then reported as in use. The exit code is 0 when all is well, 1 when a server would not start or not serve, 2 when something should be looked at.',
    examples: [
      {
        about: 'Before the first start:',
        line: 'operator diagnose -config=/etc/strongroom/strongroom.hcl',
      },
    ],
    flags: [
      {
        name: 'config',
        kind: 'list',
        complete: 'file',
        usage: 'Configuration file, or folder of such files. May be repeated.',
      },
      {
        name: 'skip',
        kind: 'list',
        usage: 'Leave a part out: listener, storage, seal, audit or system. May be repeated.',
      },
    ],
    output: ['format'],
    takes: { min: 0 },
    local: true,
    load: async () => (await import('../commands/operator/diagnose.ts')).diagnose,
  },
  ...['list-peers', 'join', 'remove-peer', 'promote', 'demote', 'autopilot'].map(
    (name): CommandRow => ({
      name: `operator raft ${name}`,
      synopsis: 'Says that there is no Raft',
      usage: '[options] [args]',
      hidden: true,
      local: true,
      flags: [{ name: 'format', kind: 'text', hidden: true, usage: '' }],
      takes: { min: 0 },
      load: async () => (await import('../commands/operator/cluster.ts')).noRaft,
    }),
  ),
];
