/**
 * A clean-up goes through the store page by page, each page one commit, so that neither a large store nor a crash holds anything
 * up: the record of the run says how far it has come.
 */
import { DerError } from '../../../crypto/der.ts';
import { readCertificate } from '../../../crypto/x509/certificate.ts';
import type { Certificate } from '../../../crypto/x509/certificate.ts';
import type { Transaction } from '../../../model/transaction.ts';
import { tidyAcmePage } from '../acme/tidy.ts';
import { Authorities } from '../authorities/authorities.ts';
import { CERTIFICATES } from '../making/stored-certificates.ts';
import type { PkiPorts } from '../ports.ts';
import { crlConfig } from '../revocation/config.ts';
import { rebuildCrls } from '../revocation/crl.ts';
import { associate, issuerCertificates } from '../revocation/issuers-of.ts';
import { findRevoked, putRevoked, REVOKED } from '../revocation/revoked.ts';
import { PAGE_MAX } from './tidy-config.ts';
import type { TidyConfig } from './tidy-config.ts';
import type { TidyCounts, TidyRun } from './tidy-record.ts';
import { PHASES } from './tidy-record.ts';

export const TIDY_RUN = 'tidy-run';
export const LAST_AUTO_TIDY = 'last-auto-tidy';

export function newRun(id: string, config: TidyConfig, nowMs: number): TidyRun {
  return {
    id,
    config,
    state: 'Running',
    phase: 'certificates',
    after: '',
    listsChanged: false,
    counts: {
      certStoreDeleted: 0,
      revokedCertDeleted: 0,
      missingIssuerCert: 0,
      acmeAccounts: 0,
      acmeAccountsDeleted: 0,
      acmeAccountsRevoked: 0,
      acmeOrdersDeleted: 0,
    },
    startedMs: nowMs,
  };
}

export interface Step {
  readonly run: TidyRun;
  /** Entries that this step looked at. */
  readonly looked: number;
}

function pageOf({ config }: TidyRun): number {
  return config.page_size > 0 ? Math.min(config.page_size, PAGE_MAX) : PAGE_MAX;
}

function nextPhase(run: TidyRun): TidyRun {
  const phase = PHASES[PHASES.indexOf(run.phase) + 1] ?? 'done';
  return { ...run, phase, after: '' };
}

function counted(run: TidyRun, more: Partial<TidyCounts>): TidyRun {
  const counts = { ...run.counts };
  for (const [name, count] of Object.entries(more)) counts[name as keyof TidyCounts] += count;
  return { ...run, counts };
}

function parsed(der: Buffer): Certificate | undefined {
  try {
    return readCertificate(der);
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}

async function certificatesStep(store: Transaction, run: TidyRun, nowMs: number): Promise<Step> {
  const { config } = run;
  if (!config.tidy_cert_store && !config.tidy_invalid_certs) {
    return { run: nextPhase(run), looked: 0 };
  }
  const limit = pageOf(run);
  const names = await store.list(CERTIFICATES, { after: run.after, limit });
  const ders = await store.getMany(names.map((name) => CERTIFICATES + name));
  let certStoreDeleted = 0;
  let revokedCertDeleted = 0;
  for (const [index, name] of names.entries()) {
    const der = ders[index];
    const certificate = der === undefined ? undefined : parsed(der);
    if (certificate === undefined) {
      if (!config.tidy_invalid_certs) continue;
      store.delete(CERTIFICATES + name);
      certStoreDeleted++;
      continue;
    }
    if (!config.tidy_cert_store) continue;
    const ageMs = nowMs - certificate.notAfterMs;
    if (ageMs <= 0) continue;
    const isRevoked = (await findRevoked(store, name)) !== undefined;
    const buffer = isRevoked
      ? (config.revoked_safety_buffer ?? config.safety_buffer)
      : config.safety_buffer;
    if (ageMs <= buffer * 1000) continue;
    store.delete(CERTIFICATES + name);
    certStoreDeleted++;
    if (!isRevoked || !config.tidy_revoked_certs) continue;
    store.delete(REVOKED + name);
    revokedCertDeleted++;
  }
  const more = counted(run, { certStoreDeleted, revokedCertDeleted });
  const next = {
    ...more,
    after: names.at(-1) ?? '',
    listsChanged: more.listsChanged || revokedCertDeleted > 0,
  };
  return { run: names.length < limit ? nextPhase(next) : next, looked: names.length };
}

async function revokedStep(store: Transaction, run: TidyRun, nowMs: number): Promise<Step> {
  const { config } = run;
  const fixes = config.tidy_revoked_cert_issuer_associations;
  if (!config.tidy_revoked_certs && !fixes) return { run: nextPhase(run), looked: 0 };
  const limit = pageOf(run);
  const names = await store.list(REVOKED, { after: run.after, limit });
  const parents = fixes ? await issuerCertificates(store) : [];
  const bufferMs = (config.revoked_safety_buffer ?? config.safety_buffer) * 1000;
  let revokedCertDeleted = 0;
  let missingIssuerCert = 0;
  for (const name of names) {
    const record = await findRevoked(store, name);
    if (record === undefined) continue;
    if (config.tidy_revoked_certs && nowMs - record.notAfterMs > bufferMs) {
      store.delete(REVOKED + name);
      store.delete(CERTIFICATES + name);
      revokedCertDeleted++;
      continue;
    }
    if (!fixes || parents.some(({ id }) => id === record.issuerId)) continue;
    missingIssuerCert++;
    const der = await store.get(CERTIFICATES + name);
    const certificate = der === undefined ? undefined : parsed(der);
    if (certificate === undefined) continue;
    putRevoked(store, { ...record, key: name, issuerId: associate(certificate, parents) });
  }
  const more = counted(run, { revokedCertDeleted, missingIssuerCert });
  const next = {
    ...more,
    after: names.at(-1) ?? '',
    listsChanged: more.listsChanged || revokedCertDeleted > 0,
  };
  return { run: names.length < limit ? nextPhase(next) : next, looked: names.length };
}

/** Issuers that ended long ago, but for the default one. */
async function issuersStep(
  ports: PkiPorts,
  store: Transaction,
  run: TidyRun,
  nowMs: number,
): Promise<Step> {
  if (!run.config.tidy_expired_issuers) return { run: nextPhase(run), looked: 0 };
  const all = await Authorities.load(store, ports.random, nowMs);
  const endedMs = nowMs - run.config.issuer_safety_buffer * 1000;
  const ended = [...all.issuers.values()].filter(
    ({ id }) => all.certificate(id).notAfterMs < endedMs && id !== all.defaultIssuer,
  );
  for (const { id, name, serial } of ended) {
    ports.log.info('an expired issuer is removed', { issuer: id, name, serial });
    all.deleteIssuer(id);
  }
  if (ended.length > 0) {
    all.rebuildChains();
    all.save();
    await rebuildCrls(ports, store, { nowMs });
  }
  return { run: nextPhase(run), looked: all.issuers.size };
}

async function listsStep(
  ports: PkiPorts,
  store: Transaction,
  run: TidyRun,
  nowMs: number,
): Promise<Step> {
  const { auto_rebuild: isAutomatic } = await crlConfig(store);
  if (run.listsChanged && !isAutomatic) await rebuildCrls(ports, store, { nowMs });
  return { run: nextPhase(run), looked: 0 };
}

/** The next page of the run. What was deleted in this very commit is not read again in it. */
export async function tidyStep(
  ports: PkiPorts,
  store: Transaction,
  run: TidyRun,
  nowMs: number,
): Promise<Step> {
  switch (run.phase) {
    case 'certificates':
      return await certificatesStep(store, run, nowMs);
    case 'revoked':
      return await revokedStep(store, run, nowMs);
    case 'lists':
      return await listsStep(ports, store, run, nowMs);
    case 'issuers':
      return await issuersStep(ports, store, run, nowMs);
    case 'acme': {
      if (!run.config.tidy_acme) return { run: nextPhase(run), looked: 0 };
      const limit = pageOf(run);
      const page = await tidyAcmePage(store, run, limit, nowMs);
      const next = { ...counted(run, page.counts), after: page.after };
      return { run: page.isLast ? nextPhase(next) : next, looked: page.looked };
    }
    default:
      return { run: { ...run, state: 'Finished', finishedMs: nowMs }, looked: 0 };
  }
}
