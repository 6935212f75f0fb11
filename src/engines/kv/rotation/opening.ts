/** From a policy to its rotator, and what that is told of a rotation. */
import { invalidRequest } from '../../../model/errors.ts';
import type { Fields, Rotation, RotationContext } from '../../../rotators/rotator.ts';
import { SettingsError } from '../../../targets/database.ts';
import type { RotationPorts } from './ports.ts';
import type { RotationPolicy } from './record.ts';

/** @throws {RequestError} */
export async function rotationOf(
  { rotators }: RotationPorts,
  policy: Pick<RotationPolicy, 'rotator' | 'settings'>,
): Promise<Rotation> {
  const rotator = (await rotators()).get(policy.rotator);
  if (rotator === undefined) throw invalidRequest('there is no such rotator');
  try {
    return rotator.open(policy.settings);
  } catch (error) {
    if (error instanceof SettingsError) throw invalidRequest(`settings: ${error.message}`);
    throw error;
  }
}

export function contextOf(
  ports: RotationPorts,
  namespaceId: string,
  policy: RotationPolicy,
  values: { readonly id: string; readonly current: Fields; readonly next: Fields },
): RotationContext {
  return {
    ...values,
    random: ports.random,
    password: () => ports.password(namespaceId, policy.passwordPolicy),
  };
}
