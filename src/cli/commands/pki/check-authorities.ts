/** Checks of issuers and of the lists that they publish. */
import { X509Certificate } from 'node:crypto';
import type { JsonObject } from '../../../client/json.ts';
import type { Finding, Mount } from './finding.ts';
import { isRoot, issuersOf, ms, one, textIn } from './looking.ts';

const SEVERITIES = ['critical', 'warning', 'informational'] as const;

export async function caValidity(mount: Mount, config: JsonObject): Promise<readonly Finding[]> {
  const found = await issuersOf(mount);
  return found.map(({ id, certificate }) => {
    const kind = isRoot(certificate) ? 'root' : 'intermediate';
    const endMs = Date.parse(certificate.validTo);
    const endpoint = `/{{mount}}/issuer/${id}`;
    const day = new Date(endMs).toISOString().slice(0, 10);
    const status = SEVERITIES.find(
      (each) => endMs < mount.nowMs + ms(config[`${kind}_expiry_${each}`]),
    );
    return status === undefined
      ? { status: 'ok', endpoint, message: `Issuer's validity (${day}) is OK` }
      : {
          status,
          endpoint,
          message: `Issuer's validity is outside of the suggested rotation window: it ends on ${day}. It is suggested to start rotating this issuer to new key material.`,
        };
  });
}

export async function crlValidity(mount: Mount, config: JsonObject): Promise<readonly Finding[]> {
  const { disable } = (await mount.read(`${mount.path}/config/crl`)) ?? {};
  const [{ nextPem }, { readRevocationList }] = await Promise.all([
    import('../../../crypto/pem.ts'),
    import('../../../crypto/x509/revocation-list.ts'),
  ]);
  const findings: Finding[] = [];
  for (const { id } of await issuersOf(mount)) {
    for (const [path, what, limit] of [
      ['crl', 'CRL', 'crl_expiry_pct_critical'],
      ['crl/delta', 'Delta CRL', 'delta_crl_expiry_pct_critical'],
    ] as const) {
      const data = await mount.read(`${mount.path}/issuer/${id}/${path}`);
      const found = nextPem(textIn(data, 'crl'));
      if (found === undefined) continue;
      const { thisUpdateMs, nextUpdateMs = Infinity } = readRevocationList(found.block.bytes);
      const used = (mount.nowMs - thisUpdateMs) / (nextUpdateMs - thisUpdateMs);
      const isLate = used * 100 >= Number(config[limit]);
      findings.push({
        status: isLate ? (disable === true ? 'informational' : 'critical') : 'ok',
        endpoint: `/{{mount}}/issuer/${id}/${path}`,
        message: isLate
          ? `${what}'s validity is outside of suggested rotation window: it is suggested to rotate this ${what} and start propagating it to hosts.`
          : `${what}'s validity is OK.`,
      });
    }
  }
  return findings;
}

export async function hardwareRoot(mount: Mount): Promise<readonly Finding[]> {
  const roots = (await issuersOf(mount)).filter((each) => isRoot(each.certificate));
  return roots.map(({ id }) => ({
    status: 'informational',
    endpoint: `/{{mount}}/issuer/${id}`,
    message:
      'Root issuer was created using software keys; for added safety of long-lived, important root CAs, you may wish to keep them in hardware.',
  }));
}

export async function rootLeaves(mount: Mount, config: JsonObject): Promise<readonly Finding[]> {
  const roots = (await issuersOf(mount)).filter((each) => isRoot(each.certificate));
  if (roots.length === 0) return [];
  const findings: Finding[] = [];
  const serials = await mount.list(`${mount.path}/certs`);
  for (const serial of serials.slice(0, Number(config['certs_to_fetch']))) {
    const pem = (await mount.read(`${mount.path}/cert/${serial}`))?.['certificate'];
    if (typeof pem !== 'string') continue;
    const leaf = new X509Certificate(pem);
    const root = roots.find(({ certificate }) => leaf.checkIssued(certificate));
    if (leaf.ca || root === undefined || !leaf.verify(root.certificate.publicKey)) continue;
    findings.push({
      status: 'warning',
      endpoint: `/{{mount}}/issuer/${root.id}`,
      message: `Root issuer has directly issued non-CA leaf certificates (${serial}) instead of via an intermediate CA. It is encouraged to set up and use an intermediate CA and tidy the mount when all directly issued leaves have expired.`,
    });
    if (findings.length === roots.length) break;
  }
  if (findings.length > 0) return findings;
  return one(
    'ok',
    '/{{mount}}/certs',
    'Root certificate(s) in this mount have not directly issued non-CA leaf certificates.',
  );
}
