/** What is stored of automatic snapshots: how they are to be made, and what came of it. */
import type { Recurrence } from '../calendar/calendar.ts';
import type { Stored, Transaction, Unit } from '../model/transaction.ts';
import type { Retention } from './retention.ts';

export type Place =
  | {
      readonly type: 'local';
      /** Below the folder that the server's configuration allows. */
      readonly path: string;
      readonly spaceBytesMax: number;
    }
  | {
      readonly type: 'aws-s3';
      readonly prefix: string;
      readonly bucket: string;
      readonly region: string;
      readonly endpoint: string;
      readonly tls: boolean;
      readonly pathStyle: boolean;
      readonly caPem: string;
      readonly encryption: string;
      readonly kmsKey: string;
      /** '' = those of the server's environment. */
      readonly accessKey: string;
      readonly secretKey: string;
      readonly sessionToken: string;
    };

export interface Schedule {
  readonly name: string;
  readonly recurrence: Recurrence;
  readonly retention: Retention;
  readonly filePrefix: string;
  /** Each snapshot is fetched back and restored for a test. */
  readonly verify: boolean;
  readonly place: Place;
}

export interface Status {
  /** Milliseconds since the epoch, like all times here. */
  readonly nextMs: number;
  /** A snapshot is being made since then. */
  readonly running?: { readonly name: string; readonly sinceMs: number };
  readonly lastStartMs?: number;
  /** Whatever was at the destination by then is known; what came later and is none of `own` is somebody else's. */
  readonly knownMs?: number;
  /** Names that were begun since. */
  readonly own?: readonly string[];
  /** Somebody has said that the schedule may go on, whoever has delivered there. */
  readonly takeOver?: true;
  readonly lastEndMs?: number;
  /** Of the last one that was delivered. */
  readonly lastName?: string;
  readonly lastUrl?: string;
  readonly lastBytes?: number;
  readonly lastGoodMs?: number;
  /** When one was last restored for a test, and how many records it had. */
  readonly verifiedMs?: number;
  readonly verifiedRecords?: number;
  /** '' = the last one went well. */
  readonly lastError: string;
  readonly errors: number;
  /** How many there were after the last one, and how many are dated in the future. */
  readonly kept?: number;
  readonly inFuture?: number;
}

/** A snapshot that secrets can be read from. */
export interface LoadedRecord {
  readonly id: string;
  /** Name of the schedule whose destination it came from; '' = a caller has brought it. */
  readonly schedule: string;
  readonly snapshot: string;
  readonly url: string;
  readonly clusterId: string;
  readonly loadedMs: number;
  readonly expiresMs: number;
  /** The process that a caller has brought it to: it alone has the copy. */
  readonly holder?: string;
}

/** Schedules that there may be. */
export const SCHEDULES_MAX = 50;

const NAMESPACE = 'root';
const SCHEDULES = 'core/snapshot/schedule/';
const STATUS = 'core/snapshot/status/';
const LOADED = 'core/snapshot/loaded/';

const view = (unit: Unit, prefix: string): Transaction => unit.view(NAMESPACE, prefix);

export async function scheduleNames(unit: Unit): Promise<readonly string[]> {
  return await view(unit, SCHEDULES).list('', { limit: SCHEDULES_MAX });
}

/** Holds a credential: never show it as it is. */
export async function readSchedule(unit: Unit, name: string): Promise<Schedule | undefined> {
  return await view(unit, SCHEDULES).getJson<Schedule>(name);
}

export function putSchedule(unit: Unit, schedule: Schedule): void {
  view(unit, SCHEDULES).putJson(schedule.name, schedule);
}

/** With its status; what it has made stays where it is. */
export function deleteSchedule(unit: Unit, name: string): void {
  view(unit, SCHEDULES).delete(name);
  view(unit, STATUS).delete(name);
}

export async function readStatus(unit: Unit, name: string): Promise<Stored<Status> | undefined> {
  return await view(unit, STATUS).getRecord<Status>(name);
}

export function putStatus(unit: Unit, name: string, status: Status): void {
  view(unit, STATUS).putJson(name, status);
}

export async function loadedIds(unit: Unit): Promise<readonly string[]> {
  return await view(unit, LOADED).list('');
}

export async function readLoaded(
  unit: Unit,
  id: string,
): Promise<Stored<LoadedRecord> | undefined> {
  return await view(unit, LOADED).getRecord<LoadedRecord>(id);
}

export function putLoaded(unit: Unit, record: LoadedRecord): void {
  view(unit, LOADED).putJson(record.id, record);
}

export function deleteLoaded(unit: Unit, id: string): void {
  view(unit, LOADED).delete(id);
}
