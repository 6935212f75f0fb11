/** The pki commands of the command line against a server. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { run } from '../../cli/run.ts';
import { stubTerminal } from '../../cli/scripts/stub.ts';
import { openGround } from './acme-fixture.ts';

test('authorities are made, made again, compared and checked', async (context) => {
  const ground = await openGround(context);
  const { server } = ground;
  await server.get('write', 'sys/mounts/int', { data: { type: 'pki' } });
  const [root = ''] = (await server.get('list', 'pki/issuers'))['keys'] as string[];
  await server.get('write', `pki/issuer/${root}`, { data: { issuer_name: 'root' } });
  const environment = { VAULT_ADDR: new URL(ground.url).origin, VAULT_TOKEN: 'root' };

  async function pki(line: string): Promise<{ status: number; out: string; err: string }> {
    const terminal = stubTerminal({ environment });
    const status = await run(['pki', ...line.split(' ')], terminal);
    return { status, out: terminal.output(), err: terminal.complaints() };
  }
  async function json(line: string): Promise<Record<string, unknown>> {
    const { status, out, err } = await pki(line);
    assert.equal(status, 0, err);
    return JSON.parse(out) as Record<string, unknown>;
  }

  const names = 'common_name=Int organization=Example permitted_dns_domains=a.test';
  const wish = `${names} key_type=ec key_bits=384 max_path_length=0 ttl=300h`;
  const made = await pki(`issue -issuer_name=int pki/issuer/root int ${wish}`);
  assert.equal(made.status, 0, made.err);
  assert.match(made.out, /issuer_name\s+int/);
  const again = await pki('reissue -issuer_name=int2 pki/issuer/root int/issuer/int int ttl=200h');
  assert.equal(again.status, 0, again.err);
  const texts = await Promise.all(
    ['int', 'int2'].map(async (name) => {
      const { key_id: key, certificate } = await server.get('read', `int/issuer/${name}`);
      return { key, certificate };
    }),
  );
  assert.notEqual(texts[0]?.key, texts[1]?.key);

  assert.deepEqual(await json('verify-sign -format=json pki/issuer/root int/issuer/int2'), {
    key_id_match: true,
    path_match: true,
    signature_match: true,
    subject_match: true,
    trust_match: true,
  });
  const reversed = await json('verify-sign -format=json int/issuer/int2 pki/issuer/root');
  assert.equal(reversed['signature_match'], false);
  const table = await pki('verify-sign pki/issuer/root int/issuer/int');
  assert.match(table.out, /issuer:pki\/issuer\/root[^]*subject_match\s+true/);
  const children = 'list-intermediates -format=json -use_names pki/issuer/root';
  assert.deepEqual(await json(children), {
    'int/issuer/int': true,
    'int/issuer/int2': true,
    'int/issuer/root': true,
    'pki/issuer/root': true,
  });

  const health = await pki('health-check -format=json int');
  const findings = JSON.parse(health.out) as Record<string, { status: string }[]>;
  // Short-lived authorities are what it warns of most.
  assert.equal(health.status, 4, health.err);
  assert.equal(findings['ca_validity_period']?.[0]?.status, 'critical');
  assert.equal(findings['crl_validity_period']?.[0]?.status, 'ok');
  assert.equal(findings['too_many_certs']?.[0]?.status, 'ok');
  assert.match((await pki('health-check -list')).out, /"certs_to_fetch": 100/);
  assert.equal((await pki('health-check')).status, 1);
  assert.equal((await pki('health-check -return-indicator=permission int')).status, 0);
  assert.equal((await pki('issue pki int common_name=x')).status, 1);
});
