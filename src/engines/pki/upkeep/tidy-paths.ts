/** `tidy`, `tidy-status`, `tidy-cancel` and `config/auto-tidy`. */
import { uuid } from '../../../base/random.ts';
import { formatTime } from '../../../base/time-format.ts';
import { definePath } from '../../../model/backend.ts';
import type { Path } from '../../../model/backend.ts';
import { invalidRequest } from '../../../model/errors.ts';
import { namesBelow } from '../../../model/listing/list-names.ts';
import type { Request } from '../../../model/request.ts';
import type { Transaction } from '../../../model/transaction.ts';
import { CERTIFICATES } from '../making/stored-certificates.ts';
import type { PkiPorts } from '../ports.ts';
import { REVOKED } from '../revocation/revoked.ts';
import {
  PAGE_MIN,
  AUTO_TIDY,
  autoTidyConfig,
  checkedTidy,
  doesAnything,
  pauseMs,
  shownTidy,
  TIDY_DEFAULTS,
  TIDY_OPERATIONS,
} from './tidy-config.ts';
import type { AutoTidyConfig, TidyConfig } from './tidy-config.ts';
import { LAST_AUTO_TIDY, newRun, TIDY_RUN } from './tidy-run.ts';
import {
  advance,
  AUTO_GENERATION,
  AUTO_TASK,
  INLINE_ENTRIES_MAX,
  intervalMs,
  isRunning,
  TASK,
} from './tidy-tasks.ts';
import type { TidyRun } from './tidy-record.ts';
import type { Reply } from '../../../model/reply.ts';

const TIDY_FIELDS = {
  tidy_cert_store: { kind: 'bool', description: 'Expired certificates are deleted.' },
  tidy_revoked_certs: {
    kind: 'bool',
    description: 'Revoked certificates are deleted once they have expired.',
  },
  tidy_revocation_list: {
    kind: 'bool',
    description: 'Like tidy_revoked_certs, for one run.',
    deprecated: true,
  },
  tidy_invalid_certs: { kind: 'bool', description: 'What cannot be read is deleted.' },
  tidy_revoked_cert_issuer_associations: {
    kind: 'bool',
    description: 'Revoked certificates whose issuer is not known are looked up again.',
  },
  tidy_expired_issuers: {
    kind: 'bool',
    description: 'Issuers that ended long ago are deleted, but for the default one.',
  },
  tidy_move_legacy_ca_bundle: { kind: 'bool', description: 'Without effect.' },
  tidy_acme: {
    kind: 'bool',
    description: 'Orders and accounts of ACME that are of no more use are deleted.',
  },
  safety_buffer: {
    kind: 'duration_seconds',
    description: 'How long something must have been expired before it is deleted.',
  },
  revoked_safety_buffer: {
    kind: 'duration_seconds',
    description: 'The same for revoked certificates.',
  },
  issuer_safety_buffer: { kind: 'duration_seconds', description: 'The same for issuers.' },
  acme_account_safety_buffer: {
    kind: 'duration_seconds',
    description: 'How long an account must have been without use before it is closed.',
  },
  pause_duration: { kind: 'string', description: 'Pause after each entry.' },
  page_size: { kind: 'int', description: 'Entries that are gone through at a time.' },
} as const;

const AUTO_FIELDS = {
  ...TIDY_FIELDS,
  enabled: { kind: 'bool', description: 'Clean-ups happen by themselves.' },
  interval_duration: {
    kind: 'duration_seconds',
    description: 'Time from the end of one clean-up to the next.',
  },
  maintain_stored_certificate_counts: {
    kind: 'bool',
    description: 'Certificates that are kept are counted.',
  },
  publish_stored_certificate_count_metrics: {
    kind: 'bool',
    description: 'The counts are published as metrics.',
  },
} as const;

type Wish = { readonly [N in keyof AutoTidyConfig]?: AutoTidyConfig[N] | undefined } & {
  readonly tidy_revocation_list?: boolean | undefined;
};

const NOTHING_ASKED = `Enable at least one tidy operation to be run (${TIDY_OPERATIONS.join(' / ')}).`;
const STARTED =
  "Tidy operation successfully started. Any information from the operation will be printed to the server's logs.";
const ACCEPTED = 202;
function applied<T extends TidyConfig>(before: T, wish: Wish): T {
  const changes = Object.entries(wish).filter(
    ([name, value]) => value !== undefined && Object.hasOwn(before, name),
  );
  return { ...before, ...(Object.fromEntries(changes) as Partial<T>) };
}

function time(ms: number | undefined): string | null {
  return ms === undefined ? null : formatTime(ms);
}

function latest(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return Math.max(one, other);
}

function statusData(
  run: TidyRun | undefined,
  mount: Request['mount'],
  more: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const counts = run?.counts;
  const settings =
    run === undefined
      ? Object.fromEntries(Object.keys(shownTidy(TIDY_DEFAULTS)).map((name) => [name, null]))
      : shownTidy(run.config);
  return {
    ...settings,
    state: run?.state ?? 'Inactive',
    error: run?.error ?? null,
    time_started: time(run?.startedMs),
    time_finished: time(run?.finishedMs),
    message: run === undefined || run.state !== 'Running' ? null : `Tidying: ${run.phase}`,
    cert_store_deleted_count: counts?.certStoreDeleted ?? null,
    revoked_cert_deleted_count: counts?.revokedCertDeleted ?? null,
    missing_issuer_cert_count: counts?.missingIssuerCert ?? null,
    total_acme_account_count: counts?.acmeAccounts ?? null,
    acme_account_deleted_count: counts?.acmeAccountsDeleted ?? null,
    acme_account_revoked_count: counts?.acmeAccountsRevoked ?? null,
    acme_orders_deleted_count: counts?.acmeOrdersDeleted ?? null,
    internal_backend_uuid: mount.uuid,
    ...more,
  };
}

async function status(store: Transaction, mount: Request['mount']): Promise<Reply> {
  const run = await store.getJson<TidyRun>(TIDY_RUN);
  const { maintain_stored_certificate_counts: counts } = await autoTidyConfig(store);
  const lastMs = await store.getJson<number>(LAST_AUTO_TIDY);
  return {
    data: statusData(run, mount, {
      current_cert_store_count: counts ? (await namesBelow(store, CERTIFICATES)).length : null,
      current_revoked_cert_count: counts ? (await namesBelow(store, REVOKED)).length : null,
      // A manual one counts as well: the next automatic one waits for it.
      last_auto_tidy_finished: time(latest(lastMs, run?.finishedMs ?? run?.startedMs)),
    }),
  };
}

/** As the reference answers it: an envelope without an id. */
function accepted(warning: string): Reply {
  const body = {
    request_id: '',
    lease_id: '',
    renewable: false,
    lease_duration: 0,
    data: null,
    wrap_info: null,
    warnings: [warning],
    auth: null,
  };
  return {
    status: ACCEPTED,
    raw: { contentType: 'application/json', body: `${JSON.stringify(body)}\n` },
  };
}

export function tidyPaths(ports: PkiPorts): readonly Path[] {
  async function tidy(request: Request<Wish>, store: Transaction): Promise<Reply> {
    const { fields, nowMs } = request;
    // Not from the settings of the automatic one.
    const wished = applied<TidyConfig>(TIDY_DEFAULTS, fields);
    // The old name counts for one run, and has never been a setting.
    const config = checkedTidy(
      fields.tidy_revocation_list === true ? { ...wished, tidy_revoked_certs: true } : wished,
    );
    if (isRunning(await store.getJson<TidyRun>(TIDY_RUN))) {
      return { data: null, warnings: ['Tidy operation already in progress.'] };
    }
    const start = newRun(uuid(ports.random), config, nowMs);
    const isPaced = (pauseMs(config.pause_duration) ?? 0) > 0;
    const { run } = isPaced
      ? { run: start }
      : await advance(ports, store, start, nowMs, INLINE_ENTRIES_MAX);
    store.putJson(TIDY_RUN, run);
    if (run.state === 'Running') request.schedule(TASK, run.id, nowMs);
    return accepted(
      doesAnything(config)
        ? STARTED
        : `Manual tidy requested but no tidy operations were set. ${NOTHING_ASKED}`,
    );
  }

  async function configure(request: Request<Wish>, store: Transaction): Promise<Reply> {
    const config = checkedTidy(applied(await autoTidyConfig(store), request.fields));
    if (config.page_size < PAGE_MIN) throw invalidRequest('page_size must be at least 5');
    if (config.enabled && !doesAnything(config)) {
      throw invalidRequest(
        `Auto-tidy enabled but no tidy operations were requested. ${NOTHING_ASKED}`,
      );
    }
    if (
      config.publish_stored_certificate_count_metrics &&
      !config.maintain_stored_certificate_counts
    ) {
      throw invalidRequest(
        'Can not publish a running storage metrics count to metrics without first maintaining that count.  Enable `maintain_stored_certificate_counts` to enable `publish_stored_certificate_count_metrics`.',
      );
    }
    store.putJson(AUTO_TIDY, config);
    const generation = uuid(ports.random);
    store.putJson(AUTO_GENERATION, generation);
    if (config.enabled) {
      request.schedule(AUTO_TASK, generation, request.nowMs + intervalMs(config));
    }
    return { data: shownAuto(config) };
  }

  return [
    definePath({
      pattern: 'tidy',
      fields: TIDY_FIELDS,
      help: { synopsis: 'Deletes what is of no more use.' },
      operations: { update: { summary: 'Clean up', handler: tidy } },
    }),
    definePath({
      pattern: 'tidy-cancel',
      fields: {},
      help: { synopsis: 'Ends a clean-up that is under way.' },
      operations: {
        update: {
          summary: 'End the clean-up',
          async handler({ mount }, store) {
            const run = await store.getJson<TidyRun>(TIDY_RUN);
            if (run === undefined || !isRunning(run)) {
              return {
                data: null,
                warnings: ['Tidy operation cannot be cancelled as none is currently running.'],
              };
            }
            store.putJson(TIDY_RUN, { ...run, state: 'Cancelling' });
            return await status(store, mount);
          },
        },
      },
    }),
    definePath({
      pattern: 'tidy-status',
      fields: {},
      help: { synopsis: 'Shows how far the clean-up has come.' },
      operations: {
        read: {
          summary: 'Read the state of the clean-up',
          handler: ({ mount }, store) => status(store, mount),
        },
      },
    }),
    definePath({
      pattern: 'config/auto-tidy',
      fields: AUTO_FIELDS,
      help: { synopsis: 'Reads and sets what is cleaned up by itself.' },
      operations: {
        read: {
          summary: 'Read the settings of automatic clean-up',
          handler: async (_request, store) => ({ data: shownAuto(await autoTidyConfig(store)) }),
        },
        update: { summary: 'Change the settings of automatic clean-up', handler: configure },
      },
    }),
  ];
}

function shownAuto(config: AutoTidyConfig): Readonly<Record<string, unknown>> {
  return {
    ...shownTidy(config),
    enabled: config.enabled,
    interval_duration: config.interval_duration,
    maintain_stored_certificate_counts: config.maintain_stored_certificate_counts,
    publish_stored_certificate_count_metrics: config.publish_stored_certificate_count_metrics,
  };
}
