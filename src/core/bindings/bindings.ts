/**
 * Bindings: what an AWS account and region, an Azure vault or a Google project is here, which is a namespace and mounts in it.
 * Some come from the configuration, the others from `sys/bindings`, which cannot change those of the configuration.
 */
import { after } from '../../base/awaitable.ts';
import type { Awaitable } from '../../base/awaitable.ts';
import type { Retention } from '../../model/tasks/secret-task.ts';
import type { Unit } from '../../model/transaction.ts';
import type { BoundPart, BoundPlace, Call } from '../call.ts';
import { EpochCache } from '../epoch-cache.ts';
import type { CoreUnit } from '../epoch-cache.ts';

export type BoundProtocol = Exclude<Call['protocol'], 'vault'>;

export interface Binding {
  readonly protocol: BoundProtocol;
  readonly name: string;
  /** '' = every region that has no binding of its own. */
  readonly region: string;
  /** `''` or `a/b/`. */
  readonly namespace: string;
  /** Mount paths with a trailing slash: `secrets` a versioned KV, `keys` a transit engine, `login` an auth mount (`auth/jwt/`). */
  readonly mounts: Readonly<Partial<Record<Exclude<BoundPart, ''>, string>>>;
  /** What Azure's clients are promised about deleted objects; absent = 90 days, and no protection. */
  readonly retention?: Retention;
}

/** The epoch scope that a change advances. */
export const BINDINGS_SCOPE = 'bindings';
const PREFIX = 'core/binding/';
const ROOT = 'root';
const ANY_REGION = '*';

export const BOUND_PROTOCOLS: readonly BoundProtocol[] = ['aws', 'azure', 'gcp'];

/** Names of vaults and projects do not depend on case. */
export function bindingKey({
  protocol,
  name,
  region,
}: Pick<Binding, 'protocol' | 'name' | 'region'>): string {
  return `${protocol}/${encodeURIComponent(name.toLowerCase())}/${region === '' ? ANY_REGION : encodeURIComponent(region)}`;
}

interface Known {
  /** By {@link bindingKey}. */
  readonly byKey: ReadonlyMap<string, Binding>;
  /** By protocol and name, then by region: every request asks. */
  readonly byPlace: ReadonlyMap<string, ReadonlyMap<string, Binding>>;
}

function indexed(byKey: ReadonlyMap<string, Binding>): Known {
  const byPlace = new Map<string, Map<string, Binding>>();
  for (const binding of byKey.values()) {
    const place = placeKey(binding.protocol, binding.name);
    const regions = byPlace.get(place) ?? new Map<string, Binding>();
    byPlace.set(place, regions.set(binding.region, binding));
  }
  return { byKey, byPlace };
}

function placeKey(protocol: BoundProtocol, name: string): string {
  return `${protocol}/${name.toLowerCase()}`;
}

export class Bindings {
  readonly #cache: EpochCache<Known>;
  readonly #configured: ReadonlyMap<string, Binding>;

  constructor(begin: () => CoreUnit, configured: readonly Binding[]) {
    this.#configured = new Map(configured.map((binding) => [bindingKey(binding), binding]));
    this.#cache = new EpochCache(BINDINGS_SCOPE, begin, async (unit) => {
      const stored = await loadBindings(unit);
      return indexed(new Map([...stored, ...this.#configured]));
    });
  }

  /** Every binding, by its key. */
  async all(unit: CoreUnit): Promise<ReadonlyMap<string, Binding>> {
    return (await this.#cache.get(unit)).byKey;
  }

  /** The binding of a name in a region, else that of the name in all regions. */
  find(
    unit: CoreUnit,
    protocol: Call['protocol'],
    { name, region = '' }: Pick<BoundPlace, 'name' | 'region'>,
  ): Awaitable<Binding | undefined> {
    if (protocol === 'vault') return undefined;
    return after(this.#cache.get(unit), ({ byPlace }) => {
      const regions = byPlace.get(placeKey(protocol, name));
      return regions?.get(region) ?? regions?.get('');
    });
  }

  isConfigured(binding: Pick<Binding, 'protocol' | 'name' | 'region'>): boolean {
    return this.#configured.has(bindingKey(binding));
  }

  put(unit: CoreUnit, binding: Binding): void {
    unit.view(ROOT, PREFIX).putJson(bindingKey(binding), binding);
    unit.bumpEpoch(BINDINGS_SCOPE);
  }

  remove(unit: CoreUnit, binding: Pick<Binding, 'protocol' | 'name' | 'region'>): void {
    unit.view(ROOT, PREFIX).delete(bindingKey(binding));
    unit.bumpEpoch(BINDINGS_SCOPE);
  }

  /** After a seal. */
  clear(): void {
    this.#cache.clear();
  }
}

async function loadBindings(unit: Unit): Promise<Map<string, Binding>> {
  const view = unit.view(ROOT, PREFIX);
  const found = new Map<string, Binding>();
  for (const protocol of BOUND_PROTOCOLS) {
    for (const name of await allOf(view, `${protocol}/`)) {
      for (const region of await allOf(view, `${protocol}/${name}`)) {
        const binding = await view.getRecord<Binding>(`${protocol}/${name}${region}`);
        if (binding !== undefined) found.set(`${protocol}/${name}${region}`, binding);
      }
    }
  }
  return found;
}

async function allOf(view: ReturnType<Unit['view']>, prefix: string): Promise<readonly string[]> {
  const names: string[] = [];
  for (let page = await view.list(prefix); page.length > 0;) {
    names.push(...page);
    page = await view.list(prefix, { after: page.at(-1) ?? '' });
  }
  return names;
}
