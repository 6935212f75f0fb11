/** Where a name of another cloud leads, for facades that compare two of them. */
import type { Services } from '../assemble.ts';
import type { SharedPorts } from './facades.ts';

export function placeFinder(
  services: Pick<Services, 'begin' | 'bindings' | 'state'>,
): SharedPorts['placeOf'] {
  return async function placeOf(protocol, name, region) {
    if (services.state() !== 'unsealed') return undefined;
    const found = await services.bindings.find(services.begin(), protocol, { name, region });
    return found?.mounts.secrets === undefined ? undefined : found.namespace + found.mounts.secrets;
  };
}
