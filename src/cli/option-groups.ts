/** Flags that many commands share: how to reach the server, and how to print the answer. */
import type { CommandRow } from './command.ts';
import type { Flag } from './flags.ts';

export interface FlagGroup {
  readonly title: string;
  readonly flags: readonly Flag[];
}

export const CONNECTION_FLAGS: readonly Flag[] = [
  {
    name: 'address',
    kind: 'text',
    variable: 'ADDR',
    default: 'https://127.0.0.1:8200',
    usage: 'Where the server is: an https://, http:// or unix:// address.',
  },
  {
    name: 'agent-address',
    kind: 'text',
    variable: 'AGENT_ADDR',
    usage: 'Where the agent is, to go through it instead of straight to the server.',
  },
  {
    name: 'ca-cert',
    kind: 'text',
    variable: 'CACERT',
    complete: 'file',
    usage: 'PEM file with the certificate authority to trust. Wins over -ca-path.',
  },
  {
    name: 'ca-path',
    kind: 'text',
    variable: 'CAPATH',
    complete: 'folder',
    usage: 'Folder of PEM files with certificate authorities to trust.',
  },
  {
    name: 'client-cert',
    kind: 'text',
    variable: 'CLIENT_CERT',
    complete: 'file',
    usage: 'PEM file with the certificate to show to the server. Needs -client-key.',
  },
  {
    name: 'client-key',
    kind: 'text',
    variable: 'CLIENT_KEY',
    complete: 'file',
    usage: 'PEM file with the private key of -client-cert.',
  },
  {
    name: 'disable-redirects',
    kind: 'boolean',
    variable: 'DISABLE_REDIRECTS',
    usage: 'Do not follow a redirect to the active server.',
  },
  {
    name: 'header',
    kind: 'map',
    usage:
      'HTTP header to add, as name=value. Names that start with X-Vault- are refused. May be repeated.',
  },
  {
    name: 'mfa',
    kind: 'list',
    variable: 'MFA',
    usage: 'Second factor, as method or method:passcode. May be repeated.',
  },
  {
    name: 'namespace',
    kind: 'text',
    variable: 'NAMESPACE',
    usage: 'Namespace of the command. -ns is short for it.',
  },
  { name: 'ns', kind: 'text', hidden: true, usage: 'Short for -namespace.' },
  { name: 'non-interactive', kind: 'boolean', usage: 'Never ask for anything on the terminal.' },
  {
    name: 'output-curl-string',
    kind: 'boolean',
    usage: 'Print the request as a curl command instead of making it.',
  },
  {
    name: 'output-policy',
    kind: 'boolean',
    usage: 'Print the policy that the request needs instead of making it.',
  },
  { name: 'policy-override', kind: 'boolean', usage: 'Override a soft-mandatory policy.' },
  {
    name: 'tls-server-name',
    kind: 'text',
    variable: 'TLS_SERVER_NAME',
    usage: 'Name to expect in the certificate of the server.',
  },
  {
    name: 'tls-skip-verify',
    kind: 'boolean',
    variable: 'SKIP_VERIFY',
    usage:
      'Do not check the certificate of the server. Whoever sits in between can then read everything.',
  },
  { name: 'unlock-key', kind: 'text', usage: 'Key that opens a locked namespace.' },
  {
    name: 'wrap-ttl',
    kind: 'duration',
    variable: 'WRAP_TTL',
    usage: 'Have the answer wrapped in a single-use token that lives this long. "unwrap" opens it.',
  },
];

const FIELD: Flag = {
  name: 'field',
  kind: 'text',
  usage: 'Print this field alone, without a newline when the output is no terminal.',
};
const FORMAT: Flag = {
  name: 'format',
  kind: 'text',
  variable: 'FORMAT',
  default: 'table',
  complete: ['table', 'json', 'yaml', 'raw'],
  usage:
    'Print as "table", "json" or "yaml"; "raw" prints the bytes of the answer and is for "read" only.',
};
const DETAILED: Flag = {
  name: 'detailed',
  kind: 'boolean',
  variable: 'DETAILED',
  usage: 'Print what is known of each item, not its name alone.',
};

/** The flags of a command, in the order help shows them. */
export function flagGroups(row: CommandRow): FlagGroup[] {
  const groups: FlagGroup[] = [];
  if (row.load !== undefined && row.local !== true) {
    groups.push({ title: 'HTTP Options', flags: CONNECTION_FLAGS });
  }
  const output = row.output ?? [];
  if (output.length > 0) {
    const flags = [
      ...(output.includes('field') ? [FIELD] : []),
      ...(output.includes('format') ? [FORMAT] : []),
      ...(output.includes('detailed') ? [DETAILED] : []),
    ];
    groups.push({ title: 'Output Options', flags });
  }
  if (row.flags !== undefined && row.flags.length > 0) {
    groups.push({ title: 'Command Options', flags: row.flags });
  }
  return groups;
}

export function allFlags(row: CommandRow): Flag[] {
  return flagGroups(row).flatMap((group) => group.flags);
}
