/** Commands for the encryption engine. */
import type { Command, CommandRow } from '../command.ts';
import type { Flag } from '../flags.ts';

const MOUNT: Flag = {
  name: 'mount',
  kind: 'text',
  usage: 'Where the engine is mounted; "transit" without it.',
};
const LINES: Flag = {
  name: 'lines',
  kind: 'boolean',
  usage: 'Take every line for an input of its own; many go in one request.',
};
const BASE64: Flag = {
  name: 'base64',
  kind: 'boolean',
  usage: 'The plaintext is base64, on the way in as on the way out.',
};
const BOUND: readonly Flag[] = [
  { name: 'context', kind: 'text', usage: 'Text that the key is derived with, of derived keys.' },
  {
    name: 'associated-data',
    kind: 'text',
    usage: 'Text that is authenticated with the ciphertext and is no part of it.',
  },
];

type Transit = 'encrypt' | 'decrypt' | 'rewrap' | 'sign' | 'verify' | 'importKey' | 'importVersion';
const transit =
  (name: Transit): (() => Promise<Command>) =>
  async () =>
    (await import('../commands/engines/transit.ts'))[name];

const SOURCES = 'Input is the argument, the content of a file (@FILE), or standard input.';

function crypt(name: 'encrypt' | 'decrypt' | 'rewrap', synopsis: string, what: string): CommandRow {
  return {
    name: `transit ${name}`,
    synopsis,
    usage: `[options] KEY [${what}]`,
    about: SOURCES,
    flags: [MOUNT, LINES, ...(name === 'rewrap' ? [] : [BASE64]), ...BOUND],
    takes: { min: 1, max: 2 },
    load: transit(name),
  };
}

function bringsIn(name: string, synopsis: string, load: Transit): CommandRow {
  return {
    name: `transit ${name}`,
    synopsis,
    usage: '[options] MOUNT/keys/NAME [KEY] [K=V...]',
    about:
      'KEY is base64 (of the raw bytes, or of PKCS #8 in DER), @FILE with it, or - for standard input. It leaves this machine encrypted for the server only.',
    takes: { min: 1 },
    load: transit(load),
  };
}

export const TRANSIT_COMMANDS: readonly CommandRow[] = [
  {
    name: 'transit',
    synopsis: 'Encrypt and sign with keys that stay on the server',
    examples: [
      { about: 'Encrypt a text:', line: 'transit encrypt orders "4111 1111 1111 1111"' },
      {
        about: 'Bring every line of a file under the latest version of its key:',
        line: 'transit rewrap -lines orders @old.txt > new.txt',
      },
      {
        about: 'Bring a key along:',
        line: 'transit import transit/keys/mine @key.b64 type=rsa-2048',
      },
    ],
  },
  crypt('encrypt', 'Encrypt data with a key', 'DATA'),
  crypt('decrypt', 'Decrypt data with a key', 'CIPHERTEXT'),
  crypt('rewrap', 'Encrypt anew under the latest version of a key', 'CIPHERTEXT'),
  {
    name: 'transit sign',
    synopsis: 'Sign data with a key',
    usage: '[options] KEY [DATA] [K=V...]',
    about: SOURCES,
    flags: [MOUNT],
    takes: { min: 1 },
    load: transit('sign'),
  },
  {
    name: 'transit verify',
    synopsis: 'Verify a signature',
    usage: '[options] KEY SIGNATURE [DATA] [K=V...]',
    about: `${SOURCES} The exit code is 1 when the signature is not valid.`,
    flags: [MOUNT],
    takes: { min: 2 },
    load: transit('verify'),
  },
  bringsIn('import', 'Import a key', 'importKey'),
  bringsIn('import-version', 'Import a new version of an imported key', 'importVersion'),
];
