/** Engines and auth methods that are loaded when they are first mounted. */
import type { Awaitable } from '../base/awaitable.ts';
import type { AnyBackend } from '../core/mounts/mount-table.ts';
import type { Backend } from '../model/backend.ts';

/** Marks what works on a view of its own mount. */
export function onMount(backend: Backend): AnyBackend {
  return Object.assign(backend, { scope: 'mount' as const });
}

/** A member that is loaded when it is first mounted: most servers use few of them, and start and memory are theirs. */
export class Member {
  readonly #load: () => Promise<Backend>;
  #loading: Promise<AnyBackend> | undefined;
  #loaded: AnyBackend | undefined;

  constructor(load: () => Promise<Backend>) {
    this.#load = load;
  }

  get loaded(): AnyBackend | undefined {
    return this.#loaded;
  }

  get backend(): Awaitable<AnyBackend> {
    this.#loading ??= this.#load().then((backend) => (this.#loaded = onMount(backend)));
    return this.#loaded ?? this.#loading;
  }
}
