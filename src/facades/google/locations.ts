/** Locations (google.cloud.location): those that a project is bound for are told by their secrets; this API lists none itself. */
import type { Method } from './asking.ts';
import { parseParent } from './names.ts';
import { StatusError } from './wire/status.ts';
import type { Message } from './wire/schema.ts';

function nameOf(request: Message): string {
  return (request['name'] as string | undefined) ?? '';
}

export const listLocations: Method = async (request, ask) => {
  const name = parseParent(nameOf(request));
  // Asked only so that nobody without a token learns which projects there are.
  await ask({ name, operation: 'read', part: '', path: 'auth/token/lookup-self' });
  return { locations: [] };
};

export const getLocation: Method = async (request, ask) => {
  const name = parseParent(nameOf(request));
  if (name.location === '') {
    throw new StatusError('INVALID_ARGUMENT', 'The resource name of the location is not valid.');
  }
  await ask({ name, operation: 'read', part: '', path: 'auth/token/lookup-self' });
  return {
    name: `projects/${name.project}/locations/${name.location}`,
    locationId: name.location,
  };
};
