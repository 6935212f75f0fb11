/** `sys/leases`: what has been lent, how long, and how to end it. Tokens of logins are leases too. */
import type { Path } from '../../model/backend.ts';
import type { Unit } from '../../model/transaction.ts';
import { irrevocablePaths } from './irrevocable.ts';
import { leaseLookupPaths } from './lookup.ts';
import type { LeasePorts } from './ports.ts';
import { leaseRenewPath } from './renew.ts';
import { leaseRevokePaths } from './revoke.ts';

export function leasePaths(ports: LeasePorts): Path<Unit>[] {
  return [
    ...leaseLookupPaths(ports),
    leaseRenewPath(ports),
    ...leaseRevokePaths(ports),
    ...irrevocablePaths(ports),
  ];
}
