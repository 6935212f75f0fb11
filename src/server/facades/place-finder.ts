/** Where a name of another cloud leads, for facades that compare two of them. */
import type { SharedPorts } from './facades.ts';
import type { Services } from '../services.ts';

/** The mount of a Google project's secrets, below the namespace of its binding. */
export function mountFinder(
  services: Pick<Services, 'begin' | 'bindings' | 'state'>,
): SharedPorts['mountOf'] {
  return async function mountOf(place) {
    if (services.state() !== 'unsealed') return undefined;
    return (await services.bindings.find(services.begin(), 'gcp', place))?.mounts.secrets;
  };
}

export function placeFinder(
  services: Pick<Services, 'begin' | 'bindings' | 'state'>,
): SharedPorts['placeOf'] {
  return async function placeOf(protocol, name, region) {
    if (services.state() !== 'unsealed') return undefined;
    const found = await services.bindings.find(services.begin(), protocol, { name, region });
    return found?.mounts.secrets === undefined ? undefined : found.namespace + found.mounts.secrets;
  };
}
