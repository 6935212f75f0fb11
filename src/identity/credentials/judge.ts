/**
 * Checks what a caller shows in place of a token. One kind, one row; each compares in constant time, and a refusal never says
 * more to the caller than its protocol's own service does.
 */
import { createHash, createHmac, createPublicKey } from 'node:crypto';
import { RequestError } from '../../model/errors.ts';
import type {
  AccessKeyEvidence,
  ClientSecretEvidence,
  Evidence,
  ServiceAccountEvidence,
} from '../../model/evidence.ts';
import { after } from '../../base/awaitable.ts';
import type { Awaitable } from '../../base/awaitable.ts';
import { HmacKey } from '../../crypto/hmac.ts';
import { verifyMessage } from '../../crypto/signatures/messages.ts';
import type { Stored, Unit } from '../../model/transaction.ts';
import { equalConstantTime, wipe } from '../../crypto/secret-bytes.ts';
import { CredentialStore } from './store.ts';
import type {
  CredentialFault,
  CredentialRecord,
  JudgedCredential,
  JudgedKey,
  SessionTexts,
} from './record.ts';

/** Derived signing keys that are kept: one per key, day, region and service in use. */
const SIGNING_KEYS_MAX = 1_024;
/** Room for the text that is signed: algorithm, time, scope and a digest, at three bytes for a character. */
const SIGNED_TEXT_BYTES = 3 * 256;
/** How exact `last_used_time` is: a write per credential and hour. */
const LAST_USED_STEP_MS = 3_600_000;
/** `<id>~<secret>`: the text names its credential. */
const CLIENT_SECRET = /^([A-Za-z0-9]{8,64})~[A-Za-z0-9]{32,64}$/;

export interface JudgePorts {
  readonly sessions: SessionTexts;
}

export class CredentialJudge {
  readonly #ports: JudgePorts;
  readonly #signingKeys = new Map<string, HmacKey>();

  constructor(ports: JudgePorts) {
    this.#ports = ports;
  }

  /**
   * The credential behind the evidence, when that holds. Entities that are disabled or gone are refused with their token.
   * @throws {RequestError} permission_denied, with a {@link CredentialFault} as its reason
   */
  judge(
    unit: Unit,
    namespaceId: string,
    evidence: Evidence,
    nowMs: number,
  ): Awaitable<JudgedCredential> {
    if (evidence.kind === 'access-key' && evidence.sessionToken !== undefined) {
      return this.#session(evidence, evidence.sessionToken, nowMs);
    }
    const store = new CredentialStore(unit, namespaceId);
    const id =
      evidence.kind === 'client-secret' ? idInSecret(evidence.secret) : evidence.credential;
    return after(store.findWithToken(id), ([found, token]) => {
      if (found === undefined || found.kind !== evidence.kind || !isUsable(found, nowMs)) {
        throw refused('unknown_credential');
      }
      return after(this.#holds(store, namespaceId, found, evidence), (holds): JudgedKey => {
        if (!holds) throw refused('bad_signature');
        return { credential: used(store, found, nowMs), token };
      });
    });
  }

  /** Forgets what was derived: after a seal. */
  clear(): void {
    for (const key of this.#signingKeys.values()) key.destroy();
    this.#signingKeys.clear();
  }

  #session(evidence: AccessKeyEvidence, text: string, nowMs: number): JudgedCredential {
    const session = this.#ports.sessions.open(text);
    if (session === undefined || session.accessKeyId !== evidence.credential) {
      throw refused('bad_session');
    }
    const key = deriveSigningKey(Buffer.from(session.secret), evidence.scope);
    const valid = isSignature(key, evidence);
    wipe(key);
    if (!valid) throw refused('bad_signature');
    if (session.expiresMs <= nowMs) throw refused('session_expired');
    return { session };
  }

  #holds(
    store: CredentialStore,
    namespaceId: string,
    credential: Stored<CredentialRecord>,
    evidence: Evidence,
  ): Awaitable<boolean> {
    if (evidence.kind === 'access-key') return this.#isSigned(store, namespaceId, evidence);
    return evidence.kind === 'client-secret'
      ? isClientSecret(store, credential, evidence)
      : isSignedByAccount(credential, evidence);
  }

  #isSigned(
    store: CredentialStore,
    namespaceId: string,
    evidence: AccessKeyEvidence,
  ): Awaitable<boolean> {
    const [date, region, service] = evidence.scope;
    // None of the parts can hold a slash.
    const name = `${namespaceId}/${evidence.credential}/${date}/${region}/${service}`;
    const known = this.#signingKeys.get(name);
    if (known !== undefined) return matches(known, evidence);
    return after(store.secret(evidence.credential), (secret) => {
      if (secret === undefined) throw refused('unknown_credential');
      const derived = deriveSigningKey(secret, evidence.scope);
      wipe(secret);
      const key = new HmacKey(derived, SIGNED_TEXT_BYTES);
      wipe(derived);
      // Kept only once it was proved: whoever knows no more than a key's id makes no entries here.
      const valid = matches(key, evidence);
      if (valid) this.#keep(name, key);
      else key.destroy();
      return valid;
    });
  }

  #keep(name: string, key: HmacKey): void {
    if (this.#signingKeys.size >= SIGNING_KEYS_MAX) this.clear();
    this.#signingKeys.set(name, key);
  }
}

function matches(key: HmacKey, { text, signature }: AccessKeyEvidence): boolean {
  return equalConstantTime(key.digest(text), signature);
}

function refused(reason: CredentialFault): RequestError {
  return new RequestError('permission_denied', 'permission denied', { reason, detail: reason });
}

function isUsable(credential: Stored<CredentialRecord>, nowMs: number): boolean {
  return credential.enabled && (credential.expiresMs === 0 || credential.expiresMs > nowMs);
}

function used(
  store: CredentialStore,
  credential: Stored<CredentialRecord>,
  nowMs: number,
): Stored<CredentialRecord> {
  if (nowMs - credential.lastUsedMs < LAST_USED_STEP_MS) return credential;
  const noted = { ...credential, lastUsedMs: nowMs };
  store.put(noted);
  return noted;
}

/** The signing key of Signature Version 4. */
function deriveSigningKey(
  secret: Buffer,
  [date, region, service]: AccessKeyEvidence['scope'],
): Buffer {
  const start = Buffer.concat([Buffer.from('AWS4'), secret]);
  let key = createHmac('sha256', start).update(date).digest();
  wipe(start);
  for (const part of [region, service, 'aws4_request']) {
    const next = createHmac('sha256', key).update(part).digest();
    wipe(key);
    key = next;
  }
  return key;
}

function isSignature(key: Buffer, { text, signature }: AccessKeyEvidence): boolean {
  return equalConstantTime(createHmac('sha256', key).update(text).digest(), signature);
}

function idInSecret(secret: string): string {
  return CLIENT_SECRET.exec(secret)?.[1] ?? '';
}

/** What is stored of a client secret: it has 238 random bits, so a plain hash is enough. */
export function hashClientSecret(secret: string): Buffer {
  return createHash('sha256').update(`strongroom client secret ${secret}`).digest();
}

async function isClientSecret(
  store: CredentialStore,
  credential: Stored<CredentialRecord>,
  { client, secret }: ClientSecretEvidence,
): Promise<boolean> {
  const hash = await store.secret(credential.id);
  if (hash === undefined || !equalConstantTime(hash, hashClientSecret(secret))) return false;
  return client === '' || client === credential.entityId;
}

async function isSignedByAccount(
  credential: Stored<CredentialRecord>,
  { account, signed, signature }: ServiceAccountEvidence,
): Promise<boolean> {
  if (credential.publicKey === undefined || credential.account !== account) return false;
  const key = createPublicKey(credential.publicKey);
  return await verifyMessage('sha256', signed, key, signature);
}
