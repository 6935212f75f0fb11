/** What the paths of identity tokens share: their store and their issuer. */
import type { Random } from '../../base/random.ts';
import type { Request } from '../../model/request.ts';
import type { Unit } from '../../model/transaction.ts';
import type { Identity } from '../identity.ts';
import { OidcStore } from './store.ts';

export interface OidcPorts {
  /** Where clients reach this server, `https://host:8200`. */
  readonly apiAddress: () => string;
}

export class OidcContext {
  readonly identity: Identity;
  readonly random: Random;
  readonly #ports: OidcPorts;

  constructor(identity: Identity, ports: OidcPorts) {
    this.identity = identity;
    this.random = identity.ports.random;
    this.#ports = ports;
  }

  at(request: Pick<Request, 'namespace'>, unit: Unit): OidcStore {
    return new OidcStore(unit, request.namespace, this.random);
  }

  /** The `iss` of the namespace's tokens. */
  async issuer(request: Pick<Request, 'namespace'>, unit: Unit): Promise<string> {
    const base = (await this.at(request, unit).issuer()) || this.#ports.apiAddress();
    return `${base.replace(/\/$/, '')}/v1/${request.namespace.path}identity/oidc`;
  }
}
