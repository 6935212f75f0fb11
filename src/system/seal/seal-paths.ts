/** `sys/init`, `sys/seal-status`, `sys/unseal`, `sys/seal`: from an empty store to a server in service, and back. */
import { defineSystemPath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { Unit } from '../../model/transaction.ts';
import type { Sharing } from '../../seal/seal.ts';
import { encodeShares } from '../../seal/shares.ts';
import { shareOf } from './ports.ts';
import type { SealPorts } from './ports.ts';
import type { Reply } from '../../model/reply.ts';
import { strictly } from './strict-body.ts';

const initFields = {
  secret_shares: { kind: 'int', description: 'Number of shares of the unseal key.' },
  secret_threshold: { kind: 'int', description: 'Shares that unseal the server.' },
  stored_shares: { kind: 'int', description: 'Kept for compatibility.' },
  pgp_keys: { kind: 'string_list', description: 'Not supported.' },
  recovery_shares: {
    kind: 'int',
    description: 'Number of shares of the recovery key, with a seal that opens by itself.',
  },
  recovery_threshold: { kind: 'int', description: 'Shares that authorize what it is asked for.' },
  recovery_pgp_keys: { kind: 'string_list', description: 'Not supported.' },
  root_token_pgp_key: { kind: 'string', description: 'Not supported.' },
} as const;

const unsealFields = {
  key: { kind: 'string', description: 'One share, hexadecimal or base64.', sensitive: true },
  reset: { kind: 'bool', description: 'Forget the shares given so far.', default: false },
  migrate: {
    kind: 'bool',
    description: 'The share is of the seal that is being left.',
    default: false,
  },
} as const;

async function status(ports: SealPorts): Promise<Reply> {
  const { type, initialized, sealed, t, n, progress, nonce, recoverySeal, migration } =
    await ports.unsealer.status();
  return {
    bare: true,
    data: {
      type,
      initialized,
      sealed,
      t,
      n,
      progress,
      nonce,
      version: ports.version,
      build_date: '',
      migration,
      ...(sealed ? {} : { cluster_name: ports.clusterName(), cluster_id: ports.clusterId() }),
      recovery_seal: recoverySeal,
      storage_type: ports.storageType,
    },
  };
}

/** Neither count given = nothing asked for. */
function sharingOf(shares: number | undefined, threshold: number | undefined): Sharing | undefined {
  if (shares === undefined && threshold === undefined) return undefined;
  return { shares: shares ?? 0, threshold: threshold ?? 0 };
}

function initPath(ports: SealPorts): Path<Unit> {
  return defineSystemPath({
    pattern: 'init',
    fields: initFields,
    unauthenticated: true,
    whileSealed: true,
    rootNamespaceOnly: true,
    help: {
      synopsis: 'Creates the cluster: its keys, their shares and a first root token. Once.',
    },
    operations: {
      read: {
        summary: 'Whether there is a cluster',
        handler: async () => {
          const { initialized } = await ports.unsealer.status();
          return { bare: true, data: { initialized } };
        },
      },
      update: {
        summary: 'Create the cluster',
        outsideEffects: true,
        handler: async ({ fields }) => {
          const sharing = sharingOf(fields.secret_shares, fields.secret_threshold);
          const recovery = sharingOf(fields.recovery_shares, fields.recovery_threshold);
          const made = await ports.initialize({
            ...(sharing && { sharing }),
            ...(recovery && { recoverySharing: recovery }),
            pgpKeys: fields.pgp_keys ?? [],
            recoveryPgpKeys: fields.recovery_pgp_keys ?? [],
            rootTokenPgpKey: fields.root_token_pgp_key ?? '',
          });
          const { keys, keysBase64 } = encodeShares(made.shares);
          const recoveryKeys = encodeShares(made.recoveryShares);
          return {
            bare: true,
            data: {
              keys,
              keys_base64: keysBase64,
              ...(made.recoveryShares.length > 0 && {
                recovery_keys: recoveryKeys.keys,
                recovery_keys_base64: recoveryKeys.keysBase64,
              }),
              root_token: made.rootToken,
            },
          };
        },
      },
    },
  });
}

function unsealPath(ports: SealPorts): Path<Unit> {
  return defineSystemPath({
    pattern: 'unseal',
    fields: unsealFields,
    unauthenticated: true,
    whileSealed: true,
    rootNamespaceOnly: true,
    help: { synopsis: 'Takes one share of the unseal key; with enough of them the server opens.' },
    operations: {
      update: {
        summary: 'Give one share',
        outsideEffects: true,
        handler: async ({ fields }) => {
          if (fields.reset) {
            ports.unsealer.reset();
            return status(ports);
          }
          if (fields.key === undefined || fields.key === '') {
            throw invalidRequest(
              "'key' must be specified in request body as JSON, or 'reset' set to true",
            );
          }
          await ports.unsealer.submit(shareOf(fields.key), fields.migrate);
          if (!ports.unsealer.sealed) await ports.serve();
          return status(ports);
        },
      },
    },
  });
}

export function sealPaths(ports: SealPorts): Path<Unit>[] {
  return [
    strictly(initPath(ports)),
    strictly(unsealPath(ports)),
    defineSystemPath({
      pattern: 'seal-status',
      fields: {},
      unauthenticated: true,
      whileSealed: true,
      help: { synopsis: 'Tells how the server is sealed and how many shares it still needs.' },
      operations: { read: { summary: 'Read the seal status', handler: () => status(ports) } },
    }),
    defineSystemPath({
      pattern: 'seal',
      fields: {},
      whileSealed: true,
      sudo: true,
      rootNamespaceOnly: true,
      help: {
        synopsis:
          'Wipes every key from memory: nothing can be read until the next unseal. Needs sudo.',
      },
      operations: {
        update: {
          summary: 'Seal the server',
          outsideEffects: true,
          handler: async () => {
            // While it is sealed anybody may ask: what has been done to open it is not undone.
            if (!ports.unsealer.sealed) await ports.seal();
            return undefined;
          },
        },
      },
    }),
  ];
}
