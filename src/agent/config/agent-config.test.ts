/** The agent's configuration: what other agents' files become, and how precisely a wrong one is refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError } from '../../base/config/config-tree.ts';
import { parseConfigText } from '../../base/config/read-config.ts';
import { makeMethod } from '../auth/methods.ts';
import { decodeAgentConfig, type AgentConfig } from './agent-config.ts';

function decode(text: string, warnings: string[] = []): AgentConfig {
  const context = { environment: {}, warn: (line: string) => warnings.push(line) };
  return decodeAgentConfig(parseConfigText(text, 'a.hcl'), 'a.hcl', context);
}

function refusal(text: string): string {
  try {
    const { method } = decode(text);
    if (method !== undefined) makeMethod(method);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.message;
  }
  return 'accepted';
}

const AUTH = 'auto_auth { method "approle" { config = { role_id_file_path = "r" } } }\n';
const SINK = 'sink "file" { config = { path = "t" } }';

test('takes a file that was written for another agent', () => {
  const warnings: string[] = [];
  const config = decode(
    `
    pid_file = "./pidfile"
    vault { address = "https://v:8200" ca_cert = "/ca.pem" retry { num_retries = 5 } }
    auto_auth {
      method {
        type = "kubernetes"
        mount_path = "auth/k8s"
        config = { role = "app" }
      }
      sink { type = "file" config = { path = "/run/token" mode = 0600 } }
    }
    cache { }
    api_proxy { use_auto_auth_token = "force" }
    listener "tcp" { address = "127.0.0.1:8100" tls_disable = true agent_api { enable_quit = true } }
    template_config { static_secret_render_interval = "10m" exit_on_retry_failure = true }
    template {
      source = "/in.ctmpl"
      destination = "/out"
      perms = "0640"
      exec { command = ["touch", "done"] timeout = "5s" }
      wait { min = "2s" max = "10s" }
    }
    template { contents = "x" destination = "/y" command = "true" }
    disable_mlock = true
  `,
    warnings,
  );
  assert.equal(config.server.address, 'https://v:8200');
  assert.equal(config.server.retriesMax, 5);
  assert.equal(config.method?.type, 'kubernetes');
  assert.equal(config.method.mountPath, 'auth/k8s');
  assert.deepEqual(
    config.sinks.map(({ path, mode }) => [path, mode]),
    [['/run/token', 0o600]],
  );
  assert.equal(config.caches, true);
  assert.equal(config.proxy.useToken, 'force');
  assert.equal(config.listeners[0]?.enableQuit, true);
  assert.equal(config.templating.staticIntervalSeconds, 600);
  const [first, second] = config.templates;
  assert.deepEqual(first?.after, ['touch', 'done']);
  assert.equal(first?.afterTimeoutSeconds, 5);
  assert.equal(first?.waitSeconds, 2);
  assert.equal(first?.mode, 0o640);
  assert.deepEqual(second?.after, ['true']);
  assert.ok(warnings.some((line) => line.includes('disable_mlock')));
});

test('HCL and JSON mean the same', () => {
  const json = decode(
    '{"auto_auth":[{"method":[{"type":"approle","config":{"role_id_file_path":"r"}}],"sink":[{"type":"file","config":{"path":"t"}}]}],"template":[{"contents":"c","destination":"d"}]}',
  );
  const hcl = decode(
    `auto_auth { method "approle" { config = { role_id_file_path = "r" } } ${SINK} }\ntemplate { contents = "c" destination = "d" }`,
  );
  const plain = (config: AgentConfig): unknown =>
    JSON.parse(JSON.stringify(config, (key, value: unknown) => (key === 'where' ? null : value)));
  assert.deepEqual(plain(json), plain(hcl));
});

const REFUSED: readonly (readonly [string, RegExp])[] = [
  ['', /nothing to do/],
  ['auto_auht {}', /did you mean auto_auth/],
  [AUTH, /needs a sink, a template or a listener/],
  [`auto_auth { ${SINK} }`, /needs a method/],
  [`auto_auth { method "nope" { } ${SINK} }`, /unknown method "nope"; there are "approle"/],
  [`auto_auth { method "jwt" { config = { role = "x" } } ${SINK} }`, /needs path/],
  [
    `auto_auth { method "cert" { config = { nmae = "x" } } ${SINK} }`,
    /unknown key nmae in the config of method "cert"/,
  ],
  [`auto_auth { method "cert" { wrap_ttl = "5m" } ${SINK} }`, /wrap the token in a sink/],
  ['auto_auth { method "cert" {} sink "file" { } }', /needs path/],
  ['auto_auth { method "cert" {} sink "file" { dh_type = "x" } }', /wrap_ttl/],
  [`${AUTH}template { destination = "d" }`, /either source or contents/],
  [
    `${AUTH}template { contents = "c" source = "s" destination = "d" }`,
    /either source or contents/,
  ],
  [`${AUTH}template { contents = "c" }`, /needs destination/],
  [`${AUTH}template { contents = "c" destination = "d" perms = "rw" }`, /octal file mode/],
  [`${AUTH}env_template "A" { contents = "c" }`, /go together/],
  [`${AUTH}exec { command = ["true"] }`, /go together/],
  [
    `${AUTH}env_template "A B" { contents = "c" }\nexec { command = ["true"] }`,
    /no name of a variable/,
  ],
  ['template { contents = "c" destination = "d" }', /need an auto_auth block/],
  ['listener "tcp" { address = "127.0.0.1:1" }', /tls_cert_file and tls_key_file/],
  ['listener "udp" { address = "x" }', /unknown listener "udp"/],
  [`${AUTH}listener "unix" { address = "s" }\ncache { persist "kubernetes" {} }`, /dies with it/],
];

for (const [text, message] of REFUSED) {
  test(`refuses ${text.slice(0, 70)}`, () => {
    assert.match(refusal(text), message);
  });
}
