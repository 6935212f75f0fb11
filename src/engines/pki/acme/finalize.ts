/** The end of an order: a request that names what was proved, and nothing else, becomes a certificate (RFC 8555 §7.4). */
import { isIP } from 'node:net';
import { DerError } from '../../../crypto/der.ts';
import { pemOf } from '../../../crypto/pem.ts';
import {
  altNamesOf,
  basicConstraintsOf,
  extendedUsagesOf,
  hasFurtherNames,
  readCertificate,
  serialText,
} from '../../../crypto/x509/certificate.ts';
import { commonNameOf, readName } from '../../../crypto/x509/names.ts';
import { readRequest } from '../../../crypto/x509/request.ts';
import type { CertificationRequest } from '../../../crypto/x509/request.ts';
import { RequestError } from '../../../model/errors.ts';
import type { Request } from '../../../model/request.ts';
import type { Transaction } from '../../../model/transaction.ts';
import { chainPems } from '../authorities/issuer-shown.ts';
import { issuerById } from '../authorities/resolve.ts';
import { makeLeaf } from '../making/issue.ts';
import type { LeafValues } from '../making/issue.ts';
import { CERTIFICATES, serialKeyOf } from '../making/stored-certificates.ts';
import { addressBytes, addressText } from '../names/addresses.ts';
import type { PkiPorts } from '../ports.ts';
import type { Directory, Signed } from './context.ts';
import { neededOrder } from './orders.ts';
import { AcmeProblem } from './problem.ts';
import { certificateKey, putOrder } from './records.ts';
import type { AccountRecord, OrderRecord } from './records.ts';
import { shownOrder } from './shown.ts';
import type { Shown } from './shown.ts';
import type { Reply } from '../../../model/reply.ts';

/** Certificates of ACME end within this time, whatever the role allows. */
const LIFETIME_SECONDS_MAX = 90 * 86_400;
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';

function parsedCsr({ payload }: Signed): CertificationRequest {
  const text = payload?.['csr'];
  if (typeof text !== 'string') throw new AcmeProblem('malformed', 'missing csr in payload');
  try {
    return readRequest(Buffer.from(text, 'base64url'));
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    throw new AcmeProblem('malformed', 'failed to parse csr');
  }
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  const [left, right] = [new Set(a), new Set(b)];
  return left.size === right.size && [...left].every((each) => right.has(each));
}

/** The names of the request are those of the order, each and no other (CVE-2026-105818). @throws {AcmeProblem} */
function assertSameNames(csr: CertificationRequest, order: OrderRecord): void {
  const names = altNamesOf(csr);
  if (names.emails.length + names.uris.length + names.others.length > 0 || hasFurtherNames(csr)) {
    throw new AcmeProblem('badCSR', 'the CSR names what the order does not');
  }
  const commonName = commonNameOf(readName(csr.subject));
  const isAddress = isIP(commonName) !== 0;
  const hosts = [...names.dnsNames, ...(commonName === '' || isAddress ? [] : [commonName])];
  const addresses = names.ipAddresses.map(addressText);
  const given = isAddress ? addressBytes(commonName) : undefined;
  if (given !== undefined) addresses.push(addressText(given));
  const of = (type: 'dns' | 'ip'): string[] =>
    order.identifiers
      .filter((each) => each.type === type)
      .map((each) => (type === 'dns' ? each.original.toLowerCase() : each.value));
  const matches =
    sameSet(
      hosts.map((each) => each.toLowerCase()),
      of('dns'),
    ) && sameSet(addresses, of('ip'));
  if (!matches) throw new AcmeProblem('badCSR', 'order and CSR mismatch on identifiers');
}

function assertSound(csr: CertificationRequest, signed: Signed): void {
  if (basicConstraintsOf(csr)?.isCa === true) {
    throw new AcmeProblem(
      'badCSR',
      'refusing to accept CSR with Basic Constraints extension with CA set to true',
    );
  }
  const accountKey = signed.key.key.export({ format: 'der', type: 'spki' });
  if (accountKey.equals(csr.publicKeyInfo)) {
    throw new AcmeProblem('badCSR', 'certificate public key must not match account key');
  }
}

/** The name that the subject gets when the request has none. */
function suitableName(csr: CertificationRequest): string {
  const { dnsNames, ipAddresses } = altNamesOf(csr);
  const [address] = ipAddresses;
  return (
    dnsNames.find((each) => each.includes('*')) ??
    dnsNames[0] ??
    (address === undefined ? '' : addressText(address))
  );
}

/** @throws {AcmeProblem} */
export async function finalize(
  ports: PkiPorts,
  request: Request<object>,
  store: Transaction,
  directory: Directory,
  account: AccountRecord,
  signed: Signed,
  orderId: string,
): Promise<Shown> {
  const order = await neededOrder(store, account, orderId, request.nowMs);
  if (order.status !== 'ready') {
    throw new AcmeProblem('orderNotReady', `order is status ${order.status}`);
  }
  const csr = parsedCsr(signed);
  try {
    assertSameNames(csr, order);
    assertSound(csr, signed);
  } catch (error) {
    if (error instanceof DerError) throw new AcmeProblem('badCSR', error.message);
    throw error;
  }
  const certificate = await made(ports, request, store, directory, csr);
  const serial = serialKeyOf(certificate);
  store.putJson(certificateKey(serial), { accountId: account.id, orderId });
  const done: OrderRecord = {
    ...order,
    status: 'valid',
    serial,
    certificateEndMs: certificate.notAfterMs,
    issuerId: directory.issuer.id,
  };
  putOrder(store, done);
  ports.log.info('a certificate was made for an ACME account', {
    account: account.id,
    serial: serialText(certificate.serial),
  });
  return shownOrder(directory, done);
}

async function made(
  ports: PkiPorts,
  request: Request<object>,
  store: Transaction,
  { role, issuer, config }: Directory,
  csr: CertificationRequest,
) {
  const values: LeafValues = {
    common_name: suitableName(csr),
    alt_names: '',
    ip_sans: [],
    uri_sans: [],
    other_sans: [],
    serial_number: '',
    exclude_cn_from_sans: false,
    ttl: 0,
    not_before: undefined,
    not_after: undefined,
    format: 'pem',
    private_key_format: 'der',
    remove_roots_from_chain: false,
  };
  const maxTtl = Math.min(role.max_ttl || request.mount.maxLeaseTtlSeconds, LIFETIME_SECONDS_MAX);
  const signer = await ports.signers.readyOf(store, issuer, 'issuing-certificates');
  // What would outlive the issuer is cut short: clients cannot ask for another lifetime.
  const { leafBehavior } = issuer;
  const patient =
    leafBehavior === 'err' ? { ...issuer, leafBehavior: 'truncate' as const } : issuer;
  try {
    const { certificate } = await makeLeaf(ports, {
      request: { ...request, fields: values, principal: undefined },
      store,
      role: { ...role, max_ttl: maxTtl, use_csr_common_name: true, use_csr_sans: true },
      signer: { ...signer, issuer: patient },
      csr,
    });
    const usages = extendedUsagesOf(certificate);
    if (!config.allow_role_ext_key_usage && usages.some((each) => each !== SERVER_AUTH)) {
      throw new AcmeProblem('badCSR', 'ACME certs only allow ServerAuth key usage');
    }
    return certificate;
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    throw new AcmeProblem('badCSR', `refusing to sign CSR: ${error.message}`);
  }
}

/** The certificate and its chain in PEM (RFC 8555 §7.4.2). @throws {AcmeProblem} */
export async function orderCertificate(
  store: Transaction,
  account: AccountRecord,
  orderId: string,
  headers: Readonly<Record<string, string>>,
  nowMs: number,
): Promise<Reply> {
  const { status, serial, issuerId } = await neededOrder(store, account, orderId, nowMs);
  if (status !== 'valid' || serial === undefined || issuerId === undefined) {
    throw new AcmeProblem('orderNotReady', `order is status ${status}`);
  }
  const der = await store.get(CERTIFICATES + serial);
  if (der === undefined) throw new AcmeProblem('serverInternal', 'the certificate is gone');
  const pem = pemOf(readCertificate(der).der, 'CERTIFICATE');
  const chain = await chainPems(store, await issuerById(store, issuerId));
  return {
    headers,
    raw: {
      contentType: 'application/pem-certificate-chain',
      body: `${pem}\n${chain.join('')}`,
    },
  };
}
