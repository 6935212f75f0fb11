/** `sys/wrapping`: look at, open and renew a wrapped answer. A wrapping token opens exactly once. */
import { formatTime } from '../base/time-format.ts';
import { defineSystemPath } from '../model/backend.ts';
import type { OperationSpec, Path } from '../model/backend.ts';
import {
  RequestError,
  invalidRequest,
  permissionDenied,
  unsupportedOperation,
} from '../model/errors.ts';
import type { Request } from '../model/request.ts';
import type { Stored, Unit } from '../model/transaction.ts';
import type { TokenRecord } from '../tokens/token-record.ts';
import type { TokenStore } from '../tokens/token-store.ts';
import { heldRequest } from '../core/held/held-request.ts';
import { WRAPPING_POLICY } from '../core/steps/wrapping.ts';
import { WRAPPED_KEY, cubbyholePrefix } from '../core/cubbyhole.ts';
import type { Reply } from '../model/reply.ts';

export interface WrappingPorts {
  readonly tokens: TokenStore;
}

const NOT_VALID = 'wrapping token is not valid or does not exist';
const token = {
  kind: 'string',
  description: 'The wrapping token; the token used to ask when left out.',
  sensitive: true,
} as const;

interface RawEnvelope {
  readonly data: {
    readonly http_content_type: string;
    readonly http_raw_body: string;
    readonly http_status_code: number;
  };
}

interface WrappingFields {
  readonly token?: string | undefined;
}

/** @throws {RequestError} permission_denied: nothing is shown that could be a token */
function sentToken(sent: unknown): string {
  if (typeof sent === 'string' && sent !== '') return sent;
  const problem = sent === undefined || sent === '' ? 'token is empty' : 'token is no text';
  throw new RequestError('permission_denied', `error validating wrapping token: ${problem}`);
}

async function wrappingToken(
  ports: WrappingPorts,
  unit: Unit,
  request: Request<WrappingFields>,
): Promise<Stored<TokenRecord>> {
  const text = sentToken(request.data['token'] ?? request.clientToken);
  const record = await ports.tokens.lookup(unit, text, request.nowMs);
  if (record?.wrapped === undefined || record.policies[0] !== WRAPPING_POLICY)
    throw invalidRequest(NOT_VALID);
  // What one tenant has wrapped is not opened, or even found, from another.
  if (record.namespaceId !== request.namespace.id) throw invalidRequest(NOT_VALID);
  return record;
}

/** The stored envelope; the token dies in the same commit, so of two that race only one gets it. */
async function open(
  ports: WrappingPorts,
  unit: Unit,
  request: Request<WrappingFields>,
): Promise<{ envelope: string; record: Stored<TokenRecord> }> {
  const record = await wrappingToken(ports, unit, request);
  const stored = await unit
    .view(record.namespaceId, cubbyholePrefix(record.id))
    .getJson<{ response: string }>(WRAPPED_KEY);
  if (stored === undefined) throw invalidRequest(NOT_VALID);
  unit.view(record.namespaceId, cubbyholePrefix(record.id)).delete(WRAPPED_KEY);
  ports.tokens.revoke(unit, record, request.nowMs);
  return { envelope: stored.response, record };
}

async function unwrap(
  ports: WrappingPorts,
  unit: Unit,
  request: Request<WrappingFields>,
): Promise<Reply> {
  const waiting = await wrappingToken(ports, unit, request);
  const { id, namespaceId } = waiting;
  if ((await heldRequest(unit, waiting)) !== undefined) return { resume: { id, namespaceId } };
  const { envelope, record } = await open(ports, unit, request);
  return record.wrapped?.raw === true ? rawOf(envelope) : { unwrapped: envelope };
}

/** The bytes that an envelope was made of. */
function rawOf(envelope: string): Reply {
  const { data } = JSON.parse(envelope) as RawEnvelope;
  const body = Buffer.from(data.http_raw_body, 'base64');
  return { status: data.http_status_code, raw: { contentType: data.http_content_type, body } };
}

async function rewrap(
  ports: WrappingPorts,
  unit: Unit,
  request: Request<WrappingFields>,
): Promise<Reply> {
  const { envelope, record } = await open(ports, unit, request);
  const { wrapped } = record;
  if (wrapped === undefined) throw invalidRequest(NOT_VALID);
  return {
    rewrap: { envelope, ...wrapped },
  };
}

async function lookup(
  ports: WrappingPorts,
  unit: Unit,
  request: Request<WrappingFields>,
): Promise<Reply> {
  const record = await wrappingToken(ports, unit, request);
  return {
    data: {
      creation_path: record.wrapped?.creationPath ?? '',
      creation_time: formatTime(record.createdMs),
      creation_ttl: record.wrapped?.ttlSeconds ?? 0,
    },
  };
}

/** Opening needs a caller: the wrapping token itself, or another live token that may. */
function needsCaller(request: Request<WrappingFields>): void {
  if (request.clientToken === undefined || request.clientToken === '') throw permissionDenied();
}

type Refused = OperationSpec<Unit, WrappingFields>;

/** Whatever is asked of these paths, the wrapping token is looked at first. */
function refuseVerb(ports: WrappingPorts): Record<'read' | 'delete' | 'header', Refused> {
  const handler = async (request: Request<WrappingFields>, unit: Unit): Promise<never> => {
    await wrappingToken(ports, unit, request);
    throw unsupportedOperation('1 error occurred:\n\t* unsupported operation\n\n');
  };
  const refused = { summary: 'Refused: only a write opens it', handler };
  return { read: refused, delete: refused, header: refused };
}

export function wrappingPaths(ports: WrappingPorts): Path<Unit>[] {
  return [
    defineSystemPath({
      pattern: 'wrapping/lookup',
      fields: { token },
      unauthenticated: true,
      help: { synopsis: 'Shows what a wrapping token was made from and when, without opening it.' },
      operations: {
        ...refuseVerb(ports),
        read: {
          summary: 'Look at a wrapping token',
          handler: (request, unit) => lookup(ports, unit, request),
        },
        update: {
          summary: 'Look at a wrapping token',
          handler: (request, unit) => lookup(ports, unit, request),
        },
      },
    }),
    defineSystemPath({
      pattern: 'wrapping/unwrap',
      fields: { token },
      help: { synopsis: 'Opens a wrapping token, once.' },
      operations: {
        ...refuseVerb(ports),
        update: {
          summary: 'Open a wrapping token',
          handler: (request, unit) => {
            needsCaller(request);
            return unwrap(ports, unit, request);
          },
        },
      },
    }),
    defineSystemPath({
      pattern: 'wrapping/rewrap',
      fields: { token },
      help: { synopsis: 'Moves a wrapped answer to a new wrapping token with a fresh TTL.' },
      operations: {
        ...refuseVerb(ports),
        update: {
          summary: 'Renew a wrapping token',
          handler: (request, unit) => rewrap(ports, unit, request),
        },
      },
    }),
    defineSystemPath({
      pattern: 'wrapping/wrap',
      fields: {},
      arbitraryData: true,
      help: { synopsis: 'Wraps what is sent.' },
      operations: {
        update: {
          summary: 'Wrap data',
          handler: (request) => {
            if (request.wrapTtlSeconds === 0)
              throw new RequestError(
                'invalid_request',
                'endpoint requires response wrapping to be used',
              );
            return { data: request.data, injectTopLevel: true };
          },
        },
      },
    }),
  ];
}
