/**
 * Random sequences of operations over the Vault, Azure and Google APIs against a small model: same versions, same current value, same
 * visibility through each of them after every step.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { JsonObject } from '../../base/json.ts';
import { createAzureFacade } from '../../facades/azure/azure-facade.ts';
import type { Facade } from '../../facades/facade.ts';
import { createGoogleFacade } from '../../facades/google/google-facade.ts';
import { systemRandom } from '../../base/random.ts';
import { azureBackupSeal } from '../batch-seal.ts';
import { openInstance } from '../instance-fixture.ts';
import type { OpenInstance } from '../instance-fixture.ts';
import { mountFinder } from './place-finder.ts';
import { sendJson, silentLog } from './facade-fixture.ts';
import type { JsonReply } from './facade-fixture.ts';

const HOST = 'v.kv.example.com';
const SECRET = '/v1/projects/p/secrets/s';
/** The mount keeps so many. */
const KEPT = 10;
/** More of them on request: `SEQUENCES=10000`. */
const SEQUENCES = Number(process.env['SEQUENCES'] ?? 25);
const STEPS_MAX = 12;

type Step =
  | { readonly kind: 'put'; readonly by: 'vault' | 'azure' | 'google'; readonly value: string }
  | { readonly kind: 'disable' | 'enable'; readonly by: 'azure' | 'google' }
  | { readonly kind: 'destroy' }
  | { readonly kind: 'delete' | 'recover' | 'purge' }
  | { readonly kind: 'delete version' | 'undelete version' }
  | { readonly kind: 'remove' };

interface ModelVersion {
  readonly value: string;
  disabled: boolean;
  deleted: boolean;
  destroyed: boolean;
}

interface Model {
  /** Undefined: there is no such secret. */
  versions: ModelVersion[] | undefined;
  deleted: boolean;
}

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('put' as const),
      by: fc.constantFrom('vault' as const, 'azure' as const, 'google' as const),
      value: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('disable' as const, 'enable' as const),
      by: fc.constantFrom('azure' as const, 'google' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('destroy' as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('delete' as const, 'recover' as const, 'purge' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('delete version' as const, 'undelete version' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('remove' as const) }) },
);

class World {
  readonly server: OpenInstance;
  readonly #azure: Facade;
  readonly #google: Facade;

  constructor(server: OpenInstance) {
    this.server = server;
    const { handle, services } = server.instance;
    const shared = { handle, log: silentLog, clock: server.clock };
    const backupSeal = azureBackupSeal(services.barrier, systemRandom);
    this.#azure = createAzureFacade({ ...shared, random: systemRandom, backupSeal });
    this.#google = createGoogleFacade({ ...shared, mountOf: mountFinder(services) });
  }

  async azure(method: string, path: string, body?: JsonObject): Promise<JsonReply> {
    return await this.#send(this.#azure, method, `${path}?api-version=7.4`, body);
  }

  async google(method: string, path: string, body?: JsonObject): Promise<JsonReply> {
    return await this.#send(this.#google, method, path, body);
  }

  async #send(facade: Facade, method: string, path: string, body?: JsonObject): Promise<JsonReply> {
    return await sendJson(facade, path, {
      method,
      headers: { host: HOST, authorization: 'Bearer root' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const isLive = (model: Model): boolean => model.versions !== undefined && !model.deleted;
const newest = (model: Model): ModelVersion | undefined => model.versions?.at(-1);
const isReadable = (version: ModelVersion): boolean =>
  !version.disabled && !version.deleted && !version.destroyed;

/** Does the step to both; says whether the server did what the model thinks it must. */
async function apply(world: World, model: Model, one: Step): Promise<void> {
  const { server } = world;
  const live = isLive(model);
  const current = newest(model);
  const number = model.versions?.length ?? 0;
  switch (one.kind) {
    case 'put': {
      const done = await put(world, one.by, one.value);
      // Google adds versions only to a secret that is there.
      assert.equal(done, !model.deleted && (one.by !== 'google' || live), `put by ${one.by}`);
      if (!done) return;
      const fresh = { value: one.value, disabled: false, deleted: false, destroyed: false };
      model.versions = [...(model.versions ?? []), fresh];
      return;
    }
    case 'disable':
    case 'enable': {
      const may =
        live &&
        current !== undefined &&
        !current.destroyed &&
        (one.by === 'google' || !current.deleted);
      assert.equal(await switchOn(world, one.by, number, one.kind === 'enable'), may, one.kind);
      if (!may) return;
      current.disabled = one.kind === 'disable';
      // Enabling through Google brings back what was deleted through the Vault API.
      if (one.by === 'google' && one.kind === 'enable') current.deleted = false;
      return;
    }
    case 'destroy': {
      const { status } = await world.google(
        'POST',
        `${SECRET}/versions/${number || 1}:destroy`,
        {},
      );
      const may = live && current !== undefined && !current.destroyed;
      assert.equal(status === 200, may, 'destroy');
      if (may) current.destroyed = true;
      return;
    }
    case 'delete':
      assert.equal((await world.azure('DELETE', '/secrets/s')).status === 200, live, 'delete');
      model.deleted ||= live;
      return;
    case 'recover': {
      const { status } = await world.azure('POST', '/deletedsecrets/s/recover');
      assert.equal(status === 200, model.deleted, 'recover');
      model.deleted = false;
      return;
    }
    case 'purge': {
      const { status } = await world.azure('DELETE', '/deletedsecrets/s');
      assert.equal(status === 204, model.deleted, 'purge');
      if (model.deleted) Object.assign(model, { versions: undefined, deleted: false });
      return;
    }
    case 'delete version':
      if (!live) return;
      await server.get('delete', 'secret/data/s');
      // As the Vault API has it: only what could be read is deleted.
      if (current !== undefined && isReadable(current)) current.deleted = true;
      return;
    case 'undelete version':
      if (!live || number === 0) return;
      await server.get('write', 'secret/undelete/s', { data: { versions: [number] } });
      if (current !== undefined && !current.destroyed) current.deleted = false;
      return;
    default:
      assert.equal((await world.google('DELETE', SECRET)).status === 200, live, 'remove');
      if (live) model.versions = undefined;
  }
}

async function put(
  world: World,
  by: 'vault' | 'azure' | 'google',
  value: string,
): Promise<boolean> {
  if (by === 'azure') return (await world.azure('PUT', '/secrets/s', { value })).status === 200;
  if (by === 'google') {
    const body = { payload: { data: base64(value) } };
    return (await world.google('POST', `${SECRET}:addVersion`, body)).status === 200;
  }
  const data = { value, encoding: 'text' };
  return (await world.server.outcome('write', 'secret/data/s', { data })) === 'ok';
}

async function switchOn(
  world: World,
  by: 'azure' | 'google',
  number: number,
  enabled: boolean,
): Promise<boolean> {
  if (by === 'azure') {
    const body = { attributes: { enabled } };
    return (await world.azure('PATCH', '/secrets/s/', body)).status === 200;
  }
  const action = enabled ? 'enable' : 'disable';
  return (
    (await world.google('POST', `${SECRET}/versions/${number || 1}:${action}`, {})).status === 200
  );
}

/** What each API shows is what the model says. */
async function compare(world: World, model: Model): Promise<void> {
  const { server } = world;
  const current = newest(model);
  const readable = isLive(model) && current !== undefined && isReadable(current);
  const asked = { data: { detail: true } };
  const vault = await server.ask('read', 'secret/data/s', asked);
  const shown = vault.reply?.data?.['value'] ?? undefined;
  assert.equal(shown ?? undefined, readable ? current.value : undefined, 'vault');
  const azure = await world.azure('GET', '/secrets/s/');
  assert.equal(azure.json['value'], readable ? current.value : undefined, 'azure');
  const google = await world.google('GET', `${SECRET}/versions/latest:access`);
  const payload = google.json['payload'] as JsonObject | undefined;
  assert.equal(payload?.['data'], readable ? base64(current.value) : undefined, 'google');
  assert.equal((await world.azure('GET', '/deletedsecrets/s')).status === 200, model.deleted);
  const list = await world.google('GET', `${SECRET}/versions`);
  assert.equal(list.status === 200, isLive(model));
  if (list.status !== 200) return;
  const states = ((list.json['versions'] ?? []) as JsonObject[]).map((one) => one['state']);
  const wanted = (model.versions ?? []).slice(-KEPT).toReversed();
  assert.deepEqual(
    states,
    wanted.map((one) =>
      one.destroyed ? 'DESTROYED' : one.disabled || one.deleted ? 'DISABLED' : 'ENABLED',
    ),
  );
}

test('three APIs show one history, whatever is done through any of them', async () => {
  const server = await openInstance();
  await server.get('write', `sys/bindings/azure/${HOST}`, { data: {} });
  await server.get('write', 'sys/bindings/gcp/p', { data: {} });
  const world = new World(server);
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: STEPS_MAX }), async (steps) => {
      await server.get('delete', 'secret/metadata/s');
      const model: Model = { versions: undefined, deleted: false };
      for (const one of steps) {
        server.clock.advance(1);
        await apply(world, model, one);
        await compare(world, model);
      }
    }),
    { numRuns: SEQUENCES },
  );
  await server.instance.close();
});
