/**
 * A backend that folds names to lower case acts on `roles/prod` when it is asked for `roles/PROD` (CVE-2026-89322). Such a
 * parameter is declared as `lower_string`; a request that spells one otherwise is judged by both spellings.
 */
import type { FieldSet } from '../../model/field.ts';

interface Match {
  readonly path: { readonly fields: FieldSet };
  /** Values of the path's parameters, as sent. */
  readonly params: Readonly<Record<string, string>>;
}

const folding = new WeakMap<FieldSet, readonly string[]>();

/** Names of the parameters that are folded; few paths have any. */
function foldingNames(fields: FieldSet): readonly string[] {
  let names = folding.get(fields);
  if (names === undefined) {
    names = Object.keys(fields).filter((name) => fields[name]?.kind === 'lower_string');
    folding.set(fields, names);
  }
  return names;
}

/** The path with its folding parameters in lower case; undefined when that changes nothing. */
export function foldedPath(pathBelowMount: string, match: Match): string | undefined {
  const names = foldingNames(match.path.fields);
  if (names.length === 0) return undefined;
  let bounded = `/${pathBelowMount}/`;
  for (const name of names) {
    const value = match.params[name];
    const lower = value?.toLowerCase();
    if (value === undefined || lower === undefined || value === lower) continue;
    // Twice: of two neighbours that are alike one pass replaces only the first.
    for (let pass = 0; pass < 2; pass++) {
      bounded = bounded.replaceAll(`/${value}/`, () => `/${lower}/`);
    }
  }
  const folded = bounded.slice(1, -1);
  return folded === pathBelowMount ? undefined : folded;
}
