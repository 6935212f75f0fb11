/** OpenSSL judges certificates, requests, revocation lists and status responses of every type of key. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import type { JsonObject } from '../../../base/json.ts';
import { folderFor, openMount, put, runProgram } from './pki.testkit.ts';
import type { Mount } from './pki.testkit.ts';

const KEYS: readonly (readonly [name: string, root: JsonObject, leaf: JsonObject])[] = [
  ['rsa', { key_type: 'rsa' }, { key_type: 'rsa' }],
  [
    'rsa with PSS',
    { key_type: 'rsa', use_pss: true, signature_bits: 384 },
    { key_type: 'rsa', use_pss: true, signature_bits: 512 },
  ],
  ['P-224', { key_type: 'ec', key_bits: 224 }, { key_type: 'ec', key_bits: 224 }],
  ['P-256', { key_type: 'ec' }, { key_type: 'ec' }],
  ['P-384', { key_type: 'ec', key_bits: 384 }, { key_type: 'ec', key_bits: 384 }],
  ['P-521', { key_type: 'ec', key_bits: 521 }, { key_type: 'ec', key_bits: 521 }],
  ['Ed25519', { key_type: 'ed25519' }, { key_type: 'ed25519' }],
];

interface Chain {
  readonly mount: Mount;
  readonly folder: string;
  readonly root: string;
  readonly intermediate: string;
}

/** A root, and an intermediate signed by it that issues: all in one mount. */
async function chain(context: TestContext, key: JsonObject): Promise<Chain> {
  const mount = await openMount();
  const folder = await folderFor(context);
  await mount.write('config/urls', {
    issuing_certificates: 'http://ca.example/ca',
    crl_distribution_points: 'http://ca.example/crl',
    delta_crl_distribution_points: 'http://ca.example/delta',
    ocsp_servers: 'http://ocsp.example',
  });
  const root = await mount.write('root/generate/internal', {
    ...key,
    common_name: 'Test Root',
    organization: 'Test, Inc.',
    country: 'DE',
    ttl: '720h',
    issuer_name: 'root',
  });
  const { use_pss: _pss, ...requestKey } = key;
  const request = await mount.write('intermediate/generate/internal', {
    ...requestKey,
    common_name: 'Test Intermediate',
    add_basic_constraints: true,
  });
  const checked = await openssl(['req', '-verify', '-noout', '-in', '-'], String(request['csr']));
  assert.equal(checked.status, 0, checked.output);
  const signed = await mount.write('issuer/root/sign-intermediate', {
    csr: String(request['csr']),
    common_name: 'Test Intermediate',
    permitted_dns_domains: 'example.com',
    max_path_length: 0,
    ttl: '360h',
    use_pss: key['use_pss'] ?? false,
  });
  const set = await mount.write('intermediate/set-signed', {
    certificate: String(signed['certificate']),
  });
  const [id] = set['imported_issuers'] as readonly string[];
  await mount.write('config/issuers', { default: id ?? '' });
  return {
    mount,
    folder,
    root: await put(folder, 'root.pem', root['certificate']),
    intermediate: await put(folder, 'intermediate.pem', signed['certificate']),
  };

  async function openssl(args: readonly string[], input: string) {
    const file = await put(folder, 'request.pem', input);
    const ran = await runProgram('openssl', [...args.slice(0, -1), file]);
    return ran ?? { status: 0, output: '' };
  }
}

const available = (await runProgram('openssl', ['version'])) !== undefined;
const skip = available ? false : 'openssl is not installed (apt-get install openssl)';

for (const [name, rootKey, leafKey] of KEYS) {
  test(`OpenSSL takes what is made with ${name}`, { skip }, async (context) => {
    const { mount, folder, root, intermediate } = await chain(context, rootKey);
    const openssl = async (...args: string[]): Promise<string> => {
      const ran = await runProgram('openssl', args, folder);
      assert.equal(ran?.status, 0, `openssl ${args.join(' ')}: ${ran?.output ?? ''}`);
      return ran.output;
    };
    await mount.write('roles/web', {
      ...leafKey,
      allowed_domains: 'example.com',
      allow_subdomains: true,
      allow_bare_domains: true,
      allowed_uri_sans: 'spiffe://*',
      allowed_other_sans: '1.3.6.1.4.1.311.20.2.3;UTF8:*',
      policy_identifiers:
        '[{"oid":"1.3.6.1.4.1.7.8","cps":"https://cps.example","notice":"Notice"}]',
      basic_constraints_valid_for_non_ca: true,
      ou: 'Unit A,Unit B',
      ttl: '24h',
    });
    const leaf = await mount.write('issue/web', {
      common_name: 'www.example.com',
      alt_names: '*.example.com,mail@example.com',
      ip_sans: '192.0.2.1,2001:db8::1',
      uri_sans: 'spiffe://example.com/web',
      other_sans: '1.3.6.1.4.1.311.20.2.3;UTF8:user@example.com',
    });
    const certificate = await put(folder, 'leaf.pem', leaf['certificate']);
    await put(folder, 'leaf.key', leaf['private_key']);
    const chainArgs = ['-CAfile', root, '-untrusted', intermediate];
    const strict = ['-x509_strict', '-purpose', 'sslserver'];
    assert.match(await openssl('verify', ...chainArgs, ...strict, certificate), /OK/);
    const text = await openssl('x509', '-noout', '-text', '-in', certificate);
    for (const part of [
      'DNS:www.example.com',
      'DNS:*.example.com',
      'IP Address:192.0.2.1',
      'IP Address:2001:DB8:0:0:0:0:0:1',
      'URI:spiffe://example.com/web',
      'email:mail@example.com',
      'CPS: https://cps.example',
      'Explicit Text: Notice',
      'OCSP - URI:http://ocsp.example',
      'CA:FALSE',
      'TLS Web Server Authentication',
    ]) {
      assert.ok(text.includes(part), `${part} in ${text}`);
    }
    const ofKey = await openssl('pkey', '-in', 'leaf.key', '-pubout');
    assert.equal(await openssl('x509', '-in', certificate, '-noout', '-pubkey'), ofKey);

    await mount.write('revoke', { serial_number: String(leaf['serial_number']) });
    await put(folder, 'list.der', await mount.raw('crl'));
    await openssl('crl', '-inform', 'DER', '-in', 'list.der', '-out', 'list.pem');
    const list = await openssl(
      'crl',
      '-in',
      'list.pem',
      '-noout',
      '-text',
      '-CAfile',
      intermediate,
    );
    assert.ok(list.includes('verify OK'), list);
    const serial = String(leaf['serial_number']).replaceAll(':', '').toUpperCase();
    assert.ok(list.includes(`Serial Number: ${serial}`), list);
    const checked = await runProgram('openssl', [
      'verify',
      ...chainArgs,
      '-CRLfile',
      join(folder, 'list.pem'),
      '-crl_check',
      certificate,
    ]);
    assert.match(checked?.output ?? '', /certificate revoked/);

    await openssl('ocsp', '-issuer', intermediate, '-cert', certificate, '-reqout', 'request.der');
    const question = await readFile(join(folder, 'request.der'));
    const answer = await mount.bench.call('write', 'ocsp', {
      http_raw_body: question.toString('base64'),
    });
    await put(folder, 'response.der', answer?.raw?.body);
    const status = await openssl(
      'ocsp',
      '-reqin',
      'request.der',
      '-respin',
      'response.der',
      '-resp_text',
      '-CAfile',
      root,
      '-verify_other',
      intermediate,
    );
    assert.match(status, /Cert Status: revoked[^]*Response verify OK/);
  });
}
