/** The Azure Key Vault protocol: vaults by host name, the token endpoint that their clients are sent to, and what az asks besides. */
import { assertJsonLimits, isJsonObject, isWellFormedJson, parseJson } from '../../base/json.ts';
import type { JsonObject } from '../../base/json.ts';
import type { Log } from '../../base/log.ts';
import type { Random } from '../../base/random.ts';
import type { Clock } from '../../base/clock.ts';
import type { Answer, Call, Handle } from '../../core/call.ts';
import { RequestError } from '../../model/errors.ts';
import { bodyBytes, callFrame, Hearing, recordRefusal } from '../cloud-request.ts';
import type { BodyErrorReason, Facade, WireReply, WireRequest } from '../facade.ts';
import type { Asking, Question } from './asking.ts';
import {
  cloudMetadataReply,
  isCloudMetadata,
  isSubscriptions,
  subscriptionsReply,
} from './login/arm.ts';
import { missingToken, unknownToken } from './login/challenge.ts';
import {
  discoveryReply,
  instanceReply,
  isDiscovery,
  isInstanceDiscovery,
  isKeySet,
  keySetReply,
} from './login/discovery.ts';
import { identityEvidence, isManagedIdentity } from './login/managed-identity.ts';
import {
  isTokenEndpoint,
  issuedBy,
  managedIdentityReply,
  proofOf,
  refusedLogin,
  tokenReply,
} from './login/token.ts';
import type { Proof } from './login/token.ts';
import { OPERATIONS } from './operations.ts';
import type { BackupSeal } from './objects/backup.ts';
import {
  AzureError,
  azureErrorOf,
  badParameter,
  errorReply,
  notSupported,
  TokenError,
  tokenErrorReply,
} from './wire/errors.ts';
import { isApiVersion, isKeyVaultPath, isName, isVersion, routeOf } from './wire/route.ts';
import type { Operation } from './wire/route.ts';
import { parseForm, parseTarget } from './wire/target.ts';
import type { Target } from './wire/target.ts';

export interface AzureFacadeOptions {
  readonly handle: Handle;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
  readonly backupSeal: BackupSeal;
}

/** Largest bodies: of an operation (a restore holds all versions of a secret), and of a token request. */
const BODY_BYTES_MAX = 8 * 1024 * 1024;
const FORM_BYTES_MAX = 128 * 1024;
const JSON_LIMITS = { depthMax: 32, valuesMax: 10_000 } as const;
const HOST = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?(?::\d{1,5})?$/;
const BEARER = /^Bearer +([\x21-\x7e]{1,65536})$/i;
/** Where evidence becomes a token. */
const CREDENTIAL_LOGIN = 'identity/credential-login';
const LOGIN_ACTION = 'oauth2:token';

export function createAzureFacade(options: AzureFacadeOptions): Facade {
  return {
    refuse: (status, message) => errorReply(new AzureError(status, 'BadParameter', message)),
    async handle(request) {
      const hearing = new Hearing(options.handle);
      try {
        return await answer(request, { ...options, hearing });
      } catch (error) {
        const refusal = refusalOf(error, options.log);
        if (hearing.heard) return refusedReply(error, refusal);
        const action = hearing.action === '' ? 'keyvault:unknown' : hearing.action;
        const recorded = await recordRefusal(options.handle, 'azure', request, { refusal, action });
        if (recorded.error === undefined || recorded.error === refusal) {
          return refusedReply(error, refusal);
        }
        return errorReply(azureErrorOf(recorded.error));
      }
    },
  };
}

function refusalOf(error: unknown, log: Log): RequestError {
  if (error instanceof RequestError) return error;
  if (error instanceof TokenError) return new AzureError(error.status, error.code, error.message);
  log.error('request failed in the azure facade', {
    error: error instanceof Error ? error.name : 'unknown',
  });
  return new AzureError(500, 'InternalServerError', 'Internal error.');
}

function refusedReply(error: unknown, refusal: RequestError): WireReply {
  return error instanceof TokenError ? tokenErrorReply(error) : errorReply(azureErrorOf(refusal));
}

/** The host as the client wrote it, in lower case: it chooses the vault, and stands in every id. @throws {AzureError} */
function hostOf(request: WireRequest): string {
  const host = request.headers['host'];
  const text = typeof host === 'string' ? host.toLowerCase() : '';
  if (!HOST.test(text)) throw badParameter('The host is not valid.');
  return text;
}

function nameOf(host: string): string {
  return host.split(':')[0] ?? host;
}

function tokenOf(request: WireRequest): string | undefined {
  const header = request.headers['authorization'];
  return typeof header === 'string' ? BEARER.exec(header)?.[1] : undefined;
}

type Answering = Omit<AzureFacadeOptions, 'handle'> & { readonly hearing: Hearing };

async function answer(request: WireRequest, options: Answering): Promise<WireReply> {
  const target = parseTarget(request.target);
  const host = hostOf(request);
  const { segments } = target;
  const { method } = request;
  if (isKeyVaultPath(segments)) return await operate(request, target, host, options);
  if (method === 'GET') {
    if (isDiscovery(segments)) return discoveryReply(host, segments);
    if (isKeySet(segments)) return keySetReply();
    if (isInstanceDiscovery(segments)) return instanceReply(host, target.query);
    if (isCloudMetadata(method, segments)) return cloudMetadataReply(host);
    if (isSubscriptions(method, segments)) {
      return tokenOf(request) === undefined ? missingToken(host) : subscriptionsReply(host);
    }
  }
  if (isManagedIdentity(method, segments)) {
    options.hearing.action = LOGIN_ACTION;
    const evidence = identityEvidence(request.headers, target.query);
    const issued = issuedBy(await logIn(request, host, { evidence }, options));
    return managedIdentityReply(issued, {
      nowMs: options.clock.nowMs(),
      resource: target.query.get('resource') ?? '',
      client: target.query.get('client_id') ?? '',
    });
  }
  if (method === 'POST' && isTokenEndpoint(segments)) {
    options.hearing.action = LOGIN_ACTION;
    const form = parseForm((await bodyBytes(request, FORM_BYTES_MAX, refusedBody)).toString());
    return tokenReply(issuedBy(await logIn(request, host, proofOf(form), options)));
  }
  throw new AzureError(404, 'NotFound', 'There is nothing at this address.');
}

async function operate(
  request: WireRequest,
  target: Target,
  host: string,
  options: Answering,
): Promise<WireReply> {
  const token = tokenOf(request);
  // Before anything else: clients send their first request without token and body, to be told whom to ask.
  if (token === undefined) return missingToken(host);
  const operation = routeOf(request.method, target.segments);
  if (operation === undefined) {
    throw new AzureError(405, 'MethodNotAllowed', 'The method is not allowed for this resource.');
  }
  options.hearing.action = `keyvault:${operation.kind}/${operation.action}`;
  assertOperation(operation, target);
  const run = OPERATIONS[operation.kind][operation.action];
  if (run === undefined) throw notSupported('This operation is not supported.');
  const asking: Asking = {
    target,
    operation,
    base: `https://${host}`,
    random: options.random,
    readJson: onceOf(() => readJson(request)),
    ask: (question) => ask(request, host, token, question, options.hearing),
  };
  try {
    return await run(asking, options.backupSeal);
  } catch (error) {
    if (error instanceof RequestError && error.reason === 'no_token') return unknownToken(host);
    throw error;
  }
}

/** @throws {AzureError} */
function assertOperation({ name, version }: Operation, { query }: Target): void {
  const apiVersion = query.get('api-version');
  if (apiVersion === undefined || apiVersion === '') {
    throw badParameter('The api-version query parameter is missing.');
  }
  if (!isApiVersion(apiVersion)) throw badParameter('The api-version is not supported.');
  if (name !== '' && !isName(name)) {
    throw badParameter('The name must have 1 to 127 characters: letters, digits and dashes.');
  }
  if (version !== '' && !isVersion(version)) throw badParameter('The version is not valid.');
}

function onceOf<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}

async function ask(
  request: WireRequest,
  host: string,
  token: string,
  question: Question,
  { handle, action }: Hearing,
): Promise<Answer> {
  const { body, part, ...rest } = question;
  const answered = await handle({
    ...callFrame('azure', request),
    ...rest,
    bound: { name: nameOf(host), part },
    action,
    token,
    query: question.query ?? {},
    readBody: body ?? (() => Promise.resolve({})),
  });
  if (answered.error !== undefined) throw answered.error;
  return answered;
}

async function logIn(
  request: WireRequest,
  host: string,
  proof: Proof,
  { hearing: { handle } }: Answering,
): Promise<Answer> {
  const federated = 'jwt' in proof;
  const call: Call = {
    ...callFrame('azure', request),
    operation: 'write',
    path: federated ? 'login' : CREDENTIAL_LOGIN,
    bound: { name: nameOf(host), part: federated ? 'login' : '' },
    action: LOGIN_ACTION,
    token: undefined,
    ...(federated ? {} : { evidence: proof.evidence }),
    readBody: () => Promise.resolve(federated ? { role: proof.role, jwt: proof.jwt } : {}),
  };
  const answered = await handle(call);
  if (answered.error !== undefined) throw refusedLogin(answered.error);
  return answered;
}

function refusedBody(reason: BodyErrorReason): AzureError {
  return reason === 'too_large'
    ? new AzureError(413, 'RequestBodyTooLarge', 'The request body is too large.')
    : badParameter('The request body ended early.');
}

async function readJson(request: WireRequest): Promise<JsonObject> {
  const bytes = await bodyBytes(request, BODY_BYTES_MAX, refusedBody);
  if (bytes.length === 0) return {};
  try {
    assertJsonLimits(bytes, JSON_LIMITS);
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    const value = parseJson(text);
    if (isWellFormedJson(text) && isJsonObject(value)) return value;
  } catch {
    // The reason might repeat what was sent.
  }
  throw badParameter('The request body is not a JSON object.');
}
