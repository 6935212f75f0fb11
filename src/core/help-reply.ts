/** `?help=1`: what the declaration says of a path. */
import { RequestError } from '../model/errors.ts';
import type { Reply } from '../model/request.ts';
import type { Exchange } from './exchange.ts';

export function helpReply(exchange: Exchange): Reply {
  const { match, mount } = exchange;
  if (mount === undefined || match === undefined) throw new RequestError('not_found', '');
  const { synopsis, description } = match.path.help;
  return {
    data: { help: description === undefined ? synopsis : `${synopsis}\n\n${description}` },
    bare: true,
  };
}
