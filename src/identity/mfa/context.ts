/** What the paths of the second factor share. */
import type { Random } from '../../base/random.ts';
import type { Unit } from '../../model/transaction.ts';
import type { Directory } from '../directory.ts';
import type { Identity } from '../identity.ts';
import { MfaStore } from './mfa-store.ts';
import type { MfaRules } from './rules.ts';
import type { NamespaceRef } from '../../model/principal.ts';

export interface MfaPorts {
  readonly rules: (unit: Unit) => Promise<MfaRules>;
  /** The rules that are kept in memory are out of date with this unit's commit. */
  readonly changed: (unit: Unit) => void;
  /** Auth mounts of a namespace. */
  readonly authMounts: (
    unit: Unit,
    namespaceId: string,
  ) => Promise<readonly { readonly accessor: string; readonly type: string }[]>;
  readonly keyUri: (parts: KeyUriParts) => string;
  /** A picture of a text; undefined when it does not fit. */
  readonly qrCode: (text: string, pixels: number) => Promise<Buffer | undefined>;
}

export interface KeyUriParts {
  readonly issuer: string;
  readonly accountName: string;
  readonly secret: string;
  readonly periodSeconds: number;
  readonly digits: number;
  readonly algorithm: string;
}

export class MfaContext {
  readonly identity: Identity;
  readonly random: Random;
  readonly ports: MfaPorts;

  constructor(identity: Identity, ports: MfaPorts) {
    this.identity = identity;
    this.random = identity.ports.random;
    this.ports = ports;
  }

  at(unit: Unit, namespace: Pick<NamespaceRef, 'id'>): MfaStore {
    return new MfaStore(unit, namespace);
  }

  directory(unit: Unit, namespace: Pick<NamespaceRef, 'id'>): Directory {
    return this.identity.in(unit, namespace);
  }

  async rules(unit: Unit): Promise<MfaRules> {
    return await this.ports.rules(unit);
  }

  changed(unit: Unit): void {
    this.ports.changed(unit);
  }
}
