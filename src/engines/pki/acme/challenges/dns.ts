/** `dns-01` (RFC 8555 §8.4): the zone of the host shows a hash of the answer. */
import { createHash } from 'node:crypto';
import type { AcmeConfig } from '../config.ts';
import { AcmeProblem } from '../problem.ts';
import { resolverOf } from './reach.ts';

/** @throws {AcmeProblem} */
export async function checkDns(
  host: string,
  keyAuthorization: string,
  config: AcmeConfig,
): Promise<void> {
  const wanted = createHash('sha256').update(keyAuthorization).digest('base64url');
  let records: readonly (readonly string[])[];
  try {
    records = await resolverOf(config).resolveTxt(`_acme-challenge.${host}`);
  } catch (error) {
    const code = (error as { readonly code?: unknown }).code;
    throw new AcmeProblem('dns', `dns-01: no TXT records (${String(code)})`);
  }
  if (records.some((parts) => parts.join('') === wanted)) return;
  throw new AcmeProblem(
    'incorrectResponse',
    `dns-01: challenge failed against ${records.length} records`,
  );
}
