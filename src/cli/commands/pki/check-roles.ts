/** Checks of roles. */
import type { JsonObject } from '../../../client/json.ts';
import type { Check, Finding, Mount } from './finding.ts';
import { one, rolesOf, textsIn } from './looking.ts';

export function roleCheck(
  fine: string,
  judge: (role: JsonObject) => string | undefined,
): Check['run'] {
  return async (mount) => {
    const roles = await rolesOf(mount);
    const findings = roles.flatMap(({ name, role }): Finding[] => {
      const message = judge(role);
      if (message === undefined) return [];
      return [{ status: 'warning', endpoint: `/{{mount}}/roles/${name}`, message }];
    });
    return findings.length > 0 || roles.length === 0
      ? findings
      : one('ok', '/{{mount}}/roles', fine);
  };
}

export async function noStore(mount: Mount, config: JsonObject): Promise<readonly Finding[]> {
  const crl = await mount.read(`${mount.path}/config/crl`);
  const isRebuilt = crl?.['auto_rebuild'] === true;
  const allowed = textsIn(config, 'allowed_roles');
  const roles = await rolesOf(mount);
  const storing = roles.filter(
    ({ name, role }) => role['no_store'] !== true && !allowed.includes(name),
  );
  const advice = isRebuilt
    ? 'It is suggested to limit the number of certificates that it makes.'
    : 'It is encouraged to enable auto-rebuild of CRLs, to use shorter lifetimes, or to revoke by the certificate itself.';
  if (storing.length === 0 && roles.length > 0) {
    const fine = 'Roles follow best practices regarding certificate storage.';
    return one('ok', '/{{mount}}/roles', fine);
  }
  return storing.map(({ name }) => ({
    status: isRebuilt ? 'informational' : 'warning',
    endpoint: `/{{mount}}/roles/${name}`,
    message: `Role currently stores every issued certificate (no_store=false). ${advice}`,
  }));
}

export function localhost(role: JsonObject): string | undefined {
  const domains = textsIn(role, 'allowed_domains');
  if (role['allow_localhost'] !== true || domains.length === 0) return undefined;
  return `Role currently allows localhost issuance with a non-empty allowed_domains (${domains.join(' ')}): this role is intended for issuing other hostnames and the allow_localhost=true option may be overlooked by operators.`;
}

export function globs(role: JsonObject): string | undefined {
  const domains = textsIn(role, 'allowed_domains').filter((each) => each.includes('*'));
  const isOn = role['allow_wildcard_certificates'] === true && role['allow_glob_domains'] === true;
  if (!isOn || domains.length === 0) return undefined;
  return `Role currently allows wildcard issuance while allowing globs in allowed_domains (${domains.join(' ')}). Because globs can expand to one or more wildcard character, these options are dangerous to enable together.`;
}
