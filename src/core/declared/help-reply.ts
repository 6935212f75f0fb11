/** `?help=1`: what the declaration says of a path. */
import { RequestError } from '../../model/errors.ts';
import type { Reply } from '../../model/request.ts';
import type { Exchange } from '../exchange.ts';
import { backendHelp, pathHelp } from './help.ts';
import type { Path } from '../../model/backend.ts';

export function helpReply(exchange: Exchange): Reply {
  const { match, mount } = exchange;
  if (mount === undefined) throw new RequestError('not_found', '');
  if (match !== undefined && exchange.pathBelowMount !== '') {
    return {
      data: {
        help: pathHelp(match.path as unknown as Path, exchange.pathBelowMount),
        openapi: null,
      },
      bare: true,
    };
  }
  const help =
    mount.backend.scope === 'unit' ? backendHelp(mount.backend) : backendHelp(mount.backend);
  return { data: { help, openapi: null }, bare: true };
}
