/** Writing secrets: a new version, and the properties of one that is there. */
import type { JsonObject } from '../../../base/json.ts';
import type { WireReply } from '../../facade.ts';
import { dataOf, shown } from '../asking.ts';
import type { Asking } from '../asking.ts';
import { vaultAt } from '../objects/vault-rules.ts';
import { badParameter, deletedButRecoverable, jsonReply } from '../wire/errors.ts';
import { changedProperties, newProperties, readProperties } from '../objects/attributes.ts';
import { propertiesOf } from './bundle.ts';
import { chosenVersion, liveSecret } from './read.ts';

/** Largest value, in bytes: what every one of the cloud APIs carries. Key Vault itself stops at 25 KB. */
export const VALUE_BYTES_MAX = 65_536;

/** @throws {AzureError} */
function valueOf(body: JsonObject): string {
  const value = body['value'];
  if (typeof value !== 'string') throw badParameter('The property value is missing.');
  if (Buffer.byteLength(value) > VALUE_BYTES_MAX) {
    throw badParameter(`The property value must not be larger than ${VALUE_BYTES_MAX} bytes.`);
  }
  return value;
}

export async function setSecret({ operation, base, readJson, ask }: Asking): Promise<WireReply> {
  const { name } = operation;
  const answer = await ask({
    operation: 'write',
    part: 'secrets',
    path: `data/${name}`,
    body: readJson,
    task: {
      async secret(desk) {
        const body = await readJson();
        const value = valueOf(body);
        const properties = newProperties(readProperties(body));
        if (desk.secret === undefined) desk.create();
        else if (desk.secret.deletedMs !== undefined) throw deletedButRecoverable('secret', name);
        const { secret, version } = await desk.addVersion(Buffer.from(value), {
          form: 'text',
          ...properties,
        });
        return shown({ value, ...propertiesOf(vaultAt(base, desk), name, secret, version) });
      },
    },
  });
  return jsonReply(dataOf(answer));
}

export async function updateSecret({ operation, base, readJson, ask }: Asking): Promise<WireReply> {
  const { name, version: id } = operation;
  const answer = await ask({
    operation: 'patch',
    part: 'secrets',
    path: `metadata/${name}`,
    body: readJson,
    task: {
      async secret(desk) {
        const sent = readProperties(await readJson());
        const { number } = chosenVersion(liveSecret(desk, name), name, id, desk.nowMs);
        const secret = desk.change((before) => ({
          ...before,
          versions: before.versions.map((version) =>
            version.number === number ? changedProperties(version, sent, desk.nowMs) : version,
          ),
        }));
        const version = chosenVersion(secret, name, id, desk.nowMs);
        return shown(propertiesOf(vaultAt(base, desk), name, secret, version));
      },
    },
  });
  return jsonReply(dataOf(answer));
}
