/** What the paths of identity tokens and of the OpenID provider share: their stores, their issuer and their signing keys. */
import type { Random } from '../../base/random.ts';
import type { Request } from '../../model/request.ts';
import type { Unit } from '../../model/transaction.ts';
import type { Identity } from '../identity.ts';
import type { OidcProvider } from './provider-store.ts';
import { ProviderStore } from './provider-store.ts';
import { OidcStore } from './store.ts';

/** The token that a client asks for its user's claims with. */
export interface AccessToken {
  readonly entityId: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
}

export interface AccessTokenWish extends AccessToken {
  readonly namespaceId: string;
  /** Path of the request that makes it, and the only one that it may be used for. */
  readonly madeAt: string;
  readonly usedAt: string;
  readonly ttlSeconds: number;
}

export interface OidcPorts {
  /** Where clients reach this server, `https://host:8200`. */
  readonly apiAddress: () => string;
  readonly issueAccessToken: (unit: Unit, wish: AccessTokenWish, nowMs: number) => Promise<string>;
  /** Undefined when it is over; null when it is a token, but none of these. */
  readonly accessToken: (
    unit: Unit,
    token: string,
    nowMs: number,
  ) => Promise<AccessToken | null | undefined>;
  /** When the caller's token was made: seconds since the epoch; undefined when it is no more. */
  readonly loggedInAt: (unit: Unit, token: string, nowMs: number) => Promise<number | undefined>;
}

export class OidcContext {
  readonly identity: Identity;
  readonly random: Random;
  readonly ports: OidcPorts;

  constructor(identity: Identity, ports: OidcPorts) {
    this.identity = identity;
    this.random = identity.ports.random;
    this.ports = ports;
  }

  at(request: Pick<Request, 'namespace'>, unit: Unit): OidcStore {
    return new OidcStore(unit, request.namespace, this.random);
  }

  provided(request: Pick<Request, 'namespace'>, unit: Unit): ProviderStore {
    return new ProviderStore(unit, request.namespace, this.identity.ports.hash);
  }

  /** The `iss` of the namespace's identity tokens. */
  async issuer(request: Pick<Request, 'namespace'>, unit: Unit): Promise<string> {
    return this.#address(request, await this.at(request, unit).issuer(), 'identity/oidc');
  }

  /** The `iss` of a provider's tokens. */
  providerIssuer(
    request: Pick<Request, 'namespace'>,
    name: string,
    provider: OidcProvider,
  ): string {
    return this.#address(request, provider.issuer, `identity/oidc/provider/${name}`);
  }

  #address({ namespace }: Pick<Request, 'namespace'>, issuer: string, path: string): string {
    const base = issuer || this.ports.apiAddress();
    return `${base.replace(/\/$/, '')}/v1/${namespace.path}${path}`;
  }
}
