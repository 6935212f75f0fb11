/** When a key rotates by itself: Key Vault's policy, and what this server does about it. */
import { isJsonObject } from '../../../base/json.ts';
import type { JsonObject } from '../../../base/json.ts';
import type { ManagedKey } from '../../../model/tasks/key-task.ts';
import type { WireReply } from '../../facade.ts';
import { dataOf, shown } from '../asking.ts';
import type { Asking } from '../asking.ts';
import { badParameter, jsonReply } from '../wire/errors.ts';
import { liveKey } from './chosen.ts';

/** Below this name in a key's attributes, as JSON text. */
const ATTRIBUTE = 'azure.rotation_policy';
const POLICY_BYTES_MAX = 4096;
const DAY_SECONDS = 86_400;
/** Key Vault's own bound: a week. */
const PERIOD_SECONDS_MIN = 7 * DAY_SECONDS;
/** ISO 8601 durations in years, months, weeks and days; calendar months count 30 days, years 365. */
const DURATION = /^P(?:(\d{1,3})Y)?(?:(\d{1,3})M)?(?:(\d{1,4})W)?(?:(\d{1,5})D)?$/;
const DAYS = [365, 30, 7, 1];

/** @throws {AzureError} */
function durationSeconds(text: unknown): number | undefined {
  if (text === undefined || text === null) return undefined;
  const match = typeof text === 'string' && text !== 'P' ? DURATION.exec(text) : null;
  if (match === null) throw badParameter('A duration of the policy is not valid.');
  const days = DAYS.reduce((sum, each, index) => sum + each * Number(match[index + 1] ?? 0), 0);
  return days * DAY_SECONDS;
}

interface Action {
  readonly trigger: JsonObject;
  readonly type: string;
}

function actionsOf(body: JsonObject): readonly Action[] {
  const list = body['lifetimeActions'] ?? [];
  if (!Array.isArray(list)) throw badParameter('The property lifetimeActions is not a list.');
  return list.map((one) => {
    const action = isJsonObject(one) ? one['action'] : undefined;
    const trigger = isJsonObject(one) ? one['trigger'] : undefined;
    const type = isJsonObject(action) ? action['type'] : undefined;
    if (typeof type !== 'string' || !/^(?:rotate|notify)$/i.test(type) || !isJsonObject(trigger)) {
      throw badParameter('A lifetime action is not valid.');
    }
    return { trigger, type: type.toLowerCase() };
  });
}

/** How old a version gets before the next one is made, in seconds; 0 = it is not rotated. @throws {AzureError} */
function periodOf(body: JsonObject): number {
  const attributes = body['attributes'];
  const life = durationSeconds(isJsonObject(attributes) ? attributes['expiryTime'] : undefined);
  const periods = actionsOf(body)
    .filter(({ type }) => type === 'rotate')
    .map(({ trigger }) => {
      const after = durationSeconds(trigger['timeAfterCreate']);
      const before = durationSeconds(trigger['timeBeforeExpiry']);
      const period = after ?? (life === undefined || before === undefined ? 0 : life - before);
      if (period < PERIOD_SECONDS_MIN) {
        throw badParameter('A key rotates no more often than every 7 days.');
      }
      return period;
    });
  return periods.length === 0 ? 0 : Math.min(...periods);
}

function policyOf(base: string, name: string, key: ManagedKey): Record<string, unknown> {
  const stored = key.attributes?.[ATTRIBUTE];
  const policy = stored === undefined ? {} : (JSON.parse(stored) as JsonObject);
  const byPeriod = {
    lifetimeActions: [
      {
        trigger: { timeAfterCreate: `P${Math.ceil(key.autoRotateSeconds / DAY_SECONDS)}D` },
        action: { type: 'Rotate' },
      },
    ],
  };
  return {
    id: `${base}/keys/${name}/rotationpolicy`,
    lifetimeActions: [],
    attributes: {},
    ...(stored === undefined && key.autoRotateSeconds > 0 ? byPeriod : policy),
  };
}

export async function getRotationPolicy({ operation, base, ask }: Asking): Promise<WireReply> {
  const { name } = operation;
  const answer = await ask({
    operation: 'read',
    part: 'keys',
    path: `keys/${name}`,
    task: { key: (desk) => shown(policyOf(base, name, liveKey(desk, name))) },
  });
  return jsonReply(dataOf(answer));
}

export async function setRotationPolicy({
  operation,
  base,
  readJson,
  ask,
}: Asking): Promise<WireReply> {
  const { name } = operation;
  const answer = await ask({
    operation: 'write',
    part: 'keys',
    path: `keys/${name}/config`,
    body: readJson,
    task: {
      async key(desk) {
        const body = await readJson();
        const autoRotateSeconds = periodOf(body);
        const { lifetimeActions = [], attributes = {} } = body;
        const text = JSON.stringify({ lifetimeActions, attributes });
        if (Buffer.byteLength(text) > POLICY_BYTES_MAX)
          throw badParameter('The policy is too long.');
        const before = liveKey(desk, name);
        const key = await desk.change({
          autoRotateSeconds,
          attributes: { ...before.attributes, [ATTRIBUTE]: text },
        });
        return shown(policyOf(base, name, key));
      },
    },
  });
  return jsonReply(dataOf(answer));
}
