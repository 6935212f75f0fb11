/** What a handler gets to act outside, and what becomes of its intents when the request ends. */
import type { Outside, Schedule } from '../../model/outside.ts';
import type { Exchange } from '../exchange.ts';
import type { Parts } from '../parts.ts';
import { LEND, OWN_PREFIX, handleOf, refuseOutside } from './intents.ts';
import { scheduleOf } from './tasks.ts';
import type { NewIntent, Opened } from './intent-record.ts';

const NONE: Outside = { lend: refuseOutside, intend: refuseOutside };

export function outsideOf(parts: Parts, exchange: Exchange, declared: boolean): Outside {
  const { mount } = exchange;
  if (!declared || mount === undefined) return NONE;
  const open = async (rest: Pick<NewIntent, 'kind' | 'secretType' | 'data' | 'replaces'>) => {
    const { namespace, path } = exchange;
    const opened = await parts.intents.open(exchange.unit, {
      namespaceId: namespace.id,
      mountAccessor: mount.entry.accessor,
      path,
      ...rest,
    });
    exchange.intents.push(opened);
    return handleOf(opened);
  };
  return {
    lend: (secretType, data) => open({ kind: LEND, secretType, data }),
    intend: (kind, data, replaces) =>
      open({
        kind: OWN_PREFIX + kind,
        secretType: '',
        data,
        ...(replaces === undefined ? {} : { replaces }),
      }),
  };
}

export function scheduleFor(parts: Parts, exchange: Exchange): Schedule {
  return (task, name, atMs) => {
    const { mount, unit, namespace } = exchange;
    if (mount === undefined) refuseOutside();
    scheduleOf(parts.queue, unit, namespace.id, mount.entry.accessor)(task, name, atMs);
  };
}

/** What the last run of a request has left open, now that its commit will not come. */
export function leftBy(exchange: Exchange): readonly Opened[] {
  return exchange.intents.splice(0);
}
