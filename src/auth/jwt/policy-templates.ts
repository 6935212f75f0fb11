/** Policies that claims fill in: `team-{{.team}}`, `{{ .realm_access.name }}`. */
import { isRawNumber } from '../../base/json.ts';
import type { JsonObject, JsonValue } from '../../base/json.ts';
import { invalidRequest } from '../../model/errors.ts';
import { ClaimError, pointed } from '../claims.ts';

/** What a claim may bring into a policy's name: nothing that is syntax of paths or lists anywhere. */
const FILLING = /^[\w.@:+-]{1,256}$/;
const FIELD = /^\.[A-Za-z_]\w*(?:\.[A-Za-z_]\w*){0,7}$/;

type Piece = { readonly text: string } | { readonly pointer: string };

/** Undefined when it is no template of the kind that is served. */
function piecesOf(template: string): readonly Piece[] | undefined {
  const pieces: Piece[] = [];
  let at = 0;
  for (;;) {
    const open = template.indexOf('{{', at);
    if (open < 0) return [...pieces, { text: template.slice(at) }];
    const close = template.indexOf('}}', open);
    const field = close < 0 ? '' : template.slice(open + 2, close).trim();
    if (!FIELD.test(field)) return undefined;
    pieces.push({ text: template.slice(at, open) }, { pointer: field.replaceAll('.', '/') });
    at = close + 2;
  }
}

/** @throws {RequestError} when a policy is no such template */
export function checkPolicyTemplates(policies: readonly string[]): void {
  for (const [index, policy] of policies.entries()) {
    if (piecesOf(policy) === undefined)
      throw invalidRequest(`failed to parse template policy [${index}]`);
  }
}

function filling(value: JsonValue | undefined): string {
  const text = isRawNumber(value) ? value.rawJSON : value;
  const filled = typeof text === 'number' || typeof text === 'boolean' ? String(text) : text;
  if (typeof filled !== 'string' || !FILLING.test(filled))
    throw new ClaimError('a claim that a policy is made of is missing or not fit for it');
  return filled;
}

/** @throws {ClaimError} when a claim is missing, or is more than part of a name */
export function filledPolicies(policies: readonly string[], claims: JsonObject): readonly string[] {
  const filled = policies.map((policy) =>
    (piecesOf(policy) ?? [])
      .map((piece) => ('text' in piece ? piece.text : filling(pointed(claims, piece.pointer))))
      .join(''),
  );
  return [...new Set(filled)].filter((policy) => policy !== '');
}
