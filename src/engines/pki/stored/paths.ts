/** `stored/NAME` and `expiring`: certificates kept under a name. */
import type { JsonObject } from '../../../base/json.ts';
import { definePath } from '../../../model/backend.ts';
import type { Path } from '../../../model/backend.ts';
import { invalidRequest, notFound } from '../../../model/errors.ts';
import { LIST_FIELDS, listedNames, namesBelow } from '../../../model/listing/list-names.ts';
import type { ListRequest } from '../../../model/listing/list-names.ts';
import type { Request } from '../../../model/request.ts';
import type { Reader, Transaction } from '../../../model/transaction.ts';
import { LEAF_FIELDS, NAME_FIELDS, ROLE } from '../making/fields.ts';
import type { NameValues } from '../names/parameters.ts';
import type { PkiPorts } from '../ports.ts';
import {
  ALERTS,
  findStored,
  isMadeHere,
  partOf,
  STORED,
  STORED_NAME,
  storedInfo,
} from './record.ts';
import type { StoredRecord, Wish } from './record.ts';
import { alertSeconds, assertKey, certificatesIn } from './given.ts';
import { madeAnew, putStored, renewed } from './renewal.ts';
import { deletionPaths } from './deletion-paths.ts';
import { takingTasks } from './tasks.ts';
import { registrationPaths } from './registrations.ts';
import { removeStored, succeeded } from './versions.ts';
import type { Reply } from '../../../model/reply.ts';

const ALERT_FIELD = {
  kind: 'comma_string_list',
  description: 'How long before its end an alert is given, several times as one likes.',
} as const;

const RENEWAL_FIELDS = {
  auto_renew: { kind: 'bool', description: 'The certificate is renewed by itself.' },
  renew_before: {
    kind: 'duration_seconds',
    description: 'How long before its end it is renewed; 0 is a third of its lifetime.',
  },
  alert_before: ALERT_FIELD,
} as const;

const IMPORT_FIELDS = {
  name: STORED_NAME,
  certificate: {
    kind: 'string',
    description: 'The certificate in PEM; those of its chain may follow.',
    default: '',
  },
  private_key: {
    kind: 'string',
    description: 'Its private key in PEM, when that is to be kept too.',
    sensitive: true,
  },
  alert_before: ALERT_FIELD,
} as const;

const { not_before: _notBefore, not_after: _notAfter, ...NAMES } = NAME_FIELDS;

const ISSUE_FIELDS = {
  ...NAMES,
  ...LEAF_FIELDS,
  ...RENEWAL_FIELDS,
  name: STORED_NAME,
  role: ROLE,
  issuer_ref: {
    kind: 'string',
    description: 'The issuer, when it is not that of the role.',
    default: '',
  },
  key_type: { kind: 'string', description: 'Type of the key, for a role that takes any.' },
  key_bits: { kind: 'int', description: 'Size of the key, for a role that takes any.' },
} as const;

const WITHIN_SECONDS = 30 * 86_400;

interface RenewalValues {
  readonly auto_renew: boolean | undefined;
  readonly renew_before: number | undefined;
  readonly alert_before: readonly string[] | undefined;
}

interface ImportValues {
  readonly name: string;
  readonly certificate: string;
  readonly private_key: string | undefined;
  readonly alert_before: readonly string[] | undefined;
}

interface IssueValues extends RenewalValues, Omit<NameValues, 'not_before' | 'not_after'> {
  readonly name: string;
  readonly role: string;
  readonly issuer_ref: string;
  readonly key_type: string | undefined;
  readonly key_bits: number | undefined;
  readonly remove_roots_from_chain: boolean;
}

type Named = Request<{ readonly name: string }>;

async function needed(store: Reader, name: string): Promise<StoredRecord> {
  const record = await findStored(store, name);
  if (record === undefined) throw notFound();
  return record;
}

export function storedPaths(ports: PkiPorts): readonly Path[] {
  return pathsOf(ports).map((path) => takingTasks(path, ports));
}

function pathsOf(ports: PkiPorts): readonly Path[] {
  function keep(
    { nowMs, schedule }: Pick<Named, 'nowMs' | 'schedule'>,
    store: Transaction,
    name: string,
    record: Omit<StoredRecord, 'generation'>,
  ): Reply {
    const kept = putStored(ports, store, schedule, name, record);
    return { data: storedInfo(kept, nowMs) };
  }

  async function take(request: Request<ImportValues>, store: Transaction): Promise<Reply> {
    const { name, certificate: text, private_key: key = '', alert_before: alerts } = request.fields;
    const [certificate, ...chain] = certificatesIn(text);
    if (certificate === undefined) throw invalidRequest('certificate holds no certificate in PEM');
    if (key !== '') assertKey(certificate, key);
    const made = {
      ...partOf(certificate),
      chain: chain.map((each) => partOf(each).certificate),
      privateKey: key,
    };
    const before = await store.getJson<StoredRecord>(STORED + name);
    return keep(request, store, name, {
      ...succeeded(ports.random, store, name, before, made, request.nowMs),
      autoRenew: false,
      renewBeforeSeconds: 0,
      alertBeforeSeconds: alertSeconds(alerts ?? ALERTS),
      renewals: 0,
    });
  }

  async function issue(request: Request<IssueValues>, store: Transaction): Promise<Reply> {
    const { fields, nowMs } = request;
    const wish = wishOf(request);
    const made = await madeAnew(ports, store, wish, nowMs);
    const before = await store.getJson<StoredRecord>(STORED + fields.name);
    return keep(request, store, fields.name, {
      ...succeeded(ports.random, store, fields.name, before, made, nowMs),
      wish,
      autoRenew: fields.auto_renew ?? true,
      renewBeforeSeconds: fields.renew_before ?? 0,
      alertBeforeSeconds: alertSeconds(fields.alert_before ?? ALERTS),
      renewals: 0,
    });
  }

  async function change(
    request: Request<RenewalValues & { readonly name: string }>,
    store: Transaction,
  ): Promise<Reply> {
    const { name, auto_renew: auto, renew_before: before, alert_before: alerts } = request.fields;
    const record = await needed(store, name);
    if (auto === true && !isMadeHere(record)) {
      throw invalidRequest('a certificate from elsewhere cannot be renewed here');
    }
    return keep(request, store, name, {
      ...record,
      autoRenew: auto ?? record.autoRenew,
      renewBeforeSeconds: before ?? record.renewBeforeSeconds,
      alertBeforeSeconds: alerts === undefined ? record.alertBeforeSeconds : alertSeconds(alerts),
    });
  }

  async function renew(request: Named, store: Transaction): Promise<Reply> {
    const { name } = request.fields;
    const record = await needed(store, name);
    const after = await renewed(ports, store, name, record, request.nowMs);
    ports.metrics?.renewal('ok');
    return keep(request, store, name, after);
  }

  return [
    definePath({
      pattern: 'stored',
      fields: LIST_FIELDS,
      help: { synopsis: 'Lists the certificates that are kept under a name.' },
      operations: { list: { summary: 'List kept certificates', handler: list } },
    }),
    definePath({
      pattern: 'stored/{name}',
      fields: IMPORT_FIELDS,
      help: { synopsis: 'Keeps a certificate from elsewhere; shows one with its key; deletes it.' },
      operations: {
        read: { summary: 'Show a kept certificate and its key', handler: show },
        update: { summary: 'Keep a certificate from elsewhere', handler: take },
        delete: {
          summary: 'Keep a certificate no longer',
          async handler({ fields }, store) {
            const record = await store.getJson<StoredRecord>(STORED + fields.name);
            if (record !== undefined) removeStored(store, fields.name, record);
            return undefined;
          },
        },
      },
    }),
    ...deletionPaths(ports),
    ...registrationPaths(),
    definePath({
      pattern: 'stored/{name}/info',
      fields: { ...RENEWAL_FIELDS, name: STORED_NAME },
      help: { synopsis: 'Shows and sets when a kept certificate is renewed, without its key.' },
      operations: {
        read: {
          summary: 'Show what is known of a kept certificate',
          handler: async ({ fields, nowMs }, store) => ({
            data: storedInfo(await needed(store, fields.name), nowMs),
          }),
        },
        update: { summary: 'Change when it is renewed and told', handler: change },
      },
    }),
    definePath({
      pattern: 'stored/{name}/issue/{role}',
      fields: ISSUE_FIELDS,
      help: { synopsis: 'Makes a certificate as a role allows, keeps it and renews it in time.' },
      operations: { update: { summary: 'Make a certificate and keep it', handler: issue } },
    }),
    definePath({
      pattern: 'stored/{name}/renew',
      fields: { name: STORED_NAME },
      help: { synopsis: 'Renews a kept certificate now.' },
      operations: { update: { summary: 'Renew a kept certificate', handler: renew } },
    }),
    definePath({
      pattern: 'expiring',
      fields: {
        within: {
          kind: 'duration_seconds',
          description: 'Certificates that end within this time, and those that have ended.',
          default: WITHIN_SECONDS,
        },
      },
      help: { synopsis: 'Shows which kept certificates end soon, the first one first.' },
      operations: { read: { summary: 'Show what ends soon', handler: expiring } },
    }),
  ];
}

function wishOf({ fields, mount }: Request<IssueValues>): Wish {
  const { remove_roots_from_chain, common_name, alt_names, ip_sans, uri_sans, other_sans } = fields;
  const { serial_number, exclude_cn_from_sans, ttl, user_ids = [] } = fields;
  return {
    role: fields.role,
    issuerRef: fields.issuer_ref,
    keyType: fields.key_type,
    keyBits: fields.key_bits,
    defaultLeaseTtlSeconds: mount.defaultLeaseTtlSeconds,
    maxLeaseTtlSeconds: mount.maxLeaseTtlSeconds,
    values: {
      common_name,
      alt_names,
      ip_sans,
      uri_sans,
      other_sans,
      serial_number,
      user_ids,
      ttl,
      exclude_cn_from_sans,
      remove_roots_from_chain,
      not_before: undefined,
      not_after: undefined,
      format: 'pem',
      private_key_format: 'der',
    },
  };
}

async function infos(
  store: Reader,
  names: readonly string[],
  nowMs: number,
): Promise<{ readonly name: string; readonly record: StoredRecord; readonly info: JsonObject }[]> {
  const found = await Promise.all(names.map((name) => findStored(store, name)));
  return names.flatMap((name, index) => {
    const record = found[index];
    return record === undefined ? [] : [{ name, record, info: storedInfo(record, nowMs) }];
  });
}

async function list({ fields, nowMs }: Request<ListRequest>, store: Transaction): Promise<Reply> {
  const names = await listedNames(store, STORED, fields);
  const found = await infos(store, names, nowMs);
  return {
    data: {
      keys: found.map((each) => each.name),
      key_info: Object.fromEntries(found.map(({ name, info }) => [name, info])),
    },
  };
}

async function show({ fields, nowMs }: Named, store: Transaction): Promise<Reply> {
  const record = await needed(store, fields.name);
  return {
    data: {
      certificate: record.certificate,
      ca_chain: record.chain,
      private_key: record.privateKey,
      ...storedInfo(record, nowMs),
    },
  };
}

async function expiring(
  { fields, nowMs }: Request<{ readonly within: number }>,
  store: Transaction,
): Promise<Reply> {
  const found = await infos(store, await namesBelow(store, STORED), nowMs);
  const soon = found
    .filter(({ record }) => record.notAfterMs <= nowMs + fields.within * 1000)
    .sort((a, b) => a.record.notAfterMs - b.record.notAfterMs);
  return {
    data: {
      keys: soon.map((each) => each.name),
      key_info: Object.fromEntries(soon.map(({ name, info }) => [name, info])),
    },
  };
}
