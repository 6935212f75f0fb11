/** `?help=1`: what the declaration says of a path. */
import { RequestError } from '../../model/errors.ts';
import type { Backend } from '../../model/backend.ts';
import type { Exchange } from '../exchange.ts';
import { backendHelp, pathHelp } from './help.ts';
import { openApiDocument, pathDocument } from './openapi.ts';
import type { Reply } from '../../model/reply.ts';

/** @throws {RequestError} not_found: there is nothing to say */
export function helpReply(
  { match, mount, path, pathBelowMount }: Exchange,
  version: string,
): Reply {
  if (mount === undefined)
    throw new RequestError('not_found', `no handler for route "${path}". route entry not found.`);
  const backend = mount.backend as unknown as Backend<never>;
  if (pathBelowMount === '') {
    const openapi = openApiDocument([{ backend, prefix: '/' }], version);
    return { data: { help: backendHelp(backend), openapi, see_also: null }, bare: true };
  }
  if (match === undefined) throw new RequestError('not_found', 'unsupported path');
  const { path: declared } = match;
  const help = pathHelp(declared, pathBelowMount);
  const openapi = pathDocument(backend, declared, version);
  return { data: { help, openapi, see_also: null }, bare: true };
}
