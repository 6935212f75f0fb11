/**
 * Revocation lists: one complete and one delta list for each group of issuers that share key and name. Lists are made in the
 * transaction of what changes them, and read as they are.
 */
import { uuid } from '../../../base/random.ts';
import { algorithmFor, findAlgorithm } from '../../../crypto/x509/algorithms.ts';
import { isSignedBy, keyUsageOf, readCertificate } from '../../../crypto/x509/certificate.ts';
import type { Certificate } from '../../../crypto/x509/certificate.ts';
import {
  authorityKeyId,
  crlNumber,
  deltaCrlIndicator,
  distributionPoints,
  EXTENSION_OIDS,
  KEY_USAGE,
} from '../../../crypto/x509/extensions.ts';
import { makeRevocationList } from '../../../crypto/x509/revocation-list.ts';
import type { RevokedEntry } from '../../../crypto/x509/revocation-list.ts';
import { namesBelow } from '../../../model/listing/list-names.ts';
import type { Transaction } from '../../../model/transaction.ts';
import { ISSUERS, readIndex } from '../authorities/records.ts';
import type { IssuerRecord, StoredIssuer } from '../authorities/records.ts';
import { urlsOf } from '../authorities/urls.ts';
import type { PkiPorts } from '../ports.ts';
import { crlConfig, secondsOf } from './config.ts';
import type { CrlConfig } from './config.ts';
import { allRevoked, RECENT } from './revoked.ts';
import type { Revoked } from './revoked.ts';

export interface CrlState {
  /** Id of the list, by issuer. */
  readonly lists: Readonly<Record<string, string>>;
  /** By id of the list. */
  readonly details: Readonly<Record<string, ListDetails>>;
  readonly lastModifiedMs: number;
  readonly deltaLastModifiedMs: number;
}

interface ListDetails {
  readonly nextNumber: number;
  readonly completeNumber: number;
  readonly expiresMs: number;
}

const STATE = 'crl-state';
const COMPLETE = 'crl/';
const DELTA = 'crl-delta/';

const NO_STATE: CrlState = { lists: {}, details: {}, lastModifiedMs: 0, deltaLastModifiedMs: 0 };

export async function crlState(store: Pick<Transaction, 'getRecord'>): Promise<CrlState> {
  return (await store.getRecord<CrlState>(STATE)) ?? NO_STATE;
}

/** The list of an issuer in DER; undefined when there is none. */
export async function findCrl(
  store: Transaction,
  issuerId: string,
  isDelta: boolean,
): Promise<Buffer | undefined> {
  const id = (await crlState(store)).lists[issuerId];
  return id === undefined ? undefined : await store.get((isDelta ? DELTA : COMPLETE) + id);
}

interface Known {
  readonly issuer: StoredIssuer;
  readonly certificate: Certificate;
}

/** Issuers with a key. What this transaction has written counts. */
async function issuersWithKeys(store: Transaction): Promise<Known[]> {
  const index = await readIndex(store);
  const ids = Object.keys(index.issuers);
  const records = await store.getRecords<IssuerRecord>(ids.map((id) => ISSUERS + id));
  return records.flatMap((issuer) =>
    issuer === undefined || issuer.keyId === ''
      ? []
      : [{ issuer, certificate: readCertificate(Buffer.from(issuer.certificate, 'base64')) }],
  );
}

function groupsOf(known: readonly Known[]): Known[][] {
  const groups = new Map<string, Known[]>();
  for (const each of known) {
    const name = `${each.issuer.keyId} ${each.certificate.subject.toString('latin1')}`;
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [each]);
    else group.push(each);
  }
  return [...groups.values()];
}

function entryOf({ key, revokedMs }: Revoked): RevokedEntry {
  return { serial: Buffer.from(key.replaceAll('-', ''), 'hex'), revokedMs };
}

/** Revoked issuers stand on the lists of those who certified them. */
function revokedIssuers(known: readonly Known[]): Map<string, RevokedEntry[]> {
  const found = new Map<string, RevokedEntry[]>();
  for (const { issuer, certificate } of known) {
    const { revokedMs } = issuer;
    if (revokedMs === undefined) continue;
    for (const other of known) {
      if (other.issuer.id === issuer.id) continue;
      if (!isSignedBy(certificate, other.certificate)) continue;
      const list = found.get(other.issuer.id) ?? [];
      list.push({ serial: certificate.serial, revokedMs });
      found.set(other.issuer.id, list);
    }
  }
  return found;
}

interface Building {
  readonly ports: PkiPorts;
  readonly store: Transaction;
  readonly config: CrlConfig;
  readonly nowMs: number;
  readonly defaultIssuer: string;
  readonly known: readonly Known[];
  lists: Record<string, string>;
  details: Record<string, ListDetails>;
}

export interface RebuildOptions {
  readonly nowMs: number;
  /** Also while lists are off: then an empty one is made. */
  readonly force?: boolean;
  /** Revoked in this very transaction. */
  readonly added?: readonly Revoked[];
}

/** Makes every complete list anew, and an empty delta list for each. @returns warnings */
export async function rebuildCrls(
  ports: PkiPorts,
  store: Transaction,
  options: RebuildOptions,
): Promise<string[]> {
  const { nowMs, added = [], force = false } = options;
  const config = await crlConfig(store);
  if (config.disable && !force) return [];
  const building = await begin(ports, store, config, nowMs);
  const state = await crlState(store);
  // Before the revoked ones are listed: what is revoked from here on may stand on no list yet, and waits for the next delta.
  const recent = await namesBelow(store, RECENT);
  const revoked = config.disable ? [] : merged(await allRevoked(store), added);
  const issuers = config.disable
    ? new Map<string, RevokedEntry[]>()
    : revokedIssuers(building.known);
  const warnings = await buildLists(building, revoked, issuers, false);
  for (const key of recent) store.delete(RECENT + key);
  for (const { key } of added) store.delete(RECENT + key);
  await buildLists(building, [], new Map(), true);
  save(building, state, { lastModifiedMs: nowMs, deltaLastModifiedMs: nowMs });
  return warnings;
}

/** Makes every delta list anew: what was revoked since the complete ones. @returns warnings */
export async function rebuildDeltaCrls(
  ports: PkiPorts,
  store: Transaction,
  nowMs: number,
): Promise<string[]> {
  const config = await crlConfig(store);
  if (config.disable || !config.enable_delta) return [];
  const building = await begin(ports, store, config, nowMs);
  const state = await crlState(store);
  await buildLists(building, await allRevoked(store, RECENT), new Map(), true);
  save(building, state, { deltaLastModifiedMs: nowMs });
  return [];
}

async function begin(
  ports: PkiPorts,
  store: Transaction,
  config: CrlConfig,
  nowMs: number,
): Promise<Building> {
  const [known, index, state] = [
    await issuersWithKeys(store),
    await readIndex(store),
    await crlState(store),
  ];
  const { defaultIssuer } = index;
  const lists = { ...state.lists };
  return {
    ports,
    store,
    config,
    nowMs,
    defaultIssuer,
    known,
    lists,
    details: { ...state.details },
  };
}

function merged(stored: readonly Revoked[], added: readonly Revoked[]): Revoked[] {
  const byKey = new Map(stored.map((each) => [each.key, each]));
  for (const each of added) byKey.set(each.key, each);
  return [...byKey.values()];
}

async function buildLists(
  building: Building,
  revoked: readonly Revoked[],
  issuers: ReadonlyMap<string, readonly RevokedEntry[]>,
  isDelta: boolean,
): Promise<string[]> {
  const warnings: string[] = [];
  const ids = new Set(building.known.map((each) => each.issuer.id));
  // Issuers are never on their own list as certificates of the mount.
  const own = new Set(building.known.map((each) => each.certificate.serial.toString('hex')));
  const entries = revoked.filter((each) => !own.has(each.key.replaceAll('-', '')));
  for (const group of groupsOf(building.known)) {
    const signers = group.filter((each) => each.issuer.usage.includes('crl-signing'));
    const chosen = signers.find((each) => each.issuer.id === building.defaultIssuer) ?? signers[0];
    if (chosen === undefined) {
      if (!isDelta) warnings.push(withoutSigner(group));
      continue;
    }
    const takesRest = signers.some((each) => each.issuer.id === building.defaultIssuer);
    const mine = new Set(signers.map((each) => each.issuer.id));
    const listed = entries.filter(
      ({ issuerId }) => mine.has(issuerId) || (takesRest && !ids.has(issuerId)),
    );
    await buildList(
      building,
      group,
      chosen,
      [...listed.map(entryOf), ...[...mine].flatMap((id) => issuers.get(id) ?? [])],
      isDelta,
    );
  }
  return warnings;
}

function withoutSigner(group: readonly Known[]): string {
  const ids = group.map((each) => each.issuer.id).join(',');
  return `Issuer equivalency set with associated keys lacked an issuer with CRL Signing KeyUsage; refusing to rebuild CRL for this group of issuers: ${ids}`;
}

async function buildList(
  building: Building,
  group: readonly Known[],
  { issuer, certificate }: Known,
  revoked: readonly RevokedEntry[],
  isDelta: boolean,
): Promise<void> {
  const { ports, store, config, nowMs, lists, details } = building;
  const signer = await ports.signers.readyOf(store, issuer, 'crl-signing');
  if (((keyUsageOf(certificate) ?? 0) & KEY_USAGE.crlSign) === 0) return;
  const id =
    group.map((each) => lists[each.issuer.id]).find((each) => each !== undefined) ??
    uuid(ports.random);
  for (const each of group) lists[each.issuer.id] = id;
  const known = details[id];
  const number = known?.nextNumber ?? 1;
  const completeNumber = isDelta ? (known?.completeNumber ?? number - 1) : number;
  const expiresMs = nowMs + secondsOf(config.expiry) * 1000;
  const { deltaCrlDistributionPoints: deltas } = await urlsOf(store, issuer);
  const further = isDelta
    ? [deltaCrlIndicator(completeNumber)]
    : deltas.length > 0
      ? [distributionPoints(deltas, EXTENSION_OIDS.freshestCrl)]
      : [];
  const der = await makeRevocationList(
    {
      issuer: certificate.subject,
      thisUpdateMs: nowMs,
      nextUpdateMs: expiresMs,
      revoked,
      extensions: [authorityKeyId(signer.subjectKeyId), crlNumber(number), ...further],
    },
    findAlgorithm(issuer.revocationAlgorithm) ?? algorithmFor(signer.key),
    signer.key,
  );
  store.put((isDelta ? DELTA : COMPLETE) + id, der);
  details[id] = { nextNumber: number + 1, completeNumber, expiresMs };
}

function save(
  { store, known, lists, details }: Building,
  before: CrlState,
  times: Partial<Pick<CrlState, 'lastModifiedMs' | 'deltaLastModifiedMs'>>,
): void {
  const ids = new Set(known.map((each) => each.issuer.id));
  const kept = Object.entries(lists).filter(([issuerId]) => ids.has(issuerId));
  const used = new Set(kept.map(([, id]) => id));
  for (const id of Object.keys(details)) {
    if (used.has(id)) continue;
    store.delete(COMPLETE + id);
    store.delete(DELTA + id);
  }
  const state: CrlState = {
    lastModifiedMs: before.lastModifiedMs,
    deltaLastModifiedMs: before.deltaLastModifiedMs,
    ...times,
    lists: Object.fromEntries(kept),
    details: Object.fromEntries(Object.entries(details).filter(([id]) => used.has(id))),
  };
  store.putJson(STATE, state);
}

/** Numbered, as answers show what came up while lists were made. */
export function rebuildWarnings(warnings: readonly string[]): string[] {
  return warnings.map(
    (each, index) =>
      `Warning ${index + 1} during CRL rebuild: warning from local CRL rebuild: ${each}`,
  );
}
