/** The contract suite: every storage member runs it, so that nothing above storage depends on which member it has. */
import { describe } from 'node:test';
import { amendContract, basicContract } from './storage-basic.contract.ts';
import { faultContract } from './storage-faults.contract.ts';
import { limitContract } from './storage-limits.contract.ts';
import { listContract } from './storage-list.contract.ts';
import type { StorageMember } from './storage-member.contract.ts';
import { modelContract } from './storage-model.contract.ts';
import { replaceContract } from './storage-replace.contract.ts';
import { raceContract } from './storage-races.contract.ts';

export type { OpenMember, StorageMember } from './storage-member.contract.ts';

/** Registers the whole suite for `member`. */
export function storageContract(member: StorageMember): void {
  describe(`${member.name} storage`, () => {
    basicContract(member);
    amendContract(member);
    listContract(member);
    limitContract(member);
    raceContract(member);
    replaceContract(member);
    faultContract(member);
    modelContract(member);
  });
}
