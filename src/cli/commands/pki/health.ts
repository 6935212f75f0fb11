/** pki health-check: runs the checks over a mount and tells the worst finding by the exit code. */
import { readFile } from 'node:fs/promises';
import { ApiError } from '../../../client/errors.ts';
import { isJsonObject, parseJson } from '../../../client/json.ts';
import type { JsonObject } from '../../../client/json.ts';
import { CommandFailure, DryRun, EXIT_LOCAL, EXIT_OK } from '../../command.ts';
import type { Invocation } from '../../command.ts';
import { cleanPath } from '../../paths.ts';
import { formatTable } from '../../render/columns.ts';
import { printDocument, say } from '../../render/output.ts';
import { CHECKS } from './checks.ts';
import { Denied, STATUSES } from './finding.ts';
import type { Finding, Mount } from './finding.ts';

const CUTOFFS: Readonly<Record<string, number>> = {
  '': STATUSES.informational,
  default: STATUSES.informational,
  informational: STATUSES.informational,
  warning: STATUSES.warning,
  critical: STATUSES.critical,
  permission: STATUSES.invalid_version,
};

async function configured(invocation: Invocation): Promise<Map<string, JsonObject>> {
  const { flags } = invocation;
  const file = flags.text('health-config');
  let given: JsonObject = {};
  if (file !== '') {
    try {
      const value = parseJson(await readFile(file, 'utf8'));
      if (!isJsonObject(value)) throw new Error('not an object');
      given = value;
    } catch {
      throw new CommandFailure(EXIT_LOCAL, `Failed to read configuration file ${file}`);
    }
  }
  const enabled = !flags.boolean('default-disabled');
  return new Map(
    CHECKS.map(({ name, defaults }) => {
      const own = given[name];
      return [name, { enabled, ...defaults, ...(isJsonObject(own) ? own : {}) }];
    }),
  );
}

async function mountOf(invocation: Invocation, path: string): Promise<Mount> {
  const client = await invocation.session.client();
  async function denied<T>(at: string, call: Promise<T>): Promise<T | undefined> {
    try {
      return await call;
    } catch (cause) {
      if (cause instanceof DryRun || !(cause instanceof ApiError)) throw cause;
      if (cause.status === 403) throw new Denied(at);
      if (cause.status === 404 || cause.status === 400) return undefined;
      throw cause;
    }
  }
  return {
    path,
    nowMs: Date.now(),
    read: async (at) => (await denied(at, client.read(at)))?.data ?? undefined,
    list: async (at) => {
      const keys = (await denied(at, client.list(at)))?.data?.['keys'];
      return Array.isArray(keys) ? keys.map(String) : [];
    },
  };
}

async function run(mount: Mount, name: string, config: JsonObject): Promise<readonly Finding[]> {
  const check = CHECKS.find((each) => each.name === name);
  try {
    return (await check?.run(mount, config)) ?? [];
  } catch (cause) {
    if (!(cause instanceof Denied)) throw cause;
    return [
      {
        status: 'insufficient_permissions',
        endpoint: `/${cause.path.replace(mount.path, '{{mount}}')}`,
        message: 'This token lacks permission; without this information the check cannot run.',
      },
    ];
  }
}

/** Nothing of what follows would mean anything elsewhere. */
async function assertPki(invocation: Invocation, path: string): Promise<void> {
  const client = await invocation.session.client();
  const refuse = (why: string): never => {
    throw new CommandFailure(EXIT_LOCAL, why);
  };
  try {
    const mount = (await client.read(`sys/internal/ui/mounts/${path}`))?.data;
    const type = mount?.['type'];
    if (typeof type === 'string' && type !== 'pki') {
      refuse(`refusing to run pki health-check on mount of type ${type}`);
    }
  } catch (cause) {
    // Whoever may not see the mount may still see its certificates.
    if (!(cause instanceof ApiError)) throw cause;
  }
  const what = 'refusing to run PKI health-check on non-PKI mount: path cert/ca did not exist';
  try {
    const issuers = await client.list(`${path}/issuers`);
    if (issuers === undefined) {
      refuse('this mount lacks any configured issuers, limiting health check usefulness');
    }
  } catch (cause) {
    if (!(cause instanceof ApiError)) throw cause;
    if (cause.status === 404) refuse(what);
    if (cause.status !== 403) throw cause;
  }
}

export async function healthCheck(invocation: Invocation): Promise<number> {
  const { flags, args, format } = invocation;
  const cutoff = CUTOFFS[flags.text('return-indicator')];
  if (cutoff === undefined) {
    throw new CommandFailure(
      EXIT_LOCAL,
      'Invalid flag -return-indicator; known options are default, informational, warning, critical, and permission',
    );
  }
  const configs = await configured(invocation);
  if (flags.boolean('list')) {
    if (format === 'table') say(invocation, 'Default health check config:');
    const { jsonText } = await import('../../render/documents.ts');
    say(invocation, jsonText(Object.fromEntries(configs)));
    return EXIT_OK;
  }
  const path = cleanPath(args[0] ?? '');
  if (path === '') {
    throw new CommandFailure(EXIT_LOCAL, 'Not enough arguments (expected mount path, got nothing)');
  }
  const mount = await mountOf(invocation, path);
  await assertPki(invocation, path);
  const results = new Map<string, readonly Finding[]>();
  for (const [name, config] of configs) {
    if (config['enabled'] !== true) continue;
    const findings = await run(mount, name, config);
    results.set(
      name,
      findings.map((each) => ({ ...each, endpoint: each.endpoint.replace('{{mount}}', path) })),
    );
  }
  if (format === 'table') {
    for (const [name, findings] of results) {
      const rows = findings.map((each) => [each.status, each.endpoint, each.message]);
      say(invocation, `${name}\n${'-'.repeat(name.length)}`);
      say(invocation, `${formatTable(['status', 'endpoint', 'message'], rows)}\n\n`);
    }
  } else {
    const shown = [...results].map(([name, findings]) => [
      name,
      findings.map((each) => ({ ...each, status_code: STATUSES[each.status] })),
    ]);
    await printDocument(invocation, Object.fromEntries(shown) as JsonObject, true);
  }
  const worst = Math.max(0, ...[...results.values()].flat().map((each) => STATUSES[each.status]));
  return worst >= cutoff ? worst : EXIT_OK;
}
