/** Logging in, tokens, policies and leases. */
import type { Command, CommandRow } from '../command.ts';
import type { Flag } from '../flags.ts';

const ACCESSOR: Flag = {
  name: 'accessor',
  kind: 'boolean',
  usage: 'The argument is an accessor, not a token.',
};
const LIFE = 'Seconds, or a duration such as 30m or 8h.';

const token =
  (name: 'create' | 'lookup' | 'renew' | 'revoke' | 'capabilities'): (() => Promise<Command>) =>
  async () =>
    (await import('../commands/token.ts'))[name];
const policy =
  (name: 'list' | 'read' | 'write' | 'delete'): (() => Promise<Command>) =>
  async () =>
    (await import('../commands/policy/policies.ts'))[name];
const lease =
  (name: 'lookup' | 'renew' | 'revoke'): (() => Promise<Command>) =>
  async () =>
    (await import('../commands/lease.ts'))[name];

export const ACCESS_COMMANDS: readonly CommandRow[] = [
  {
    name: 'login',
    synopsis: 'Log in and keep the token',
    usage: '[options] [AUTH K=V...]',
    about:
      'Logs in with an auth method and keeps the token for later commands. Without arguments it asks for a token; "-" reads it from standard input. "auth help METHOD" tells what a method wants to know.',
    examples: [
      { about: 'Log in with a token:', line: 'login hvs.CAESI…' },
      {
        about: 'Log in with a name and a password, which is asked for:',
        line: 'login -method=userpass username=ada',
      },
      {
        about: 'Get a token for a script, and keep nothing:',
        line: 'login -method=approle -token-only role_id=$ROLE secret_id=@secret-id',
      },
    ],
    output: ['field', 'format'],
    flags: [
      {
        name: 'method',
        kind: 'text',
        default: 'token',
        complete: ['token', 'userpass', 'ldap', 'approle', 'radius', 'cert', 'jwt', 'kubernetes'],
        usage: 'Kind of auth method.',
      },
      { name: 'path', kind: 'text', usage: 'Where the method is mounted, if not at its own name.' },
      { name: 'no-store', kind: 'boolean', usage: 'Do not keep the token.' },
      { name: 'no-print', kind: 'boolean', usage: 'Do not print the token.' },
      {
        name: 'token-only',
        kind: 'boolean',
        usage: 'Print the token and nothing else, and do not keep it.',
      },
    ],
    takes: { min: 0 },
    load: async () => (await import('../commands/login.ts')).login,
  },
  {
    name: 'token',
    synopsis: 'Work with tokens',
    examples: [
      { about: 'Create a token for one hour:', line: 'token create -policy=deploy -ttl=1h' },
      {
        about: 'See what the current token may do:',
        line: 'token capabilities secret/data/shop/database',
      },
    ],
  },
  {
    name: 'token create',
    synopsis: 'Create a token',
    usage: '[options]',
    output: ['field', 'format'],
    flags: [
      { name: 'display-name', kind: 'text', usage: 'Name that shows up beside the token.' },
      {
        name: 'entity-alias',
        kind: 'text',
        usage: 'Alias of the entity that the token belongs to. Only with -role.',
      },
      {
        name: 'explicit-max-ttl',
        kind: 'duration',
        usage: `Life that no renewal can pass. ${LIFE}`,
      },
      { name: 'id', kind: 'text', usage: 'The token itself, instead of a random one.' },
      {
        name: 'metadata',
        kind: 'map',
        usage: 'Note to keep with the token, as key=value. May be repeated.',
      },
      { name: 'no-default-policy', kind: 'boolean', usage: 'Leave the policy "default" out.' },
      {
        name: 'orphan',
        kind: 'boolean',
        usage: 'Give the token no parent, so that it outlives the one in use.',
      },
      {
        name: 'period',
        kind: 'duration',
        usage: `Make the token renewable for ever, by this much each time. ${LIFE}`,
      },
      { name: 'policy', kind: 'list', usage: 'Policy of the token. May be repeated.' },
      {
        name: 'renewable',
        kind: 'boolean',
        default: 'true',
        usage: 'Whether the token can be renewed.',
      },
      { name: 'role', kind: 'text', usage: 'Token role that decides over the token.' },
      { name: 'ttl', kind: 'duration', usage: `First life of the token. ${LIFE}` },
      {
        name: 'type',
        kind: 'text',
        default: 'service',
        complete: ['service', 'batch'],
        usage: 'Kind of token.',
      },
      {
        name: 'use-limit',
        kind: 'integer',
        usage: 'How many times the token can be used; 0 sets no limit.',
      },
    ],
    takes: { min: 0, max: 0 },
    load: token('create'),
  },
  {
    name: 'token lookup',
    synopsis: 'Show what is known about a token',
    usage: '[options] [TOKEN | ACCESSOR]',
    output: ['format'],
    flags: [ACCESSOR],
    takes: { min: 0, max: 1, expected: '0-1' },
    load: token('lookup'),
  },
  {
    name: 'token renew',
    synopsis: 'Extend the life of a token',
    usage: '[options] [TOKEN | ACCESSOR]',
    output: ['format'],
    flags: [
      ACCESSOR,
      { name: 'increment', aliases: ['i'], kind: 'duration', usage: `How much longer. ${LIFE}` },
    ],
    takes: { min: 0, max: 1, expected: '1' },
    load: token('renew'),
  },
  {
    name: 'token revoke',
    synopsis: 'End a token',
    usage: '[options] [TOKEN | ACCESSOR]',
    about: 'Ends a token and all tokens created with it.',
    flags: [
      ACCESSOR,
      {
        name: 'mode',
        kind: 'text',
        complete: ['orphan', 'path'],
        usage:
          '"orphan" spares the children; "path" ends every token whose login path begins with the argument.',
      },
      { name: 'self', kind: 'boolean', usage: 'End the token in use.' },
    ],
    takes: { min: 0 },
    load: token('revoke'),
  },
  {
    name: 'token capabilities',
    synopsis: 'Show what a token may do on a path',
    usage: '[options] [TOKEN] PATH',
    output: ['format'],
    takes: { min: 1, max: 2, expected: '1-2' },
    load: token('capabilities'),
  },
  { name: 'print', synopsis: 'Print what a command would use' },
  {
    name: 'print token',
    synopsis: 'Print the token in use',
    usage: '',
    takes: { min: 0 },
    load: async () => (await import('../commands/print-token.ts')).printToken,
  },
  {
    name: 'policy',
    synopsis: 'Work with policies',
    examples: [
      { about: 'Write a policy from a file:', line: 'policy write deploy deploy.hcl' },
      {
        about: 'Ask why a token was refused:',
        line: 'policy explain $TOKEN read secret/data/shop',
      },
    ],
  },
  {
    name: 'policy list',
    synopsis: 'List the policies',
    usage: '[options]',
    output: ['format'],
    takes: { min: 0, max: 0 },
    load: policy('list'),
  },
  {
    name: 'policy read',
    synopsis: 'Print a policy',
    usage: '[options] NAME',
    output: ['format'],
    takes: { min: 1, max: 1 },
    load: policy('read'),
  },
  {
    name: 'policy write',
    synopsis: 'Create or replace a policy',
    usage: '[options] NAME FILE',
    about: 'Uploads a policy from a file, or from standard input when FILE is "-".',
    takes: { min: 2, max: 2 },
    load: policy('write'),
  },
  {
    name: 'policy delete',
    synopsis: 'Delete a policy',
    usage: '[options] NAME',
    takes: { min: 1, max: 1 },
    load: policy('delete'),
  },
  {
    name: 'policy fmt',
    synopsis: 'Format a policy file in place',
    usage: 'FILE',
    takes: { min: 1, max: 1 },
    local: true,
    load: async () => (await import('../commands/policy/fmt.ts')).policyFmt,
  },
  {
    name: 'policy explain',
    synopsis: 'Explain why a request is allowed or denied',
    usage: '[options] [TOKEN-OR-POLICIES] OPERATION PATH',
    about:
      'Asks the server which rule decides over an operation on a path, and why: for the token in use, for another token, or for policies, separated by commas. Asking about others needs sudo on sys/policies/explain.',
    examples: [
      {
        about: 'See why deploy cannot write:',
        line: 'policy explain deploy update secret/data/shop/database',
      },
    ],
    output: ['format'],
    flags: [
      {
        name: 'policy',
        kind: 'list',
        usage: 'Policy to judge by, instead of those of a token. May be repeated.',
      },
      { name: 'token', kind: 'text', usage: 'Token to judge by, instead of the one in use.' },
    ],
    takes: { min: 2, max: 3 },
    load: async () => (await import('../commands/policy/explain.ts')).policyExplain,
  },
  {
    name: 'lease',
    synopsis: 'Work with leases',
    examples: [
      {
        about: 'Keep a credential for another hour:',
        line: 'lease renew -increment=1h database/creds/readonly/2f6a…',
      },
    ],
  },
  {
    name: 'lease lookup',
    synopsis: 'Show a lease',
    usage: '[options] ID',
    output: ['format'],
    takes: { min: 0, max: 1, expected: '1' },
    load: lease('lookup'),
  },
  {
    name: 'lease renew',
    synopsis: 'Extend a lease',
    usage: '[options] ID',
    output: ['format'],
    flags: [{ name: 'increment', kind: 'duration', usage: `How much longer. ${LIFE}` }],
    takes: { min: 0, max: 1, expected: '1-2' },
    load: lease('renew'),
  },
  {
    name: 'lease revoke',
    synopsis: 'End leases and the secrets they stand for',
    usage: '[options] ID',
    flags: [
      {
        name: 'force',
        aliases: ['f'],
        kind: 'boolean',
        usage: 'Forget the leases even where the secret cannot be taken back. Only with -prefix.',
      },
      {
        name: 'prefix',
        kind: 'boolean',
        usage: 'End all leases whose ID begins with the argument.',
      },
      { name: 'sync', kind: 'boolean', usage: 'Wait until it is done.' },
    ],
    takes: { min: 1, max: 1 },
    load: lease('revoke'),
  },
];
