/** New certificates: signed by their own key, by a role of the bound PKI mount, or by an authority elsewhere. */
import { decodeBase64 } from '../../../base/base64.ts';
import { isJsonObject } from '../../../base/json.ts';
import type { JsonObject } from '../../../base/json.ts';
import type { CertificateDesk, KeptCertificate } from '../../../model/tasks/certificate-task.ts';
import { RequestError } from '../../../model/errors.ts';
import type { WireReply } from '../../facade.ts';
import { dataOf, shown } from '../asking.ts';
import type { Asking } from '../asking.ts';
import { readProperties } from '../objects/attributes.ts';
import { AzureError, badParameter, deletedButRecoverable, jsonReply } from '../wire/errors.ts';
import {
  awaitedOperation,
  certificateBundle,
  chosenVersion,
  notesOf,
  OPERATION,
  operationBundle,
  pendingNotFound,
  POLICY,
} from './bundle.ts';
import { readPolicy, SELF, UNKNOWN } from './policy.ts';
import type { Policy } from './policy.ts';

const CHAIN_MAX = 20;
/** These stand where a name stands. */
const RESERVED: ReadonlySet<string> = new Set(['issuers', 'contacts']);

/** @throws {AzureError} */
export function assertTakeable(desk: CertificateDesk, name: string): void {
  if (RESERVED.has(name.toLowerCase())) throw badParameter('The name is reserved.');
  if (desk.certificate?.deletedMs !== undefined) throw deletedButRecoverable('certificate', name);
  if (desk.awaited !== undefined && desk.awaited.cancelled !== true) {
    throw new AzureError(
      409,
      'Conflict',
      "A new key vault certificate can not be created or imported while a pending key vault certificate's status is inProgress.",
    );
  }
}

/** The path whose right is needed: that of the role that signs, if one does. */
export function pathOf(name: string, issuer: string, otherwise: string): string {
  const role = issuer === SELF || issuer === UNKNOWN ? undefined : issuer;
  return role === undefined ? otherwise : `stored/${name}/issue/${role}`;
}

/** What a role does not allow is the caller's mistake here, and a missing one is not told apart from one not offered. */
async function made(
  desk: CertificateDesk,
  policy: Policy,
  body: JsonObject,
): Promise<KeptCertificate> {
  try {
    return await desk.make(policy.plan, notesOf(readProperties(body)));
  } catch (error) {
    if (!(error instanceof RequestError) || error instanceof AzureError) throw error;
    throw badParameter(error.message);
  }
}

async function create(
  desk: CertificateDesk,
  base: string,
  policy: Policy,
  body: JsonObject,
): Promise<Record<string, unknown>> {
  const { name } = desk;
  assertTakeable(desk, name);
  if (policy.issuer === UNKNOWN) {
    const { enabled, tags } = readProperties(body);
    const awaited = await desk.await(policy.plan, {
      [POLICY]: policy.shown,
      ...(enabled === undefined ? {} : { enabled }),
      ...(tags === undefined ? {} : { tags: { ...tags } }),
    });
    return awaitedOperation(base, name, awaited);
  }
  const before = await made(desk, policy, body);
  const id = chosenVersion(before, name, '').id;
  await desk.change({
    renewal: policy.renewal,
    attributes: {
      ...before.attributes,
      [POLICY]: policy.shown,
      [OPERATION]: { id, issuer: policy.issuerName },
    },
  });
  // It is done, and whoever asks is told so; but clients take the answer to this request for its beginning.
  return operationBundle(base, name, { id, issuer: policy.issuerName, status: 'inProgress' });
}

export async function createCertificate(asking: Asking): Promise<WireReply> {
  const { operation, base, readJson, ask } = asking;
  const { name } = operation;
  const body = await readJson();
  const sent = body['policy'];
  if (!isJsonObject(sent)) throw badParameter('The property policy is missing.');
  const policy = readPolicy(sent);
  const answer = await ask({
    operation: 'write',
    part: 'certificates',
    path: pathOf(name, policy.issuer, `stored/${name}`),
    body: readJson,
    task: {
      certificate: async (desk) => shown(await create(desk, base, policy, body)),
    },
  });
  return jsonReply(dataOf(answer), 202, { Location: `${base}/certificates/${name}/pending` });
}

function wordOf(object: JsonObject, name: string): string {
  const value = object[name];
  return typeof value === 'string' ? value : '';
}

/** The operation that is under way, else the one that made the newest version. @throws {AzureError} */
function pending(base: string, desk: CertificateDesk): Record<string, unknown> {
  const { name } = desk;
  if (desk.awaited !== undefined) return awaitedOperation(base, name, desk.awaited);
  const { certificate } = desk;
  const last =
    certificate?.deletedMs === undefined ? certificate?.attributes?.[OPERATION] : undefined;
  if (!isJsonObject(last)) throw pendingNotFound(name);
  return operationBundle(base, name, {
    id: wordOf(last, 'id'),
    issuer: wordOf(last, 'issuer'),
    status: 'completed',
  });
}

export async function getPending({ operation, base, ask }: Asking): Promise<WireReply> {
  const answer = await ask({
    operation: 'read',
    part: 'certificates',
    path: `stored/${operation.name}/info`,
    task: { certificate: (desk) => shown(pending(base, desk)) },
  });
  return jsonReply(dataOf(answer));
}

/** Cancels it: what is completed cannot be, and what is cancelled stays so. */
export async function updatePending(asking: Asking): Promise<WireReply> {
  const { operation, base, readJson, ask } = asking;
  const { name } = operation;
  const answer = await ask({
    operation: 'write',
    part: 'certificates',
    path: `stored/${name}`,
    body: readJson,
    task: {
      async certificate(desk) {
        const { cancellation_requested: cancelled } = await readJson();
        if (typeof cancelled !== 'boolean') {
          throw badParameter('The property cancellation_requested is not a boolean.');
        }
        const before = pending(base, desk);
        const { awaited } = desk;
        if (awaited === undefined) {
          if (!cancelled) return shown(before);
          throw badParameter('The operation is completed and cannot be cancelled.');
        }
        if (!cancelled) return shown(before);
        desk.changeAwaited({ ...awaited, cancelled });
        return shown(pending(base, desk));
      },
    },
  });
  return jsonReply(dataOf(answer));
}

export async function deletePending({ operation, base, ask }: Asking): Promise<WireReply> {
  const { name } = operation;
  const answer = await ask({
    operation: 'write',
    part: 'certificates',
    path: `stored/${name}`,
    task: {
      async certificate(desk) {
        const before = pending(base, desk);
        if (desk.awaited !== undefined) desk.changeAwaited(undefined);
        else {
          const { [OPERATION]: _done, ...attributes } = desk.certificate?.attributes ?? {};
          await desk.change({ attributes });
        }
        return shown(before);
      },
    },
  });
  return jsonReply(dataOf(answer));
}

function chainOf({ x5c }: JsonObject): readonly Buffer[] {
  if (!Array.isArray(x5c) || x5c.length === 0 || x5c.length > CHAIN_MAX) {
    throw badParameter('The property x5c is not a list of certificates.');
  }
  return x5c.map((one) => {
    const bytes = typeof one === 'string' ? decodeBase64(one) : undefined;
    if (bytes === undefined) throw badParameter('The property x5c holds what is not base64.');
    return bytes;
  });
}

export async function mergeCertificate(asking: Asking): Promise<WireReply> {
  const { operation, base, readJson, ask } = asking;
  const { name } = operation;
  const answer = await ask({
    operation: 'write',
    part: 'certificates',
    path: `stored/${name}`,
    body: readJson,
    task: {
      async certificate(desk) {
        const body = await readJson();
        const { awaited } = desk;
        if (desk.certificate?.deletedMs !== undefined) {
          throw deletedButRecoverable('certificate', name);
        }
        if (awaited === undefined || awaited.cancelled === true) throw pendingNotFound(name);
        const { [POLICY]: policy, ...asked } = awaited.attributes ?? {};
        const sent = readProperties({ ...body, tags: body['tags'] ?? asked['tags'] ?? null });
        const enabled = sent.enabled ?? asked['enabled'] !== false;
        const merged = await merge(desk, chainOf(body), { ...sent, enabled });
        const certificate = await desk.change({
          attributes: {
            ...merged.attributes,
            ...(policy === undefined ? {} : { [POLICY]: policy }),
            [OPERATION]: { id: awaited.id, issuer: 'Unknown' },
          },
        });
        const version = chosenVersion(certificate, name, '');
        return shown(await certificateBundle(base, desk, certificate, version));
      },
    },
  });
  return jsonReply(dataOf(answer), 201);
}

async function merge(
  desk: CertificateDesk,
  chain: readonly Buffer[],
  sent: Parameters<typeof notesOf>[0],
): Promise<KeptCertificate> {
  try {
    return await desk.merge(chain, notesOf(sent));
  } catch (error) {
    if (!(error instanceof RequestError) || error instanceof AzureError) throw error;
    throw badParameter(
      'The public key of the certificate is not that of the pending certificate, or the certificate cannot be read.',
    );
  }
}
