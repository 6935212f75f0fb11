/** A key as it is: read, changed, rotated. */
import type { WireReply } from '../../facade.ts';
import { dataOf, shown } from '../asking.ts';
import type { Asking } from '../asking.ts';
import { changedProperties, readProperties } from '../objects/attributes.ts';
import { vaultAt } from '../objects/vault-rules.ts';
import { jsonReply } from '../wire/errors.ts';
import { keyBundle, OPERATIONS_ATTRIBUTE, readOperations } from './bundle.ts';
import { chosenKeyVersion, liveKey } from './chosen.ts';

export async function getKey({ operation, base, ask }: Asking): Promise<WireReply> {
  const { name, version } = operation;
  const answer = await ask({
    operation: 'read',
    part: 'keys',
    path: `keys/${name}`,
    task: {
      key(desk) {
        const key = liveKey(desk, name);
        const chosen = chosenKeyVersion(key, name, version);
        return shown(keyBundle(vaultAt(base, desk), name, key, chosen));
      },
    },
  });
  return jsonReply(dataOf(answer));
}

export async function updateKey({ operation, base, readJson, ask }: Asking): Promise<WireReply> {
  const { name, version: id } = operation;
  const answer = await ask({
    operation: 'write',
    part: 'keys',
    path: `keys/${name}/config`,
    body: readJson,
    task: {
      async key(desk) {
        const body = await readJson();
        const before = liveKey(desk, name);
        const { number, version } = chosenKeyVersion(before, name, id);
        const { createdMs, publicKey: _public, ...old } = version;
        const sent = readProperties(body);
        const fresh = changedProperties({ ...old, number, id: '', createdMs }, sent, desk.nowMs);
        const { number: _number, id: _id, createdMs: _created, ...attributes } = fresh;
        const operations = readOperations(body['key_ops']);
        const key = await desk.change({
          version: { number, attributes },
          ...(operations === undefined
            ? {}
            : { attributes: { ...before.attributes, [OPERATIONS_ATTRIBUTE]: operations } }),
        });
        return shown(keyBundle(vaultAt(base, desk), name, key, chosenKeyVersion(key, name, id)));
      },
    },
  });
  return jsonReply(dataOf(answer));
}

export async function rotateKey({ operation, base, ask }: Asking): Promise<WireReply> {
  const { name } = operation;
  const answer = await ask({
    operation: 'write',
    part: 'keys',
    path: `keys/${name}/rotate`,
    task: {
      async key(desk) {
        const before = liveKey(desk, name);
        const { tags } = chosenKeyVersion(before, name, '').version;
        const rotated = await desk.rotate();
        const attributes = tags === undefined ? {} : { tags };
        const key = await desk.change({ version: { number: rotated.latestVersion, attributes } });
        return shown(keyBundle(vaultAt(base, desk), name, key, chosenKeyVersion(key, name, '')));
      },
    },
  });
  return jsonReply(dataOf(answer));
}
