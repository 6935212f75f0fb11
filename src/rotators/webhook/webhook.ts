/**
 * Somebody else's code, called for each of the four steps that AWS Secrets Manager knows, and for taking back. Each call is a
 * POST of JSON, signed with a shared key: `X-Strongroom-Signature: t=<unix time>,v1=<hex HMAC-SHA-256 of "<t>.<body>">`.
 */
import { createHmac } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import { SettingsError, TargetError } from '../../targets/database.ts';
import { fieldsOf } from '../answer.ts';
import { assertUrl, callTarget } from '../calls.ts';
import { textOf } from '../settings.ts';
import type { Fields, Rotation, RotationContext, Rotator } from '../rotator.ts';

export const SIGNATURE_HEADER = 'x-strongroom-signature';

const KEY_LENGTH_MIN = 16;

export type WebhookStep =
  | 'createSecret'
  | 'setSecret'
  | 'testSecret'
  | 'finishSecret'
  | 'rollbackSecret';

export function signatureOf(key: string, unixSeconds: number, body: string): string {
  const mac = createHmac('sha256', key).update(`${unixSeconds}.${body}`).digest('hex');
  return `t=${unixSeconds},v1=${mac}`;
}

export function webhookRotator(clock: Pick<Clock, 'nowMs'>): Rotator {
  return {
    type: 'webhook',
    summary: 'Code of yours, called for each step with a signature.',
    settings: [
      { name: 'url', description: 'Address that is called.' },
      {
        name: 'key',
        description: 'Shared key of the signature, at least 16 characters.',
        secret: true,
      },
      { name: 'tls_ca', description: 'Certificate authority of the address, in PEM.' },
    ],
    keepsPrevious: () => true,
    open(settings) {
      const url = textOf(settings, 'url');
      const key = textOf(settings, 'key');
      assertUrl(url);
      if (key.length < KEY_LENGTH_MIN)
        throw new SettingsError(`key must have ${KEY_LENGTH_MIN} characters or more`);
      return new WebhookRotation({ url, key, caPem: textOf(settings, 'tls_ca'), clock });
    },
  };
}

interface Hook {
  readonly url: string;
  readonly key: string;
  readonly caPem: string;
  readonly clock: Pick<Clock, 'nowMs'>;
}

class WebhookRotation implements Rotation {
  readonly #hook: Hook;

  constructor(hook: Hook) {
    this.#hook = hook;
  }

  async create(context: RotationContext): Promise<Fields> {
    const answer = await this.#call('createSecret', context, {});
    return fieldsOf(answer);
  }

  async install(context: RotationContext): Promise<void> {
    await this.#call('setSecret', context, {});
  }

  async verify(context: RotationContext, value: Fields): Promise<void> {
    await this.#call('testSecret', context, { value });
  }

  async retire(context: RotationContext, old: Fields): Promise<void> {
    await this.#call('finishSecret', context, { old });
  }

  async rollback(context: RotationContext): Promise<void> {
    await this.#call('rollbackSecret', context, {});
  }

  async rehearse(context: RotationContext): Promise<readonly string[]> {
    await this.#call('testSecret', context, { value: context.current, dry_run: true });
    return ['the webhook answers, and takes the current value'];
  }

  async #call(step: WebhookStep, context: RotationContext, more: object): Promise<string> {
    const { url, key, caPem, clock } = this.#hook;
    const { id, current, next } = context;
    const body = JSON.stringify({ step, id, current, next, ...more });
    const signature = signatureOf(key, Math.floor(clock.nowMs() / 1000), body);
    const headers = { 'content-type': 'application/json', [SIGNATURE_HEADER]: signature };
    const answer = await callTarget({ method: 'POST', url, headers, body, caPem });
    if (answer.status >= 200 && answer.status < 300) return answer.body;
    // It says no before it has done anything; with anything else it is not known.
    const refused = answer.status >= 400 && answer.status < 500;
    throw new TargetError(`the webhook answers ${answer.status} to ${step}`, {
      mayHaveChanged: !refused,
    });
  }
}
