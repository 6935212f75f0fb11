/** Connects the credentials of identities to tokens: what the core asks, and what their paths need. */
import type { World } from '../../base/world.ts';
import type { CredentialPort } from '../../core/parts.ts';
import { CredentialJudge } from '../../identity/credentials/judge.ts';
import type { CredentialPorts } from '../../identity/credentials/paths.ts';
import type { Session, SessionTexts } from '../../identity/credentials/record.ts';
import { CredentialStore } from '../../identity/credentials/store.ts';
import type { Identity } from '../../identity/identity.ts';
import type { SealedText } from '../../tokens/batch-token.ts';
import type { TokenStore } from '../../tokens/token-store.ts';

/** Longest session token that is looked at. */
const SESSION_TEXT_MAX = 4096;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** Session tokens of temporary access keys: encrypted under a key that every replica has, so nothing is stored for them. */
export function sessionTexts(sealed: SealedText): SessionTexts {
  return {
    seal: (session) => sealed.seal(Buffer.from(JSON.stringify(session))).toString('base64'),
    open(text) {
      if (text.length > SESSION_TEXT_MAX || !BASE64.test(text)) return undefined;
      const plaintext = sealed.open(Buffer.from(text, 'base64'));
      return plaintext === undefined ? undefined : (JSON.parse(plaintext.toString()) as Session);
    },
  };
}

export interface CredentialServices {
  readonly judge: CredentialJudge;
  readonly sessions: SessionTexts;
  readonly port: CredentialPort;
}

export function credentialServices(identity: Identity, sealed: SealedText): CredentialServices {
  const sessions = sessionTexts(sealed);
  const judge = new CredentialJudge({ sessions });
  return {
    judge,
    sessions,
    port: {
      judge: (unit, namespaceId, evidence, nowMs) =>
        judge.judge(unit, namespaceId, evidence, nowMs),
      async entityName(unit, namespaceId, entityId) {
        const found = await identity.membership(unit, namespaceId, entityId);
        return found === undefined || found.entity.disabled ? undefined : found.entity.name;
      },
      remember(unit, credential, token) {
        new CredentialStore(unit, token.namespaceId).putToken(credential.id, token);
      },
    },
  };
}

export function credentialPorts(services: {
  readonly world: World;
  readonly credentials: CredentialServices;
  readonly tokens: TokenStore;
}): CredentialPorts {
  const { world, tokens, credentials } = services;
  return {
    random: world.random,
    judge: credentials.judge,
    async endToken(unit, token, nowMs) {
      const record = await tokens.byRef(unit, token, nowMs);
      if (record !== undefined) tokens.revoke(unit, record, nowMs);
    },
  };
}
