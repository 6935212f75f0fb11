/** An engine for tests: it lends accounts of a target that a test can break, and takes them back when their leases end. */
import assert from 'node:assert/strict';
import { definePath } from '../../model/backend.ts';
import type { Backend } from '../../model/backend.ts';
import { RequestError } from '../../model/errors.ts';

/** Something outside the server, such as a database with accounts. */
export class LendingTarget {
  /** Names of accounts that exist. */
  readonly live: Set<string> = new Set();
  /** What becomes of the next revocations. */
  mode: 'works' | 'fails' | 'blocks' = 'works';
  revocations: number = 0;
  /** What becomes of the next account that is made. */
  making: 'works' | 'fails after it' | 'refuses' | 'does not answer' = 'works';
  /** Called between the making of an account and the end of its request. */
  made: () => Promise<void> = async () => {};
  /** What the target is opened with, and how often it was tried with something else. */
  key: string = 'first';
  refusals: number = 0;
  /** Called when what is stored is read, and before the target is asked. */
  asking: () => Promise<void> = async () => {};
  /** Called when the target takes another key, which is not stored yet. */
  replaced: () => Promise<void> = async () => {};
  /** Called while an account's life is made longer, and while it is taken back. */
  renewing: () => Promise<void> = async () => {};
  dropping: () => Promise<void> = async () => {};
  /** Colours that were painted, and by what. */
  readonly painted: string[] = [];
  #made = 0;

  next(): string {
    return `account-${this.#made++}`;
  }

  make(name: string): void {
    this.live.add(name);
  }

  async drop(name: string): Promise<void> {
    this.revocations++;
    await this.dropping();
    if (this.mode === 'fails') throw new RequestError('upstream_failed', 'the target is away');
    if (this.mode === 'blocks') await new Promise<never>(() => {});
    this.live.delete(name);
  }
}

/** `creds/:ttl/:max` lends an account for `ttl` seconds, renewable up to `max`. */
export function lendingBackend(target: LendingTarget): Backend {
  return {
    type: 'lending',
    kind: 'secret',
    summary: 'lends accounts of a target that a test can break',
    paths: [
      definePath({
        pattern: 'creds/{ttl}/{max}',
        fields: {
          ttl: { kind: 'int', description: 'Seconds.', default: 0 },
          max: { kind: 'int', description: 'Seconds.', default: 0 },
        },
        help: { synopsis: 'Lends an account.' },
        operations: {
          read: {
            summary: 'Lend an account',
            outsideEffects: true,
            handler: async (request, store) => {
              const key = (await store.getJson<string>('key')) ?? 'first';
              await target.asking();
              const name = target.next();
              const intent = await request.outside.lend('account', { name });
              if (target.making === 'refuses') {
                intent.withdraw();
                throw new RequestError('upstream_failed', 'the target says no');
              }
              if (target.making === 'does not answer') {
                throw new RequestError('upstream_failed', 'no answer in time');
              }
              if (key !== target.key) {
                target.refusals++;
                intent.withdraw();
                throw new RequestError('upstream_failed', 'wrong key');
              }
              target.make(name);
              await target.made();
              if (target.making === 'fails after it') {
                throw new RequestError('upstream_failed', 'the line went dead');
              }
              store.put(`account/${name}`, 'lent');
              return {
                data: { name },
                lease: {
                  ttlSeconds: request.fields.ttl,
                  maxTtlSeconds: request.fields.max,
                  renewable: true,
                  secretType: 'account',
                  internal: { name },
                },
              };
            },
          },
        },
      }),
      definePath({
        pattern: 'key/{name}',
        fields: { name: { kind: 'string', description: 'Key.', default: '' } },
        help: { synopsis: 'Replaces the key of the target.' },
        operations: {
          update: {
            summary: 'Replace the key',
            outsideEffects: true,
            handler: async ({ fields: { name }, outside }, store) => {
              const key = (await store.getJson<string>('key')) ?? 'first';
              await outside.intend('key', { name }, 'the key');
              if (key !== target.key) throw new RequestError('upstream_failed', 'wrong key');
              target.key = name;
              await target.replaced();
              store.putJson('key', name);
              return undefined;
            },
          },
        },
      }),
      definePath({
        pattern: 'paint/{name}',
        fields: { name: { kind: 'string', description: 'Colour.', default: '' } },
        help: { synopsis: 'Paints now, or an hour later.' },
        operations: {
          update: {
            summary: 'Paint',
            outsideEffects: true,
            handler: async ({ fields, outside }) => {
              await outside.intend('paint', { name: fields.name });
              target.painted.push(`request ${fields.name}`);
              if (target.making === 'works') return undefined;
              throw new RequestError('upstream_failed', 'the line went dead');
            },
          },
          delete: {
            summary: 'Paint an hour later',
            handler: ({ fields, schedule, nowMs }) => {
              schedule('paint', fields.name, nowMs + 3_600_000);
              return undefined;
            },
          },
        },
      }),
      definePath({
        pattern: 'note/{name}',
        fields: { name: { kind: 'string', description: 'Name.' } },
        arbitraryData: true,
        help: { synopsis: 'Keeps a note.' },
        operations: {
          read: {
            summary: 'Read a note',
            handler: async (request, store) => ({
              data:
                (await store.getJson<Record<string, unknown>>(
                  `note/${request.fields.name ?? ''}`,
                )) ?? null,
            }),
          },
          update: {
            summary: 'Write a note',
            handler: (request, store) => {
              store.putJson(`note/${request.fields.name ?? ''}`, request.data);
              return undefined;
            },
          },
        },
      }),
    ],
    intents: {
      key: {
        settle: async (_intent, store) => {
          store.putJson('key', target.key);
        },
      },
      paint: {
        settle: async ({ data, attempts }) => {
          if (target.mode === 'fails') throw new RequestError('upstream_failed', 'away');
          target.painted.push(`intent ${JSON.stringify(data['name'])} after ${attempts}`);
        },
      },
    },
    tasks: {
      paint: {
        run: async ({ name, record }, store) => {
          await record(`paint/${name}`);
          if (target.mode === 'fails') throw new RequestError('upstream_failed', 'away');
          const step = (await store.getJson<number>(`step/${name}`)) ?? 0;
          target.painted.push(`task ${name} ${step}`);
          store.putJson(`step/${name}`, step + 1);
          return step === 0 ? 'again' : 'done';
        },
      },
    },
    secrets: {
      account: {
        renew: async () => {
          await target.renewing();
          return { ttlSeconds: 0, maxTtlSeconds: 0 };
        },
        revoke: async (lease, store) => {
          const { name } = lease.internal;
          assert.ok(typeof name === 'string');
          await target.drop(name);
          store.delete(`account/${name}`);
        },
      },
    },
  };
}
