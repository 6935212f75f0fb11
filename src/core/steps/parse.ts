/** Reads the body, tells create from update, and checks the parameters against the declaration. */
import type { Awaitable } from '../../base/awaitable.ts';
import { RequestError, invalidRequest } from '../../model/errors.ts';
import type { Path } from '../../model/backend.ts';
import type { Request } from '../../model/request.ts';
import { fieldWarnings, parseFields } from '../declared/fields.ts';
import { requestOf, storeOf } from '../dispatch.ts';
import type { Exchange } from '../exchange.ts';
import type { Parts } from '../parts.ts';

const NO_DATA: Exchange['data'] = Object.freeze({});
const WRITES = new Set(['create', 'update', 'patch']);

export function parse(parts: Parts, exchange: Exchange): Awaitable<void> {
  const { operation } = exchange.call;
  if (operation === 'write' || operation === 'patch') return parseWrite(parts, exchange);
  const { match } = exchange;
  if (match !== undefined && exchange.operation !== 'help') readFields(exchange, match);
}

async function parseWrite(parts: Parts, exchange: Exchange): Promise<void> {
  const { call } = exchange;
  const isUpload = exchange.match?.path.takesUpload === true && call.operation === 'write';
  if (!exchange.bodyRead) exchange.data = isUpload ? NO_DATA : await call.readBody();
  exchange.bodyRead = true;
  if (call.path.endsWith('/')) throw invalidRequest("cannot write to a path ending in '/'");
  const { match } = exchange;
  if (match === undefined || exchange.operation === 'help') return;
  if (!readFields(exchange, match)) return;
  if (exchange.operation === 'update' && match.path.exists !== undefined) {
    const exists = match.path.exists as NonNullable<Path<unknown>['exists']>;
    const found = await exists(requestOf(parts, exchange, {}) as Request<never>, storeOf(exchange));
    if (!found) exchange.operation = 'create';
  }
}

/** Checks the parameters; false when they do not fit, which is told later. */
export function readFields(exchange: Exchange, match: NonNullable<Exchange['match']>): boolean {
  const { call } = exchange;
  const write = WRITES.has(exchange.operation);
  exchange.fieldError = undefined;
  try {
    // What a task is about is in its protocol's words: only the path is read.
    const data = call.task === undefined ? exchange.data : NO_DATA;
    const parsed = parseFields(match.path.fields, match.params, data, {
      // A patch names what changes; what it leaves out is there already.
      write: write && exchange.operation !== 'patch',
      absent: match.absent,
      ...(write ? { query: call.query } : {}),
    });
    exchange.fields = parsed.values;
    exchange.warnings = write && match.path.arbitraryData === true ? [] : fieldWarnings(parsed);
  } catch (error) {
    // Told only to a caller who may use the path at all.
    if (!(error instanceof RequestError)) throw error;
    exchange.fieldError = error;
    return false;
  }
  return true;
}
