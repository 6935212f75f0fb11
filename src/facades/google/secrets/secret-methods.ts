/** Methods about secrets: create, get, list, update, delete. */
import type { Secret } from '../../../model/secret.ts';
import type { ListDesk } from '../../../model/tasks/secret-task.ts';
import { found, messageOf } from '../asking.ts';
import type { Method } from '../asking.ts';
import { matches } from '../filter/match.ts';
import { parseFilter } from '../filter/parse.ts';
import { isSecretId, parseParent, parseSecret, secretText } from '../names.ts';
import type { SecretName } from '../names.ts';
import { SECRET } from '../wire/messages.ts';
import type { Message } from '../wire/schema.ts';
import { StatusError } from '../wire/status.ts';
import { googleAttributes } from './attributes.ts';
import { liveSecret } from './chosen.ts';
import { pageOf, pageToken } from './pages.ts';
import type { Page } from './pages.ts';
import { newSecret, updatedSecret } from './settings.ts';
import { assertEtag, secretEtag, secretMessage } from './shown.ts';
import { assertTopics, planRotation } from './topics.ts';

function text(request: Message, name: string): string {
  return (request[name] as string | undefined) ?? '';
}

export const createSecret: Method = async (request, ask) => {
  const parent = parseParent(text(request, 'parent'));
  const secretId = text(request, 'secretId');
  if (!isSecretId(secretId)) {
    throw new StatusError(
      'INVALID_ARGUMENT',
      'The secret_id must have 1 to 255 characters: letters, digits, - and _.',
    );
  }
  const name: SecretName = { ...parent, secret: secretId };
  const sent = (request['secret'] ?? {}) as Message;
  const answer = await ask({
    name,
    operation: 'write',
    part: 'secrets',
    path: `metadata/${secretId}`,
    task: {
      async secret(desk) {
        if (desk.secret !== undefined) {
          const deleted = desk.secret.deletedMs !== undefined;
          throw new StatusError(
            'ALREADY_EXISTS',
            `Secret [${secretText(name)}] already exists${deleted ? ', deleted but recoverable' : ''}.`,
          );
        }
        desk.create();
        const secret = desk.change((fresh) => newSecret(fresh, sent, name, desk.nowMs));
        planRotation(desk, name, secret, undefined);
        await assertTopics(desk, secret);
        return found(secretMessage(name, secret, desk.nowMs));
      },
    },
  });
  return messageOf(answer);
};

export const getSecret: Method = async (request, ask) => {
  const name = parseSecret(text(request, 'name'));
  const answer = await ask({
    name,
    operation: 'read',
    part: 'secrets',
    path: `metadata/${name.secret}`,
    task: { secret: (desk) => found(secretMessage(name, liveSecret(desk, name), desk.nowMs)) },
  });
  return messageOf(answer);
};

export const updateSecret: Method = async (request, ask) => {
  const sent = (request['secret'] ?? {}) as Message;
  const name = parseSecret(text(sent, 'name'));
  const mask = (request['updateMask'] ?? []) as readonly string[];
  if (mask.length === 0) throw new StatusError('INVALID_ARGUMENT', 'The update_mask is missing.');
  const answer = await ask({
    name,
    operation: 'patch',
    part: 'secrets',
    path: `metadata/${name.secret}`,
    task: {
      async secret(desk) {
        const before = liveSecret(desk, name);
        assertEtag(sent['etag'], secretEtag(before));
        const secret = desk.change((old) => updatedSecret(old, sent, mask, name, desk.nowMs));
        planRotation(desk, name, secret, before);
        if (mask.includes('topics')) await assertTopics(desk, secret);
        return found(secretMessage(name, secret, desk.nowMs));
      },
    },
  });
  return messageOf(answer);
};

export const deleteSecret: Method = async (request, ask) => {
  const name = parseSecret(text(request, 'name'));
  await ask({
    name,
    operation: 'delete',
    part: 'secrets',
    path: `metadata/${name.secret}`,
    task: {
      secret(desk) {
        const secret = liveSecret(desk, name);
        assertEtag(request['etag'], secretEtag(secret));
        if (googleAttributes(secret).rotation !== undefined) desk.planReminder(undefined);
        desk.remove();
        return undefined;
      },
    },
  });
  return {};
};

/** Secrets looked at for one page of a filtered list. */
const LOOKED_AT_MAX = 10_000;
const AT_ONCE = 1_000;

async function collect(
  desk: ListDesk,
  page: Page,
  entry: (path: string, secret: Secret) => Message | undefined,
): Promise<{ secrets: Message[]; after: string }> {
  const secrets: Message[] = [];
  let { after } = page;
  for (let looked = 0; looked < LOOKED_AT_MAX; looked += AT_ONCE) {
    const limit = Math.min(AT_ONCE, page.size - secrets.length);
    const { secrets: some, next } = await desk.page(after, limit);
    for (const { path, secret } of some) {
      const one = entry(path, secret);
      if (one !== undefined) secrets.push(one);
    }
    if (next === undefined) return { secrets, after: '' };
    after = next;
    if (secrets.length >= page.size) break;
  }
  return { secrets, after };
}

/** In order of their names; a list that fits on one page, newest first. */
export const listSecrets: Method = async (request, ask) => {
  const parent = parseParent(text(request, 'parent'));
  const filter = parseFilter(text(request, 'filter'));
  const page = pageOf(request);
  const answer = await ask({
    name: parent,
    operation: 'scan',
    part: 'secrets',
    path: 'metadata/',
    task: {
      list: async (desk) =>
        found(
          await collect(desk, page, (path, secret) => {
            if (!isSecretId(path) || secret.deletedMs !== undefined) return undefined;
            const message = secretMessage({ ...parent, secret: path }, secret, desk.nowMs);
            return filter === undefined || matches(filter, SECRET, message) ? message : undefined;
          }),
        ),
    },
  });
  const { secrets, after } = messageOf(answer) as { secrets: Message[]; after: string };
  const whole = page.after === '' && after === '';
  if (whole) secrets.sort((a, b) => Number(b['createTime']) - Number(a['createTime']));
  return {
    secrets,
    ...(after === '' ? {} : { nextPageToken: pageToken(after) }),
    ...(whole && filter === undefined ? { totalSize: secrets.length } : {}),
  };
};
