/** What methods keep about people whom somebody else knows: policies under names. */
import { invalidRequest } from '../model/errors.ts';
import { refuseRoot } from '../model/root-policy.ts';

/** Policies, or groups, of one name. */
export const NAMED_LIST_MAX = 256;

/** A name as one segment of a key. */
export function segmentOf(name: string): string {
  return name.replaceAll('%', '%25').replaceAll('/', '%2F');
}

export function nameOfSegment(segment: string): string {
  return segment.replaceAll('%2F', '/').replaceAll('%25', '%');
}

/** Policies in one form: trimmed, lower case, each once, sorted. @throws {RequestError} */
export function policiesOf(sent: readonly string[]): readonly string[] {
  refuseRoot(sent);
  const names = new Set(sent.map((name) => name.trim().toLowerCase()));
  names.delete('');
  if (names.size > NAMED_LIST_MAX)
    throw invalidRequest(`at most ${NAMED_LIST_MAX} policies are allowed`);
  return [...names].sort();
}
