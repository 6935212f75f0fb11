/**
 * Environments: a namespace or mount carries one (`dev`, `staging`, `prod`, any name), and whoever is bound to one never gets at
 * another, whatever the policies say. Bound is who logs in by a labelled mount or lives in a labelled namespace, and who is
 * bound by name: an entity, or the members of a group.
 */
import type { Unit } from '../../model/transaction.ts';
import type { MountEntry } from '../mounts/mount-entry.ts';
import type { Namespace } from '../mounts/namespaces.ts';
import { ROOT_NAMESPACE_ID } from '../../model/principal.ts';

/** What carries an environment, or is bound to one. */
export interface Label {
  readonly kind: 'namespace' | 'mount' | 'entity' | 'group';
  /** Id of a namespace, entity or group; accessor of a mount. */
  readonly id: string;
  readonly environment: string;
}

/** For a time, an entity or the members of a group get at an environment that is not theirs. */
export interface EnvironmentException {
  readonly id: string;
  readonly kind: 'entity' | 'group';
  readonly subjectId: string;
  readonly environment: string;
  readonly reason: string;
  readonly createdMs: number;
  readonly createdBy: string;
  readonly untilMs: number;
}

/** Labels, and exceptions, of the whole server: they are kept in memory. */
export const LABELS_MAX = 10_000;
const PREFIX = 'core/environment/';
const LABELS = 'label/';
const EXCEPTIONS = 'exception/';
const PAGE = 1000;

/** Of the routing table, what is needed here. */
interface Places {
  readonly namespaces: ReadonlyMap<string, Namespace>;
}

interface Placed {
  readonly entry: MountEntry;
  readonly namespace: Namespace;
}

export class Environments {
  readonly #labels: ReadonlyMap<string, Label>;
  readonly #exceptions: readonly EnvironmentException[];
  /** Entities or groups are bound by name: then a request has to know who its caller is. */
  readonly bindsIdentities: boolean;

  constructor(labels: readonly Label[], exceptions: readonly EnvironmentException[]) {
    this.#labels = new Map(labels.map((label) => [labelKey(label), label]));
    this.#exceptions = exceptions;
    this.bindsIdentities = labels.some(({ kind }) => kind === 'entity' || kind === 'group');
  }

  #of(kind: Label['kind'], id: string): string | undefined {
    return this.#labels.get(labelKey({ kind, id }))?.environment;
  }

  /** Of a namespace: its own, or that of the nearest one above it that has one. */
  ofNamespace({ namespaces }: Places, namespace: Namespace): string | undefined {
    for (
      let { path } = namespace;
      ;
      path = path.slice(0, path.lastIndexOf('/', path.length - 2) + 1)
    ) {
      const above = namespaces.get(path);
      const own = above === undefined ? undefined : this.#of('namespace', above.id);
      if (own !== undefined || path === '') return own;
    }
  }

  /** Of a mount: that of its namespace, else its own. */
  ofMount(places: Places, { entry, namespace }: Placed): string | undefined {
    return this.ofNamespace(places, namespace) ?? this.#of('mount', entry.accessor);
  }

  /** Environments that these entities and groups are bound to by name. */
  ofIdentities(ids: readonly string[]): readonly string[] {
    const found = ids.flatMap((id) => [this.#of('entity', id), this.#of('group', id)]);
    return found.filter((each) => each !== undefined);
  }

  exceptionFor(
    environment: string,
    entityId: string,
    groupIds: readonly string[],
    nowMs: number,
  ): EnvironmentException | undefined {
    return this.#exceptions.find(
      (each) =>
        each.environment === environment &&
        nowMs < each.untilMs &&
        (each.kind === 'entity' ? each.subjectId === entityId : groupIds.includes(each.subjectId)),
    );
  }
}

function labelKey({ kind, id }: Pick<Label, 'kind' | 'id'>): string {
  return `${kind} ${id}`;
}

/** Labels and exceptions as they are stored. */
export class EnvironmentStore {
  readonly #view: ReturnType<Unit['view']>;

  constructor(unit: Unit) {
    this.#view = unit.view(ROOT_NAMESPACE_ID, PREFIX);
  }

  async labels(): Promise<Label[]> {
    return await this.#all<Label>(LABELS);
  }

  async label(kind: Label['kind'], id: string): Promise<Label | undefined> {
    return await this.#view.getRecord<Label>(`${LABELS}${kind}-${id}`);
  }

  putLabel(label: Label): void {
    this.#view.putJson(`${LABELS}${label.kind}-${label.id}`, label);
  }

  deleteLabel(kind: Label['kind'], id: string): void {
    this.#view.delete(`${LABELS}${kind}-${id}`);
  }

  async exceptions(): Promise<EnvironmentException[]> {
    return await this.#all<EnvironmentException>(EXCEPTIONS);
  }

  putException(exception: EnvironmentException): void {
    this.#view.putJson(EXCEPTIONS + exception.id, exception);
  }

  deleteException(id: string): void {
    this.#view.delete(EXCEPTIONS + id);
  }

  async #all<T>(prefix: string): Promise<T[]> {
    const found: T[] = [];
    for (let after = ''; ;) {
      const page = await this.#view.list(prefix, {
        limit: PAGE,
        ...(after === '' ? {} : { after }),
      });
      const last = page.at(-1);
      if (last === undefined) return found;
      for (const record of await this.#view.getRecords<T>(page.map((name) => prefix + name)))
        if (record !== undefined) found.push(record as T);
      after = last;
    }
  }
}

/** Undefined when nothing carries an environment: then nobody need be asked where from. */
export async function loadEnvironments(unit: Unit): Promise<Environments | undefined> {
  const store = new EnvironmentStore(unit);
  const labels = await store.labels();
  return labels.length === 0 ? undefined : new Environments(labels, await store.exceptions());
}
