/** The command that logs in to hosts. */
import type { CommandRow } from '../command.ts';

export const SSH_COMMANDS: readonly CommandRow[] = [
  {
    name: 'ssh',
    synopsis: 'Log in to a host with what the SSH engine gives',
    usage: '[options] USER@HOST [SSH OPTIONS] [COMMAND]',
    about:
      'Has a key signed (-mode=ca) or a one-time password made (-mode=otp) and starts ssh with it. Everything after the options goes to ssh.',
    examples: [
      {
        about: 'Log in with a certificate:',
        line: 'ssh -mode=ca -role=people ubuntu@10.1.2.3',
      },
      {
        about: 'Believe hosts that have a certificate of the same server:',
        line: 'ssh -mode=ca -role=people -host-key-mount-point=ssh ubuntu@web.example.com',
      },
      {
        about: 'Only get the certificate:',
        line: 'ssh -mode=ca -role=people -no-exec -field=signed_key ubuntu@10.1.2.3',
      },
    ],
    output: ['field', 'format'],
    flags: [
      { name: 'mode', kind: 'text', complete: ['ca', 'otp'], usage: 'How to log in: ca or otp.' },
      { name: 'role', kind: 'text', usage: 'Role of the engine.' },
      {
        name: 'no-exec',
        kind: 'boolean',
        usage: 'Only print what the server gives, without logging in.',
      },
      { name: 'mount-point', kind: 'text', default: 'ssh/', usage: 'Where the engine is mounted.' },
      {
        name: 'strict-host-key-checking',
        kind: 'text',
        default: 'ask',
        variable: 'SSH_STRICT_HOST_KEY_CHECKING',
        complete: ['ask', 'no', 'yes'],
        usage: 'Option StrictHostKeyChecking of ssh.',
      },
      {
        name: 'user-known-hosts-file',
        kind: 'text',
        variable: 'SSH_USER_KNOWN_HOSTS_FILE',
        complete: 'file',
        usage: 'Option UserKnownHostsFile of ssh.',
      },
      {
        name: 'public-key-path',
        kind: 'text',
        complete: 'file',
        usage: 'Public key to have signed. Default: the one beside the private key.',
      },
      {
        name: 'private-key-path',
        kind: 'text',
        complete: 'file',
        usage: 'Private key to log in with. Default: the first of id_ed25519, id_ecdsa, id_rsa.',
      },
      {
        name: 'host-key-mount-point',
        kind: 'text',
        variable: 'SSH_HOST_KEY_MOUNT_POINT',
        usage: 'Mount whose authority signs keys of hosts; only such hosts are believed.',
      },
      {
        name: 'host-key-hostnames',
        kind: 'text',
        default: '*',
        variable: 'SSH_HOST_KEY_HOSTNAMES',
        usage: 'Hosts that this authority counts for, separated by commas.',
      },
      {
        name: 'valid-principals',
        kind: 'text',
        usage: 'Names in the certificate, separated by commas. Default: the user.',
      },
      {
        name: 'ssh-executable',
        kind: 'text',
        default: 'ssh',
        variable: 'SSH_EXECUTABLE',
        complete: 'file',
        usage: 'The program ssh.',
      },
    ],
    takes: { min: 1, expected: '1-n' },
    load: async () => (await import('../commands/ssh/ssh.ts')).ssh,
  },
];
