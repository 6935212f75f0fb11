/** `identity/mfa/method/totp/generate` and its administrators' twins: an entity's secret for a method. */
import { encodeBase32 } from '../../base/base32.ts';
import { defineSystemPath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { Request } from '../../model/request.ts';
import type { Unit } from '../../model/transaction.ts';
import type { EntityRecord } from '../records.ts';
import type { MfaContext } from './context.ts';
import type { MfaMethod } from './records.ts';
import type { Reply } from '../../model/reply.ts';

const METHOD_ID = { kind: 'string', description: 'Id of the method.' } as const;
const ENTITY_ID = { kind: 'string', description: 'Id of the entity.' } as const;

export function enrolmentPaths(context: MfaContext): readonly Path<Unit>[] {
  /** @throws {RequestError} */
  async function methodOf(request: Request<never>, unit: Unit, id: string): Promise<MfaMethod> {
    const rules = await context.rules(unit);
    const method = rules.methods.get(id);
    if (method === undefined || !rules.reaches(method, request.namespace))
      throw invalidRequest(`configuration for method ID "${id}" does not exist`);
    return method;
  }

  async function entityOf(request: Request<never>, unit: Unit, id: string): Promise<EntityRecord> {
    const found = await context.identity.membership(unit, request.namespace.id, id);
    if (found === undefined) throw invalidRequest('invalid entity ID');
    return found.entity;
  }

  async function generate(
    request: Request<never>,
    unit: Unit,
    methodId: string,
    entityId: string,
  ): Promise<Reply> {
    if (methodId === '') throw invalidRequest('missing method ID');
    if (entityId === '') throw invalidRequest('missing entityID');
    const method = await methodOf(request, unit, methodId);
    const entity = await entityOf(request, unit, entityId);
    const store = context.at(unit, request.namespace);
    if ((await store.secret(method.id, entity.id)) !== undefined) {
      const warning = `Entity already has a secret for MFA method "${method.name}"`;
      return { data: null, warnings: [warning] };
    }
    const { issuer, periodSeconds, algorithm, digits, skew } = method;
    const secret = encodeBase32(context.random.bytes(method.keyBytes));
    const url = context.ports.keyUri({
      issuer,
      accountName: entity.id,
      secret,
      periodSeconds,
      digits,
      algorithm,
    });
    const picture =
      method.qrPixels === 0 ? Buffer.alloc(0) : await context.ports.qrCode(url, method.qrPixels);
    if (picture === undefined) throw invalidRequest('the QR code does not fit into qr_size');
    store.putSecret(method.id, entity.id, { secret, periodSeconds, algorithm, digits, skew });
    const mfaMethods = [...new Set([...(entity.mfaMethods ?? []), method.id])];
    context.directory(unit, request.namespace).putEntity({ ...entity, mfaMethods }, entity);
    return { data: { barcode: picture.toString('base64'), url } };
  }

  async function destroy(
    request: Request<never>,
    unit: Unit,
    methodId: string,
    entityId: string,
  ): Promise<undefined> {
    if (methodId === '') throw invalidRequest('missing method ID');
    if (entityId === '') throw invalidRequest('missing entity ID');
    const entity = await entityOf(request, unit, entityId);
    const method = await methodOf(request, unit, methodId);
    context.at(unit, request.namespace).deleteSecret(method.id, entity.id);
    const mfaMethods = (entity.mfaMethods ?? []).filter((id) => id !== method.id);
    context.directory(unit, request.namespace).putEntity({ ...entity, mfaMethods }, entity);
    return undefined;
  }

  return [
    defineSystemPath({
      pattern: 'mfa/method/totp/generate',
      fields: { method_id: METHOD_ID },
      help: {
        synopsis: 'Makes the caller’s own secret for a method.',
        description: 'It is shown this once. Who has one already is told so and keeps it.',
      },
      operations: {
        update: {
          summary: 'Make my own TOTP secret',
          handler: async (request, unit) => {
            const { principal, namespace, fields } = request;
            const own = principal?.tokenNamespace.id === namespace.id ? principal.entityId : '';
            return await generate(request as never, unit, fields.method_id ?? '', own);
          },
        },
      },
    }),
    defineSystemPath({
      pattern: 'mfa/method/totp/admin-generate',
      fields: { method_id: METHOD_ID, entity_id: ENTITY_ID },
      help: { synopsis: 'Makes the secret of an entity for a method.' },
      operations: {
        update: {
          summary: 'Make an entity’s TOTP secret',
          handler: async (request, unit) => {
            const { method_id: methodId = '', entity_id: entityId = '' } = request.fields;
            return await generate(request as never, unit, methodId, entityId);
          },
        },
      },
    }),
    defineSystemPath({
      pattern: 'mfa/method/totp/admin-destroy',
      fields: { method_id: METHOD_ID, entity_id: ENTITY_ID },
      help: { synopsis: 'Removes the secret of an entity for a method.' },
      operations: {
        update: {
          summary: 'Remove an entity’s TOTP secret',
          handler: async (request, unit) => {
            const { method_id: methodId = '', entity_id: entityId = '' } = request.fields;
            return await destroy(request as never, unit, methodId, entityId);
          },
        },
      },
    }),
  ];
}
