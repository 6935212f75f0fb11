/** Certificates by a plan: signed by their own key, or by the issuer of a role as far as the role allows it. */
import type { KeyObject } from 'node:crypto';
import { wipe } from '../../../crypto/secret-bytes.ts';
import { algorithmFor } from '../../../crypto/x509/algorithms.ts';
import { readCertificate } from '../../../crypto/x509/certificate.ts';
import {
  extendedKeyUsage,
  hasAltNames,
  KEY_USAGE,
  keyUsage,
  subjectAltName,
} from '../../../crypto/x509/extensions.ts';
import type { AltNames, Extension } from '../../../crypto/x509/extensions.ts';
import {
  makePrivateKey,
  privateKeyPem,
  publicKeyInfoOf,
  readPrivateKey,
  writeKey,
} from '../../../crypto/x509/keys.ts';
import { makeRequest, readRequest } from '../../../crypto/x509/request.ts';
import type { CertificatePlan } from '../../../model/tasks/certificate-task.ts';
import { invalidRequest } from '../../../model/errors.ts';
import type { Transaction } from '../../../model/transaction.ts';
import { makeLeaf } from '../making/issue.ts';
import { neededRole } from '../making/leaf-paths.ts';
import { signOrder } from '../making/sign.ts';
import type { LeaseBounds } from '../making/validity.ts';
import { addressBytes } from '../names/addresses.ts';
import type { PkiPorts } from '../ports.ts';
import { PERMISSIVE } from '../roles/role.ts';
import type { Role } from '../roles/role.ts';
import { partOf } from './record.ts';
import type { MadePart } from './versions.ts';

/** The name of a user in an alternative name: Microsoft's UPN. */
const USER_NAME = '1.3.6.1.4.1.311.20.2.3';
const RSA_BITS = 2048;
const CURVE_BITS = 256;
/** Clocks differ: validity begins before now. */
const SKEW_MS = 10 * 60_000;

export interface Circumstances {
  readonly nowMs: number;
  /** Of the mount, when the plan was made. */
  readonly bounds: LeaseBounds | undefined;
  /** PEM of the key of the version before; '' without one. */
  readonly before: string;
}

function altNames(plan: CertificatePlan): AltNames {
  return {
    dnsNames: plan.dnsNames,
    emails: plan.emails,
    uris: plan.uris,
    ipAddresses: plan.ipAddresses.map((text) => {
      const bytes = addressBytes(text);
      if (bytes === undefined) throw invalidRequest('an IP address of the plan is none');
      return bytes;
    }),
    others: plan.userNames.map((value) => ({ oid: USER_NAME, value })),
  };
}

function monthsLater(ms: number, months: number): number {
  const date = new Date(ms);
  const day = date.getUTCDate();
  date.setUTCDate(1);
  date.setUTCMonth(date.getUTCMonth() + months);
  const last = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  date.setUTCDate(Math.min(day, last));
  return Math.floor(date.getTime() / 1000) * 1000;
}

/** A private key as it is kept: PEM in the form usual for its type. */
export function keptKey(key: KeyObject): string {
  const written = writeKey(key);
  const pem = privateKeyPem(written, 'usual');
  wipe(written.der);
  return pem;
}

/** A key as the plan wants it, and where it leaves that open, as the role does. @throws {RequestError} */
export async function keyFor(
  { key: { type, bits, reuse } }: CertificatePlan,
  before: string,
  role?: Role,
): Promise<KeyObject> {
  const old = reuse && before !== '' ? readPrivateKey(before) : undefined;
  if (old !== undefined) return old;
  const byRole = role !== undefined && role.key_type !== 'any' ? role.key_type : 'rsa';
  const kind = type ?? byRole;
  if (kind !== 'rsa' && kind !== 'ec') throw invalidRequest('the role makes keys of another type');
  const usual = kind === 'rsa' ? RSA_BITS : CURVE_BITS;
  return await makePrivateKey(kind, bits ?? (role?.key_type === kind ? role.key_bits : usual));
}

/** A request in DER for the key, with everything that the plan says. */
export async function requestFor(plan: CertificatePlan, key: KeyObject): Promise<Buffer> {
  const names = altNames(plan);
  const extensions: Extension[] = [
    ...(hasAltNames(names) ? [subjectAltName(names, false)] : []),
    ...(plan.keyUsage === 0 ? [] : [keyUsage(plan.keyUsage)]),
    ...(plan.extendedKeyUsages.length === 0 ? [] : [extendedKeyUsage(plan.extendedKeyUsages)]),
  ];
  const subject = Buffer.from(plan.subject, 'base64');
  const template = { subject, publicKeyInfo: publicKeyInfoOf(key), extensions };
  return await makeRequest(template, algorithmFor(key), key);
}

async function selfSigned(
  ports: PkiPorts,
  plan: CertificatePlan,
  key: KeyObject,
  nowMs: number,
): Promise<Buffer> {
  const usages = Object.entries(KEY_USAGE).filter(([, bit]) => (plan.keyUsage & bit) !== 0);
  const role: Role = {
    ...PERMISSIVE,
    key_usage: usages.map(([name]) => name),
    ext_key_usage_oids: plan.extendedKeyUsages,
    basic_constraints_valid_for_non_ca: true,
  };
  const names = altNames(plan);
  const notBeforeMs = Math.floor((nowMs - SKEW_MS) / 1000) * 1000;
  const order = {
    role,
    named: { subject: {}, altNames: names },
    validity: { notBeforeMs, notAfterMs: monthsLater(nowMs, plan.months), warnings: [] },
    publicKeyInfo: publicKeyInfoOf(key),
    urls: {
      issuingCertificates: [],
      crlDistributionPoints: [],
      deltaCrlDistributionPoints: [],
      ocspServers: [],
      enableTemplating: false,
    },
    verbatim: {
      subject: Buffer.from(plan.subject, 'base64'),
      altNames: names,
      extensions: [],
    },
  };
  return await signOrder(order, { self: key }, ports.random);
}

/** @throws {RequestError} the role does not allow it */
export async function madeByPlan(
  ports: PkiPorts,
  store: Transaction,
  plan: CertificatePlan,
  { nowMs, bounds, before }: Circumstances,
): Promise<MadePart> {
  const role = plan.role === undefined ? undefined : await neededRole(store, plan.role);
  const key = await keyFor(plan, before, role);
  const privateKey = keptKey(key);
  if (role === undefined) {
    const certificate = readCertificate(await selfSigned(ports, plan, key, nowMs));
    return { ...partOf(certificate), chain: [], privateKey };
  }
  const { type } = plan.key;
  if (role.key_type !== 'any' && (type ?? role.key_type) !== role.key_type) {
    throw invalidRequest(`the role makes keys of type ${role.key_type}`);
  }
  const ttl = Math.floor((monthsLater(nowMs, plan.months) - nowMs) / 1000);
  const { certificate, chain } = await makeLeaf(ports, {
    request: {
      fields: {
        common_name: plan.commonName,
        alt_names: [...plan.dnsNames, ...plan.emails].join(','),
        ip_sans: plan.ipAddresses,
        uri_sans: plan.uris,
        other_sans: plan.userNames.map((value) => `${USER_NAME};UTF8:${value}`),
        serial_number: '',
        exclude_cn_from_sans: false,
        // The end of a role goes before any lifetime.
        ttl: role.not_after === '' ? ttl : 0,
        not_before: undefined,
        not_after: undefined,
        format: 'pem',
        private_key_format: 'der',
        remove_roots_from_chain: false,
      },
      mount: bounds ?? { defaultLeaseTtlSeconds: ttl, maxLeaseTtlSeconds: ttl },
      // As with every certificate that is renewed: names for identities only are not given.
      principal: undefined,
      nowMs,
    },
    store,
    role,
    signer: await ports.signers.ready(store, role.issuer_ref, 'issuing-certificates'),
    csr: readRequest(await requestFor(plan, key)),
  });
  return { ...partOf(certificate), chain: chain.map((each) => each.pem), privateKey };
}
