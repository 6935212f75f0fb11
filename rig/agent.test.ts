/** The agent beside a real server: logins, files, variables, its own address, and what happens when things end. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Api } from './api.ts';
import { Child, freePort } from './child.ts';

const EXECUTABLE = fileURLToPath(new URL('../bin/strongroom', import.meta.url));
const PATIENCE_MS = 30_000;
const POLL_MS = 20;

let server: Child;
let address: string;
let roleId: string;

/** The body of a good answer, as whoever holds `token`. */
async function call(
  method: string,
  path: string,
  body?: unknown,
  token = 'root',
): Promise<Record<string, Record<string, unknown>>> {
  const answer = await new Api(address).call(method, path, { token, body });
  assert.ok(answer.status < 300, `${method} ${path}: ${answer.status}`);
  return (answer.body ?? {}) as Record<string, Record<string, unknown>>;
}

const put = (path: string, body: unknown): Promise<unknown> => call('POST', path, body);

before(async () => {
  const port = await freePort();
  address = `http://127.0.0.1:${port}`;
  server = new Child([
    EXECUTABLE,
    'server',
    '-dev',
    '-dev-root-token-id=root',
    '-dev-no-store-token',
    `-dev-listen-address=127.0.0.1:${port}`,
  ]);
  await until(() => server.output.includes('Root Token'), 'the server starts');
  await put('sys/auth/approle', { type: 'approle' });
  await put('sys/policies/acl/app', {
    policy:
      'path "secret/*" { capabilities = ["read", "list"] }\npath "pki/issue/*" { capabilities = ["update"] }',
  });
  await put('auth/approle/role/app', { token_policies: 'app', token_ttl: '1h' });
  roleId = String((await call('GET', 'auth/approle/role/app/role-id'))['data']?.['role_id']);
  await put('sys/mounts/pki', { type: 'pki' });
  await put('pki/root/generate/internal', { common_name: 'root', ttl: '100h' });
  await put('pki/roles/r', { allowed_domains: 'example', allow_subdomains: true, ttl: '1h' });
  await put('pki/roles/leased', { allow_any_name: true, ttl: '1h', generate_lease: true });
});

after(() => server.stop());

async function until(met: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!met()) {
    assert.ok(performance.now() < deadline, `in time: ${what}`);
    await delay(POLL_MS);
  }
}

async function newSecretId(): Promise<string> {
  const made = await call('POST', 'auth/approle/role/app/secret-id', {});
  return String(made['data']?.['secret_id']);
}

interface Place {
  readonly folder: string;
  readonly in: (name: string) => string;
  readonly read: (name: string) => string;
  readonly start: (config: string, flags?: readonly string[]) => Child;
}

/** A folder of its own with the files of a login, and agents that end with the test. */
async function place(t: TestContext): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), 'agent-'));
  const agents: Child[] = [];
  t.after(async () => {
    await Promise.all(agents.map((agent) => agent.stop()));
    rmSync(folder, { recursive: true, force: true });
  });
  const path = (name: string): string => join(folder, name);
  writeFileSync(path('role-id'), roleId);
  writeFileSync(path('secret-id'), await newSecretId());
  return {
    folder,
    in: path,
    read: (name) => (existsSync(path(name)) ? readFileSync(path(name), 'utf8') : ''),
    start: (config, flags = []) => {
      writeFileSync(path('agent.hcl'), config);
      const agent = new Child([EXECUTABLE, 'agent', '-config=agent.hcl', ...flags], {
        cwd: folder,
        env: { VAULT_ADDR: address, VAULT_TOKEN: '' },
      });
      agents.push(agent);
      return agent;
    },
  };
}

const LOGIN =
  'method "approle" { config = { role_id_file_path = "role-id" secret_id_file_path = "secret-id" } }';

test('writes its token and what templates make of secrets, and writes again when they change', async (t) => {
  const here = await place(t);
  await put('secret/data/web', { data: { user: 'web', password: 'first' } });
  const agent = here.start(`
    pid_file = "pid"
    auto_auth {
      ${LOGIN}
      sink "file" { config = { path = "token" mode = 0600 } }
      sink "file" { wrap_ttl = "5m" config = { path = "wrapped" } }
    }
    template {
      contents = "{{ with secret \\"secret/web\\" }}{{ .Data.data.user }}:{{ .Data.data.password }}{{ end }}"
      destination = "made/web.conf"
      perms = 0600
      command = "echo changed >> log"
    }
    template_config { static_secret_render_interval = "1s" }
  `);
  await until(() => here.read('made/web.conf') === 'web:first', 'the first rendering');
  await until(() => here.read('wrapped') !== '', 'both sinks');
  assert.equal(statSync(here.in('made/web.conf')).mode & 0o777, 0o600);
  assert.equal(statSync(here.in('token')).mode & 0o777, 0o600);
  assert.equal(existsSync(here.in('secret-id')), false, 'the secret ID is for one reading');
  assert.equal(here.read('pid').trim(), String(agent.pid));

  const token = here.read('token');
  const own = await call('GET', 'auth/token/lookup-self', undefined, token);
  assert.equal(own['data']?.['path'], 'auth/approle/login');
  const wrapped = JSON.parse(here.read('wrapped')) as { token: string };
  const opened = await call('POST', 'sys/wrapping/unwrap', {}, wrapped.token);
  assert.equal(opened['data']?.['token'], token);

  await put('secret/data/web', { data: { user: 'web', password: 'canary4' } });
  await until(() => here.read('made/web.conf') === 'web:canary4', 'the change');
  await until(() => here.read('log') === 'changed\nchanged\n', 'the command after each');
  assert.equal(agent.output.includes('canary4'), false, 'no secret is logged');
  assert.equal(await agent.stop().then(() => agent.exit?.code), 0);
  assert.equal(existsSync(here.in('pid')), false);
});

test('ends when everything is written once, and uses a certificate on that is there', async (t) => {
  const here = await place(t);
  const config = `
    exit_after_auth = true
    auto_auth { method { type = "token_file" config = { token_file_path = "own-token" } } }
    template {
      source = "cert.tpl"
      destination = "cert.pem"
    }
  `;
  writeFileSync(here.in('own-token'), 'root\n');
  writeFileSync(
    here.in('cert.tpl'),
    '{{ with pkiCert "pki/issue/r" "common_name=a.example" }}{{ .Cert }}\n{{ .Key }}\n{{ .CA }}\n{{ end }}',
  );
  const first = here.start(config);
  assert.equal((await first.exited).code, 0, first.output);
  const written = here.read('cert.pem');
  assert.match(written, /^-----BEGIN CERTIFICATE-----[\s\S]*PRIVATE KEY/);
  const second = here.start(config);
  assert.equal((await second.exited).code, 0, second.output);
  assert.equal(here.read('cert.pem'), written, 'no second certificate for the same file');
});

test('runs a program with secrets in its environment, starts it anew on a change, ends with its code', async (t) => {
  const here = await place(t);
  await put('secret/data/run', { data: { value: 'one' } });
  const agent = here.start(`
    auto_auth { ${LOGIN} }
    env_template "MINE" {
      contents = "{{ with secret \\"secret/data/run\\" }}{{ .Data.data.value }}{{ end }}"
      error_on_missing_key = true
    }
    exec {
      command = ["/bin/sh", "-c", "echo $MINE >> seen; [ $MINE = end ] && exit 7; sleep 100 & wait"]
      restart_stop_signal = "SIGKILL"
    }
    template_config { static_secret_render_interval = "1s" }
  `);
  await until(() => here.read('seen') === 'one\n', 'the first start');
  await put('secret/data/run', { data: { value: 'end' } });
  assert.equal((await agent.exited).code, 7, agent.output);
  assert.equal(here.read('seen'), 'one\nend\n');
});

test('passes requests on with its token, where that is wanted, and serves nothing without the header that is asked for (CVE-2026-115364)', async (t) => {
  const here = await place(t);
  const [plain, forced, strict] = [await freePort(), await freePort(), await freePort()];
  await put('secret/data/web', { data: { a: 'b' } });
  const agent = here.start(`
    auto_auth { ${LOGIN} sink "file" { config = { path = "token" } } }
    api_proxy { use_auto_auth_token = true }
    listener "tcp" { address = "127.0.0.1:${plain}" tls_disable = true agent_api { enable_quit = true } }
    listener "tcp" { address = "127.0.0.1:${strict}" tls_disable = true require_request_header = true agent_api { enable_quit = true } }
    listener "unix" { address = "agent.sock" socket_mode = "0600" }
  `);
  await until(() => here.read('token') !== '' && agent.output.includes('unix://'), 'the start');
  const through = new Api(`http://127.0.0.1:${plain}`);
  const read = await through.call('GET', 'secret/data/web');
  assert.match(JSON.stringify(read.body), /"data":\{"a":"b"\}/);
  assert.equal((await through.call('LIST', 'secret/metadata')).status, 200);
  // A token that the request brings is the one that counts.
  const brought = await fetch(`http://127.0.0.1:${plain}/v1/auth/token/lookup-self`, {
    headers: { 'X-Vault-Token': 'nobody' },
  });
  assert.equal(brought.status, 403);
  for (const path of [
    'v1/secret/data/web',
    'agent/v1/quit',
    'agent/v1/cache-clear',
    'proxy/v1/quit',
    'proxy/v1/none',
  ]) {
    for (const method of ['GET', 'POST', 'PUT']) {
      const refused = await fetch(`http://127.0.0.1:${strict}/${path}`, { method });
      assert.equal(refused.status, 412, `${method} ${path}`);
    }
  }
  const header = { 'X-Vault-Request': 'true' };
  const asked = await fetch(`http://127.0.0.1:${strict}/v1/secret/data/web`, { headers: header });
  assert.equal(asked.status, 200);
  // Nothing leads anywhere but to the server's API.
  for (const path of ['//example.com/v1/x', '/', '/ui/', '/v1']) {
    assert.equal((await fetch(`http://127.0.0.1:${plain}${path}`)).status, 404, path);
  }
  const quit = { method: 'POST', headers: header };
  await fetch(`http://127.0.0.1:${strict}/agent/v1/quit`, quit);
  assert.equal((await agent.exited).code, 0);

  writeFileSync(here.in('secret-id'), await newSecretId());
  const next = here.start(`
    auto_auth { ${LOGIN} }
    api_proxy { use_auto_auth_token = "force" }
    listener "tcp" { address = "127.0.0.1:${forced}" tls_disable = true }
  `);
  await until(() => next.output.includes('logged in'), 'the second agent');
  const replaced = await fetch(`http://127.0.0.1:${forced}/v1/auth/token/lookup-self`, {
    headers: { 'X-Vault-Token': 'nobody' },
  });
  assert.equal(replaced.status, 200);
  const unasked = await fetch(`http://127.0.0.1:${forced}/agent/v1/quit`, quit);
  assert.equal(unasked.status, 404, 'only where it was switched on');
});

test('gives an answer with a lease again, until what it holds is revoked', async (t) => {
  const here = await place(t);
  const port = await freePort();
  const agent = here.start(`
    auto_auth { method "token_file" { config = { token_file_path = "own-token" } } }
    api_proxy { use_auto_auth_token = true }
    cache {}
    listener "tcp" { address = "127.0.0.1:${port}" tls_disable = true }
  `);
  writeFileSync(here.in('own-token'), 'root');
  await until(() => agent.output.includes('logged in'), 'the login');
  interface Answer {
    readonly cached: boolean;
    readonly leaseId: string;
  }
  const issue = async (commonName: string, token?: string): Promise<Answer> => {
    const reply = await fetch(`http://127.0.0.1:${port}/v1/pki/issue/leased`, {
      method: 'POST',
      headers: token === undefined ? {} : { 'X-Vault-Token': token },
      body: JSON.stringify({ common_name: commonName }),
    });
    assert.equal(reply.status, 200);
    const { lease_id: leaseId } = (await reply.json()) as { lease_id: string };
    return { cached: reply.headers.get('x-cache') === 'HIT', leaseId };
  };
  const first = await issue('a');
  assert.equal(first.cached, false);
  assert.deepEqual(await issue('a'), { cached: true, leaseId: first.leaseId });
  assert.equal((await issue('b')).cached, false, 'another request');
  const child = await call('POST', 'auth/token/create', {});
  assert.equal((await issue('a', String(child['auth']?.['client_token']))).cached, false);
  await fetch(`http://127.0.0.1:${port}/v1/sys/leases/revoke`, {
    method: 'PUT',
    body: JSON.stringify({ lease_id: first.leaseId }),
  });
  assert.equal((await issue('a')).cached, false, 'a revoked one is not given again');
  await fetch(`http://127.0.0.1:${port}/agent/v1/cache-clear`, { method: 'POST' });
  assert.equal((await issue('a')).cached, false);
  await agent.stop();
});

test('logs in again when its token is revoked', async (t) => {
  const here = await place(t);
  const agent = here.start(`
    auto_auth { ${LOGIN} sink "file" { config = { path = "token" } } }
    template {
      contents = "{{ with secret \\"secret/data/web\\" }}{{ .Data.data.a }}{{ end }}"
      destination = "web"
    }
    template_config { static_secret_render_interval = "1s" }
    api_proxy { use_auto_auth_token = true }
    listener "unix" { address = "agent.sock" }
  `);
  await until(() => here.read('token') !== '' && here.read('web') !== '', 'the first login');
  const first = here.read('token');
  await put('auth/token/revoke', { token: first });
  await until(() => here.read('token') !== first, 'another login');
  assert.ok(agent.exit === undefined);
});

test('says what is wrong with its configuration, and waits for a server that is not there', async (t) => {
  const here = await place(t);
  const wrong = here.start('auto_auht {}');
  assert.equal((await wrong.exited).code, 1);
  assert.match(wrong.output, /agent\.hcl:1:1: unknown key auto_auht \(did you mean auto_auth\?\)/);
  const port = await freePort();
  const waits = here.start(`
    vault { address = "http://127.0.0.1:${port}" retry { num_retries = 0 } }
    auto_auth { ${LOGIN} sink "file" { config = { path = "token" } } }
  `);
  await until(() => waits.output.includes('login failed'), 'the first attempt');
  assert.ok(waits.exit === undefined, 'it goes on trying');
  await waits.stop();
  const gives = here.start(`
    vault { address = "http://127.0.0.1:${port}" }
    auto_auth {
      method "approle" { exit_on_err = true config = { role_id_file_path = "role-id" secret_id_file_path = "secret-id" } }
      sink "file" { config = { path = "token" } }
    }
  `);
  assert.equal((await gives.exited).code, 1);
});
