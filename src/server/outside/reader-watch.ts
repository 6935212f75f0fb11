/**
 * Notes who read which version of a secret that is rotated, from what the audit trail records of replies. Written down a little
 * later and together, so that a read costs nothing more.
 */
import { isJsonObject } from '../../base/json.ts';
import type { World } from '../../base/world.ts';
import type { CoreUnit } from '../../core/epoch-cache.ts';
import type { Exchange } from '../../core/exchange.ts';
import { dataPrefix } from '../../core/mounts/mount-entry.ts';
import type { AuditTrail } from '../../core/parts.ts';
import { noteReaders } from '../../engines/kv/rotation/readers.ts';
import type { SeenReader } from '../../engines/kv/rotation/readers.ts';
import { ROTATIONS, findRotation } from '../../engines/kv/rotation/record.ts';
import { listTree } from '../../model/listing/list-tree.ts';
import type { Reader } from '../../model/transaction.ts';
import { currentValue } from '../../engines/kv/rotation/value.ts';

const DATA = 'data/';
/** How long it may take until the reads of a secret with a new policy are noted. */
const KNOWN_MS = 15_000;
const WRITE_AFTER_MS = 2_000;
/** Reads that wait to be written down; what comes beyond is noted when it comes again. */
const PENDING_MAX = 4_096;

interface Pending {
  readonly namespaceId: string;
  readonly prefix: string;
  readonly path: string;
  readonly reader: SeenReader;
}

export interface ReaderWatchPorts {
  readonly world: Pick<World, 'clock' | 'log'>;
  readonly begin: () => CoreUnit;
}

export function watchReaders(trail: AuditTrail, ports: ReaderWatchPorts): AuditTrail {
  const pending = new Map<string, Pending>();
  let waits = false;
  /** Which secrets of each mount are rotated: all others cost a look into a set. */
  const rotated = new Map<string, { paths: ReadonlySet<string>; atMs: number }>();

  function isRotated({ mount, operation, pathBelowMount, namespace, nowMs }: Exchange): boolean {
    if (operation !== 'read' || mount?.entry.type !== 'kv') return false;
    const { uuid } = mount.entry;
    const known = rotated.get(uuid);
    if (known === undefined || nowMs - known.atMs > KNOWN_MS) {
      const paths = known?.paths ?? new Set<string>();
      rotated.set(uuid, { paths, atMs: nowMs });
      const store = ports.begin().view(namespace.id, dataPrefix(mount.entry));
      void learn(uuid, store, nowMs);
    }
    return known?.paths.has(pathBelowMount) ?? false;
  }

  async function learn(uuid: string, store: Reader, atMs: number): Promise<void> {
    try {
      const keys = await listTree(store, ROTATIONS);
      rotated.set(uuid, {
        paths: new Set(keys.map((key) => DATA + key.slice(ROTATIONS.length))),
        atMs,
      });
    } catch {
      // Sealed meanwhile: the next read asks again.
      rotated.delete(uuid);
    }
  }

  async function writeDown(): Promise<void> {
    waits = false;
    const all = [...pending.values()];
    pending.clear();
    const secrets = Map.groupBy(all, ({ prefix, path }) => prefix + path);
    for (const seen of secrets.values()) {
      try {
        await note(ports, seen);
      } catch (error) {
        // Sealed meanwhile, or written by another replica: whoever reads again is noted then.
        ports.world.log.debug('readers were not noted', {
          error: error instanceof Error ? error.message : 'failed',
        });
      }
    }
  }

  return {
    request: (exchange, error) => trail.request(exchange, error),
    reply(exchange, error) {
      const read = error === undefined && isRotated(exchange) ? readOf(exchange) : undefined;
      if (read !== undefined && pending.size < PENDING_MAX) {
        pending.set(JSON.stringify([read.prefix, read.path, read.reader]), read);
        if (!waits) {
          waits = true;
          ports.world.clock.after(WRITE_AFTER_MS, () => void writeDown());
        }
      }
      return trail.reply(exchange, error);
    },
  };
}

function readOf(exchange: Exchange): Pending | undefined {
  const { mount, pathBelowMount, principal, reply, nowMs } = exchange;
  if (mount === undefined || principal === undefined || reply === undefined) return undefined;
  if (reply.status === 404) return undefined;
  const metadata = reply.data?.['metadata'];
  const number = isJsonObject(metadata) ? metadata['version'] : undefined;
  return {
    namespaceId: exchange.namespace.id,
    prefix: dataPrefix(mount.entry),
    path: pathBelowMount.slice(DATA.length),
    reader: {
      name: principal.displayName,
      entityId: principal.entityId,
      // Another protocol shows versions in its own way: what it read was current.
      version: typeof number === 'number' ? number : 0,
      // By the minute: the same reader counts once.
      lastMs: Math.floor(nowMs / 60_000) * 60_000,
    },
  };
}

async function note({ begin, world }: ReaderWatchPorts, seen: readonly Pending[]): Promise<void> {
  const [first] = seen;
  if (first === undefined) return;
  const unit = begin();
  const store = unit.view(first.namespaceId, first.prefix);
  if ((await findRotation(store, first.path)) === undefined) return;
  const readers: SeenReader[] = [];
  for (const { reader, path } of seen) {
    const version =
      reader.version || (await currentValue(store, path, world.clock.nowMs())).version;
    readers.push({ ...reader, version });
  }
  if (await noteReaders(store, first.path, readers)) await unit.commit();
}
