/** What happens to kept certificates by the calendar: renewal before the end, and alerts when the end comes near. */
import { uuid } from '../../../base/random.ts';
import { formatTimeSeconds } from '../../../base/time-format.ts';
import { wipe } from '../../../crypto/secret-bytes.ts';
import { privateKeyPem } from '../../../crypto/x509/keys.ts';
import { invalidRequest, RequestError } from '../../../model/errors.ts';
import type { Schedule, TaskOutcome, TaskType } from '../../../model/outside.ts';
import type { Transaction } from '../../../model/transaction.ts';
import { makeLeaf } from '../making/issue.ts';
import { neededRole, withKey } from '../making/leaf-paths.ts';
import type { PkiPorts } from '../ports.ts';
import { madeByPlan } from './plan.ts';
import { alertsOf, daysLeft, isMadeHere, partOf, renewalMs, STORED } from './record.ts';
import type { StoredRecord, Wish } from './record.ts';
import { removeStored, succeeded } from './versions.ts';
import type { MadePart } from './versions.ts';

export const STORED_TASK = 'stored';
const RETRY_MS_MIN = 60_000;
const RETRY_MS_MAX = 3_600_000;

/** Certificate, chain and key as the role makes them now. @throws {RequestError} */
export async function madeAnew(
  ports: PkiPorts,
  store: Transaction,
  wish: Wish,
  nowMs: number,
): Promise<MadePart> {
  const role = withKey(await neededRole(store, wish.role), {
    key_type: wish.keyType,
    key_bits: wish.keyBits,
  });
  const reference = wish.issuerRef === '' ? role.issuer_ref : wish.issuerRef;
  const signer = await ports.signers.ready(store, reference, 'issuing-certificates');
  const { defaultLeaseTtlSeconds, maxLeaseTtlSeconds } = wish;
  const { certificate, chain, key } = await makeLeaf(ports, {
    request: {
      fields: wish.values,
      mount: { defaultLeaseTtlSeconds, maxLeaseTtlSeconds },
      // Nobody asks: names that roles allow to identities only are not renewed.
      principal: undefined,
      nowMs,
    },
    store,
    role,
    signer,
  });
  const privateKey = key === undefined ? '' : privateKeyPem(key, 'usual');
  if (key !== undefined) wipe(key.der);
  return {
    ...partOf(certificate),
    chain: chain.map((each) => each.pem),
    privateKey,
  };
}

/** When something is to be done next; undefined for never. */
function nextMs(record: StoredRecord): number | undefined {
  const { alertedSeconds = Infinity, notAfterMs } = record;
  if (record.deletedMs !== undefined) return record.purgeMs;
  const alert = alertsOf(record).find((each) => each < alertedSeconds);
  const times = [
    renewalMs(record),
    alert === undefined ? undefined : notAfterMs - alert * 1000,
  ].filter((each) => each !== undefined);
  return times.length === 0 ? undefined : Math.min(...times);
}

/** Keeps a record that has changed; what was planned for it before ends by itself. */
export function putStored(
  ports: PkiPorts,
  store: Transaction,
  schedule: Schedule,
  name: string,
  changed: Omit<StoredRecord, 'generation'>,
): StoredRecord {
  const record: StoredRecord = { ...changed, generation: uuid(ports.random) };
  store.putJson(STORED + name, record);
  const atMs = nextMs(record);
  if (atMs !== undefined) schedule(STORED_TASK, `${name}/${record.generation}`, atMs);
  return record;
}

/** The record after a renewal. @throws {RequestError} */
export async function renewed(
  ports: PkiPorts,
  store: Transaction,
  name: string,
  record: StoredRecord,
  nowMs: number,
): Promise<StoredRecord> {
  const { problem: _problem, alertedSeconds: _alerted, ...kept } = record;
  const { plan, wish, bounds, privateKey } = record;
  if (plan === undefined && wish === undefined) {
    throw invalidRequest('a certificate from elsewhere cannot be renewed here');
  }
  const made =
    plan === undefined
      ? await madeAnew(ports, store, wish as Wish, nowMs)
      : await madeByPlan(ports, store, plan, { nowMs, bounds, before: privateKey });
  // What was said of the version before, holds for the next.
  const { tags } = record.versions?.at(-1) ?? {};
  const notes = tags === undefined ? {} : { tags };
  const next = succeeded(ports.random, store, name, record, made, nowMs, notes);
  return { ...kept, ...next, renewals: record.renewals + 1, renewedMs: nowMs };
}

/** The record with the alert that is due given, if one is. */
function alerted(ports: PkiPorts, name: string, record: StoredRecord, nowMs: number): StoredRecord {
  const { alertedSeconds = Infinity, notAfterMs, serial, subject } = record;
  const due = alertsOf(record).filter(
    (each) => each < alertedSeconds && notAfterMs - each * 1000 <= nowMs,
  );
  const last = due.at(-1);
  if (last === undefined) return record;
  const facts = {
    name,
    serial,
    subject,
    not_after: formatTimeSeconds(notAfterMs),
    days_left: daysLeft(record, nowMs),
  };
  if (notAfterMs <= nowMs) ports.log.error('a kept certificate has expired', facts);
  else ports.log.warn('a kept certificate is about to expire', facts);
  ports.metrics?.alert();
  return { ...record, alertedSeconds: last };
}

function retryMs({ notAfterMs }: StoredRecord, nowMs: number): number {
  const tenthMs = (notAfterMs - nowMs) / 10;
  return nowMs + Math.min(RETRY_MS_MAX, Math.max(RETRY_MS_MIN, tenthMs));
}

export function storedTask(ports: PkiPorts): TaskType {
  return {
    async run({ name: task, nowMs, schedule }, store): Promise<TaskOutcome> {
      const at = task.lastIndexOf('/');
      const name = task.slice(0, at);
      const record = await store.getJson<StoredRecord>(STORED + name);
      if (record?.generation !== task.slice(at + 1)) return 'done';
      if (record.deletedMs !== undefined) {
        removeStored(store, name, record);
        return 'done';
      }
      const dueMs = renewalMs(record);
      if (!isMadeHere(record) || dueMs === undefined || dueMs > nowMs) {
        putStored(ports, store, schedule, name, alerted(ports, name, record, nowMs));
        return 'done';
      }
      try {
        const after = await renewed(ports, store, name, record, nowMs);
        ports.log.info('a kept certificate was renewed', { name, serial: after.serial });
        ports.metrics?.renewal('ok');
        putStored(ports, store, schedule, name, after);
        return 'done';
      } catch (error) {
        if (!(error instanceof RequestError)) throw error;
        ports.log.error('a kept certificate was not renewed', { name, error: error.message });
        ports.metrics?.renewal('failed');
        const told = alerted(ports, name, { ...record, problem: error.message }, nowMs);
        store.putJson(STORED + name, told);
        return retryMs(record, nowMs);
      }
    },
  };
}
