/** Published attacks on certificate engines: names that a role does not mean to allow. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { JsonObject } from '../../base/json.ts';
import { silentLog } from '../../base/log.ts';
import { systemRandom } from '../../base/random.ts';
import { openBench } from '../../core/backend-bench.contract.ts';
import type { Bench } from '../../core/backend-bench.contract.ts';
import { pkiBackend } from './pki.ts';
import type { Principal } from '../../model/principal.ts';

const mallory = { displayName: 'token-mallory', entityId: 'e' } as Principal;

/** A mount with a role; whoever asks has the metadata `value`. */
async function mountWith(role: JsonObject, value = ''): Promise<Bench> {
  const bench = await openBench(
    pkiBackend({
      random: systemRandom,
      log: silentLog,
      fillTemplate: (text: string) => Promise.resolve(text.replaceAll(/\{\{.*?\}\}/g, value)),
    }),
  );
  await bench.call('write', 'root/generate/internal', { common_name: 'Root', key_type: 'ec' });
  await bench.call('write', 'roles/r', { key_type: 'ec', ...role });
  return bench;
}

async function asks(bench: Bench, body: JsonObject): Promise<unknown> {
  return await bench.call('write', 'issue/r', body, { principal: mallory });
}

suite('attacks on the PKI engine', () => {
  test('SEC-44: a bare domain brings no wildcard below it', async () => {
    const bench = await mountWith({ allowed_domains: 'ex.com', allow_bare_domains: true });
    await asks(bench, { common_name: 'ex.com' });
    for (const name of ['*.ex.com', '*ex.com', 'a.ex.com', '*', '*.com']) {
      await assert.rejects(asks(bench, { common_name: name }), { code: 'invalid_request' }, name);
    }
    for (const name of ['*.ex.com', 'a.ex.com', '*.com']) {
      const alternative = { common_name: 'ex.com', alt_names: name };
      await assert.rejects(asks(bench, alternative), { code: 'invalid_request' }, name);
    }
  });

  test('SEC-15: metadata of an identity neither is a wildcard nor adds domains', async () => {
    const role = {
      allowed_domains: '{{identity.entity.metadata.domain}}',
      allowed_domains_template: true,
      allow_bare_domains: true,
      allow_subdomains: true,
      allow_glob_domains: true,
    };
    const honest = await mountWith(role, 'ex.com');
    await asks(honest, { common_name: 'a.ex.com' });
    for (const value of ['*', 'ex.com,victim.com', '*.com', 'victim.*', '']) {
      const bench = await mountWith(role, value);
      for (const name of ['victim.com', 'a.victim.com', 'com']) {
        await assert.rejects(
          asks(bench, { common_name: name }),
          { code: 'invalid_request' },
          value,
        );
      }
    }
  });

  test('SEC-15: metadata of an identity is no wildcard in a URI', async () => {
    const role = {
      allow_any_name: true,
      allowed_uri_sans: 'spiffe://ex.com/{{identity.entity.metadata.id}}',
      allowed_uri_sans_template: true,
    };
    const wish = { common_name: 'a.com', uri_sans: 'spiffe://ex.com/admin' };
    for (const value of ['*', 'a,spiffe://ex.com/admin', 'adm*']) {
      await assert.rejects(asks(await mountWith(role, value), wish), { code: 'invalid_request' });
    }
    await asks(await mountWith(role, 'admin'), wish);
  });
});
