/** Ports and certificates of a listener, as they are now. */
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { ConfigError } from '../../base/config/config-tree.ts';
import { hostPort } from '../../base/config/host-port.ts';
import { LISTENER_ADDRESS_DEFAULT } from '../config/listener-keys.ts';
import type { ListenerConfig } from '../config/listener-keys.ts';
import type { Finding } from './finding.ts';

const DAY_MS = 86_400_000;
/** A certificate that ends sooner should have been renewed. */
const SOON_DAYS = 30;
const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/gu;

export async function lookAtListener(listener: ListenerConfig, nowMs: number): Promise<Finding[]> {
  const { kind, address = LISTENER_ADDRESS_DEFAULT, where } = listener;
  if (kind === 'unix')
    return [{ about: where, grade: 'ok', text: `a socket of this machine: ${address}` }];
  return [await portOf(address, where), ...(await encryptionOf(listener, nowMs))];
}

async function portOf(address: string, where: string): Promise<Finding> {
  const about = `${where}: address`;
  const server = createServer();
  try {
    server.listen(hostPort(address, where));
    await once(server, 'listening');
    return { about, grade: 'ok', text: `${address} is free` };
  } catch (error) {
    if (error instanceof ConfigError) return { about, grade: 'failure', text: error.message };
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    if (code === 'EADDRINUSE') {
      return {
        about,
        grade: 'warning',
        text: `${address} is in use: by this server if it runs now`,
      };
    }
    return { about, grade: 'failure', text: `${address} cannot be listened on: ${code}` };
  } finally {
    server.close();
  }
}

async function encryptionOf(
  { where, tlsDisable, tlsCertFile, tlsKeyFile, tlsClientCaFile }: ListenerConfig,
  nowMs: number,
): Promise<Finding[]> {
  const about = `${where}: TLS`;
  if (tlsDisable) {
    const text =
      'off: whoever sees the network reads every secret, unless a proxy beside the server ends TLS';
    return [{ about, grade: 'warning', text }];
  }
  if (tlsCertFile === undefined || tlsKeyFile === undefined) return [];
  try {
    const chain = certificatesOf(await readFile(tlsCertFile, 'utf8'));
    const [leaf] = chain;
    if (leaf === undefined) throw new Error(`${tlsCertFile} holds no certificate`);
    const key = createPrivateKey(await readFile(tlsKeyFile));
    if (!leaf.checkPrivateKey(key)) throw new Error('the key is not that of the first certificate');
    const authorities =
      tlsClientCaFile === undefined ? [] : certificatesOf(await readFile(tlsClientCaFile, 'utf8'));
    return [
      ...chain.map((certificate) => datesOf(certificate, about, nowMs)),
      chainOf(chain, about),
      namesOf(leaf, about),
      ...authorities.map((certificate) =>
        datesOf(certificate, `${where}: clients’ authority`, nowMs),
      ),
    ];
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'unknown error';
    return [{ about, grade: 'failure', text: `the certificate cannot be used: ${reason}` }];
  }
}

function certificatesOf(pem: string): X509Certificate[] {
  return [...pem.matchAll(PEM)].map(([text]) => new X509Certificate(text));
}

function nameOf({ subject, serialNumber }: X509Certificate): string {
  return subject === '' ? `serial ${serialNumber}` : subject.replaceAll('\n', ', ');
}

function datesOf(certificate: X509Certificate, about: string, nowMs: number): Finding {
  const name = nameOf(certificate);
  const { validFromDate, validToDate } = certificate;
  if (validToDate.getTime() <= nowMs) {
    return { about, grade: 'failure', text: `${name} ended on ${validToDate.toISOString()}` };
  }
  if (validFromDate.getTime() > nowMs) {
    return { about, grade: 'failure', text: `${name} begins on ${validFromDate.toISOString()}` };
  }
  const days = Math.floor((validToDate.getTime() - nowMs) / DAY_MS);
  const text = `${name} ends in ${days} days, on ${validToDate.toISOString()}`;
  return { about, grade: days < SOON_DAYS ? 'warning' : 'ok', text };
}

/** Each is signed by the next (RFC 8446 §4.4.2), and somebody who knows only the roots can follow them. */
function chainOf(chain: readonly X509Certificate[], about: string): Finding {
  for (const [index, certificate] of chain.entries()) {
    const next = chain[index + 1];
    if (next === undefined || certificate.verify(next.publicKey)) continue;
    const text = `${nameOf(certificate)} is not signed by the one that follows it: put the chain in order`;
    return { about, grade: 'failure', text };
  }
  const [leaf] = chain;
  if (chain.length === 1 && leaf !== undefined && !leaf.verify(leaf.publicKey)) {
    const text = 'the file holds no intermediate: clients that do not know the issuer refuse it';
    return { about, grade: 'warning', text };
  }
  return { about, grade: 'ok', text: 'the chain is in order' };
}

function namesOf(leaf: X509Certificate, about: string): Finding {
  const names = leaf.subjectAltName;
  if (names !== undefined) return { about, grade: 'ok', text: `for ${names}` };
  const text = 'the certificate has no subject alternative name: clients refuse it';
  return { about, grade: 'failure', text };
}
