/** A certificate as it is, its policy, and what may be changed of both. */
import { isJsonObject } from '../../../base/json.ts';
import type { JsonObject } from '../../../base/json.ts';
import type { CertificateDesk } from '../../../model/tasks/certificate-task.ts';
import type { WireReply } from '../../facade.ts';
import { dataOf, shown } from '../asking.ts';
import type { Asking } from '../asking.ts';
import { readProperties } from '../objects/attributes.ts';
import { vaultAt } from '../objects/vault-rules.ts';
import { jsonReply, objectNotFound } from '../wire/errors.ts';
import {
  awaitedBundle,
  certificateBundle,
  chosenVersion,
  liveCertificate,
  notesOf,
  POLICY,
  policyOf,
  shownPolicy,
} from './bundle.ts';
import { pathOf } from './make.ts';
import { readPolicy, UNKNOWN } from './policy.ts';

export async function getCertificate({ operation, base, ask }: Asking): Promise<WireReply> {
  const { name, version: id } = operation;
  const answer = await ask({
    operation: 'read',
    part: 'certificates',
    path: `stored/${name}/info`,
    task: {
      async certificate(desk) {
        const { awaited } = desk;
        if (desk.certificate === undefined && awaited !== undefined && id === '') {
          return shown(awaitedBundle(base, desk, awaited));
        }
        const certificate = liveCertificate(desk, name);
        const version = chosenVersion(certificate, name, id);
        return shown(await certificateBundle(base, desk, certificate, version));
      },
    },
  });
  return jsonReply(dataOf(answer));
}

export async function updateCertificate(asking: Asking): Promise<WireReply> {
  const { operation, base, readJson, ask } = asking;
  const { name, version: id } = operation;
  const answer = await ask({
    operation: 'write',
    part: 'certificates',
    path: `stored/${name}/info`,
    body: readJson,
    task: {
      async certificate(desk) {
        const sent = readProperties(await readJson());
        const before = chosenVersion(liveCertificate(desk, name), name, id);
        const { disabled, tags } = before;
        const notes = {
          ...(disabled === true && sent.enabled === undefined ? { disabled } : {}),
          ...(tags === undefined ? {} : { tags }),
          ...notesOf(sent),
          updatedMs: desk.nowMs,
        };
        const certificate = await desk.change({ version: { id: before.id, notes } });
        const version = chosenVersion(certificate, name, before.id);
        return shown(await certificateBundle(base, desk, certificate, version));
      },
    },
  });
  return jsonReply(dataOf(answer));
}

/** The policy of the certificate, or of the one that is awaited. @throws {AzureError} */
async function currentPolicy(desk: CertificateDesk): Promise<JsonObject> {
  const { name, certificate, awaited } = desk;
  if (certificate !== undefined && certificate.deletedMs === undefined) {
    const { certificates } = await desk.material(chosenVersion(certificate, name, '').id);
    return policyOf(certificate, certificates[0] ?? Buffer.alloc(0));
  }
  const pending = awaited?.attributes?.[POLICY];
  if (isJsonObject(pending)) return pending;
  throw objectNotFound('certificate', name);
}

async function askPolicy({ operation, ask }: Asking): Promise<JsonObject> {
  const answer = await ask({
    operation: 'read',
    part: 'certificates',
    path: `stored/${operation.name}/info`,
    task: { certificate: async (desk) => shown(await currentPolicy(desk)) },
  });
  return { ...dataOf(answer) } as JsonObject;
}

export async function getPolicy(asking: Asking): Promise<WireReply> {
  const { operation, base, ask } = asking;
  const answer = await ask({
    operation: 'read',
    part: 'certificates',
    path: `stored/${operation.name}/info`,
    task: {
      async certificate(desk) {
        const policy = await currentPolicy(desk);
        return shown(shownPolicy(vaultAt(base, desk), operation.name, policy, desk.certificate));
      },
    },
  });
  return jsonReply(dataOf(answer));
}

/** Where a role is to sign what is made next, this needs the right to have it sign. */
export async function updatePolicy(asking: Asking): Promise<WireReply> {
  const { operation, base, readJson, ask } = asking;
  const { name } = operation;
  const sent = await readJson();
  const policy = readPolicy(sent, await askPolicy(asking));
  const answer = await ask({
    operation: 'write',
    part: 'certificates',
    path: pathOf(name, policy.issuer, `stored/${name}/info`),
    body: readJson,
    task: {
      async certificate(desk) {
        const before = liveCertificate(desk, name);
        const certificate = await desk.change({
          plan: policy.issuer === UNKNOWN ? undefined : policy.plan,
          renewal: policy.renewal,
          attributes: { ...before.attributes, [POLICY]: policy.shown },
        });
        return shown(shownPolicy(vaultAt(base, desk), name, policy.shown, certificate));
      },
    },
  });
  return jsonReply(dataOf(answer));
}
