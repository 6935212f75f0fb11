/** Puts the namespace and mount of a binding in place of the name that a facade has for them. */
import { RequestError } from '../../model/errors.ts';
import type { BoundPlace, Call } from '../call.ts';
import type { Exchange } from '../exchange.ts';
import type { Parts } from '../parts.ts';

export async function bind(parts: Parts, exchange: Exchange, place: BoundPlace): Promise<void> {
  if (parts.state() !== 'unsealed') return;
  const { call } = exchange;
  const binding = await parts.bindings.find(exchange.unit, call.protocol, place);
  if (binding === undefined) throw unbound('nothing is bound to that name');
  const mount = place.part === '' ? '' : binding.mounts[place.part];
  if (mount === undefined) throw unbound(`the binding has no mount for ${place.part}`);
  const { bound: _bound, ...rest } = call;
  const resolved: Call = {
    ...rest,
    namespace: binding.namespace,
    path: mount + call.path,
    ...(binding.retention === undefined ? {} : { retention: binding.retention }),
  };
  exchange.call = resolved;
  exchange.path = resolved.path;
}

function unbound(detail: string): RequestError {
  return new RequestError('not_found', detail, { reason: 'unbound' });
}
