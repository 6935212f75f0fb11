/** Tokens as issuers elsewhere sign them: by the runtime alone, so that what reads them is not judged by its own writing. */
import { sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { JsonObject } from '../base/json.ts';

export function foreignJws(
  claims: JsonObject,
  { algorithm, key, keyId }: { algorithm: 'ES256' | 'RS256'; key: KeyObject; keyId: string },
): string {
  const text = [{ alg: algorithm, kid: keyId }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  const input = algorithm === 'ES256' ? ({ key, dsaEncoding: 'ieee-p1363' } as const) : key;
  return `${text}.${sign('sha256', Buffer.from(text), input).toString('base64url')}`;
}
