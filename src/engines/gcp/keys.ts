/**
 * Keys of a service account that live as long as their leases. A key is made here and its certificate uploaded, so that Google
 * never has the private half, and so that a key is known by its certificate before it is there: none can be left behind.
 */
import { X509Certificate, createHash } from 'node:crypto';
import type { JsonObject } from '../../base/json.ts';
import { algorithmFor } from '../../crypto/x509/algorithms.ts';
import { makeRsaKey } from '../../crypto/rsa/keys.ts';
import { publicKeyInfoOf } from '../../crypto/x509/keys.ts';
import { makeCertificate } from '../../crypto/x509/make-certificate.ts';
import { encodeSubject } from '../../crypto/x509/names.ts';
import { pemOf } from '../../crypto/pem.ts';
import { definePath } from '../../model/backend.ts';
import type { Path, SecretType } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import { member } from '../../model/outgoing.ts';
import type { Request } from '../../model/request.ts';
import type { Transaction } from '../../model/transaction.ts';
import { NAME, accountOf } from './accounts.ts';
import { configOf } from './config.ts';
import { GoogleError, asFailure, googleOf } from './google.ts';
import type { Call } from './google.ts';
import type { GcpPorts } from './ports.ts';
import type { Reply } from '../../model/reply.ts';

export const ACCOUNT_KEY = 'service_account_key';
const KEY_BITS = 2048;
const SERIAL_BYTES = 16;
const DAY_MS = 86_400_000;
const NOT_FOUND = 404;

/** A key that may be at Google. */
export interface NamedKey extends JsonObject {
  readonly email: string;
  /** SHA-256 of the certificate, hex. */
  readonly certificate: string;
}

/** What revocation knows, stored with the lease. */
interface Lent extends NamedKey {
  /** Google’s name of the key; '' until it is known. */
  readonly key_name: string;
}

interface KeyFields {
  readonly name: string;
  readonly ttl: number | undefined;
}

export interface MadeKey {
  readonly named: NamedKey;
  readonly privateKeyPem: string;
  /** DER. */
  readonly certificate: Buffer;
}

/** A new key with a certificate of its own, known to nobody yet. */
export async function makeKey(
  { random }: GcpPorts,
  email: string,
  notBeforeMs: number,
  notAfterMs: number,
): Promise<MadeKey> {
  const key = await makeRsaKey(KEY_BITS);
  const name = encodeSubject({ commonName: email });
  const certificate = await makeCertificate(
    {
      serial: random.bytes(SERIAL_BYTES),
      issuer: name,
      subject: name,
      notBeforeMs,
      notAfterMs,
      publicKeyInfo: publicKeyInfoOf(key),
      extensions: [],
    },
    algorithmFor(key),
    key,
  );
  return {
    named: { email, certificate: fingerprint(certificate) },
    privateKeyPem: key.export({ type: 'pkcs8', format: 'pem' }),
    certificate,
  };
}

/** Google’s name of the key. @throws {GoogleError} */
export async function uploadKey(call: Call, { named, certificate }: MadeKey): Promise<string> {
  const publicKeyData = Buffer.from(pemOf(certificate, 'CERTIFICATE')).toString('base64');
  const document = await call('iam', 'POST', `${keysOf(named.email)}:upload`, { publicKeyData });
  const name = member(document, 'name');
  if (typeof name === 'string') return name;
  throw new GoogleError('the answer has no name of a key');
}

/** The id in the name of a key. */
export function idOf(keyName: string): string {
  return keyName.slice(keyName.lastIndexOf('/') + 1);
}

/** One that is gone already counts as removed. @throws {GoogleError} */
export async function removeKey(call: Call, keyName: string): Promise<void> {
  try {
    await call('iam', 'DELETE', `/v1/${keyName}`);
  } catch (error) {
    if (!(error instanceof GoogleError && error.status === NOT_FOUND)) throw error;
  }
}

async function lend(
  { fields, nowMs, mount, outside }: Request<KeyFields>,
  store: Transaction,
  ports: GcpPorts,
): Promise<Reply> {
  const { email, secretType } = await accountOf(store, 'static-account', fields.name);
  if (secretType !== 'service_account_key') {
    throw invalidRequest('the account gives access tokens, not keys');
  }
  const config = await configOf(store);
  const most = Math.min(config.maxTtlSeconds || mount.maxLeaseTtlSeconds, mount.maxLeaseTtlSeconds);
  const asked = fields.ttl || config.ttlSeconds || mount.defaultLeaseTtlSeconds;
  const ttlSeconds = Math.min(asked, most);
  // Renewals must not outlive its certificate.
  const made = await makeKey(ports, email, nowMs - DAY_MS, nowMs + most * 1000 + DAY_MS);
  const intended: Lent = { ...made.named, key_name: '' };
  await outside.lend(ACCOUNT_KEY, intended);
  let keyName: string;
  try {
    keyName = await uploadKey(await googleOf(config, ports, nowMs), made);
  } catch (error) {
    throw asFailure('unable to make a key', error);
  }
  const file = {
    type: 'service_account',
    project_id: email.slice(email.indexOf('@') + 1).split('.')[0],
    private_key_id: idOf(keyName),
    private_key: made.privateKeyPem,
    client_email: email,
    token_uri: 'https://oauth2.googleapis.com/token',
  };
  return {
    data: {
      private_key_data: Buffer.from(JSON.stringify(file)).toString('base64'),
      key_algorithm: 'KEY_ALG_RSA_2048',
      key_type: 'TYPE_GOOGLE_CREDENTIALS_FILE',
    },
    lease: {
      ttlSeconds,
      maxTtlSeconds: most,
      renewable: true,
      secretType: ACCOUNT_KEY,
      internal: { ...intended, key_name: keyName },
    },
  };
}

export function keysOf(email: string): string {
  return `/v1/projects/-/serviceAccounts/${email}/keys`;
}

function fingerprint(der: Buffer): string {
  return createHash('sha256').update(der).digest('hex');
}

/** The name of the key with this certificate, if it is there. @throws {GoogleError} */
export async function findKey(
  call: Call,
  { email, certificate }: NamedKey,
): Promise<string | undefined> {
  const document = await call('iam', 'GET', `${keysOf(email)}?keyTypes=USER_MANAGED`);
  const keys = member(document, 'keys');
  for (const key of Array.isArray(keys) ? (keys as readonly unknown[]) : []) {
    const name = member(key, 'name');
    if (typeof name !== 'string') continue;
    const shown = await call('iam', 'GET', `/v1/${name}?publicKeyType=TYPE_X509_PEM_FILE`);
    const data = member(shown, 'publicKeyData');
    if (typeof data !== 'string') continue;
    if (fingerprint(derOf(Buffer.from(data, 'base64').toString())) === certificate) return name;
  }
  return undefined;
}

function derOf(pem: string): Buffer {
  try {
    return new X509Certificate(pem).raw;
  } catch {
    return Buffer.alloc(0);
  }
}

export function keyPath(ports: GcpPorts): Path {
  return definePath({
    pattern: 'static-account/{name}/key',
    fields: {
      name: NAME,
      ttl: { kind: 'duration_seconds', query: true, description: 'How long the key lives.' },
    },
    help: {
      synopsis: 'Makes a key of a service account.',
      description: 'It is removed when its lease ends, and its private half is shown this once.',
    },
    operations: {
      read: {
        summary: 'Make a key',
        outsideEffects: true,
        handler: (request, store) => lend(request, store, ports),
      },
      update: {
        summary: 'Make a key',
        outsideEffects: true,
        handler: (request, store) => lend(request, store, ports),
      },
    },
  });
}

export function keySecret(ports: GcpPorts): SecretType {
  return {
    async renew(_lease, store) {
      const { ttlSeconds, maxTtlSeconds } = await configOf(store);
      return { ttlSeconds, maxTtlSeconds };
    },
    async revoke({ internal, nowMs }, store) {
      const lent = internal as Lent;
      try {
        const call = await googleOf(await configOf(store), ports, nowMs);
        const name = lent.key_name === '' ? await findKey(call, lent) : lent.key_name;
        if (name !== undefined) await removeKey(call, name);
      } catch (error) {
        // The whole account is gone.
        if (error instanceof GoogleError && error.status === NOT_FOUND) return;
        throw asFailure('unable to remove a key', error);
      }
    },
  };
}
