/** pki issue, pki reissue: a new intermediate in one mount, signed by an issuer of another. */
import type { Client } from '../../../client/client.ts';
import type { JsonObject } from '../../../client/json.ts';
import type { Secret } from '../../../client/secret.ts';
import { attempt, CommandFailure, EXIT_LOCAL } from '../../command.ts';
import type { Invocation } from '../../command.ts';
import { readPairs } from '../../key-values.ts';
import { cleanPath } from '../../paths.ts';
import { printSecret } from '../../render/output.ts';
import { warn } from '../../terminal.ts';
import { readIssuer } from './certificates.ts';
import type { Issuer } from './certificates.ts';

function text(secret: Secret | undefined, name: string): string {
  const value = secret?.data?.[name];
  return typeof value === 'string' ? value : '';
}

/** @returns the id of the issuer. */
async function importNamed(
  client: Client,
  mount: string,
  pem: string,
  name: string,
): Promise<string> {
  const imported = await client.write(`${mount}/issuers/import/cert`, { pem_bundle: pem });
  const ids = Object.keys((imported?.data?.['mapping'] ?? {}) as JsonObject);
  const [id = '', ...more] = ids;
  if (more.length > 0 || id === '') throw new Error('expected exactly one issuer');
  if (name !== '' && name !== 'default') {
    await client.patch(`${mount}/issuer/${id}`, { issuer_name: name });
  }
  return id;
}

/** What has been done is kept: the message tells how to go on by hand. */
function goOn(parent: string, mount: string, csr: string, certificate: string): string {
  return certificate === ''
    ? `A request was made on ${mount}. To go on, save it and have it signed with: strongroom write ${parent}/sign-intermediate csr=@request.pem\n${csr}`
    : `The certificate was signed by ${parent}. To go on, save it and import it with: strongroom write ${mount}/issuers/import/cert pem_bundle=@certificate.pem\n${certificate}`;
}

async function issueFrom(
  invocation: Invocation,
  parent: string,
  mount: string,
  data: JsonObject,
): Promise<number> {
  const { flags } = invocation;
  const client = await invocation.session.client();
  if (!parent.includes('/issuer/')) {
    throw new CommandFailure(
      EXIT_LOCAL,
      `Parent Issuer ${parent} is Not a PKI Issuer Path of the format /mount/issuer/issuer-ref`,
    );
  }
  await readIssuer(client, parent, `Unable to access parent issuer ${parent}`);
  const made = await attempt(
    `Failed to generate intermediate CSR on ${mount}`,
    client.write(`${mount}/intermediate/generate/${flags.text('type') || 'internal'}`, data),
    EXIT_LOCAL,
  );
  const csr = text(made, 'csr');
  if (csr === '') {
    throw new CommandFailure(EXIT_LOCAL, `Failed to generate intermediate CSR on ${mount}`);
  }
  let certificate = '';
  try {
    const signed = await client.write(`${parent}/sign-intermediate`, { ...data, csr });
    certificate = text(signed, 'certificate');
    const id = await importNamed(client, mount, certificate, flags.text('issuer_name'));
    const chain = (signed?.data?.['ca_chain'] ?? []) as readonly string[];
    await importParents(invocation, client, mount, parent, [text(signed, 'issuing_ca'), ...chain]);
    const shown = await client.read(`${mount}/issuer/${id}`);
    return shown === undefined ? EXIT_LOCAL : await printSecret(invocation, shown);
  } catch (cause) {
    warn(invocation.terminal, goOn(parent, mount, csr, certificate));
    return await attempt('', Promise.reject(cause as Error), EXIT_LOCAL);
  }
}

/** The issuer gets the name that it has in its own mount, when that is free; the rest of the chain gets none. */
async function importParents(
  invocation: Invocation,
  client: Client,
  mount: string,
  parent: string,
  [issuing = '', ...chain]: readonly string[],
): Promise<void> {
  const name = parent.slice(parent.lastIndexOf('/') + 1);
  const imported = await client.write(`${mount}/issuers/import/cert`, { pem_bundle: issuing });
  const [id = ''] = Object.keys((imported?.data?.['mapping'] ?? {}) as JsonObject);
  if (id !== '' && name !== 'default') {
    try {
      await client.patch(`${mount}/issuer/${id}`, { issuer_name: name });
    } catch {
      warn(invocation.terminal, `The parent issuer could not be named ${name} on ${mount}`);
    }
  }
  if (chain.length > 2) {
    await client.write(`${mount}/issuers/import/cert`, { pem_bundle: chain.join('\n') });
  }
}

export async function issue(invocation: Invocation): Promise<number> {
  const [parent = '', mount = '', ...pairs] = invocation.args;
  const data = await readPairs(invocation, pairs);
  return await issueFrom(invocation, cleanPath(parent), cleanPath(mount), data);
}

export async function reissue(invocation: Invocation): Promise<number> {
  const [parent = '', template = '', mount = '', ...pairs] = invocation.args;
  const changes = await readPairs(invocation, pairs);
  const client = await invocation.session.client();
  const path = cleanPath(template);
  const issuer = await readIssuer(client, path, `Error fetching template certificate ${path}`);
  const useKey = invocation.flags.text('type') === 'existing';
  if (useKey && issuer.keyId === '') {
    throw new CommandFailure(EXIT_LOCAL, `Template issuer ${path} has no key`);
  }
  const before: Record<string, JsonObject[string]> = await templateOf(issuer, useKey);
  if (changes['not_after'] !== undefined) delete before['ttl'];
  if (changes['key_type'] !== undefined && changes['key_type'] !== before['key_type']) {
    delete before['key_bits'];
  }
  const data = { ...before, ...changes };
  return await issueFrom(invocation, cleanPath(parent), cleanPath(mount), data);
}

const CURVES: Readonly<Record<string, number>> = {
  secp224r1: 224,
  prime256v1: 256,
  secp384r1: 384,
  secp521r1: 521,
};

/** Parameters that make a certificate like this one. */
async function templateOf({ certificate, keyId }: Issuer, useKey: boolean): Promise<JsonObject> {
  const [x509, names, algorithms] = await Promise.all([
    import('../../../crypto/x509/certificate.ts'),
    import('../../../crypto/x509/names.ts'),
    import('../../../crypto/x509/algorithms.ts'),
  ]);
  const read = x509.readCertificate(certificate.raw);
  const subject = names.readName(read.subject);
  const values = (oid: string): string[] => names.valuesOf(subject, oid);
  const { dnsNames, emails, uris } = x509.altNamesOf(read);
  const addresses = (certificate.subjectAltName ?? '').matchAll(/IP Address:([^,"]+)/g);
  const commonName = names.commonNameOf(subject);
  const algorithm = algorithms.algorithmOf(read.algorithm);
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = certificate.publicKey;
  const { pathLength } = x509.basicConstraintsOf(read) ?? {};
  const key: JsonObject = useKey
    ? { key_ref: keyId, skid: x509.subjectKeyIdOf(read).toString('hex') }
    : {
        key_type: type ?? '',
        key_bits: details?.modulusLength ?? CURVES[details?.namedCurve ?? ''] ?? 0,
      };
  return {
    common_name: commonName,
    alt_names: [...dnsNames, ...emails].join(','),
    ip_sans: [...addresses].map(([, address]) => address).join(','),
    uri_sans: uris.join(','),
    signature_bits: Number(/SHA(\d+)/.exec(algorithm?.name ?? '')?.[1] ?? 0),
    exclude_cn_from_sans: commonName !== '' && ![...dnsNames, ...emails].includes(commonName),
    ou: values(names.NAME_OIDS.organizationalUnit),
    organization: values(names.NAME_OIDS.organization),
    country: values(names.NAME_OIDS.country),
    locality: values(names.NAME_OIDS.locality),
    province: values(names.NAME_OIDS.province),
    street_address: values(names.NAME_OIDS.streetAddress),
    postal_code: values(names.NAME_OIDS.postalCode),
    serial_number: values(names.NAME_OIDS.serialNumber)[0] ?? '',
    ttl: `${Math.round((read.notAfterMs - read.notBeforeMs) / 1000)}s`,
    max_path_length: pathLength ?? -1,
    permitted_dns_domains: x509.permittedDnsDomainsOf(read).join(','),
    use_pss: algorithm?.pss ?? false,
    ...key,
  };
}
