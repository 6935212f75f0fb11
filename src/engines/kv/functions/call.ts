/** Calls a function over HTTP: with one step of the contract, or with a notice. */
import { createHmac } from 'node:crypto';
import { isJsonObject } from '../../../base/json.ts';
import { RequestError } from '../../../model/errors.ts';
import type { RotationFunction } from './functions.ts';

export const STEPS = ['createSecret', 'setSecret', 'testSecret', 'finishSecret'] as const;
export type Step = (typeof STEPS)[number];

export interface StepEvent {
  readonly Step: Step;
  readonly SecretId: string;
  readonly ClientRequestToken: string;
}

export interface HttpCall {
  readonly method: 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly caPem?: string;
  readonly timeoutMs: number;
}

/** Bounded, verifies TLS, follows no redirects. @throws whatever kept it from an answer */
export type CallOut = (
  url: string,
  call: HttpCall,
) => Promise<{ readonly status: number; readonly body: Buffer }>;

/** As long as a step may take; a function of AWS has 15 minutes, but none of its published ones needs one. */
const STEP_TIMEOUT_MS = 55_000;
/** Where a Lambda runtime interface takes invocations. */
const INVOCATION_PATH = '/2015-03-31/functions/function/invocations';

/** @throws {RequestError} upstream_failed: the step did not succeed; says why without repeating what was answered */
export async function callStep(
  callOut: CallOut,
  target: RotationFunction,
  event: StepEvent,
): Promise<void> {
  await callFunction(callOut, target, event.Step, event);
}

/** @param what it is, for the error. @throws {RequestError} upstream_failed */
export async function callFunction(
  callOut: CallOut,
  target: RotationFunction,
  what: string,
  event: object,
): Promise<void> {
  const body = JSON.stringify(event);
  const base = target.url.replace(/\/$/, '');
  const url =
    target.kind === 'lambda' && !base.endsWith(INVOCATION_PATH)
      ? base + INVOCATION_PATH
      : target.url;
  const signature = createHmac('sha256', target.secret).update(body).digest('hex');
  const reply = await answered(callOut, url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(target.secret === '' ? {} : { 'x-strongroom-signature': `sha256=${signature}` }),
    },
    body,
    ...(target.caPem === '' ? {} : { caPem: target.caPem }),
    timeoutMs: STEP_TIMEOUT_MS,
  });
  if (reply.status < 200 || reply.status > 299) {
    throw failed(`${what} was answered with status ${reply.status}`);
  }
  if (target.kind === 'lambda' && isFunctionError(reply.body))
    throw failed(`${what} raised an error`);
}

function failed(message: string): RequestError {
  return new RequestError('upstream_failed', message);
}

async function answered(callOut: CallOut, url: string, call: HttpCall): ReturnType<CallOut> {
  try {
    return await callOut(url, call);
  } catch (error) {
    throw failed(error instanceof Error ? error.message : 'the function cannot be reached');
  }
}

/** The runtime interface answers 200 whatever the function did; an error is an object of this form. */
function isFunctionError(body: Buffer): boolean {
  try {
    const value: unknown = JSON.parse(body.toString() || 'null');
    return isJsonObject(value) && ('errorMessage' in value || 'errorType' in value);
  } catch {
    return false;
  }
}
