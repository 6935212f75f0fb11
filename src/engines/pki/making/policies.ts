/** Certificate policies of a role: object identifiers, or JSON texts with a statement or a notice. */
import { isOid } from '../../../crypto/der-values.ts';
import { certificatePolicies } from '../../../crypto/x509/extensions.ts';
import type { Extension, PolicyInformation } from '../../../crypto/x509/extensions.ts';
import { invalidRequest } from '../../../model/errors.ts';

interface Entry {
  readonly oid: string;
  readonly cps?: string;
  readonly notice?: string;
}

function entryOf(value: unknown): Entry | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { oid, cps, notice } = value as Readonly<Record<string, unknown>>;
  if (typeof oid !== 'string') return undefined;
  return {
    oid,
    ...(typeof cps === 'string' && cps !== '' ? { cps } : {}),
    ...(typeof notice === 'string' && notice !== '' ? { notice } : {}),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A JSON list of policies as texts of one policy each; undefined for any other text. */
export function policyList(text: string): string[] | undefined {
  const list = parsed(text);
  if (!Array.isArray(list)) return undefined;
  const entries = list.map(entryOf);
  return entries.every((each) => each !== undefined)
    ? entries.map((each) => JSON.stringify(each))
    : undefined;
}

/** @throws {RequestError} the text is neither */
function readPolicy(text: string): PolicyInformation {
  if (isOid(text)) return { oid: text };
  const entry = entryOf(parsed(text));
  if (entry !== undefined && isOid(entry.oid)) return entry;
  throw invalidRequest('a policy identifier is neither a valid OID nor a JSON Policy Identifier');
}

export function readPolicies(texts: readonly string[]): PolicyInformation[] {
  return texts.filter((text) => text !== '').map(readPolicy);
}

export function policiesExtension(texts: readonly string[]): Extension[] {
  const policies = readPolicies(texts);
  return policies.length === 0 ? [] : [certificatePolicies(policies)];
}
