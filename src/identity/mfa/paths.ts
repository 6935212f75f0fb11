/** `identity/mfa`: methods of the second factor, their secrets, and who has to show them. */
import type { Path } from '../../model/backend.ts';
import type { Unit } from '../../model/transaction.ts';
import type { Identity } from '../identity.ts';
import { MfaContext } from './context.ts';
import type { MfaPorts } from './context.ts';
import { enforcementPaths } from './enforcement-paths.ts';
import { enrolmentPaths } from './enrolment-paths.ts';
import { methodPaths } from './method-paths.ts';

export function mfaPaths(identity: Identity, ports: MfaPorts): readonly Path<Unit>[] {
  const context = new MfaContext(identity, ports);
  return [...enrolmentPaths(context), ...methodPaths(context), ...enforcementPaths(context)];
}
