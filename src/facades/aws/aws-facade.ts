/**
 * The facade of AWS: Secrets Manager and KMS in the JSON protocol, STS in the query protocol, all at `/`. Takes signatures off the
 * wire and names paths; who the caller is and what it may is the core's to say.
 */
import { isUtf8 } from 'node:buffer';
import { accountOf } from '../../model/access-key-id.ts';
import type { Clock } from '../../base/clock.ts';
import { assertJsonLimits, JsonLimitError, isWellFormedJson } from '../../base/json.ts';
import type { JsonObject } from '../../base/json.ts';
import type { Log } from '../../base/log.ts';
import { uuid } from '../../base/random.ts';
import type { Random } from '../../base/random.ts';
import type { Answer, Call, Handle } from '../../core/call.ts';
import { RequestError } from '../../model/errors.ts';
import type { Evidence } from '../../model/evidence.ts';
import { bodyBytes, recordRefusal } from '../cloud-request.ts';
import type { BodyErrorReason, Facade, WireReply, WireRequest } from '../facade.ts';
import type { Asking, Operation, Question } from './asking.ts';
import { AwsError, renderedError, signatureError } from './errors.ts';
import type { Service } from './errors.ts';
import { KMS_OPERATIONS } from './kms/operations.ts';
import { SECRETS_OPERATIONS } from './secrets/operations.ts';
import { callerArn } from './secrets/policy/evaluate.ts';
import { isSigned } from './recognise.ts';
import { checkScope, evidenceOf, queryOf, readSignature } from './sigv4/signature.ts';
import { roleOf, STS_OPERATIONS, UNSIGNED } from './sts/operations.ts';
import type { Parameters, Sealer } from './sts/operations.ts';
import { parseForm } from './wire/form.ts';
import { jsonError, jsonReply } from './wire/json-reply.ts';
import { checkInput } from './wire/shapes.ts';
import { xmlError, xmlReply } from './wire/xml.ts';

export interface AwsFacadeOptions {
  readonly handle: Handle;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
  /** Seals temporary access keys into session tokens. */
  readonly seal: Sealer;
  /** Namespace and mount that an account and region are bound to. */
  readonly placeOf: (account: string, region: string) => Promise<string | undefined>;
}

/** Largest body: a value of 64 KiB in JSON may be six times as long. */
const BODY_BYTES_MAX = 1024 * 1024;
const JSON_LIMITS = { depthMax: 16, valuesMax: 5_000 };
/** Services by what stands before the dot of `X-Amz-Target`. */
const TARGETS: Readonly<Record<string, Exclude<Service, 'sts'>>> = {
  secretsmanager: 'secretsmanager',
  TrentService: 'kms',
};
const ACTION = /^[a-z]{1,16}:[A-Za-z]{1,64}$/;
const REGION_DEFAULT = 'us-east-1';

/** Parameters of a presigned URL that are not the operation's. */
const SIGNING_PARAMETER = /^X-Amz-/;

interface Wanted {
  readonly service: Service;
  readonly name: string;
}

export function createAwsFacade(options: AwsFacadeOptions): Facade {
  return {
    handle: (request) => new Exchange(options, request).answer(),
    refuse: (status, message) => jsonError(status, 'SerializationException', message, ''),
  };
}

/** One request on its way through this facade. */
class Exchange {
  readonly #options: AwsFacadeOptions;
  readonly #request: WireRequest;
  readonly #nowMs: number;
  #requestId = '';
  #service: Service = 'secretsmanager';
  #action = '';
  #caller: Answer['caller'];
  #account = '';

  constructor(options: AwsFacadeOptions, request: WireRequest) {
    this.#options = options;
    this.#request = request;
    this.#nowMs = options.clock.nowMs();
  }

  async answer(): Promise<WireReply> {
    try {
      return await this.#answer();
    } catch (error) {
      if (!(error instanceof RequestError)) {
        this.#options.log.error('request failed in the aws facade', {
          error: error instanceof Error ? error.name : 'unknown',
        });
      }
      const refusal =
        error instanceof RequestError ? error : new RequestError('internal', 'internal error');
      return this.#refusal(this.#requestId === '' ? await this.#recorded(refusal) : refusal);
    }
  }

  /** What was refused before the core heard of it: it records that, and gives it an id. */
  async #recorded(refusal: RequestError): Promise<RequestError> {
    const { requestId, error } = await recordRefusal(this.#options.handle, 'aws', this.#request, {
      ...(this.#account === '' ? {} : { bound: { name: this.#account, part: '' } }),
      refusal,
      action: ACTION.test(this.#action) ? this.#action : `${this.#service}:Unknown`,
    });
    this.#requestId = requestId;
    return error ?? refusal;
  }

  async #answer(): Promise<WireReply> {
    const request = this.#request;
    const target = request.headers['x-amz-target'];
    if (request.method !== 'POST' && request.method !== 'GET') {
      throw new AwsError('UnknownOperationException', 'The method is not one of this API.', {
        status: 405,
      });
    }
    // The service is known by the request line and headers, so that every error has its shape.
    if (target === undefined) this.#service = 'sts';
    const body = await bodyBytes(request, BODY_BYTES_MAX, refusedBody);
    return typeof target === 'string' ? this.#json(target, body) : this.#query(body);
  }

  async #json(target: string, body: Buffer): Promise<WireReply> {
    const { service, name } = wantedBy(target);
    this.#service = service;
    this.#action = `${service}:${name}`;
    const evidence = this.#evidence(service, body);
    const operation = operationsOf(service).get(name);
    if (operation === undefined) {
      throw new AwsError(
        'UnknownOperationException',
        `The operation ${this.#action} is not supported.`,
      );
    }
    const sent = body.length === 0 ? this.#presigned() : parsed(body);
    const asking = this.#asking(evidence, sent);
    const output = await operation.run(checkInput(sent, operation.input), asking);
    return jsonReply(200, output, this.#requestId);
  }

  async #query(body: Buffer): Promise<WireReply> {
    const parameters = this.#parameters(body);
    const action = parameters.get('Action') ?? '';
    this.#action = `sts:${action}`;
    const operation = STS_OPERATIONS.get(action);
    const unsigned = UNSIGNED.has(action) && !isSigned(this.#request);
    const evidence = unsigned ? undefined : this.#evidence('sts', body);
    if (operation === undefined) {
      throw new AwsError('InvalidAction', `The operation ${this.#action} is not supported.`);
    }
    if (unsigned) this.#account = roleOf(parameters.get('RoleArn') ?? '', undefined).account;
    const sent = Object.fromEntries(
      [...parameters].filter(([name]) => !SIGNING_PARAMETER.test(name)),
    );
    const result = await operation(parameters, this.#asking(evidence, sent), this.#options.seal);
    return xmlReply(action, result, this.#requestId);
  }

  #parameters(body: Buffer): Parameters {
    const text = body.toString('latin1');
    return text === '' ? queryOf(this.#request.target) : parseForm(body.toString());
  }

  /** The input of a presigned URL: what its query says beside the signature. */
  #presigned(): JsonObject {
    const query = [...queryOf(this.#request.target)].filter(
      ([name]) => !SIGNING_PARAMETER.test(name),
    );
    return Object.fromEntries(query);
  }

  #evidence(service: Service, body: Buffer): Evidence {
    const signature = readSignature(this.#request);
    checkScope(signature, service, this.#nowMs);
    const account = accountOf(signature.credential);
    if (account === undefined) {
      throw signatureError(
        'UnrecognizedClientException',
        'The security token included in the request is invalid.',
      );
    }
    this.#account = account;
    return evidenceOf(this.#request, signature, body);
  }

  #asking(evidence: Evidence | undefined, sent: Readonly<JsonObject>): Asking {
    const account = this.#account;
    const region = evidence?.kind === 'access-key' ? evidence.scope[1] : REGION_DEFAULT;
    const { random, placeOf } = this.#options;
    return {
      account,
      region,
      random,
      nowMs: this.#nowMs,
      action: this.#action,
      remoteAddress: this.#request.connection.remoteAddress,
      placeOf: (other) => placeOf(account, other),
      ask: (question) => this.#ask(question, evidence, sent, region),
    };
  }

  async #ask(
    question: Question,
    evidence: Evidence | undefined,
    sent: Readonly<JsonObject>,
    region: string,
  ): Promise<Answer> {
    const { operation, path, task, body = sent } = question;
    const writes = operation === 'write' || operation === 'patch';
    const call: Call = {
      protocol: 'aws',
      operation,
      path,
      namespace: '',
      bound: {
        name: this.#account,
        region: question.region ?? region,
        part: question.part ?? 'secrets',
      },
      token: undefined,
      query: writes ? NOTHING : body,
      readBody: async () => body,
      ...(evidence === undefined ? {} : { evidence }),
      ...(task === undefined ? {} : { task }),
      action: this.#action,
      wrapTtlSeconds: 0,
      wrapFormat: '',
      connection: this.#request.connection,
      headers: NO_HEADERS,
    };
    const answer = await this.#options.handle(call);
    this.#requestId = answer.requestId;
    this.#caller = answer.caller ?? this.#caller;
    if (answer.error !== undefined) throw answer.error;
    return answer;
  }

  #refusal(error: RequestError): WireReply {
    const requestId = this.#requestId === '' ? uuid(this.#options.random) : this.#requestId;
    const who =
      this.#caller === undefined ? '' : `User: ${callerArn(this.#account, this.#caller.name)} `;
    const what = `${who}is not authorized to perform: ${this.#action}`;
    const { status, type, message } = renderedError(error, this.#service, what);
    return this.#service === 'sts'
      ? xmlError(status, type, message, requestId)
      : jsonError(status, type, message, requestId);
  }
}

function refusedBody(reason: BodyErrorReason): AwsError {
  return new AwsError('SerializationException', 'The request is too large, or ended early.', {
    status: reason === 'too_large' ? 413 : 400,
  });
}

const NOTHING: Readonly<JsonObject> = Object.freeze({});
const NO_HEADERS: Readonly<Record<string, string>> = Object.freeze({});

function operationsOf(service: Exclude<Service, 'sts'>): ReadonlyMap<string, Operation> {
  return service === 'kms' ? KMS_OPERATIONS : SECRETS_OPERATIONS;
}

/** `secretsmanager.GetSecretValue`. @throws {AwsError} */
function wantedBy(target: string): Wanted & { readonly service: Exclude<Service, 'sts'> } {
  const dot = target.indexOf('.');
  const prefix = target.slice(0, Math.max(dot, 0));
  const service = Object.hasOwn(TARGETS, prefix) ? TARGETS[prefix] : undefined;
  if (service === undefined)
    throw new AwsError('UnknownOperationException', 'The target is not one of this API.');
  const name = target.slice(dot + 1);
  const known = operationsOf(service).has(name) || /^[A-Za-z]{1,64}$/.test(name);
  return { service, name: known ? name : 'Unknown' };
}

/** @throws {AwsError} not JSON, not an object, or beyond the limits */
function parsed(body: Buffer): JsonObject {
  try {
    assertJsonLimits(body, JSON_LIMITS);
    const text = isUtf8(body) ? body.toString() : '';
    const value: unknown = JSON.parse(text);
    if (
      isWellFormedJson(text) &&
      typeof value === 'object' &&
      value !== null &&
      !Array.isArray(value)
    )
      return value as JsonObject;
  } catch (error) {
    if (!(error instanceof SyntaxError) && !(error instanceof JsonLimitError)) throw error;
  }
  throw new AwsError('SerializationException', 'The request is no JSON object.');
}
