/** What a facade may do with one kept certificate (model/tasks/certificate-task.ts), inside the request's transaction. */
import { uuid } from '../../../base/random.ts';
import type { JsonObject } from '../../../base/json.ts';
import { pemOf, nextPem } from '../../../crypto/pem.ts';
import { DerError } from '../../../crypto/der.ts';
import { readCertificate } from '../../../crypto/x509/certificate.ts';
import type { Certificate } from '../../../crypto/x509/certificate.ts';
import { publicKeyInfoOf, readPrivateKey } from '../../../crypto/x509/keys.ts';
import type {
  AwaitedCertificate,
  CertificateChanges,
  CertificateDesk,
  CertificateMaterial,
  CertificatePlan,
  KeptCertificate,
  VersionNotes,
} from '../../../model/tasks/certificate-task.ts';
import { RequestError, invalidRequest } from '../../../model/errors.ts';
import type { Request } from '../../../model/request.ts';
import type { Transaction } from '../../../model/transaction.ts';
import type { PkiPorts } from '../ports.ts';
import { alertSeconds } from './given.ts';
import { keptKey, keyFor, madeByPlan, requestFor } from './plan.ts';
import { ALERTS, AWAITED, partOf, versionsOf } from './record.ts';
import type { StoredRecord } from './record.ts';
import { offeredRole } from './registrations.ts';
import { putStored } from './renewal.ts';
import { materialOf, putMaterial, removeStored, succeeded } from './versions.ts';
import type { MadePart, Material } from './versions.ts';

export function isOver({ purgeMs }: StoredRecord, nowMs: number): boolean {
  return purgeMs !== undefined && purgeMs <= nowMs;
}

export function shownAs(record: StoredRecord): KeptCertificate {
  const { plan, deletedMs, purgeMs, attributes } = record;
  return {
    versions: versionsOf(record),
    ...(plan === undefined ? {} : { plan }),
    ...(deletedMs === undefined ? {} : { deletedMs }),
    ...(purgeMs === undefined ? {} : { purgeMs }),
    ...(attributes === undefined ? {} : { attributes }),
  };
}

export interface Awaited extends AwaitedCertificate {
  readonly privateKey: string;
}

interface Saved {
  readonly record: StoredRecord;
  readonly earlier: readonly { readonly id: string; readonly material: Material }[];
}

interface Found {
  readonly name: string;
  /** The role in the path. */
  readonly role: string | undefined;
  readonly record: StoredRecord | undefined;
  readonly awaited: Awaited | undefined;
}

function parsed(der: Buffer): Certificate {
  try {
    return readCertificate(der);
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    throw invalidRequest('a certificate cannot be read');
  }
}

function derOf(pem: string): Buffer {
  return nextPem(pem)?.block.bytes ?? Buffer.alloc(0);
}

export class Desk implements CertificateDesk {
  readonly nowMs: number;
  readonly retention: CertificateDesk['retention'];
  readonly name: string;
  readonly #request: Request<unknown>;
  readonly #store: Transaction;
  readonly #ports: PkiPorts;
  readonly #role: string | undefined;
  #record: StoredRecord | undefined;
  #awaited: Awaited | undefined;

  constructor(request: Request<unknown>, store: Transaction, ports: PkiPorts, found: Found) {
    this.nowMs = request.nowMs;
    this.retention = request.retention;
    this.name = found.name;
    this.#request = request;
    this.#store = store;
    this.#ports = ports;
    this.#role = found.role;
    this.#record = found.record;
    this.#awaited = found.awaited;
    if (found.record === undefined || !isOver(found.record, this.nowMs)) return;
    if (request.operation !== 'read') removeStored(store, this.name, found.record);
    this.#record = undefined;
  }

  get certificate(): KeptCertificate | undefined {
    return this.#record === undefined ? undefined : shownAs(this.#record);
  }

  get awaited(): AwaitedCertificate | undefined {
    if (this.#awaited === undefined) return undefined;
    const { privateKey: _key, ...awaited } = this.#awaited;
    return awaited;
  }

  async material(id: string): Promise<CertificateMaterial> {
    const kept = await materialOf(this.#store, this.name, this.#existing(), id);
    return {
      certificates: [kept.certificate, ...kept.chain].map(derOf),
      privateKey: kept.privateKey === '' ? undefined : readPrivateKey(kept.privateKey),
    };
  }

  async make(plan: CertificatePlan, notes: VersionNotes): Promise<KeptCertificate> {
    // What a policy allows is what the path names.
    if (plan.role !== this.#role) throw new Error('the plan is for another path');
    await this.#assertOffered(plan);
    const { defaultLeaseTtlSeconds, maxLeaseTtlSeconds } = this.#request.mount;
    const bounds = { defaultLeaseTtlSeconds, maxLeaseTtlSeconds };
    const before = this.#record?.privateKey ?? '';
    const circumstances = { nowMs: this.nowMs, bounds, before };
    const made = await madeByPlan(this.#ports, this.#store, plan, circumstances);
    this.#store.delete(AWAITED + this.name);
    this.#awaited = undefined;
    return this.#succeed(made, notes, { plan, bounds });
  }

  async await(
    plan: CertificatePlan,
    attributes: Readonly<JsonObject>,
  ): Promise<AwaitedCertificate> {
    const key = await keyFor(plan, this.#record?.privateKey ?? '');
    const awaited: Awaited = {
      request: (await requestFor(plan, key)).toString('base64'),
      id: uuid(this.#ports.random).replaceAll('-', ''),
      requestedMs: this.nowMs,
      attributes,
      privateKey: keptKey(key),
    };
    this.#store.putJson(AWAITED + this.name, awaited);
    this.#awaited = awaited;
    return awaited;
  }

  changeAwaited(awaited: AwaitedCertificate | undefined): void {
    const before = this.#awaited;
    if (before === undefined) throw new Error('no certificate is awaited');
    if (awaited === undefined) this.#store.delete(AWAITED + this.name);
    else this.#store.putJson(AWAITED + this.name, { ...before, ...awaited });
    this.#awaited = awaited === undefined ? undefined : { ...before, ...awaited };
  }

  async merge(certificates: readonly Buffer[], notes: VersionNotes): Promise<KeptCertificate> {
    const awaited = this.#awaited;
    if (awaited === undefined) throw new Error('no certificate is awaited');
    const privateKey = readPrivateKey(awaited.privateKey);
    const merged = await this.import({ certificates, privateKey }, notes);
    this.changeAwaited(undefined);
    return merged;
  }

  async import(
    { certificates, privateKey }: CertificateMaterial,
    notes: VersionNotes,
  ): Promise<KeptCertificate> {
    const all = certificates.map(parsed);
    const info = privateKey === undefined ? undefined : publicKeyInfoOf(privateKey);
    const leaf = info === undefined ? all[0] : all.find((each) => each.publicKeyInfo.equals(info));
    if (leaf === undefined) throw invalidRequest('the key is that of none of the certificates');
    const made: MadePart = {
      ...partOf(leaf),
      chain: all.filter((each) => each !== leaf).map(({ der }) => pemOf(der, 'CERTIFICATE')),
      privateKey: privateKey === undefined ? '' : keptKey(privateKey),
    };
    return this.#succeed(made, notes, {});
  }

  async change(changes: CertificateChanges): Promise<KeptCertificate> {
    const before = this.#existing();
    const { version, renewal, ...others } = changes;
    await this.#assertMayPlan(changes.plan);
    const merged: Record<string, unknown> = { ...before, ...others, ...renewal };
    for (const [member, value] of Object.entries(merged)) {
      if (value === undefined) delete merged[member];
    }
    if (version !== undefined) {
      merged['versions'] = versionsOf(before).map((each) => {
        if (each.id !== version.id) return each;
        const { disabled: _disabled, tags: _tags, updatedMs: _updated, ...rest } = each;
        return { ...rest, ...version.notes };
      });
    }
    return this.#put(merged as unknown as StoredRecord);
  }

  async remove(): Promise<void> {
    removeStored(this.#store, this.name, this.#existing());
    this.#record = undefined;
  }

  async save(): Promise<Buffer> {
    const record = this.#existing();
    const earlier: Saved['earlier'][number][] = [];
    for (const { id } of versionsOf(record).slice(0, -1)) {
      const material = await materialOf(this.#store, this.name, record, id);
      earlier.push({ id, material });
    }
    const saved: Saved = { record, earlier };
    return Buffer.from(JSON.stringify(saved));
  }

  async restore(saved: Buffer): Promise<KeptCertificate> {
    if (this.#record !== undefined) throw new Error('the certificate exists already');
    const { record, earlier } = JSON.parse(saved.toString()) as Saved;
    for (const { id, material } of earlier) putMaterial(this.#store, this.name, id, material);
    // How it is made anew is a right of whoever restores it, and is asked for again.
    if (record.wish === undefined && record.plan?.role === undefined) return this.#put(record);
    const { plan: _plan, wish: _wish, bounds: _bounds, ...kept } = record;
    return this.#put({ ...kept, autoRenew: false });
  }

  /** Another plan for a role is as good as a certificate of that role: the path must say so. */
  async #assertMayPlan(plan: CertificatePlan | undefined): Promise<void> {
    if (plan?.role === undefined) return;
    if (JSON.stringify(plan) === JSON.stringify(this.#record?.plan)) return;
    if (plan.role !== this.#role) {
      throw new RequestError('precondition_failed', 'the issuer was changed meanwhile');
    }
    await this.#assertOffered(plan);
  }

  /** A role that facades ask for must have been offered to them. */
  async #assertOffered({ role }: CertificatePlan): Promise<void> {
    if (role === undefined) return;
    const offered = await offeredRole(this.#store, role);
    if (offered?.enabled !== true) {
      throw invalidRequest(`The certificate issuer ${role} is not set up.`);
    }
  }

  #succeed(
    made: MadePart,
    notes: VersionNotes,
    { plan, bounds }: Pick<StoredRecord, 'plan' | 'bounds'>,
  ): KeptCertificate {
    const { random } = this.#ports;
    const before = this.#record;
    const next = succeeded(random, this.#store, this.name, before, made, this.nowMs, notes);
    return this.#put({
      ...next,
      generation: '',
      ...(plan === undefined ? {} : { plan }),
      ...(bounds === undefined ? {} : { bounds }),
      ...(before?.attributes === undefined ? {} : { attributes: before.attributes }),
      autoRenew: plan !== undefined,
      renewBeforeSeconds: 0,
      alertBeforeSeconds: alertSeconds(ALERTS),
      renewals: before?.renewals ?? 0,
    });
  }

  #put(record: StoredRecord): KeptCertificate {
    const { schedule } = this.#request;
    this.#record = putStored(this.#ports, this.#store, schedule, this.name, record);
    return shownAs(this.#record);
  }

  #existing(): StoredRecord {
    if (this.#record === undefined) throw new Error('there is no certificate');
    return this.#record;
  }
}
