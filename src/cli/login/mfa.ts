/** Finishes a login that wants a second factor, when there is one method and somebody at the terminal to ask. */
import type { Client } from '../../client/client.ts';
import { isJsonObject, type JsonObject } from '../../client/json.ts';
import type { Secret } from '../../client/secret.ts';
import { attempt, CommandFailure, EXIT_SERVER, type Invocation } from '../command.ts';
import { plainText } from '../render/values.ts';
import { warn } from '../terminal.ts';

interface OnlyMethod {
  readonly requestId: string;
  readonly id: string;
  readonly type: string;
  readonly wantsPasscode: boolean;
}

/** The validated answer; `undefined` when it has to be validated elsewhere. */
export async function validateLogin(
  invocation: Invocation,
  client: Client,
  answer: Secret,
): Promise<Secret | undefined> {
  const method = onlyMethod(answer.auth?.mfaRequirement);
  const { terminal } = invocation;
  if (method === undefined || !terminal.stdinIsTty) return undefined;
  if (invocation.flags.boolean('non-interactive')) return undefined;
  let passcode = '';
  if (method.wantsPasscode) {
    const prompt = `Passcode of ${method.type} method ${method.id} (will be hidden): `;
    passcode = (await attempt('failed to read passcode', terminal.askSecret(prompt))).trim();
  } else {
    warn(terminal, `Waiting for the ${method.type} method to confirm the login.`);
  }
  const body = { mfa_request_id: method.requestId, mfa_payload: { [method.id]: [passcode] } };
  const secret = await attempt('Error validating login', client.post('sys/mfa/validate', body));
  if (secret === undefined)
    throw new CommandFailure(EXIT_SERVER, 'The validation answered nothing');
  return secret;
}

function onlyMethod(requirement: JsonObject | undefined): OnlyMethod | undefined {
  const constraints = requirement?.['mfa_constraints'];
  if (!isJsonObject(constraints)) return undefined;
  const [constraint, ...others] = Object.values(constraints);
  const any = isJsonObject(constraint) ? constraint['any'] : undefined;
  const methods = Array.isArray(any) ? any.filter(isJsonObject) : [];
  const method = methods[0];
  if (others.length > 0 || methods.length !== 1 || method === undefined) return undefined;
  return {
    requestId: plainText(requirement?.['mfa_request_id'] ?? ''),
    id: plainText(method['id'] ?? ''),
    type: plainText(method['type'] ?? ''),
    wantsPasscode: method['uses_passcode'] === true,
  };
}
