/** `identity/mfa/method`: the ways to show a second factor. */
import { uuid } from '../../base/random.ts';
import { defineSystemPath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest, notFound, permissionDenied } from '../../model/errors.ts';
import type { Request } from '../../model/request.ts';
import type { Unit } from '../../model/transaction.ts';
import { listed } from '../records.ts';
import type { MfaContext } from './context.ts';
import { TOTP_ALGORITHMS, shownMethod } from './records.ts';
import type { MfaMethod } from './records.ts';
import type { MfaRules } from './rules.ts';
import type { NamespaceRef } from '../../model/principal.ts';
import type { Reply } from '../../model/reply.ts';

const PERIOD_SECONDS = 30;
const DIGITS = 6;
const KEY_BYTES = 20;
const QR_PIXELS = 200;
const ATTEMPTS_MAX = 5;
/** Longest key, period, picture and names: what fits into an app and its QR code. */
const KEY_BYTES_MAX = 1024;
const PERIOD_SECONDS_MAX = 3600;
const QR_PIXELS_MAX = 2000;
const NAME_LENGTH_MAX = 256;
/** Types of the reference that ask a service of their makers: none of those is asked from here. */
export const OTHER_TYPES: readonly string[] = ['duo', 'okta', 'pingid'];

const METHOD_ID = { kind: 'string', description: 'Id of the method.' } as const;

interface TotpWish {
  readonly method_id?: string | undefined;
  readonly method_name?: string | undefined;
  readonly issuer?: string | undefined;
  readonly period: number;
  readonly key_size: number;
  readonly qr_size: number;
  readonly algorithm: string;
  readonly digits: number;
  readonly skew: number;
  readonly max_validation_attempts?: number | undefined;
}

type Settings = Omit<MfaMethod, 'id' | 'type' | 'name' | 'namespaceId'>;

/** @throws {RequestError} */
function settingsOf(wish: TotpWish): Settings {
  const { issuer = '', max_validation_attempts: attempts = 0 } = wish;
  if (!TOTP_ALGORITHMS.has(wish.algorithm)) throw invalidRequest('unrecognized algorithm');
  if (wish.digits !== 6 && wish.digits !== 8) throw invalidRequest('digits can only be 6 or 8');
  if (wish.period <= 0) throw invalidRequest('period must be greater than zero');
  if (wish.skew !== 0 && wish.skew !== 1) throw invalidRequest('skew must be 0 or 1');
  if (wish.key_size <= 0) throw invalidRequest('key_size must be greater than zero');
  if (issuer === '') throw invalidRequest('issuer must be set');
  if (attempts < 0) throw invalidRequest('max_validation_attempts must be greater than zero');
  if (
    wish.key_size > KEY_BYTES_MAX ||
    wish.period > PERIOD_SECONDS_MAX ||
    wish.qr_size < 0 ||
    wish.qr_size > QR_PIXELS_MAX ||
    issuer.length > NAME_LENGTH_MAX
  )
    throw invalidRequest('a setting is out of bounds');
  return {
    issuer,
    periodSeconds: wish.period,
    algorithm: wish.algorithm,
    digits: wish.digits,
    skew: wish.skew,
    keyBytes: wish.key_size,
    qrPixels: wish.qr_size,
    attemptsMax: attempts === 0 ? ATTEMPTS_MAX : attempts,
  };
}

/** The reference answers these refusals with 500. */
function refused(text: string): Error {
  return invalidRequest(listed(text), { vaultStatus: 500 });
}

export function methodPaths(context: MfaContext): readonly Path<Unit>[] {
  async function writeTotp(request: Request<TotpWish>, unit: Unit): Promise<Reply | undefined> {
    const { fields, namespace } = request;
    const { method_id: id = '', method_name: name = '' } = fields;
    if (name.length > NAME_LENGTH_MAX) throw invalidRequest('the name is too long');
    const rules = await context.rules(unit);
    const byId = rules.methods.get(id);
    if (id !== '' && byId === undefined) return undefined;
    const byName =
      name === ''
        ? undefined
        : rules
            .methodsFor(namespace)
            .find((method) => method.name === name && method.namespaceId === namespace.id);
    if (byId !== undefined && byName !== undefined && byId.id !== byName.id)
      throw refused(`a login MFA method configuration with the method name ${name} already exists`);
    const before = byId ?? byName;
    if (before !== undefined && before.namespaceId !== namespace.id)
      throw invalidRequest('request namespace does not match method namespace');
    const method: MfaMethod = {
      ...settingsOf(fields),
      id: before?.id ?? uuid(context.random),
      type: 'totp',
      name: name === '' ? (before?.name ?? '') : name,
      namespaceId: namespace.id,
    };
    await context.at(unit, namespace).putMethod(method);
    context.changed(unit);
    return id === '' ? { data: { method_id: method.id } } : undefined;
  }

  /** A method of this namespace, of one above it or of one below it. @throws {RequestError} */
  function visible(rules: MfaRules, id: string, namespace: NamespaceRef): MfaMethod {
    if (id === '') throw invalidRequest('missing method ID');
    const method = rules.methods.get(id);
    if (method === undefined) throw notFound();
    const below = rules.namespacePath(method).startsWith(namespace.path);
    if (!below && !rules.reaches(method, namespace)) throw permissionDenied();
    return method;
  }

  async function read(
    request: Request<{ readonly method_id?: string | undefined }>,
    unit: Unit,
    type: string | undefined,
  ): Promise<Reply> {
    const rules = await context.rules(unit);
    const method = visible(rules, request.fields.method_id ?? '', request.namespace);
    if (type !== undefined && method.type !== type)
      throw invalidRequest(`failed to find the method ID under MFA type ${type}.`);
    return { data: shownMethod(method, rules.namespacePath(method)) };
  }

  async function remove(
    request: Request<{ readonly method_id?: string | undefined }>,
    unit: Unit,
    type: string,
  ): Promise<undefined> {
    const { method_id: id = '' } = request.fields;
    if (id === '') throw invalidRequest('missing method ID');
    const rules = await context.rules(unit);
    const user = rules.enforcementThatUses(id);
    if (user !== undefined) {
      throw refused(`methodID is still used by an enforcement configuration with ID: ${user.id}`);
    }
    const method = rules.methods.get(id);
    if (method === undefined) return undefined;
    if (method.type !== type) throw refused('method type does not match the MFA config type');
    if (method.namespaceId !== request.namespace.id)
      throw refused('request namespace does not match method namespace');
    await context.at(unit, request.namespace).deleteMethod(id);
    context.changed(unit);
    return undefined;
  }

  async function list(request: Request, unit: Unit, type?: string): Promise<Reply> {
    const rules = await context.rules(unit);
    const found = rules
      .methodsFor(request.namespace)
      .filter((method) => type === undefined || method.type === type)
      .sort((a, b) => (a.id < b.id ? -1 : 1));
    if (found.length === 0) throw notFound();
    return {
      data: {
        key_info: Object.fromEntries(
          found.map((method) => [method.id, shownMethod(method, rules.namespacePath(method))]),
        ),
        keys: found.map((method) => method.id),
      },
    };
  }

  return [
    defineSystemPath({
      pattern: 'mfa/method/totp[/{method_id:uuid}]',
      fields: {
        method_id: METHOD_ID,
        method_name: { kind: 'string', description: 'Name of the method, unique here.' },
        issuer: { kind: 'string', description: 'What apps show as the one who asks for codes.' },
        period: {
          kind: 'duration_seconds',
          description: 'How long a code counts.',
          default: PERIOD_SECONDS,
        },
        key_size: { kind: 'int', description: 'Length of a secret in bytes.', default: KEY_BYTES },
        qr_size: {
          kind: 'int',
          description: 'Size of the QR code in pixels; 0 for none.',
          default: QR_PIXELS,
        },
        algorithm: {
          kind: 'string',
          description: 'Hash of the codes: SHA1, SHA256 or SHA512.',
          default: 'SHA1',
        },
        digits: { kind: 'int', description: 'Length of a code: 6 or 8.', default: DIGITS },
        skew: {
          kind: 'int',
          description: 'Periods before and after the present one whose codes count: 0 or 1.',
          default: 1,
        },
        max_validation_attempts: {
          kind: 'int',
          description: 'Codes that may be tried in one period; 5 unless said.',
        },
      },
      help: { synopsis: 'Creates, reads, changes, deletes and lists methods of time-based codes.' },
      operations: {
        read: {
          summary: 'Read a TOTP method',
          handler: (request, unit) => read(request, unit, 'totp'),
        },
        update: { summary: 'Create or change a TOTP method', handler: writeTotp },
        delete: {
          summary: 'Delete a TOTP method',
          handler: (request, unit) => remove(request, unit, 'totp'),
        },
        list: {
          summary: 'List TOTP methods',
          handler: (request, unit) => list(request as Request, unit, 'totp'),
        },
      },
    }),
    ...OTHER_TYPES.map((type) =>
      defineSystemPath({
        pattern: `mfa/method/${type}[/{method_id:uuid}]`,
        fields: { method_id: METHOD_ID },
        help: {
          synopsis: `Says that there are no methods of type ${type} here.`,
          description: `Methods of type ${type} would send every login to a service outside. Use totp.`,
        },
        operations: {
          read: {
            summary: `Read a method of type ${type}`,
            handler: (request, unit) => read(request, unit, type),
          },
          update: {
            summary: `Refuse a method of type ${type}`,
            handler: () => {
              throw invalidRequest(
                `MFA methods of type ${type} are not supported by this server; use totp`,
              );
            },
          },
          delete: {
            summary: `Delete a method of type ${type}`,
            handler: (request, unit) => remove(request, unit, type),
          },
          list: {
            summary: `List methods of type ${type}`,
            handler: (request, unit) => list(request as Request, unit, type),
          },
        },
      }),
    ),
    // Last: `totp` too would be an id here.
    defineSystemPath({
      pattern: 'mfa/method[/{method_id:uuid}]',
      fields: { method_id: METHOD_ID },
      help: { synopsis: 'Reads a method of the second factor, and lists all of them.' },
      operations: {
        read: {
          summary: 'Read an MFA method',
          handler: (request, unit) => read(request, unit, undefined),
        },
        list: {
          summary: 'List MFA methods',
          handler: (request, unit) => list(request as Request, unit),
        },
      },
    }),
  ];
}
