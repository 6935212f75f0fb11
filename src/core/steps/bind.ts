/** Puts the namespace and mount of a binding in place of the name that a facade has for them. */
import { after } from '../../base/awaitable.ts';
import type { Awaitable } from '../../base/awaitable.ts';
import { RequestError } from '../../model/errors.ts';
import type { Binding } from '../bindings/bindings.ts';
import type { BoundPlace } from '../call.ts';
import type { Exchange } from '../exchange.ts';
import type { Parts } from '../parts.ts';

export function bind(parts: Parts, exchange: Exchange, place: BoundPlace): Awaitable<void> {
  if (parts.state() !== 'unsealed') return;
  const found = parts.bindings.find(exchange.unit, exchange.call.protocol, place);
  return after(found, (binding) => resolve(exchange, place, binding));
}

function resolve(exchange: Exchange, place: BoundPlace, binding: Binding | undefined): void {
  if (binding === undefined) throw unbound('nothing is bound to that name');
  const mount = place.part === '' ? '' : binding.mounts[place.part];
  if (mount === undefined) throw unbound(`the binding has no mount for ${place.part}`);
  const { call } = exchange;
  const { namespace, retention } = binding;
  const path = mount + call.path;
  exchange.call =
    retention === undefined
      ? { ...call, bound: undefined, namespace, path }
      : { ...call, bound: undefined, namespace, path, retention };
  exchange.path = path;
}

function unbound(detail: string): RequestError {
  return new RequestError('not_found', detail, { reason: 'unbound' });
}
