/** The verbs of the Vault protocol and what each asks for. */
import type { CallOperation } from '../../core/call.ts';
import { RequestError, invalidRequest } from '../../model/errors.ts';
import { parseBool } from './query.ts';
import type { Parameters } from './query.ts';

export interface Verb {
  readonly operation: CallOperation;
  /** Where the parameters are: writes take them from the body, everything else from the query. */
  readonly body: 'none' | 'json-or-form' | 'merge-patch';
}

const READ: Verb = { operation: 'read', body: 'none' };
const WRITE: Verb = { operation: 'write', body: 'json-or-form' };
const LIST: Verb = { operation: 'list', body: 'none' };
const SCAN: Verb = { operation: 'scan', body: 'none' };
const HELP: Verb = { operation: 'help', body: 'none' };

/** `OPTIONS` without CORS goes through as a header operation, so that it needs a token like the others. */
const VERBS: ReadonlyMap<string, Verb> = new Map<string, Verb>([
  ['GET', READ],
  ['POST', WRITE],
  ['PUT', WRITE],
  ['PATCH', { operation: 'patch', body: 'merge-patch' }],
  ['DELETE', { operation: 'delete', body: 'none' }],
  ['LIST', LIST],
  ['SCAN', SCAN],
  ['HEAD', { operation: 'header', body: 'none' }],
  ['OPTIONS', { operation: 'header', body: 'none' }],
]);

/**
 * What a request asks for: `GET` with `?list=true` or `?scan=true` is LIST or SCAN where there is anything to list, any verb with
 * `?help=…` is help.
 * @throws {RequestError} 405 for another verb, 400 for a flag that is no boolean and for both flags together
 */
export function verbOf(method: string, parameters: Parameters, where?: 'no listing'): Verb {
  if (parameters.size > 0 && (parameters.get('help')?.[0] ?? '') !== '') return HELP;
  const verb = VERBS.get(method);
  if (verb === undefined) throw new RequestError('unsupported_operation', '');
  if (verb !== READ || parameters.size === 0 || where !== undefined) return verb;
  const list = flag(parameters, 'list');
  const scan = flag(parameters, 'scan');
  if (list && scan) throw invalidRequest('');
  return list ? LIST : scan ? SCAN : READ;
}

function flag(parameters: Parameters, name: string): boolean {
  const text = parameters.get(name)?.[0] ?? '';
  if (text === '') return false;
  const value = parseBool(text);
  if (value === undefined) throw invalidRequest('');
  return value;
}

const HELP_ONLY: ReadonlySet<string> = new Set(['help']);
const CONSUMED: Readonly<Partial<Record<CallOperation, ReadonlySet<string>>>> = {
  list: new Set(['help', 'list']),
  scan: new Set(['help', 'scan']),
};

/** The query parameters that the verb itself used up, which are no data. */
export function consumedParameters(method: string, verb: Verb): ReadonlySet<string> {
  return (method === 'GET' ? CONSUMED[verb.operation] : undefined) ?? HELP_ONLY;
}
