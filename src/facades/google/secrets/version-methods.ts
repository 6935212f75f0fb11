/** Methods about versions: add, access, get, list, disable, enable, destroy. */
import { isUtf8 } from 'node:buffer';
import { after } from '../../../base/awaitable.ts';
import { crc32c } from '../wire/crc32c.ts';
import type { Secret, Version } from '../../../model/secret.ts';
import { isDeleted } from '../../../model/secret.ts';
import type { SecretDesk } from '../../../model/tasks/secret-task.ts';
import { found, messageOf } from '../asking.ts';
import type { Method } from '../asking.ts';
import { matches } from '../filter/match.ts';
import { parseFilter } from '../filter/parse.ts';
import { parseSecret, parseVersion, versionText } from '../names.ts';
import type { SecretName } from '../names.ts';
import { SECRET_VERSION } from '../wire/messages.ts';
import type { Message } from '../wire/schema.ts';
import { StatusError } from '../wire/status.ts';
import { googleAttributes } from './attributes.ts';
import { chosenVersion, liveSecret, numberedVersion } from './chosen.ts';
import { pageOf, pageToken } from './pages.ts';
import { assertEtag, stateOf, versionEtag, versionMessage, wrongState } from './shown.ts';

/** Largest payload, in bytes. */
const PAYLOAD_BYTES_MAX = 65_536;

function text(request: Message, name: string): string {
  return (request[name] as string | undefined) ?? '';
}

/** @throws {StatusError} */
function payloadOf(request: Message): { readonly data: Buffer; readonly checked: boolean } {
  const payload = request['payload'] as Message | undefined;
  const data = (payload?.['data'] as Buffer | undefined) ?? Buffer.alloc(0);
  if (payload === undefined || data.length === 0) {
    throw new StatusError('INVALID_ARGUMENT', 'The payload is missing.');
  }
  if (data.length > PAYLOAD_BYTES_MAX) {
    throw new StatusError(
      'INVALID_ARGUMENT',
      `The payload must not exceed ${PAYLOAD_BYTES_MAX} bytes.`,
    );
  }
  const sent = payload['dataCrc32c'] as bigint | undefined;
  if (sent !== undefined && sent !== BigInt(crc32c(data))) {
    throw new StatusError('INVALID_ARGUMENT', 'The data_crc32c does not match the payload.');
  }
  return { data, checked: sent !== undefined };
}

export const addSecretVersion: Method = async (request, ask) => {
  const name = parseSecret(text(request, 'parent'));
  const { data, checked } = payloadOf(request);
  const answer = await ask({
    name,
    operation: 'write',
    part: 'secrets',
    path: `data/${name.secret}`,
    task: {
      async secret(desk) {
        liveSecret(desk, name);
        const { secret, version } = await desk.addVersion(data, {
          // This API knows bytes only; text stays text for the others.
          form: isUtf8(data) ? 'text' : 'binary',
          ...(checked ? { checked: true as const } : {}),
        });
        return found(versionMessage(name, secret, version, desk.nowMs));
      },
    },
  });
  return messageOf(answer);
};

export const accessSecretVersion: Method = async (request, ask) => {
  const name = parseVersion(text(request, 'name'));
  const answer = await ask({
    name,
    operation: 'read',
    part: 'secrets',
    path: `data/${name.secret}`,
    task: {
      secret(desk) {
        const version = chosenVersion(liveSecret(desk, name), name);
        const state = stateOf(version, desk.nowMs);
        if (state !== 'ENABLED') throw wrongState(name, version.number, state);
        return after(desk.value(version.number), (data) =>
          found({
            name: versionText(name, version.number),
            payload: { data, dataCrc32c: BigInt(crc32c(data)) },
          }),
        );
      },
    },
  });
  return messageOf(answer);
};

export const getSecretVersion: Method = async (request, ask) => {
  const name = parseVersion(text(request, 'name'));
  const answer = await ask({
    name,
    operation: 'read',
    part: 'secrets',
    path: `metadata/${name.secret}`,
    task: {
      secret(desk) {
        const secret = liveSecret(desk, name);
        return found(versionMessage(name, secret, chosenVersion(secret, name), desk.nowMs));
      },
    },
  });
  return messageOf(answer);
};

/** Newest first; the page token is the number after which the next page goes on downwards. */
export const listSecretVersions: Method = async (request, ask) => {
  const name = parseSecret(text(request, 'parent'));
  const filter = parseFilter(text(request, 'filter'));
  const page = pageOf(request);
  const below = page.after === '' ? Infinity : Number(page.after);
  if (Number.isNaN(below)) {
    throw new StatusError('INVALID_ARGUMENT', 'The page_token is not valid.');
  }
  const answer = await ask({
    name,
    operation: 'read',
    part: 'secrets',
    path: `metadata/${name.secret}`,
    task: {
      secret(desk) {
        const secret = liveSecret(desk, name);
        const all = secret.versions.toReversed().filter((version) => version.number < below);
        const fitting = all
          .map((version) => ({
            number: version.number,
            message: versionMessage(name, secret, version, desk.nowMs),
          }))
          .filter(
            ({ message }) => filter === undefined || matches(filter, SECRET_VERSION, message),
          );
        const some = fitting.slice(0, page.size);
        const last = some.at(-1);
        return found({
          versions: some.map(({ message }) => message),
          ...(last === undefined || fitting.length === some.length
            ? {}
            : { nextPageToken: pageToken(String(last.number)) }),
          ...(filter === undefined ? { totalSize: secret.versions.length } : {}),
        });
      },
    },
  });
  return messageOf(answer);
};

/** A change of one version, told by its state before. */
type Change = (desk: SecretDesk, version: Version, name: SecretName) => Secret;

function changing(
  operation: 'patch' | 'write',
  folder: 'metadata' | 'destroy',
  change: Change,
): Method {
  return async (request, ask) => {
    const name = parseVersion(text(request, 'name'));
    const answer = await ask({
      name,
      operation,
      part: 'secrets',
      path: `${folder}/${name.secret}`,
      task: {
        secret(desk) {
          const before = numberedVersion(liveSecret(desk, name), name);
          assertEtag(request['etag'], versionEtag(before));
          if (stateOf(before, desk.nowMs) === 'DESTROYED') {
            throw wrongState(name, before.number, 'DESTROYED');
          }
          const secret = change(desk, before, name);
          const changed = numberedVersion(secret, name);
          return found(versionMessage(name, secret, changed, desk.nowMs));
        },
      },
    });
    return messageOf(answer);
  };
}

function replaced(desk: SecretDesk, number: number, change: (version: Version) => Version): Secret {
  return desk.change((secret) => ({
    ...secret,
    versions: secret.versions.map((version) =>
      version.number === number ? change(version) : version,
    ),
  }));
}

export const disableSecretVersion: Method = changing('patch', 'metadata', (desk, { number }) =>
  replaced(desk, number, (version) => ({ ...version, disabled: true, updatedMs: desk.nowMs })),
);

/** Also takes back a scheduled destruction, and a deletion through the Vault API. */
export const enableSecretVersion: Method = changing('patch', 'metadata', (desk, { number }) =>
  replaced(desk, number, ({ disabled: _disabled, destroyMs: _destroy, ...version }) => {
    const { deletedMs, ...rest } = version;
    const stays = deletedMs !== undefined && !isDeleted(version, desk.nowMs);
    return { ...rest, ...(stays ? { deletedMs } : {}), updatedMs: desk.nowMs };
  }),
);

/** At once, or where the secret has a delay, disabled now and destroyed then. */
export const destroySecretVersion: Method = changing('write', 'destroy', (desk, { number }) => {
  const { versionDestroyTtlSeconds: delay = 0 } =
    desk.secret === undefined ? {} : googleAttributes(desk.secret);
  if (delay > 0) {
    const destroyMs = desk.nowMs + delay * 1000;
    return replaced(desk, number, (version) => ({ ...version, disabled: true, destroyMs }));
  }
  desk.destroy([number]);
  return replaced(desk, number, (version) => ({ ...version, destroyedMs: desk.nowMs }));
});
