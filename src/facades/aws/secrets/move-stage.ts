/** UpdateSecretVersionStage. */
import { setLabels } from '../../../model/secret.ts';
import { operation } from '../asking.ts';
import type { Operation } from '../asking.ts';
import { invalidParameter, invalidRequest } from '../errors.ts';
import { SECRET_ID_MAX } from './names.ts';
import { onSecret } from './on-secret.ts';
import type { Opened } from './on-secret.ts';
import {
  CURRENT,
  PREVIOUS,
  versionById,
  versionByStage,
  versionIdOf,
  withoutWaiting,
} from './stages.ts';

const SECRET_ID = { kind: 'string', min: 1, max: SECRET_ID_MAX, required: true } as const;
const TOKEN = { kind: 'string', min: 32, max: 64 } as const;

export const updateSecretVersionStage: Operation = operation(
  {
    SecretId: SECRET_ID,
    VersionStage: { kind: 'string', min: 1, max: 256, required: true },
    RemoveFromVersionId: TOKEN,
    MoveToVersionId: TOKEN,
  },
  async (input, asking) =>
    await onSecret(
      asking,
      input.SecretId,
      { operation: 'write', at: 'metadata' },
      async (opened) => {
        await moveStage(
          opened,
          input.VersionStage,
          input.RemoveFromVersionId,
          input.MoveToVersionId,
        );
        return { ARN: opened.arn, Name: opened.name };
      },
    ),
);

async function moveStage(
  { desk, secret }: Opened,
  stage: string,
  from: string | undefined,
  to: string | undefined,
): Promise<void> {
  const waitingById = secret.waiting ?? {};
  for (const id of [from, to]) {
    if (
      id !== undefined &&
      versionById(secret, id) === undefined &&
      !Object.hasOwn(waitingById, id)
    ) {
      throw invalidParameter(`Not a valid version: ${id}`);
    }
  }
  const holder = versionByStage(secret, stage);
  const waiting = Object.keys(waitingById).find((id) => waitingById[id]?.includes(stage) === true);
  const holderId = holder === undefined ? waiting : versionIdOf(holder);
  if (to === undefined && stage === CURRENT) {
    throw invalidParameter(
      `You can't remove the staging label ${CURRENT}: move it to another version.`,
    );
  }
  if (from === undefined && to === undefined) {
    throw invalidParameter('You must specify RemoveFromVersionId, MoveToVersionId or both.');
  }
  if (to !== undefined && to === holderId) return;
  if (from === undefined && holderId !== undefined) {
    throw invalidParameter(
      `The parameter RemoveFromVersionId can't be empty. Staging label ${stage} is currently attached to version ${holderId}, so you must explicitly reference that version in RemoveFromVersionId.`,
    );
  }
  if (from !== undefined && from !== holderId) {
    throw invalidParameter(
      `The staging label ${stage} isn't currently attached to version ${from}.`,
    );
  }
  const target = to === undefined ? undefined : versionById(secret, to);
  if (to !== undefined && target === undefined) {
    throw invalidRequest('A staging label can only be moved to a version that has a value.');
  }
  if (stage === CURRENT && target !== undefined) {
    await desk.serve(target.number);
    return;
  }
  desk.change((before) => {
    const cleared = withoutWaiting(before, '', [stage]);
    if (stage !== PREVIOUS) return setLabels(cleared, { [stage]: target?.number ?? 0 });
    const { previous: _previous, ...rest } = cleared;
    return target === undefined ? rest : { ...rest, previous: target.number };
  });
}
