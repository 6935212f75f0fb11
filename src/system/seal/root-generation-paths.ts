/** `sys/generate-root/*`, `sys/generate-root-token/*`, `sys/decode-token`: a root token on the word of the key holders. */
import { defineSystemPath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { Unit } from '../../model/transaction.ts';
import type { RootGenerationStatus } from '../../seal/root-generation.ts';
import { shareOf } from './ports.ts';
import type { SealPorts } from './ports.ts';
import type { Reply } from '../../model/reply.ts';
import { strictly } from './strict-body.ts';

const attemptFields = {
  otp: {
    kind: 'string',
    description: 'One-time password as long as a root token; without it one is made.',
    sensitive: true,
  },
  pgp_key: { kind: 'string', description: 'Not supported.' },
  nonce: { kind: 'string', description: 'The nonce of the attempt that is to end.' },
} as const;

const shareFields = {
  key: { kind: 'string', description: 'One share, hexadecimal or base64.', sensitive: true },
  nonce: { kind: 'string', description: 'The nonce of the attempt.', default: '' },
} as const;

const decodeFields = {
  encoded_token: {
    kind: 'string',
    description: 'The encoded token.',
    default: '',
    sensitive: true,
  },
  otp: { kind: 'string', description: 'The one-time password.', default: '', sensitive: true },
} as const;

/** Base64, with or without its padding. */
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

interface Family {
  readonly prefix: string;
  readonly bare: boolean;
  readonly open: boolean;
}

export function rootGenerationPaths(ports: SealPorts): Path<Unit>[] {
  const families: Family[] = [
    { prefix: 'generate-root', bare: true, open: ports.openRootGeneration },
    { prefix: 'generate-root-token', bare: false, open: false },
  ];
  return [
    strictly(
      attemptPath(
        ports,
        { prefix: 'generate-root', bare: true, open: ports.openRootGeneration },
        '',
      ),
    ),
    ...families.flatMap((family) => {
      const paths = [attemptPath(ports, family, '/attempt'), updatePath(ports, family)];
      return family.bare ? paths.map(strictly) : paths;
    }),
    decodePath(),
  ];
}

function shown(status: RootGenerationStatus, { bare }: Family): Reply {
  return {
    bare,
    data: {
      nonce: status.nonce,
      started: status.started,
      progress: status.progress,
      required: status.required,
      complete: status.complete,
      encoded_token: status.encodedToken,
      encoded_root_token: status.encodedToken,
      pgp_fingerprint: '',
      otp: status.otp,
      otp_length: status.otpLength,
    },
  };
}

function attemptPath(ports: SealPorts, family: Family, suffix: string): Path<Unit> {
  const { rootGeneration } = ports.unsealer;
  return defineSystemPath({
    pattern: family.prefix + suffix,
    fields: attemptFields,
    unauthenticated: family.open,
    sudo: !family.open,
    rootNamespaceOnly: true,
    help: { synopsis: 'Starts, shows or ends an attempt to make a root token.' },
    operations: {
      read: {
        summary: 'Read the progress',
        handler: async () => shown(await rootGeneration.status(), family),
      },
      update: {
        summary: 'Start an attempt',
        outsideEffects: true,
        handler: async ({ fields }) =>
          shown(
            await rootGeneration.start({ otp: fields.otp ?? '', pgpKey: fields.pgp_key ?? '' }),
            family,
          ),
      },
      delete: {
        summary: 'End the attempt',
        outsideEffects: true,
        handler: async ({ fields }) => {
          await rootGeneration.cancel(fields.nonce);
          return undefined;
        },
      },
    },
  });
}

function updatePath(ports: SealPorts, family: Family): Path<Unit> {
  return defineSystemPath({
    pattern: `${family.prefix}/update`,
    fields: shareFields,
    unauthenticated: family.open,
    sudo: !family.open,
    rootNamespaceOnly: true,
    help: { synopsis: 'Takes one share; with enough of them a root token is made.' },
    operations: {
      update: {
        summary: 'Give one share',
        outsideEffects: true,
        handler: async ({ fields }) => {
          const share = shareOf(fields.key);
          const { rootGeneration } = ports.unsealer;
          return shown(
            await rootGeneration.update(share, fields.nonce, ports.makeRootToken),
            family,
          );
        },
      },
    },
  });
}

function decodePath(): Path<Unit> {
  return defineSystemPath({
    pattern: 'decode-token',
    fields: decodeFields,
    unauthenticated: true,
    rootNamespaceOnly: true,
    help: { synopsis: 'Takes the one-time password off an encoded token.' },
    operations: {
      update: {
        summary: 'Decode a token',
        handler: ({ fields }) => {
          const otp = Buffer.from(fields.otp);
          const token = Buffer.from(fields.encoded_token, 'base64');
          if (!BASE64.test(fields.encoded_token)) throw invalidRequest('error decoding token');
          if (otp.length !== token.length || token.length === 0) {
            throw invalidRequest('error xoring token: length of byte slices is not equivalent');
          }
          token.forEach((byte, index) => (token[index] = byte ^ (otp[index] ?? 0)));
          return { data: { token: token.toString() } };
        },
      },
    },
  });
}
