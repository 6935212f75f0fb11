/** Lists of names in settings of the OpenID provider: a set, in whatever order and form it was sent. */

/** Each name once, without the white space around it, sorted; an empty one names nothing. */
export function distinctNames(names: readonly string[]): readonly string[] {
  const each = new Set(names.map((name) => name.trim()));
  each.delete('');
  return [...each].sort();
}
