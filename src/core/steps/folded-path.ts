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

/** The path with its folding parameters in lower case; undefined when that changes nothing. */
export function foldedPath(pathBelowMount: string, match: Match): string | undefined {
  let bounded = `/${pathBelowMount}/`;
  for (const [name, value] of Object.entries(match.params)) {
    const lower = value.toLowerCase();
    if (value === lower || match.path.fields[name]?.kind !== 'lower_string') continue;
    // Twice: of two neighbours that are alike one pass replaces only the first.
    for (let pass = 0; pass < 2; pass++) {
      bounded = bounded.replaceAll(`/${value}/`, () => `/${lower}/`);
    }
  }
  const folded = bounded.slice(1, -1);
  return folded === pathBelowMount ? undefined : folded;
}
