/** `?help=1`: what the declarations say of a path, or of a mount as a whole. */
import type { Backend } from '../model/backend.ts';
import { RequestError } from '../model/errors.ts';
import type { Reply } from '../model/request.ts';
import type { Exchange } from './exchange.ts';
import { backendHelp, pathHelp } from './help.ts';
import { openApiDocument, pathDocument } from './openapi.ts';

/** Of the descriptions: they say what this program declares, whatever its release. */
const DOCUMENT_VERSION = '1.0.0';

export function helpReply(exchange: Exchange): Reply {
  const { match, mount, pathBelowMount } = exchange;
  if (mount === undefined) throw new RequestError('not_found', '');
  const backend = mount.backend as unknown as Backend<never>;
  if (pathBelowMount === '') {
    const openapi = openApiDocument([{ backend, prefix: '/' }], DOCUMENT_VERSION);
    return { data: { help: backendHelp(backend), openapi, see_also: null }, bare: true };
  }
  if (match === undefined) throw new RequestError('not_found', '');
  const help = pathHelp(match.path, pathBelowMount);
  const openapi = pathDocument(backend, match.path, DOCUMENT_VERSION);
  return { data: { help, openapi, see_also: null }, bare: true };
}
