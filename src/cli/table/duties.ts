/** Roles that are activated, approvals, and exceptions from environments. */
import type { Command, CommandRow } from '../command.ts';
import type { Flag } from '../flags.ts';

const REASON: Flag = { name: 'reason', kind: 'text', usage: 'Why it is needed.' };
const TTL: Flag = {
  name: 'ttl',
  kind: 'duration',
  usage: 'For how long: seconds, or a duration such as 30m.',
};

const duty =
  (
    name: 'activate' | 'approve' | 'end' | 'roles' | 'list' | 'show' | 'give' | 'deny' | 'except',
  ): (() => Promise<Command>) =>
  async () =>
    (await import('../commands/duties.ts'))[name];

export const DUTY_COMMANDS: readonly CommandRow[] = [
  {
    name: 'role',
    synopsis: 'Activate roles for a while',
    about:
      'A role is a set of policies that nobody has by default: who is eligible activates it. Roles are made with `write identity/role/NAME policies=… eligible_group_ids=…`; `path-help identity/role/NAME` lists what can be said.',
    examples: [
      { about: 'See which roles you may activate:', line: 'role list' },
      {
        about: 'Be a database administrator for half an hour:',
        line: 'role activate -reason="ticket 7" -ttl=30m dba',
      },
    ],
  },
  {
    name: 'role activate',
    synopsis: 'Activate a role for a while',
    usage: '[options] NAME',
    about: 'Activates a role at once, or asks those to approve it whom the role names.',
    output: ['field', 'format'],
    flags: [REASON, TTL],
    takes: { min: 1, max: 1 },
    load: duty('activate'),
  },
  {
    name: 'role list',
    synopsis: 'List the roles that you may activate',
    about: 'Lists the roles that you may activate, and those that you have activated.',
    output: ['format'],
    takes: { min: 0, max: 0 },
    load: duty('roles'),
  },
  {
    name: 'role approve',
    synopsis: 'Approve the activation of a role',
    usage: '[options] ACTIVATION',
    output: ['field', 'format'],
    takes: { min: 1, max: 1 },
    load: duty('approve'),
  },
  {
    name: 'role end',
    synopsis: 'End the activation of a role',
    usage: '[options] NAME|ACTIVATION',
    about:
      'Ends your own activation of the role NAME, or any one by its id, which needs a policy for that.',
    takes: { min: 1, max: 1 },
    load: duty('end'),
  },
  {
    name: 'approval',
    synopsis: 'Approve what others ask for, or deny it',
    examples: [
      { about: 'See what waits:', line: 'approval list' },
      { about: 'See what somebody asks for:', line: 'approval show 8Kd2…' },
      { about: 'Approve it:', line: 'approval give 8Kd2…' },
      { about: 'Or deny it:', line: 'approval deny -reason="use the replica" 8Kd2…' },
    ],
  },
  {
    name: 'approval list',
    synopsis: 'List what waits for approval',
    about:
      'Lists requests that a policy holds back and roles that wait to be activated: what you may approve, and what you asked for yourself.',
    output: ['format'],
    takes: { min: 0, max: 0 },
    load: duty('list'),
  },
  {
    name: 'approval show',
    synopsis: 'Show what waits',
    usage: '[options] ID',
    output: ['field', 'format'],
    takes: { min: 1, max: 1 },
    load: duty('show'),
  },
  {
    name: 'approval give',
    synopsis: 'Approve what waits',
    usage: '[options] ID',
    output: ['field', 'format'],
    takes: { min: 1, max: 1 },
    load: duty('give'),
  },
  {
    name: 'approval deny',
    synopsis: 'Deny what waits',
    usage: '[options] ID',
    about: 'Ends the wait for good. Whoever asked sees who denied it, and why.',
    output: ['field', 'format'],
    flags: [{ name: 'reason', kind: 'text', usage: 'Why not.' }],
    takes: { min: 1, max: 1 },
    load: duty('deny'),
  },
  {
    name: 'environment',
    synopsis: 'Make exceptions from environments',
    about:
      'A mount or namespace is put into an environment by `write sys/environments/resources/PATH environment=prod`, an entity or group is bound to one by `write sys/environments/identities/ID environment=dev`; whoever is bound gets at no other.',
    examples: [
      {
        about: 'Let somebody into production for an hour:',
        line: 'environment except -reason="incident 12" -ttl=1h $ENTITY prod',
      },
    ],
  },
  {
    name: 'environment except',
    synopsis: 'Let an identity into another environment for a while',
    usage: '[options] IDENTITY ENVIRONMENT',
    about: 'IDENTITY is the id of an entity or a group.',
    output: ['field', 'format'],
    flags: [REASON, TTL],
    takes: { min: 2, max: 2 },
    load: duty('except'),
  },
];
