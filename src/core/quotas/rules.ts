/** Which quota a request comes under: the most specific one. Compiled once per change, looked up per request. */
import type { QuotaScope } from './records.ts';

/** Rules of one mount. */
interface MountRules<R> {
  whole: R | undefined;
  readonly exact: Map<string, R>;
  /** Suffixes that end in `*`, without it; longest first. */
  readonly globs: { readonly prefix: string; readonly rule: R }[];
  readonly roles: Map<string, R>;
}

export interface QuotaSubject {
  /** Ids of the request's namespace and of those above it, innermost first. */
  readonly namespaceIds: readonly string[];
  /** Undefined when no mount serves the request. */
  readonly mountAccessor: string | undefined;
  readonly pathBelowMount: string;
  /** Login role, when the rules of the mount ask for it. */
  readonly role: string;
}

export class QuotaRules<R extends QuotaScope> {
  readonly #mounts = new Map<string, MountRules<R>>();
  readonly #namespaces = new Map<string, R>();
  readonly size: number;

  constructor(rules: readonly R[]) {
    this.size = rules.length;
    for (const rule of rules) {
      if (rule.mountAccessor === '') this.#namespaces.set(rule.namespaceId, rule);
      else addToMount(this.#mountRules(rule.mountAccessor), rule);
    }
    for (const { globs } of this.#mounts.values()) {
      globs.sort((a, b) => b.prefix.length - a.prefix.length);
    }
  }

  #mountRules(accessor: string): MountRules<R> {
    let rules = this.#mounts.get(accessor);
    if (rules === undefined) {
      rules = { whole: undefined, exact: new Map(), globs: [], roles: new Map() };
      this.#mounts.set(accessor, rules);
    }
    return rules;
  }

  /** True when a login of this mount must be asked for its role. */
  needsRole(mountAccessor: string): boolean {
    return (this.#mounts.get(mountAccessor)?.roles.size ?? 0) > 0;
  }

  /** Role before path, path before glob, longer glob before shorter, mount before namespace, own before inherited. */
  find(subject: QuotaSubject): R | undefined {
    return this.#findInMount(subject) ?? this.#findInNamespaces(subject.namespaceIds);
  }

  #findInMount({ mountAccessor, pathBelowMount, role }: QuotaSubject): R | undefined {
    const rules = mountAccessor === undefined ? undefined : this.#mounts.get(mountAccessor);
    if (rules === undefined) return undefined;
    const byRole = role === '' ? undefined : rules.roles.get(role);
    if (byRole !== undefined) return byRole;
    const suffix = pathBelowMount.endsWith('/') ? pathBelowMount.slice(0, -1) : pathBelowMount;
    const byPath = suffix === '' ? undefined : rules.exact.get(suffix);
    if (byPath !== undefined) return byPath;
    const glob = rules.globs.find(({ prefix }) => suffix.startsWith(prefix));
    return glob?.rule ?? rules.whole;
  }

  #findInNamespaces(ids: readonly string[]): R | undefined {
    for (const [index, id] of ids.entries()) {
      const rule = this.#namespaces.get(id);
      if (rule !== undefined && (index === 0 || rule.inheritable)) return rule;
    }
    return undefined;
  }
}

function addToMount<R extends QuotaScope>(rules: MountRules<R>, rule: R): void {
  if (rule.role !== '') rules.roles.set(rule.role, rule);
  else if (rule.suffix === '') rules.whole = rule;
  else if (rule.suffix.endsWith('*')) rules.globs.push({ prefix: rule.suffix.slice(0, -1), rule });
  else rules.exact.set(rule.suffix, rule);
}
