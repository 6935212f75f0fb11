/** The Google Secret Manager protocol, by REST and by gRPC, with the token endpoints that its clients are given. */
import type { Clock } from '../../base/clock.ts';
import type { JsonObject } from '../../base/json.ts';
import type { Log } from '../../base/log.ts';
import type { Answer, Call, Handle } from '../../core/call.ts';
import { RequestError } from '../../model/errors.ts';
import { bodyBytes, callFrame, Hearing, recordRefusal } from '../cloud-request.ts';
import type { BodyErrorReason, Facade, WireReply, WireRequest } from '../facade.ts';
import type { Ask } from './asking.ts';
import { assertionOf, looksSigned } from './login/claims.ts';
import {
  grantOf,
  noIdentityTokenReply,
  oauthErrorReply,
  OauthError,
  parseForm,
  refusedGrant,
  tokenReply,
} from './login/token.ts';
import { SERVED, SERVED_WITH_MOUNT } from './methods.ts';
import type { MountOf } from './permissions.ts';
import { GRPC_CONTENT_TYPE, isGrpc, isTokenPath } from './recognise.ts';
import { messageOfRest, REST_PREFIX, restError, restReply, restRequest } from './rest.ts';
import { decodeMessage } from './wire/binary-reader.ts';
import { encodeMessage } from './wire/binary-writer.ts';
import { errorTrailers, frame, unframe } from './wire/grpc.ts';
import { grpcMethod, METHODS } from './wire/methods.ts';
import type { MethodName } from './wire/methods.ts';
import { MessageError } from './wire/schema.ts';
import type { Message } from './wire/schema.ts';
import { StatusError, statusOf } from './wire/status.ts';

export interface GoogleFacadeOptions {
  readonly handle: Handle;
  readonly log: Log;
  readonly clock: Clock;
  readonly mountOf: MountOf;
}

const BODY_BYTES_MAX = 1024 * 1024;
const FORM_BYTES_MAX = 128 * 1024;
const BEARER = /^Bearer +([\x21-\x7e]{1,65536})$/i;
/** Where evidence becomes a token. */
const CREDENTIAL_LOGIN = 'identity/credential-login';
const UNAUTHENTICATED =
  'Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential.';

export function createGoogleFacade(options: GoogleFacadeOptions): Facade {
  return {
    refuse: (status, message) =>
      restError(new StatusError(status >= 500 ? 'UNAVAILABLE' : 'INVALID_ARGUMENT', message)),
    async handle(request) {
      const hearing = new Hearing(options.handle);
      const answering: Answering = { ...options, hearing };
      if (isGrpc(request.headers['content-type'])) return await answerGrpc(request, answering);
      const [path = ''] = request.target.split('?');
      try {
        return isTokenPath(path)
          ? await answerToken(request, answering)
          : await answerRest(request, answering);
      } catch (error) {
        const status = await told(error, request, answering);
        return error instanceof OauthError && status.status !== 'INTERNAL'
          ? oauthErrorReply(error)
          : restError(status);
      }
    },
  };
}

type Answering = Omit<GoogleFacadeOptions, 'handle'> & { readonly hearing: Hearing };

/** The error as it is answered; recorded, if the core has not heard of the request. */
async function told(
  error: unknown,
  request: WireRequest,
  { hearing, log }: Answering,
): Promise<StatusError> {
  const refusal = asStatus(error, log);
  if (hearing.heard) return refusal;
  const action = hearing.action === '' ? actionOf('Unknown') : hearing.action;
  const recorded = await recordRefusal(hearing.handle, 'gcp', request, { refusal, action });
  return recorded.error === undefined ? refusal : statusOf(recorded.error);
}

function actionOf(method: string): string {
  return `google.cloud.secretmanager.v1.SecretManagerService.${method}`;
}

function asStatus(error: unknown, log: Log): StatusError {
  if (error instanceof OauthError) {
    return new StatusError(
      error.status === 401 ? 'UNAUTHENTICATED' : 'INVALID_ARGUMENT',
      error.message,
    );
  }
  if (error instanceof MessageError) return new StatusError('INVALID_ARGUMENT', error.message);
  if (error instanceof RequestError) {
    return error.reason !== undefined && AUTHENTICATION.has(error.reason)
      ? new StatusError('UNAUTHENTICATED', UNAUTHENTICATED)
      : statusOf(error);
  }
  log.error('request failed in the google facade', {
    error: error instanceof Error ? error.name : 'unknown',
  });
  return new StatusError('INTERNAL', 'Internal error.');
}

/** Reasons of the core that mean: nobody knows who asks. */
const AUTHENTICATION: ReadonlySet<string> = new Set([
  'no_token',
  'unknown_credential',
  'bad_signature',
]);

async function answerRest(request: WireRequest, options: Answering): Promise<WireReply> {
  const rest = request.target.startsWith(REST_PREFIX)
    ? restRequest(request.method, request.target)
    : undefined;
  if (rest === undefined) throw new StatusError('NOT_FOUND', 'The method is not known.');
  options.hearing.action = actionOf(rest.call.method);
  const caller = callerOf(request, options);
  const message = messageOfRest(rest, await bodyBytes(request, BODY_BYTES_MAX, refusedBody));
  const ask = asking({ request, method: rest.call.method, message, caller }, options);
  return restReply(
    rest.call.method,
    await run(rest.call.method, message, ask, options),
    rest.enumsAsNumbers,
  );
}

async function answerGrpc(request: WireRequest, options: Answering): Promise<WireReply> {
  const headers = { 'Content-Type': GRPC_CONTENT_TYPE };
  try {
    const method = request.method === 'POST' ? grpcMethod(request.target) : undefined;
    if (method === undefined) throw new StatusError('UNIMPLEMENTED', 'The method is not known.');
    options.hearing.action = actionOf(method);
    const caller = callerOf(request, options);
    const bytes = unframe(await bodyBytes(request, BODY_BYTES_MAX, refusedBody));
    const sent = decodeMessage(METHODS[method].request, bytes);
    const ask = asking({ request, method, message: sent, caller }, options);
    const message = await run(method, sent, ask, options);
    return {
      status: 200,
      headers,
      body: frame(encodeMessage(METHODS[method].reply, message)),
      trailers: { 'grpc-status': '0' },
    };
  } catch (error) {
    // Status and message go into the headers, and no body follows: an empty DATA frame would be an error of its own.
    const trailers = errorTrailers(await told(error, request, options));
    return { status: 200, headers: { ...headers, ...trailers }, body: '' };
  }
}

async function run(
  method: MethodName,
  message: Message,
  ask: Ask,
  { mountOf }: Answering,
): Promise<Message> {
  const served = SERVED_WITH_MOUNT[method]?.(mountOf) ?? SERVED[method];
  if (served === undefined) {
    throw new StatusError('UNIMPLEMENTED', 'The method is not supported.');
  }
  return await served(message, ask);
}

function hostOf(request: WireRequest): string {
  const host = request.headers['host'];
  return typeof host === 'string' ? host.toLowerCase() : '';
}

/** Who asks: a token of ours, or a token that a service account signed itself. @throws {StatusError} */
function callerOf(request: WireRequest, { clock }: Answering): Pick<Call, 'token' | 'evidence'> {
  const header = request.headers['authorization'];
  const token = typeof header === 'string' ? BEARER.exec(header)?.[1] : undefined;
  if (token === undefined) throw new StatusError('UNAUTHENTICATED', UNAUTHENTICATED);
  if (!looksSigned(token)) return { token };
  const expected = { nowMs: clock.nowMs(), host: hostOf(request), use: 'bearer' } as const;
  const assertion = assertionOf(token, expected);
  if (assertion === undefined) throw new StatusError('UNAUTHENTICATED', UNAUTHENTICATED);
  return { token: undefined, evidence: assertion.evidence };
}

interface Asked {
  readonly request: WireRequest;
  readonly method: MethodName;
  /** What was sent: the audit record has it, hashed. */
  readonly message: Message;
  readonly caller: Pick<Call, 'token' | 'evidence'>;
}

function asking({ request, method, message, caller }: Asked, { hearing }: Answering): Ask {
  return async ({ name, part, body, ...rest }) => {
    const answered = await hearing.handle({
      ...callFrame('gcp', request),
      ...rest,
      ...caller,
      bound:
        name.location === ''
          ? { name: name.project, part }
          : { name: name.project, part, region: name.location },
      action: actionOf(method),
      readBody: () => Promise.resolve(body ?? (message as JsonObject)),
    });
    if (answered.error !== undefined) throw answered.error;
    return answered;
  };
}

async function answerToken(request: WireRequest, options: Answering): Promise<WireReply> {
  if (request.method !== 'POST') {
    throw new OauthError(405, 'invalid_request', 'A token is asked for with POST.');
  }
  options.hearing.action = 'oauth2:Token';
  const form = parseForm((await bodyBytes(request, FORM_BYTES_MAX, refusedBody)).toString());
  const grant = grantOf(form, { nowMs: options.clock.nowMs(), host: hostOf(request) });
  if ('wantsIdentityToken' in grant && grant.wantsIdentityToken) return noIdentityTokenReply();
  const answered = await logIn(request, grant, options);
  if (answered.error !== undefined) throw refusedGrant(answered.error);
  return tokenReply(answered);
}

async function logIn(
  request: WireRequest,
  grant: ReturnType<typeof grantOf>,
  { hearing: { handle } }: Answering,
): Promise<Answer> {
  const federated = 'jwt' in grant;
  const body = federated ? { role: grant.role, jwt: grant.jwt } : {};
  return await handle({
    ...callFrame('gcp', request),
    operation: 'write',
    path: federated ? 'login' : CREDENTIAL_LOGIN,
    bound: { name: grant.project, part: federated ? 'login' : '' },
    action: federated ? 'sts:ExchangeToken' : 'oauth2:Token',
    token: undefined,
    ...(federated ? {} : { evidence: grant.evidence }),
    readBody: () => Promise.resolve(body),
  });
}

function refusedBody(reason: BodyErrorReason): StatusError {
  const text = reason === 'too_large' ? 'The request is too large.' : 'The request ended early.';
  return new StatusError('INVALID_ARGUMENT', text);
}
