/** What clients do: one thing after the other, at any server, and what they are told goes into the ledger. */
import {
  changePolicy,
  makeToken,
  readGuarded,
  revokeToken,
  useToken,
  wrap,
} from './acts/access.ts';
import { contend, giveBack, lend, renew, rotate, rotateAtOnce } from './acts/accounts.ts';
import type { Act, Hand } from './acts/hand.ts';
import { changePlace, lendThere } from './acts/places.ts';
import { compareAndSet, forbidden, read, write } from './acts/secrets.ts';
import type { Plan } from './plan.ts';
import type { Theme } from './plan.ts';

/** How often what is done, by what a run is about. */
// prettier-ignore
const ACTS: readonly (readonly [Act, Readonly<Record<Theme, number>>])[] = [
  [write,         { everything: 16, policies: 4,  leases: 4,  places: 6,  rotations: 6 }],
  [read,          { everything: 12, policies: 4,  leases: 2,  places: 4,  rotations: 4 }],
  [compareAndSet, { everything: 8,  policies: 2,  leases: 2,  places: 2,  rotations: 2 }],
  [makeToken,     { everything: 9,  policies: 3,  leases: 14, places: 2,  rotations: 2 }],
  [useToken,      { everything: 10, policies: 3,  leases: 2,  places: 2,  rotations: 2 }],
  [revokeToken,   { everything: 7,  policies: 2,  leases: 7,  places: 1,  rotations: 1 }],
  [changePolicy,  { everything: 6,  policies: 30, leases: 1,  places: 1,  rotations: 1 }],
  [readGuarded,   { everything: 7,  policies: 44, leases: 1,  places: 1,  rotations: 1 }],
  [forbidden,     { everything: 2,  policies: 1,  leases: 1,  places: 1,  rotations: 1 }],
  [lend,          { everything: 7,  policies: 2,  leases: 20, places: 4,  rotations: 12 }],
  [giveBack,      { everything: 3,  policies: 1,  leases: 10, places: 2,  rotations: 2 }],
  [renew,         { everything: 2,  policies: 1,  leases: 8,  places: 2,  rotations: 2 }],
  [contend,       { everything: 3,  policies: 1,  leases: 24, places: 4,  rotations: 2 }],
  [rotate,        { everything: 2,  policies: 1,  leases: 2,  places: 2,  rotations: 24 }],
  [rotateAtOnce,  { everything: 1,  policies: 0,  leases: 0,  places: 0,  rotations: 34 }],
  [lendThere,     { everything: 1,  policies: 0,  leases: 1,  places: 34, rotations: 2 }],
  [changePlace,   { everything: 1,  policies: 0,  leases: 0,  places: 30, rotations: 0 }],
  [wrap,          { everything: 3,  policies: 1,  leases: 1,  places: 2,  rotations: 2 }],
];

/** One client: as many things as the plan has, with pauses. */
export async function work(hand: Hand, { things, pauseMs, theme }: Plan): Promise<void> {
  const { cluster, chance } = hand;
  const total = ACTS.reduce((sum, [, weights]) => sum + weights[theme], 0);
  for (let index = 0; index < things; index++) {
    await cluster.scheduler.sleep(chance.delayMs(pauseMs), 'client goes on');
    let which = chance.unit() * total;
    const found = ACTS.find(([, weights]) => (which -= weights[theme]) < 0);
    await found?.[0](hand);
  }
}
