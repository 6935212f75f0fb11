/** What a secret should be after some steps through four APIs, in a few lines; and the steps. */
import type { Api, State } from './apis-fixture.ts';

export interface ModelVersion {
  readonly value: string;
  disabled: boolean;
  deleted: boolean;
  destroyed: boolean;
}

export class Model {
  /** Undefined: there is no such secret. Numbers begin with 1. */
  versions: ModelVersion[] | undefined;
  /** The number that is read without one; 0 before the first. */
  served = 0;
  previous: number | undefined;
  /** Deleted as a whole, and to be recovered. */
  deleted = false;

  get live(): boolean {
    return this.versions !== undefined && !this.deleted;
  }

  get all(): readonly ModelVersion[] {
    return this.versions ?? [];
  }

  version(number: number | undefined): ModelVersion | undefined {
    return number === undefined ? undefined : this.versions?.[number - 1];
  }

  get current(): ModelVersion | undefined {
    return this.version(this.served);
  }

  /** The value of a version, if it may be handed out. */
  shown(number: number | undefined): string | undefined {
    const version = this.version(number);
    return this.live && version !== undefined && isReadable(version) ? version.value : undefined;
  }

  add(value: string, keepServed = false): void {
    const before = this.all;
    this.versions = [...before, { value, disabled: false, deleted: false, destroyed: false }];
    if (keepServed && before.length > 0) return;
    this.serve(this.versions.length);
  }

  serve(number: number): void {
    if (number === this.served) return;
    this.previous = this.served === 0 ? undefined : this.served;
    this.served = number;
  }

  remove(): void {
    this.versions = undefined;
    this.served = 0;
    this.previous = undefined;
    this.deleted = false;
  }
}

export function isReadable(version: ModelVersion): boolean {
  return !version.disabled && !version.deleted && !version.destroyed;
}

export function stateOf(version: ModelVersion): State {
  if (version.destroyed) return 'DESTROYED';
  return version.disabled || version.deleted ? 'DISABLED' : 'ENABLED';
}

/** `pick` chooses one of the versions that there are. */
export type Step =
  | { readonly kind: 'put'; readonly by: Api; readonly value: string }
  | { readonly kind: 'pending'; readonly value: string }
  | { readonly kind: 'promote'; readonly pick: number }
  | { readonly kind: 'enable' | 'disable'; readonly by: 'azure' | 'google'; readonly pick: number }
  | { readonly kind: 'destroy'; readonly by: 'vault' | 'google'; readonly pick: number }
  | { readonly kind: 'delete version' | 'undelete version'; readonly pick: number }
  | { readonly kind: 'create' | 'delete current' | 'remark' | 'purge' }
  | { readonly kind: 'delete' | 'recover'; readonly by: 'aws' | 'azure' }
  | { readonly kind: 'remove'; readonly by: Exclude<Api, 'azure'> };
