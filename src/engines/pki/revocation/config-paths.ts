/** `config/crl`, and making lists anew by hand. */
import { definePath } from '../../../model/backend.ts';
import type { Path } from '../../../model/backend.ts';
import type { Request } from '../../../model/request.ts';
import type { Transaction } from '../../../model/transaction.ts';
import type { PkiPorts } from '../ports.ts';
import { checkedConfig, CRL_CONFIG, crlConfig } from './config.ts';
import type { CrlConfig } from './config.ts';
import { rebuildCrls, rebuildDeltaCrls, rebuildWarnings } from './crl.ts';
import { planRebuilds } from './rebuild-task.ts';
import type { Reply } from '../../../model/reply.ts';

const CONFIG_FIELDS = {
  expiry: { kind: 'string', description: 'How long a revocation list holds.' },
  disable: { kind: 'bool', description: 'Lists are empty.' },
  ocsp_disable: { kind: 'bool', description: 'Status requests are refused.' },
  ocsp_expiry: {
    kind: 'string',
    description: 'How long a status response holds; 0 says nothing about it.',
  },
  auto_rebuild: {
    kind: 'bool',
    description: 'Lists are made by themselves before they end, not at each revocation.',
  },
  auto_rebuild_grace_period: {
    kind: 'string',
    description: 'How long before its end a list is made anew by itself.',
  },
  enable_delta: {
    kind: 'bool',
    description: 'Delta lists are made between complete ones.',
  },
  delta_rebuild_interval: { kind: 'string', description: 'How often a delta list is made.' },
  allow_expired_cert_revocation: {
    kind: 'bool',
    description: 'Certificates that have expired may be revoked.',
  },
} as const;

type ConfigValues = { readonly [N in keyof CrlConfig]: CrlConfig[N] | undefined };

function defined(values: ConfigValues): Partial<CrlConfig> {
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== undefined),
  ) as Partial<CrlConfig>;
}

export function crlConfigPaths(ports: PkiPorts): readonly Path[] {
  async function write(
    { fields, nowMs, schedule }: Request<ConfigValues>,
    store: Transaction,
  ): Promise<Reply> {
    const before = await crlConfig(store);
    const config = checkedConfig({ ...before, ...defined(fields) });
    store.putJson(CRL_CONFIG, config);
    planRebuilds(ports, store, schedule, config, nowMs);
    const isNew =
      before.disable !== config.disable ||
      (before.auto_rebuild && !config.auto_rebuild) ||
      before.enable_delta !== config.enable_delta;
    const warnings = isNew ? await rebuildCrls(ports, store, { nowMs, force: true }) : [];
    return { data: { ...config }, warnings: rebuildWarnings(warnings) };
  }

  return [
    definePath({
      pattern: 'config/crl',
      fields: CONFIG_FIELDS,
      help: { synopsis: 'Reads and sets how revocation is published.' },
      operations: {
        read: {
          summary: 'Read the settings of revocation',
          handler: async (_request, store) => ({ data: { ...(await crlConfig(store)) } }),
        },
        update: { summary: 'Change the settings of revocation', handler: write },
      },
    }),
    definePath({
      pattern: 'crl/rotate',
      fields: {},
      help: { synopsis: 'Makes the revocation lists anew.' },
      operations: {
        read: {
          summary: 'Make the lists anew',
          async handler({ nowMs }, store) {
            const warnings = await rebuildCrls(ports, store, { nowMs });
            return { data: { success: true }, warnings: rebuildWarnings(warnings) };
          },
        },
      },
    }),
    definePath({
      pattern: 'crl/rotate-delta',
      fields: {},
      help: { synopsis: 'Makes the delta lists anew.' },
      operations: {
        read: {
          summary: 'Make the delta lists anew',
          async handler({ nowMs }, store) {
            const { enable_delta: isOn } = await crlConfig(store);
            await rebuildDeltaCrls(ports, store, nowMs);
            const warnings = isOn
              ? []
              : ['requested rebuild of delta CRL when delta CRL is not enabled; this is a no-op'];
            return { data: { success: true }, warnings };
          },
        },
      },
    }),
  ];
}
