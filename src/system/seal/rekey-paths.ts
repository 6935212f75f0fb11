/**
 * `sys/rekey/*`, `sys/rekey-recovery-key/*` and `sys/rotate/{root,recovery}/*`: new shares, authorized by the holders of today's.
 * The first two are Vault's older, bare form, which needs no token there; the others are ordinary paths.
 */
import { defineSystemPath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { Unit } from '../../model/transaction.ts';
import type { Rekey, RekeyStatus } from '../../seal/rekey.ts';
import { encodeShares } from '../../seal/shares.ts';
import { shareOf } from './ports.ts';
import type { SealPorts } from './ports.ts';
import type { Reply } from '../../model/reply.ts';
import { strictly } from './strict-body.ts';

const startFields = {
  secret_shares: { kind: 'int', description: 'Number of new shares.', default: 0 },
  secret_threshold: { kind: 'int', description: 'New shares that are needed.', default: 0 },
  stored_shares: { kind: 'int', description: 'Kept for compatibility.' },
  pgp_keys: { kind: 'string_list', description: 'Not supported.' },
  backup: { kind: 'bool', description: 'Not supported.', default: false },
  require_verification: {
    kind: 'bool',
    description: 'The new shares take effect when a threshold of them has been given back.',
    default: false,
  },
} as const;

const shareFields = {
  key: { kind: 'string', description: 'One share, hexadecimal or base64.', sensitive: true },
  nonce: { kind: 'string', description: 'The nonce of the attempt.', default: '' },
} as const;

const cancelFields = {
  nonce: { kind: 'string', description: 'The nonce of the attempt that is meant.' },
} as const;

/** One family of paths over one rekey. */
interface Family {
  readonly rekey: Rekey;
  readonly prefix: string;
  /** The reply is a bare object. */
  readonly bare: boolean;
  readonly open: boolean;
  /** What of, for people. */
  readonly subject: string;
}

export function rekeyPaths(ports: SealPorts): Path<Unit>[] {
  const { rekey, recoveryRekey } = ports.unsealer;
  const barrier = { rekey, subject: 'the unseal key' };
  const recovery = { rekey: recoveryRekey, subject: 'the recovery key' };
  const old = { bare: true, open: ports.openRekey };
  const authenticated = { bare: false, open: false };
  const families: Family[] = [
    { ...barrier, ...old, prefix: 'rekey' },
    { ...recovery, ...old, prefix: 'rekey-recovery-key' },
    { ...barrier, ...authenticated, prefix: 'rotate/root' },
    { ...recovery, ...authenticated, prefix: 'rotate/recovery' },
  ];
  return [
    ...families.flatMap((family) => {
      const paths = [startPath(family), updatePath(family), verifyPath(family)];
      return family.bare ? paths.map(strictly) : paths;
    }),
    ...[
      'rekey/backup',
      'rekey/recovery-key-backup',
      'rotate/root/backup',
      'rotate/recovery/backup',
    ].map(backupPath),
    rotateRootPath(ports),
  ];
}

/** What all paths of a family have in common. */
function common({ open }: Family): {
  unauthenticated: boolean;
  sudo: boolean;
  rootNamespaceOnly: true;
} {
  return { unauthenticated: open, sudo: !open, rootNamespaceOnly: true };
}

async function statusReply({ rekey, bare }: Family): Promise<Reply> {
  return { bare, data: shownStatus(await rekey.status(), bare) };
}

function shownStatus(status: RekeyStatus, bare: boolean): Record<string, unknown> {
  return {
    nonce: status.nonce,
    started: status.started,
    t: status.t,
    n: status.n,
    progress: status.progress,
    required: status.required,
    pgp_fingerprints: null,
    backup: false,
    verification_required: status.verificationRequired,
    // The newer paths say so also while there is none.
    ...((!bare || status.verificationNonce !== '') && {
      verification_nonce: status.verificationNonce,
    }),
  };
}

function startPath(family: Family): Path<Unit> {
  const { rekey, bare, prefix, subject } = family;
  return defineSystemPath({
    ...common(family),
    pattern: `${prefix}/init`,
    fields: { ...startFields, ...cancelFields },
    help: { synopsis: `Starts, shows or ends an attempt to replace the shares of ${subject}.` },
    operations: {
      read: { summary: 'Read the progress', handler: () => statusReply(family) },
      update: {
        summary: 'Start an attempt',
        outsideEffects: true,
        handler: async ({ fields }) => {
          const status = await rekey.start({
            sharing: { shares: fields.secret_shares, threshold: fields.secret_threshold },
            pgpKeys: fields.pgp_keys ?? [],
            backup: fields.backup,
            requireVerification: fields.require_verification,
          });
          return { bare, data: shownStatus(status, bare) };
        },
      },
      delete: {
        summary: 'End the attempt',
        outsideEffects: true,
        handler: async ({ fields }) => {
          // Where there never is an attempt, none is left.
          if (bare || rekey.supported) await rekey.cancel(fields.nonce);
          return undefined;
        },
      },
    },
  });
}

function updatePath(family: Family): Path<Unit> {
  const { rekey, bare, prefix, subject } = family;
  return defineSystemPath({
    ...common(family),
    pattern: `${prefix}/update`,
    fields: shareFields,
    help: { synopsis: `Takes one share of today's key; with enough of them ${subject} is new.` },
    operations: {
      update: {
        summary: 'Give one share',
        outsideEffects: true,
        handler: async ({ fields }) => {
          const result = await rekey.update(shareOf(fields.key), fields.nonce);
          if (result === undefined) return statusReply(family);
          const { keys, keysBase64 } = encodeShares(result.shares);
          return {
            bare,
            data: {
              nonce: result.nonce,
              complete: true,
              keys,
              keys_base64: keysBase64,
              pgp_fingerprints: null,
              backup: false,
              verification_required: result.verificationRequired,
              ...(result.verificationNonce !== '' && {
                verification_nonce: result.verificationNonce,
              }),
            },
          };
        },
      },
    },
  });
}

function verifyPath(family: Family): Path<Unit> {
  const { rekey, bare, prefix, subject } = family;
  return defineSystemPath({
    ...common(family),
    pattern: `${prefix}/verify`,
    fields: shareFields,
    help: { synopsis: `Takes new shares of ${subject} back, to prove that they arrived.` },
    operations: {
      read: {
        summary: 'Read the progress',
        handler: async () => ({ bare, data: { ...(await rekey.verificationStatus()) } }),
      },
      update: {
        summary: 'Give one new share back',
        outsideEffects: true,
        handler: async ({ fields }) => {
          const done = await rekey.verify(shareOf(fields.key), fields.nonce);
          const data =
            done === undefined
              ? { ...(await rekey.verificationStatus()) }
              : { nonce: done.nonce, complete: true };
          return { bare, data };
        },
      },
      delete: {
        summary: 'Start the verification over',
        outsideEffects: true,
        handler: async () => ({ bare, data: { ...(await rekey.restartVerification()) } }),
      },
    },
  });
}

/** Backups are of shares encrypted to PGP keys, which are not made. */
function backupPath(pattern: string): Path<Unit> {
  return defineSystemPath({
    pattern,
    fields: {},
    sudo: true,
    rootNamespaceOnly: true,
    help: { synopsis: 'Kept for compatibility: shares are never stored, so there is no backup.' },
    operations: {
      read: {
        summary: 'Read the backup',
        handler: () => {
          throw invalidRequest('no backed-up keys found');
        },
      },
      delete: { summary: 'Delete the backup', handler: () => undefined },
    },
  });
}

function rotateRootPath(ports: SealPorts): Path<Unit> {
  return defineSystemPath({
    pattern: 'rotate/root',
    fields: {},
    sudo: true,
    rootNamespaceOnly: true,
    help: { synopsis: 'Replaces the root key; the shares stay as they are. Needs sudo.' },
    operations: {
      update: {
        summary: 'Replace the root key',
        outsideEffects: true,
        handler: async () => {
          await ports.unsealer.rotateRoot();
          return undefined;
        },
      },
    },
  });
}
