/** Pages of a list that is held in one record. */

export function page(
  names: readonly string[],
  asked: { readonly after?: string | undefined; readonly limit?: number | undefined },
): string[] {
  const { after = '', limit = 0 } = asked;
  const rest = [...names].sort().filter((name) => name > after);
  return limit > 0 ? rest.slice(0, limit) : rest;
}
