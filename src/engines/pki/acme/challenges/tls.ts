/** `tls-alpn-01` (RFC 8737): the host shows a certificate of its own making that holds a hash of the answer. */
import { createHash } from 'node:crypto';
import { connect } from 'node:tls';
import { DerError, derElements } from '../../../../crypto/der.ts';
import { octetsOf } from '../../../../crypto/der-values.ts';
import { equalConstantTime } from '../../../../crypto/secret-bytes.ts';
import { verifyBytes } from '../../../../crypto/x509/algorithms.ts';
import {
  altNamesOf,
  extensionOf,
  isSelfIssued,
  readCertificate,
} from '../../../../crypto/x509/certificate.ts';
import { EXTENSION_OIDS } from '../../../../crypto/x509/extensions.ts';
import type { AcmeConfig } from '../config.ts';
import { AcmeProblem } from '../problem.ts';
import { reachableAddresses } from './reach.ts';

const PROTOCOL = 'acme-tls/1';
const TIMEOUT_MS = 8_000;

async function presentedBy(host: string, address: string, port: number): Promise<Buffer> {
  return await new Promise<Buffer>((resolve, reject) => {
    const socket = connect({
      host: address,
      port,
      servername: host,
      ALPNProtocols: [PROTOCOL],
      minVersion: 'TLSv1.2',
      // It is self-signed by its very purpose; its content is judged below.
      rejectUnauthorized: false,
    });
    const fail = (error: Error): void => {
      socket.destroy();
      reject(error);
    };
    socket.setTimeout(TIMEOUT_MS, () => fail(new Error('timed out')));
    socket.on('error', fail);
    socket.on('secureConnect', () => {
      const { alpnProtocol } = socket;
      const raw = socket.getPeerX509Certificate()?.raw;
      socket.destroy();
      if (alpnProtocol !== PROTOCOL) fail(new Error('another protocol was chosen'));
      else if (raw === undefined) fail(new Error('no certificate was shown'));
      else resolve(Buffer.from(raw));
    });
  });
}

/** Why the certificate is no answer; undefined when it is one. */
function faultOf(der: Buffer, host: string, keyAuthorization: string): string | undefined {
  const certificate = readCertificate(der);
  const { algorithm, tbs, signature, publicKeyInfo } = certificate;
  if (!isSelfIssued(certificate) || !verifyBytes(algorithm, tbs, signature, publicKeyInfo)) {
    return 'a certificate that is not self-signed';
  }
  const { dnsNames, emails, ipAddresses, uris, others } = altNamesOf(certificate);
  const further = emails.length + ipAddresses.length + uris.length + others.length;
  const [name = '', ...more] = dnsNames;
  if (name.toLowerCase() !== host || more.length + further > 0) return 'a certificate for others';
  const extension = extensionOf(certificate, EXTENSION_OIDS.acmeIdentifier);
  if (extension?.critical !== true) return 'a certificate without a critical acmeIdentifier';
  const wanted = createHash('sha256').update(keyAuthorization).digest();
  const [element, ...rest] = derElements(extension.value);
  return rest.length === 0 && equalConstantTime(octetsOf(element), wanted)
    ? undefined
    : 'a certificate with an invalid key authorization';
}

/** @throws {AcmeProblem} */
export async function checkTls(
  host: string,
  keyAuthorization: string,
  config: AcmeConfig,
): Promise<void> {
  let failure = '';
  for (const address of await reachableAddresses(host, config)) {
    try {
      const der = await presentedBy(host, address, config.tls_port);
      const fault = faultOf(der, host, keyAuthorization);
      if (fault === undefined) return;
      throw new AcmeProblem('incorrectResponse', `tls-alpn-01: the server shows ${fault}`);
    } catch (error) {
      if (error instanceof AcmeProblem) throw error;
      failure = error instanceof DerError ? 'an unreadable certificate' : (error as Error).message;
    }
  }
  throw new AcmeProblem('tls', `tls-alpn-01: ${failure}`);
}
