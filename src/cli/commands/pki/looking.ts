/** What several checks look at: issuers, roles, lists of texts. */
import { X509Certificate } from 'node:crypto';
import { parseDurationMs } from '../../../client/environment.ts';
import type { JsonObject, JsonValue } from '../../../client/json.ts';
import type { Finding, Mount } from './finding.ts';

const DAY_MS = 86_400_000;

/** Durations with days, as configurations have them. */
export function ms(value: JsonValue | undefined): number {
  const text = typeof value === 'number' ? String(value) : typeof value === 'string' ? value : '';
  return text.endsWith('d')
    ? Number(text.slice(0, -1)) * DAY_MS
    : (parseDurationMs(/^\d+$/.test(text) ? `${text}s` : text) ?? 0);
}

export function one(
  status: Finding['status'],
  endpoint: string,
  message: string,
): readonly Finding[] {
  return [{ status, endpoint, message }];
}

export function textIn(data: JsonObject | undefined, name: string): string {
  const value = data?.[name];
  return typeof value === 'string' ? value : '';
}

export function textsIn(data: JsonObject | undefined, name: string): readonly string[] {
  const value = data?.[name];
  return Array.isArray(value) ? value.map(String) : [];
}

export async function issuersOf(
  mount: Mount,
): Promise<{ readonly id: string; readonly certificate: X509Certificate }[]> {
  const found: { id: string; certificate: X509Certificate }[] = [];
  for (const id of await mount.list(`${mount.path}/issuers`)) {
    const pem = (await mount.read(`${mount.path}/issuer/${id}/json`))?.['certificate'];
    if (typeof pem === 'string') found.push({ id, certificate: new X509Certificate(pem) });
  }
  return found;
}

export function isRoot(certificate: X509Certificate): boolean {
  return certificate.subject === certificate.issuer && certificate.verify(certificate.publicKey);
}

export async function rolesOf(
  mount: Mount,
): Promise<{ readonly name: string; readonly role: JsonObject }[]> {
  const found: { name: string; role: JsonObject }[] = [];
  for (const name of await mount.list(`${mount.path}/roles`)) {
    const role = await mount.read(`${mount.path}/roles/${name}`);
    if (role !== undefined) found.push({ name, role });
  }
  return found;
}
