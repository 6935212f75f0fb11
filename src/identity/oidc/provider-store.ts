/** What is stored of a namespace as an OpenID provider: providers, their clients, scopes and assignments, and open codes. */
import { invalidRequest } from '../../model/errors.ts';
import { namesBelow } from '../../model/listing/list-names.ts';
import { ShortLived } from '../../model/short-lived.ts';
import type { Transaction, Unit } from '../../model/transaction.ts';
import type { NamespaceRef } from '../../model/principal.ts';

export interface Assignment {
  readonly entity_ids: readonly string[];
  readonly group_ids: readonly string[];
}

export interface Scope {
  readonly template: string;
  readonly description: string;
}

export type ClientType = 'confidential' | 'public';

export interface OidcClient {
  readonly name: string;
  readonly redirectUris: readonly string[];
  readonly assignments: readonly string[];
  readonly key: string;
  readonly idTokenTtlSeconds: number;
  readonly accessTokenTtlSeconds: number;
  readonly type: ClientType;
  readonly authorizationCode: boolean;
  readonly clientCredentials: boolean;
  readonly clientId: string;
  /** '' for a public client. */
  readonly clientSecret: string;
}

export interface OidcProvider {
  /** Scheme, host and port; '' = where clients reach this server. */
  readonly issuer: string;
  /** `*` = all. */
  readonly allowedClientIds: readonly string[];
  readonly scopesSupported: readonly string[];
}

/** What an authorization code stands for. */
export interface Grant {
  readonly provider: string;
  readonly clientId: string;
  readonly entityId: string;
  readonly redirectUri: string;
  readonly nonce: string;
  readonly scopes: readonly string[];
  /** Seconds since the epoch; 0 = not asked for. */
  readonly authTime: number;
  /** '' = without PKCE. */
  readonly codeChallenge: string;
  readonly codeChallengeMethod: string;
}

export const DEFAULT_PROVIDER = 'default';
export const ALLOW_ALL = 'allow_all';
export const OPENID_SCOPE = 'openid';
/** RFC 6749 §4.1.2 recommends ten minutes at most. */
const CODE_TTL_SECONDS = 300;
/** Most of each kind in a namespace. */
const RECORDS_MAX = 5000;

const EVERYBODY: Assignment = { entity_ids: ['*'], group_ids: ['*'] };
const OPEN_PROVIDER: OidcProvider = { issuer: '', allowedClientIds: ['*'], scopesSupported: [] };

type Kind = 'assignment' | 'scope' | 'client' | 'provider';

export class ProviderStore {
  readonly #view: Transaction;
  readonly #hash: (text: string) => string;

  constructor(unit: Unit, namespace: Pick<NamespaceRef, 'id'>, hash: (text: string) => string) {
    this.#view = unit.view(namespace.id, 'identity/oidc-provider/');
    this.#hash = hash;
  }

  async assignment(name: string): Promise<Assignment | undefined> {
    const found = await this.#view.getRecord<Assignment>(`assignment/${name}`);
    return found ?? (name === ALLOW_ALL ? EVERYBODY : undefined);
  }

  async scope(name: string): Promise<Scope | undefined> {
    return await this.#view.getRecord<Scope>(`scope/${name}`);
  }

  async provider(name: string): Promise<OidcProvider | undefined> {
    const found = await this.#view.getRecord<OidcProvider>(`provider/${name}`);
    return found ?? (name === DEFAULT_PROVIDER ? OPEN_PROVIDER : undefined);
  }

  /** Not through the cache of decoded records: it holds the client's secret. */
  async client(name: string): Promise<OidcClient | undefined> {
    return await this.#view.getJson<OidcClient>(`client/${name}`);
  }

  async clientById(clientId: string): Promise<OidcClient | undefined> {
    const name = await this.#view.getRecord<string>(this.#clientKey(clientId));
    return name === undefined ? undefined : await this.client(name);
  }

  async put(kind: Exclude<Kind, 'client'>, name: string, record: object): Promise<void> {
    await this.#admit(kind, name);
    this.#view.putJson(`${kind}/${name}`, record);
  }

  async putClient(client: OidcClient): Promise<void> {
    await this.#admit('client', client.name);
    this.#view.putJson(`client/${client.name}`, client);
    this.#view.putJson(this.#clientKey(client.clientId), client.name);
  }

  async deleteClient(name: string): Promise<void> {
    const client = await this.client(name);
    if (client === undefined) return;
    this.#view.delete(`client/${name}`);
    this.#view.delete(this.#clientKey(client.clientId));
  }

  delete(kind: Exclude<Kind, 'client'>, name: string): void {
    this.#view.delete(`${kind}/${name}`);
  }

  /** What is there from the beginning counts, changed or not. */
  async names(kind: Kind): Promise<readonly string[]> {
    const names = new Set(await namesBelow(this.#view, `${kind}/`));
    if (kind === 'assignment') names.add(ALLOW_ALL);
    if (kind === 'provider') names.add(DEFAULT_PROVIDER);
    return [...names].sort();
  }

  async clients(): Promise<OidcClient[]> {
    const found: OidcClient[] = [];
    for (const name of await this.names('client')) {
      const client = await this.client(name);
      if (client !== undefined) found.push(client);
    }
    return found;
  }

  async providers(): Promise<{ readonly name: string; readonly provider: OidcProvider }[]> {
    const found = [];
    for (const name of await this.names('provider')) {
      const provider = await this.provider(name);
      if (provider !== undefined) found.push({ name, provider });
    }
    return found;
  }

  async putCode(code: string, grant: Grant, nowMs: number): Promise<void> {
    await this.#codes().put(this.#hash(`oidc code ${code}`), grant, nowMs);
  }

  /** Whatever comes of it: the code is used up. */
  async takeCode(code: string, nowMs: number): Promise<Grant | undefined> {
    return await this.#codes().take(this.#hash(`oidc code ${code}`), nowMs);
  }

  #codes(): ShortLived<Grant> {
    return new ShortLived<Grant>(this.#view, 'code/', CODE_TTL_SECONDS);
  }

  #clientKey(clientId: string): string {
    return `client-id/${this.#hash(`oidc client ${clientId}`)}`;
  }

  async #admit(kind: Kind, name: string): Promise<void> {
    const names = await this.names(kind);
    if (!names.includes(name) && names.length >= RECORDS_MAX)
      throw invalidRequest(`at most ${RECORDS_MAX} are allowed`);
  }
}
