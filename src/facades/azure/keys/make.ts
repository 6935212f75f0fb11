/** New keys: made here, or imported. */
import { createPrivateKey } from 'node:crypto';
import { decodeBase64Url } from '../../../base/base64.ts';
import { isJsonObject } from '../../../base/json.ts';
import type { JsonObject } from '../../../base/json.ts';
import type { KeyChanges, KeyDesk, ManagedKey } from '../../../model/tasks/key-task.ts';
import type { WireReply } from '../../facade.ts';
import { dataOf, shown } from '../asking.ts';
import type { Asking } from '../asking.ts';
import { newProperties, readProperties } from '../objects/attributes.ts';
import type { SentProperties } from '../objects/attributes.ts';
import { vaultAt } from '../objects/vault-rules.ts';
import { AzureError, badParameter, deletedButRecoverable, jsonReply } from '../wire/errors.ts';
import { keyBundle, OPERATIONS_ATTRIBUTE, readOperations, typeOf } from './bundle.ts';
import { chosenKeyVersion } from './chosen.ts';

/** What a caller says about a key's newest version, as changes. */
function settings(
  key: ManagedKey,
  number: number,
  sent: SentProperties,
  operations: string | undefined,
): KeyChanges {
  const { contentType: _none, ...attributes } = newProperties(sent);
  return {
    version: { number, attributes },
    ...(operations === undefined
      ? {}
      : { attributes: { ...key.attributes, [OPERATIONS_ATTRIBUTE]: operations } }),
  };
}

/** A new key, or where there is one of the same type, a new version of it. */
export async function createKey({ operation, base, readJson, ask }: Asking): Promise<WireReply> {
  const { name } = operation;
  const answer = await ask({
    operation: 'write',
    part: 'keys',
    path: `keys/${name}`,
    body: readJson,
    task: {
      async key(desk) {
        const body = await readJson();
        const type = typeOf(body['kty'], body['key_size'], body['crv']);
        const operations = readOperations(body['key_ops']);
        const sent = readProperties(body);
        const made = await newOrNext(desk, name, type);
        const key = await desk.change(settings(made, made.latestVersion, sent, operations));
        return shown(keyBundle(vaultAt(base, desk), name, key, chosenKeyVersion(key, name, '')));
      },
    },
  });
  return jsonReply(dataOf(answer));
}

async function newOrNext(desk: KeyDesk, name: string, type: string): Promise<ManagedKey> {
  const before = desk.key;
  if (before === undefined) return await desk.create(type);
  if (before.softDeleted) throw deletedButRecoverable('key', name);
  if (before.type !== type) {
    throw new AzureError(409, 'Conflict', 'There is a key of this name and of another type.');
  }
  return await desk.rotate();
}

/** The members of a private JSON Web Key. */
const BIGNUMS = ['n', 'e', 'd', 'p', 'q', 'dp', 'dq', 'qi', 'x', 'y'] as const;

/** The private key in PKCS #8, and its type here. @throws {AzureError} */
function importedKey(body: JsonObject): { readonly type: string; readonly pkcs8: Buffer } {
  const sent = body['key'];
  if (!isJsonObject(sent)) throw badParameter('The property key is missing.');
  const kty = typeof sent['kty'] === 'string' ? sent['kty'].replace(/-HSM$/, '') : '';
  const jwk: Record<string, string> = { kty };
  if (typeof sent['crv'] === 'string') jwk['crv'] = sent['crv'];
  for (const member of BIGNUMS) {
    const value = sent[member] ?? null;
    if (value === null) continue;
    if (typeof value !== 'string' || decodeBase64Url(value) === undefined) {
      throw badParameter(`The member ${member} of the key is not base64url.`);
    }
    jwk[member] = value;
  }
  try {
    const key = createPrivateKey({ key: jwk, format: 'jwk' });
    const type = typeOf(kty, key.asymmetricKeyDetails?.modulusLength, jwk['crv']);
    return { type, pkcs8: key.export({ format: 'der', type: 'pkcs8' }) };
  } catch (error) {
    if (error instanceof AzureError) throw error;
    throw badParameter('The key cannot be read.');
  }
}

export async function importKey({ operation, base, readJson, ask }: Asking): Promise<WireReply> {
  const { name } = operation;
  const answer = await ask({
    operation: 'write',
    part: 'keys',
    path: `keys/${name}/import`,
    body: readJson,
    task: {
      async key(desk) {
        const body = await readJson();
        const { type, pkcs8 } = importedKey(body);
        const operations = isJsonObject(body['key']) ? body['key']['key_ops'] : undefined;
        if (desk.key?.softDeleted === true) throw deletedButRecoverable('key', name);
        const made = await desk.import(type, pkcs8, false);
        const changes = settings(
          made,
          made.latestVersion,
          readProperties(body),
          readOperations(operations),
        );
        const changed = await desk.change(changes);
        const chosen = chosenKeyVersion(changed, name, '');
        return shown(keyBundle(vaultAt(base, desk), name, changed, chosen));
      },
    },
  });
  return jsonReply(dataOf(answer));
}
