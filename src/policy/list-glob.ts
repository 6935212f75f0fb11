/** Globs of the kind that roles list: `*` at either end. */

/** `*` at either end stands for anything, as in Vault's list globs. */
export function globMatches(glob: string, text: string): boolean {
  const starts = glob.startsWith('*');
  const ends = glob.endsWith('*') && glob.length > 1;
  const core = glob.slice(starts ? 1 : 0, ends ? -1 : undefined);
  if (starts && ends) return text.includes(core);
  if (starts) return text.endsWith(core);
  if (ends) return text.startsWith(core);
  return text === glob;
}
