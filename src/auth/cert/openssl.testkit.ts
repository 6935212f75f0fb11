/** A certificate authority of the program openssl, with a database, and its OCSP responder on the loopback interface. */
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface OpensslAuthority {
  readonly caPem: string;
  /** URL of the responder. */
  readonly responder: string;
  /** Certificate in DER, of a client that the authority knows. */
  issue(name: string): Buffer;
  revoke(name: string): void;
  /** PEM of a certificate that may sign responses, and is named for it by the authority. */
  readonly responderPem: string;
  /** The list of what is revoked, in PEM. */
  crl(): string;
  /** Starts the responder. @param signer who signs: the authority, somebody whom it named, or a stranger */
  serve(signer: 'authority' | 'delegate' | 'stranger', options?: readonly string[]): Promise<void>;
  stop(): Promise<void>;
  close(): Promise<void>;
}

const CONFIG = (folder: string, responder: string): string => `
[ca]
default_ca = own
[own]
dir = ${folder}
database = ${folder}/index.txt
new_certs_dir = ${folder}
serial = ${folder}/serial
crlnumber = ${folder}/crlnumber
default_md = sha256
default_days = 30
default_crl_days = 1
policy = any
certificate = ${folder}/ca.pem
private_key = ${folder}/ca.key
unique_subject = no
[any]
commonName = supplied
[client]
basicConstraints = CA:FALSE
extendedKeyUsage = clientAuth
authorityInfoAccess = OCSP;URI:${responder}
[responder]
basicConstraints = CA:FALSE
extendedKeyUsage = OCSPSigning
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
`;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/** Until the program says that it waits for requests; a connection that asks nothing would hold it up. */
async function ready(child: ChildProcess): Promise<void> {
  let said = '';
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const listen = (chunk: Buffer): void => {
    said += chunk.toString();
    if (said.includes('waiting for OCSP client')) resolve();
  };
  child.stdout?.on('data', listen);
  child.stderr?.on('data', listen);
  child.once('exit', () => reject(new Error(`the responder ended: ${said}`)));
  await promise;
}

export async function openOpenssl(): Promise<OpensslAuthority> {
  const folder = mkdtempSync(join(tmpdir(), 'openssl-'));
  const port = await freePort();
  const responder = `http://127.0.0.1:${port}`;
  const file = (name: string): string => join(folder, name);
  writeFileSync(file('openssl.cnf'), CONFIG(folder, responder));
  writeFileSync(file('index.txt'), '');
  writeFileSync(file('serial'), '1000\n');
  writeFileSync(file('crlnumber'), '01\n');
  const openssl = (...args: readonly string[]): Buffer =>
    execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'pipe', 'ignore'] });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const config = ['-config', 'openssl.cnf'];
  const authority = (name: string): void => {
    const out = ['-keyout', `${name}.key`, '-out', `${name}.pem`, '-subj', `/CN=${name}`];
    openssl('req', '-x509', ...config, ...key, ...out, '-extensions', 'authority', '-days', '30');
  };
  const issued = (name: string, extensions: string): void => {
    const out = ['-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`];
    openssl('req', ...config, ...key, ...out);
    const files = ['-in', `${name}.csr`, '-out', `${name}.pem`];
    openssl('ca', ...config, '-batch', '-notext', '-extensions', extensions, ...files);
  };
  authority('ca');
  authority('stranger');
  issued('delegate', 'responder');
  const pem = (name: string): string => readFileSync(file(`${name}.pem`), 'utf8');
  let child: ChildProcess | undefined;
  const stop = async (): Promise<void> => {
    if (child === undefined || child.exitCode !== null) return;
    child.kill();
    await once(child, 'exit');
    child = undefined;
  };
  return {
    caPem: pem('ca'),
    responder,
    responderPem: pem('delegate'),
    issue(name) {
      issued(name, 'client');
      return openssl('x509', '-in', `${name}.pem`, '-outform', 'DER');
    },
    revoke: (name) => void openssl('ca', ...config, '-revoke', `${name}.pem`),
    crl() {
      openssl('ca', ...config, '-gencrl', '-out', 'crl.pem');
      return readFileSync(file('crl.pem'), 'utf8');
    },
    async serve(signer, options = []) {
      await stop();
      const name = signer === 'authority' ? 'ca' : signer;
      const signing = ['-rsigner', `${name}.pem`, '-rkey', `${name}.key`];
      const known = ['-index', 'index.txt', '-CA', 'ca.pem'];
      const args = ['ocsp', '-port', String(port), ...known, ...signing, ...options];
      child = spawn('openssl', args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
      await ready(child);
    },
    stop,
    async close() {
      await stop();
      rmSync(folder, { recursive: true });
    },
  };
}
