/** Commands of the PKI engine. */
import type { Command, CommandRow } from '../command.ts';
import type { Flag } from '../flags.ts';

const ISSUING: readonly Flag[] = [
  {
    name: 'type',
    kind: 'text',
    default: 'internal',
    complete: ['internal', 'existing'],
    usage: 'Whether the key is made ("internal") or one of the mount ("existing").',
  },
  { name: 'issuer_name', kind: 'text', usage: 'Name for the new issuer.' },
];

function part(name: string, usage: string, byDefault: boolean): Flag {
  return { name, kind: 'boolean', usage, default: String(byDefault) };
}

type Verify = 'verifySign' | 'listIntermediates';
const verify =
  (name: Verify): (() => Promise<Command>) =>
  async () =>
    (await import('../commands/pki/verify.ts'))[name];

type Issue = 'issue' | 'reissue';
const issue =
  (name: Issue): (() => Promise<Command>) =>
  async () =>
    (await import('../commands/pki/issue.ts'))[name];

export const PKI_COMMANDS: readonly CommandRow[] = [
  { name: 'pki', synopsis: 'Work with certificate authorities' },
  {
    name: 'pki health-check',
    synopsis: 'Check whether a PKI mount is in good order',
    usage: '[options] MOUNT',
    about:
      'The exit code tells the worst finding: 0 all is well, 1 wrong usage, 2 informational, 3 warning, 4 critical, 5 the server is too old, 6 permission denied.',
    examples: [{ about: 'Check a mount:', line: 'pki health-check pki' }],
    output: ['format'],
    flags: [
      {
        name: 'health-config',
        kind: 'text',
        complete: 'file',
        usage: 'JSON file with parameters of the checks.',
      },
      {
        name: 'return-indicator',
        kind: 'text',
        default: 'default',
        complete: ['default', 'informational', 'warning', 'critical', 'permission'],
        usage: 'From which finding on the exit code is not 0.',
      },
      {
        name: 'default-disabled',
        kind: 'boolean',
        usage: 'Only checks that the file enables are run.',
      },
      { name: 'list', kind: 'boolean', usage: 'Only print the checks and their parameters.' },
    ],
    takes: { min: 0, max: 1 },
    load: async () => (await import('../commands/pki/health.ts')).healthCheck,
  },
  {
    name: 'pki issue',
    synopsis: 'Make an intermediate authority in a mount, signed by an issuer of another',
    usage: '[options] PARENT CHILD_MOUNT [K=V...]',
    examples: [
      {
        about: 'An intermediate below a root:',
        line: 'pki issue -issuer_name=int pki/issuer/root pki_int common_name=Intermediate ttl=8760h',
      },
    ],
    output: ['field', 'format'],
    flags: ISSUING,
    takes: { min: 3, expected: '3-n' },
    load: issue('issue'),
  },
  {
    name: 'pki reissue',
    synopsis: 'Make an intermediate authority like another one',
    usage: '[options] PARENT TEMPLATE CHILD_MOUNT [K=V...]',
    examples: [
      {
        about: 'The same again with a new key:',
        line: 'pki reissue pki/issuer/root pki_int/issuer/int pki_int',
      },
    ],
    output: ['field', 'format'],
    flags: ISSUING,
    takes: { min: 3, expected: '3-n' },
    load: issue('reissue'),
  },
  {
    name: 'pki verify-sign',
    synopsis: 'Tell whether an issuer has signed a certificate',
    usage: '[options] POSSIBLE-ISSUER POSSIBLE-ISSUED',
    examples: [
      {
        about: 'Compare two issuers:',
        line: 'pki verify-sign pki/issuer/root pki_int/issuer/default',
      },
    ],
    output: ['format'],
    takes: { min: 2, max: 2 },
    load: verify('verifySign'),
  },
  {
    name: 'pki list-intermediates',
    synopsis: 'Tell which issuers were signed by another',
    usage: '[options] PARENT [CHILD...]',
    about: 'A CHILD is an issuer or a mount; without one all PKI mounts are searched.',
    examples: [{ about: 'Search all mounts:', line: 'pki list-intermediates pki/issuer/default' }],
    output: ['format'],
    flags: [
      part('subject_match', 'The child names the subject of the parent.', true),
      part('key_id_match', 'The child names the key of the parent.', true),
      part('path_match', 'The parent is in the chain of the child.', false),
      part('direct_sign', 'The key of the parent signed the child.', true),
      part('indirect_sign', 'Who trusts the parent trusts the child.', true),
      part('use_names', 'Issuers are shown by name, where they have one.', false),
    ],
    takes: { min: 1, expected: '1-n' },
    load: verify('listIntermediates'),
  },
];
