/** The agent, which runs beside a program and brings it secrets. */
import type { CommandRow } from '../command.ts';
import type { Flag } from '../flags.ts';
import { LOG_FLAGS } from './local.ts';

const AGENT_FLAGS: readonly Flag[] = [
  {
    name: 'config',
    kind: 'list',
    complete: 'file',
    usage: 'Configuration file, or folder whose .hcl and .json files are read. May be repeated.',
  },
  {
    name: 'exit-after-auth',
    kind: 'boolean',
    usage: 'End with 0 once every sink and template has been written once.',
  },
  ...LOG_FLAGS,
];

export const AGENT_COMMANDS: readonly CommandRow[] = [
  {
    name: 'agent',
    synopsis: 'Log in for a program and bring it secrets',
    usage: '[options]',
    about:
      'Runs beside a program: logs in and keeps the token alive, renders secrets into files and variables by templates, and passes requests on with its token. docs/agent.md explains its configuration, which is that of other agents.',
    examples: [
      {
        about: 'Start with a configuration file:',
        line: 'agent -config=/etc/strongroom/agent.hcl',
      },
      {
        about: 'Write the files once, as a first container does:',
        line: 'agent -config=agent.hcl -exit-after-auth',
      },
    ],
    flags: AGENT_FLAGS,
    takes: { min: 0, max: 0 },
    local: true,
    load: async () => (await import('../commands/agent.ts')).agent,
  },
  {
    name: 'proxy',
    synopsis: 'Pass requests on, with a token of its own',
    usage: '[options]',
    about: 'The agent under its other name: start scripts for a proxy keep working.',
    examples: [
      {
        about: 'Start with a configuration file:',
        line: 'proxy -config=/etc/strongroom/proxy.hcl',
      },
    ],
    flags: AGENT_FLAGS,
    takes: { min: 0, max: 0 },
    local: true,
    load: async () => (await import('../commands/agent.ts')).agent,
  },
];
