/** Linters and verifiers of other makes judge what the engine makes: zlint (Go), and Go’s own verification of chains. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { JsonObject } from '../../../base/json.ts';
import { folderFor, openMount, put, runProgram } from './pki.testkit.ts';

const PATHS = `${process.env['PATH'] ?? ''}:/usr/local/go/bin`;
process.env['PATH'] = PATHS;
const hasGo = (await runProgram('go', ['version'])) !== undefined;
const GO = hasGo ? false : 'needs Go: https://go.dev/dl';
const zlint = process.env['ZLINT'] ?? 'zlint';
const hasZlint = (await runProgram(zlint, ['-version'])) !== undefined;
const ZLINT = hasZlint
  ? false
  : 'needs zlint: go install github.com/zmap/zlint/v3/cmd/zlint@v3.6.4, then ZLINT=<path>';

const KEYS: readonly JsonObject[] = [
  { key_type: 'rsa' },
  { key_type: 'ec' },
  { key_type: 'ec', key_bits: 384 },
  { key_type: 'ec', key_bits: 521 },
  { key_type: 'ed25519' },
];

/** PEM by name. */
type Made = Readonly<Record<'root' | 'intermediate' | 'leaf', string>> &
  Readonly<Record<string, string>>;

/** Names of every kind, none at all, international ones, and a lifetime beyond 2050. */
const LEAVES: Readonly<Record<string, JsonObject>> = {
  addresses: { common_name: 'a.example.com', ip_sans: '192.0.2.1,2001:db8::1' },
  mail: { common_name: 'someone@example.com', exclude_cn_from_sans: false },
  uris: { common_name: 'b.example.com', uri_sans: 'spiffe://example.com/b' },
  nameless: { alt_names: 'c.example.com' },
  wildcard: { common_name: '*.example.com' },
  international: { common_name: 'xn--bcher-kva.example.com' },
  numbered: { common_name: 'd.example.com', serial_number: '4711' },
  late: { common_name: 'e.example.com', not_after: '2051-01-01T00:00:00Z' },
};

/** PEM of a root, an intermediate and leaves below it, for the web and for people. */
async function made(key: JsonObject): Promise<Made> {
  const mount = await openMount();
  await mount.write('config/urls', {
    issuing_certificates: 'http://ca.example.com/ca',
    crl_distribution_points: 'http://ca.example.com/crl',
    ocsp_servers: 'http://ocsp.example.com',
  });
  const names = { organization: 'Example', country: 'DE' };
  const root = await mount.write('root/generate/internal', {
    ...key,
    ...names,
    common_name: 'Example Root',
    ttl: '760h',
    issuer_name: 'root',
  });
  const request = await mount.write('intermediate/generate/internal', {
    ...key,
    ...names,
    common_name: 'Example Intermediate',
  });
  const signed = await mount.write('issuer/root/sign-intermediate', {
    ...names,
    csr: String(request['csr']),
    common_name: 'Example Intermediate',
    ttl: '700h',
    max_path_length: 0,
    permitted_dns_domains: 'example.com',
  });
  const set = await mount.write('intermediate/set-signed', {
    certificate: String(signed['certificate']),
  });
  const [id = ''] = set['imported_issuers'] as readonly string[];
  await mount.write('config/issuers', { default: id });
  await mount.write(`issuer/${id}`, { leaf_not_after_behavior: 'permit' });
  await mount.write('roles/web', {
    ...key,
    allowed_domains: 'example.com',
    allow_subdomains: true,
    allow_bare_domains: true,
    ttl: '24h',
    policy_identifiers: ['2.23.140.1.2.1'],
    client_flag: false,
    require_cn: false,
    allowed_uri_sans: 'spiffe://example.com/*',
    allowed_serial_numbers: '*',
    allow_wildcard_certificates: true,
    email_protection_flag: true,
    // The default, which is the reference's, has KeyAgreement, which fits none of these keys.
    key_usage: ['DigitalSignature', ...(key['key_type'] === 'rsa' ? ['KeyEncipherment'] : [])],
  });
  const leaf = await mount.write('issue/web', {
    common_name: 'www.example.com',
    alt_names: 'example.example.com',
  });
  const others: Record<string, string> = {};
  for (const [name, body] of Object.entries(LEAVES)) {
    const { certificate } = await mount.write('issue/web', body);
    others[name] = String(certificate);
  }
  const { serial_number: serial } = leaf;
  await mount.write('revoke', { serial_number: String(serial) });
  return {
    root: String(root['certificate']),
    intermediate: String(signed['certificate']),
    leaf: String(leaf['certificate']),
    ...others,
    'revocation list': (await mount.raw('crl/pem')).toString(),
  };
}

const SOURCES = 'RFC5280,RFC5480,RFC5891,RFC8813,Community';

suite('zlint finds nothing', { skip: ZLINT }, () => {
  for (const key of KEYS) {
    test(JSON.stringify(key), async (context) => {
      const folder = await folderFor(context);
      for (const [name, pem] of Object.entries(await made(key))) {
        const file = await put(folder, `${name}.pem`, pem);
        const ran = await runProgram(zlint, ['-includeSources', SOURCES, file]);
        assert.equal(ran?.status, 0, ran?.output ?? '');
        const results = JSON.parse(ran?.output ?? '{}') as Record<string, { result: string }>;
        assert.ok(
          Object.values(results).some(({ result }) => result === 'pass'),
          name,
        );
        const found = Object.entries(results)
          .filter(([, { result }]) => /warn|error|fatal/.test(result))
          .map(([lint, { result }]) => `${lint}: ${result}`);
        assert.deepEqual(found, [], name);
      }
    });
  }
});

const VERIFIER = `package main

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
)

func read(path string) *x509.Certificate {
	text, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	block, _ := pem.Decode(text)
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		panic(err)
	}
	return certificate
}

func main() {
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	for at := 1; at+2 < len(os.Args); at += 3 {
		roots.AddCert(read(os.Args[at]))
		between.AddCert(read(os.Args[at+1]))
		options := x509.VerifyOptions{Roots: roots, Intermediates: between, DNSName: "www.example.com"}
		if _, err := read(os.Args[at+2]).Verify(options); err != nil {
			fmt.Println(os.Args[at+2], err)
			os.Exit(1)
		}
	}
}
`;

test('Go verifies the chains of every type of key', { skip: GO }, async (context) => {
  const folder = await folderFor(context);
  const program = await put(folder, 'main.go', VERIFIER);
  const files: string[] = [];
  for (const [index, key] of KEYS.entries()) {
    const { root, intermediate, leaf } = await made(key);
    for (const [name, pem] of Object.entries({ root, intermediate, leaf })) {
      files.push(await put(folder, `${index}-${name}.pem`, pem));
    }
  }
  const ran = await runProgram('go', ['run', program, ...files], folder);
  assert.equal(ran?.status, 0, ran?.output ?? '');
});
