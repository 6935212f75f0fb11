/**
 * Identity templates in the paths of rules: `secret/data/{{identity.entity.id}}/*`.
 *
 * A rule whose template cannot be filled is dropped. So is one whose value is empty or holds `*`, `+` or `/`: such a value
 * would widen the rule to paths its author did not name (GHSA-59w7-v8rr-pr4p).
 */

/** What is known of the caller: handed in by the core, read only. */
export interface IdentityView {
  readonly entity: EntityView | undefined;
  /** Groups of which the entity is a direct or inherited member. */
  readonly groups: readonly GroupView[];
}

export interface EntityView {
  readonly id: string;
  readonly name: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** By mount accessor. Where an entity has several on one mount, the one that logged in (CVE-2021-43998). */
  readonly aliases: ReadonlyMap<string, AliasView>;
}

export interface AliasView {
  readonly id: string;
  readonly name: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly customMetadata: Readonly<Record<string, string>>;
}

export interface GroupView {
  readonly id: string;
  readonly name: string;
  readonly namespaceId: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Text and directives in turn: text first, then a directive, then text … */
export interface PathTemplate {
  readonly texts: readonly string[];
  /** Without braces and surrounding white space; one fewer than the texts. */
  readonly directives: readonly string[];
}

/** Characters that a policy's settings let a template value hold. */
export interface TemplateAllowances {
  /** `*` and `+`. */
  readonly wildcards: boolean;
  readonly slashes: boolean;
}

export const NO_ALLOWANCES: TemplateAllowances = { wildcards: false, slashes: false };

/** The template in a path, undefined when it has none. @throws {SyntaxError} unbalanced braces */
export function parseTemplate(path: string): PathTemplate | undefined {
  const parts = path.split('{{');
  const texts = [parts[0] ?? ''];
  const directives: string[] = [];
  if (texts[0]?.includes('}}') === true) throw new SyntaxError('unbalanced templating characters');
  for (const part of parts.slice(1)) {
    const [directive, text, ...others] = part.split('}}');
    if (directive === undefined || text === undefined || others.length > 0) {
      throw new SyntaxError('unbalanced templating characters');
    }
    directives.push(directive.trim());
    texts.push(text);
  }
  return directives.length === 0 ? undefined : { texts, directives };
}

/** The path for this caller; undefined when a directive has no usable value. */
export function fillTemplate(
  template: PathTemplate,
  identity: IdentityView,
  namespaceId: string,
  allowances: TemplateAllowances = NO_ALLOWANCES,
): string | undefined {
  let path = template.texts[0] ?? '';
  for (const [index, directive] of template.directives.entries()) {
    const value = valueOf(directive, identity, namespaceId);
    if (value === undefined || !isUsable(value, allowances)) return undefined;
    path += value + (template.texts[index + 1] ?? '');
  }
  return path;
}

function isUsable(value: string, allowances: TemplateAllowances): boolean {
  if (value === '') return false;
  if (!allowances.wildcards && (value.includes('*') || value.includes('+'))) return false;
  return allowances.slashes || !value.includes('/');
}

/** The text after `prefix`, undefined when `text` does not begin with it. */
function after(text: string, prefix: string): string | undefined {
  return text.startsWith(prefix) ? text.slice(prefix.length) : undefined;
}

/** `a.b.c` as `['a', 'b.c']`; undefined without a dot. */
function splitFirst(text: string): readonly [string, string] | undefined {
  const dot = text.indexOf('.');
  return dot < 0 ? undefined : [text.slice(0, dot), text.slice(dot + 1)];
}

function own(record: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

function valueOf(
  directive: string,
  identity: IdentityView,
  namespaceId: string,
): string | undefined {
  const ofEntity = after(directive, 'identity.entity.');
  if (ofEntity !== undefined) {
    return identity.entity === undefined ? undefined : entityValue(ofEntity, identity.entity);
  }
  const ofGroups = after(directive, 'identity.groups.');
  return ofGroups === undefined ? undefined : groupValue(ofGroups, identity.groups, namespaceId);
}

function entityValue(selector: string, entity: EntityView): string | undefined {
  if (selector === 'id') return entity.id;
  if (selector === 'name') return entity.name;
  const key = after(selector, 'metadata.');
  if (key !== undefined) return own(entity.metadata, key);
  const ofAlias = splitFirst(after(selector, 'aliases.') ?? '');
  if (ofAlias === undefined) return undefined;
  const alias = entity.aliases.get(ofAlias[0]);
  return alias === undefined ? undefined : aliasValue(ofAlias[1], alias);
}

function aliasValue(selector: string, alias: AliasView): string | undefined {
  if (selector === 'id') return alias.id;
  if (selector === 'name') return alias.name;
  const key = after(selector, 'metadata.');
  if (key !== undefined) return own(alias.metadata, key);
  const customKey = after(selector, 'custom_metadata.');
  return customKey === undefined ? undefined : own(alias.customMetadata, customKey);
}

/** `ids.<id>.…` or `names.<name>.…`; a name counts in the policy's own namespace only. */
function groupValue(
  selector: string,
  groups: readonly GroupView[],
  namespaceId: string,
): string | undefined {
  const kind = splitFirst(selector);
  const chosen = kind === undefined ? undefined : splitFirst(kind[1]);
  if (kind === undefined || chosen === undefined) return undefined;
  const group = groups.find((candidate) => {
    if (kind[0] === 'ids') return candidate.id === chosen[0];
    return (
      kind[0] === 'names' && candidate.namespaceId === namespaceId && candidate.name === chosen[0]
    );
  });
  if (group === undefined) return undefined;
  if (chosen[1] === 'id') return group.id;
  if (chosen[1] === 'name') return group.name;
  const key = after(chosen[1], 'metadata.');
  return key === undefined ? undefined : own(group.metadata, key);
}
