/**
 * Canaries: texts that stand for secrets, sent to every declared endpoint in every field, in every wrong type, as raw bodies,
 * in queries and in headers. None may come back in an error, and none may be in the audit log or the server log.
 */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { endpointsOf } from './endpoints.ts';
import type { Endpoint } from './endpoints.ts';
import { linesWith, textOf } from './evidence.ts';
import { ROOT_TOKEN, Target } from './target.ts';
import type { Received, Sending } from './target.ts';

/** In lower case, so that no fold hides it. */
const MARK = 'canary';

/** Bodies that get past the first check of an endpoint, so that a canary beside them reaches the next. */
const USUAL: ReadonlyMap<string, Readonly<Record<string, unknown>>> = new Map([
  ['POST sys/mounts/{path..+}', { type: 'kv' }],
  ['POST sys/auth/{path..+}', { type: 'token' }],
  ['POST sys/policies/acl/{name..+}', { policy: 'path "x" { capabilities = ["read"] }' }],
  ['POST sys/policies/password/{name}', { policy: 'length = 20' }],
  ['POST sys/quotas/rate-limit/{name}', { rate: 1000 }],
  ['POST sys/remount', { from: 'x', to: 'y' }],
  ['POST auth/token/create', { policies: ['default'] }],
  ['POST secret/data/{path..+}', { data: { a: '1' } }],
  ['POST sys/tools/hash', { input: 'aGFsbG8=' }],
]);

/** Names, not secrets, that the protocol's own error texts repeat, since people have to find them: `pattern field`. */
const NAMED_IN_ERRORS = new Set([
  'POST sys/mounts/{path..+}: type',
  'POST sys/auth/{path..+}: type',
  'POST sys/remount: from',
  'POST sys/plugins/reload/backend: mounts',
  'POST sys/quotas/rate-limit/{name}: path',
  'POST identity/oidc/role/{name}: key',
  'POST identity/oidc/client/{name}: assignments',
  'POST identity/oidc/provider/{name}: scopes_supported',
  // OAuth sends it back with every answer (RFC 6749 §4.1.2.1).
  'GET identity/oidc/provider/{name}/authorize: state in the query',
  'POST identity/oidc/provider/{name}/authorize: state',
  'POST sys/policies/acl/{name...}: policy',
  'POST sys/policy/{name...}: policy',
  'POST sys/policy/{name...}: rules',
  'POST sys/policies/password/{name...}: policy',
]);

/** Refusals that the protocol's contract words as a 500: nothing has crashed. */
const REFUSED_WITH_500 = new Set([
  'POST identity/group: member_group_ids',
  'POST identity/group: member_entity_ids',
  'POST identity/group/name/{name..+}: member_group_ids',
  'POST identity/group/name/{name..+}: member_entity_ids',
]);

/** Names that an audit record shows on purpose: of policies, and of the paths that a caller asks about. */
const NAMED_IN_AUDIT = new Set([
  'POST auth/token/create policies (text)',
  'POST auth/token/create-orphan policies (text)',
  'POST sys/capabilities paths (text)',
  'POST sys/capabilities path (text)',
  'POST sys/capabilities-accessor paths (text)',
  'POST sys/capabilities-accessor path (text)',
  'POST sys/capabilities-self paths (text)',
  'POST sys/capabilities-self path (text)',
]);

/** Closing the server, or the token in use, is tested elsewhere: nothing could be sent afterwards. What streams or measures goes on for long. */
const NOT_HERE = new Set([
  'POST sys/seal',
  'POST sys/step-down',
  'POST auth/token/revoke-self',
  'GET sys/monitor',
  'GET sys/pprof/profile',
  'GET sys/pprof/trace',
]);

class Hunt {
  readonly target: Target;
  readonly #sent = new Map<string, string>();
  readonly problems: string[] = [];
  #count = 0;

  constructor(target: Target) {
    this.target = target;
  }

  /** A canary that tells where it was sent. */
  canary(where: string): string {
    const name = `${MARK}${(this.#count++).toString(36).padStart(5, '0')}z`;
    this.#sent.set(name, where);
    return name;
  }

  get requests(): number {
    return this.#count;
  }

  async send(endpoint: Endpoint, path: string, sending: Sending, what: string): Promise<void> {
    const received = await this.target.call(endpoint.method, path, sending);
    this.judge(received, `${endpoint.pattern}: ${what}`);
  }

  judge(received: Received, where: string): void {
    const crashed = received.status >= 500 && received.status !== 503;
    if (crashed && !REFUSED_WITH_500.has(where)) {
      this.problems.push(`${where} answered ${received.status}`);
    }
    // A success may show what was stored; a refusal shows nothing of what was sent.
    if (received.status >= 400 && received.text.includes(MARK) && !NAMED_IN_ERRORS.has(where)) {
      this.problems.push(`${where} answered ${received.status} ${received.text.slice(0, 300)}`);
    }
  }

  /** What stands in the clear in a log, with where it was sent. */
  leaks(text: string, meant: ReadonlySet<string>): readonly string[] {
    const found = new Map<string, string>();
    for (const line of linesWith(text, MARK).length === 0 ? [] : text.split('\n')) {
      for (const [name] of line.matchAll(/canary\w{5}z/g)) {
        const at = line.indexOf(name);
        const where = this.#sent.get(name) ?? name;
        if (!meant.has(where)) found.set(where, line.slice(Math.max(0, at - 80), at + 30));
      }
    }
    return [...found].map(([where, excerpt]) => `${where} → …${excerpt}…`);
  }
}

function wrongValues(hunt: Hunt, where: string): readonly unknown[] {
  const canary = (kind: string): string => hunt.canary(`${where} (${kind})`);
  return [
    canary('text'),
    [canary('in a list'), { a: canary('in a map in a list') }],
    { a: canary('in a map'), b: { c: canary('in a map in a map') } },
    null,
    1e308,
    -1,
  ];
}

/** As raw bodies: no JSON, broken JSON, JSON that is no object, a form. */
function rawBodies(hunt: Hunt, where: string): readonly Sending[] {
  const canary = (kind: string): string => hunt.canary(`${where} (${kind})`);
  return [
    { raw: canary('raw') },
    { raw: JSON.stringify(canary('JSON text')) },
    { raw: JSON.stringify([canary('JSON list')]) },
    { raw: `{"a":"${canary('broken JSON')}` },
    { raw: `{"a":"${canary('broken escape')}\\u12"}` },
    {
      raw: `a=${canary('form')}&b=%zz`,
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    },
    { raw: `{"a":1} ${canary('after the JSON')}` },
    { body: { unknown_field: canary('unknown field') } },
  ];
}

async function attack(hunt: Hunt, endpoint: Endpoint, token: string): Promise<void> {
  const { path, pattern, write, fields } = endpoint;
  const usual = USUAL.get(pattern) ?? {};
  for (const name of fields.keys()) {
    for (const value of wrongValues(hunt, `${pattern} ${name}`)) {
      if (write) {
        await hunt.send(endpoint, path, { token, body: { ...usual, [name]: value } }, name);
      } else if (typeof value === 'string') {
        const query = `${path}?${name}=${value}`;
        await hunt.send(endpoint, query, { token }, `${name} in the query`);
      }
    }
  }
  if (write) {
    for (const sending of rawBodies(hunt, pattern)) {
      await hunt.send(endpoint, path, { token, ...sending }, 'raw body');
    }
  }
  const where = hunt.canary(`${pattern} (unknown query)`);
  await hunt.send(endpoint, `${path}?unknown=${where}`, { token }, 'unknown query');
}

suite('canaries', () => {
  test('SEC-50, SEC-53: no field, body or query of any endpoint stands anywhere in the clear', async (context) => {
    const target = await Target.start();
    context.after(() => target.close());
    await target.expect('POST', 'sys/mounts/kv1', {
      body: { type: 'kv', options: { version: '1' } },
    });
    const hunt = new Hunt(target);
    const endpoints = (await endpointsOf(target)).filter(({ pattern }) => !NOT_HERE.has(pattern));
    assert.ok(endpoints.length > 150, `${endpoints.length} endpoints`);
    const { auth } = await target.expect('POST', 'auth/token/create', { body: {} });
    const token = textOf(auth, 'client_token');
    for (const endpoint of endpoints) await attack(hunt, endpoint, token);
    for (const endpoint of endpoints) {
      for (const secret of [null, hunt.canary(`${endpoint.pattern} (token)`)]) {
        const body = endpoint.write
          ? { body: { data: hunt.canary(`${endpoint.pattern} (unauthenticated)`) } }
          : {};
        await hunt.send(endpoint, endpoint.path, { token: secret, ...body }, 'unauthenticated');
      }
    }
    await target.expect('GET', 'sys/health');
    assert.deepEqual(hunt.problems, []);
    assert.ok(hunt.requests > 3000, `${hunt.requests} canaries`);
    assert.deepEqual(hunt.leaks(target.logText, new Set()), [], 'in the server log');
    assert.deepEqual(hunt.leaks(target.auditText, NAMED_IN_AUDIT), [], 'in the audit log');
    assert.equal(linesWith(target.logText, ROOT_TOKEN).length, 0);
    assert.equal(linesWith(target.auditText, ROOT_TOKEN).length, 0);
    assert.equal(linesWith(target.auditText, token).length, 0);
    assert.equal(linesWith(target.logText, 'request crashed').length, 0);
  });
});
