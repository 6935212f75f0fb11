/** An engine for tests: it lends accounts of a target that a test can break, and takes them back when their leases end. */
import assert from 'node:assert/strict';
import { definePath } from '../model/backend.ts';
import type { Backend } from '../model/backend.ts';
import { RequestError } from '../model/errors.ts';

/** Something outside the server, such as a database with accounts. */
export class LendingTarget {
  /** Names of accounts that exist. */
  readonly live: Set<string> = new Set();
  /** What becomes of the next revocations. */
  mode: 'works' | 'fails' | 'blocks' = 'works';
  revocations: number = 0;
  #made = 0;

  make(): string {
    const name = `account-${this.#made++}`;
    this.live.add(name);
    return name;
  }

  async drop(name: string): Promise<void> {
    this.revocations++;
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
            handler: (request, store) => {
              const name = target.make();
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
    secrets: {
      account: {
        renew: async () => ({ ttlSeconds: 0, maxTtlSeconds: 0 }),
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
