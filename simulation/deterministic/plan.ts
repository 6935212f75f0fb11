/** What one run is made of: how many servers and clients, and how much goes wrong of which kind, is the choice of its seed. */
import type { Chance } from './world/chance.ts';

export type Theme = 'everything' | 'policies' | 'leases' | 'places' | 'rotations';

export interface Plan {
  /** 0 = one server on an embedded store. */
  readonly replicas: number;
  readonly clients: number;
  readonly things: number;
  readonly pauseMs: number;
  /** Timers are so late while the clients work. */
  readonly latenessMs: number;
  readonly crashes: number;
  readonly stops: number;
  readonly stopMsMax: number;
  readonly cuts: number;
  readonly cutMsMax: number;
  readonly restarts: number;
  readonly network: boolean;
  readonly target: 'well' | 'bad' | 'slow';
  readonly audit: boolean;
  readonly disk: boolean;
  /** Servers are sealed, and opened again; they end in good order, and come back. */
  readonly seals: number;
  readonly endings: number;
  /** Clocks of machines are set, to what is wrong. */
  readonly jumps: number;
  /** What most of what clients do is about. */
  readonly theme: Theme;
}

export function planOf(chance: Chance): Plan {
  const replicas = chance.happens(0.4) ? 0 : chance.happens(0.7) ? 2 : 3;
  const shared = replicas > 0;
  // Long enough for the others to take over what a stopped server was to do.
  const long = shared && chance.happens(0.15);
  const theme = themeOf(chance.unit());
  // Nobody can act on what a namespace could not take back in so many attempts before it was gone.
  const mayFail = !(long && theme === 'places');
  const some = (probability: number, most: number): number =>
    chance.happens(probability) ? chance.between(1, most) : 0;
  return {
    replicas,
    clients: chance.between(1, 3),
    // What is done in them is more than one request.
    things:
      theme === 'everything' || theme === 'policies' ? chance.between(4, 12) : chance.between(3, 7),
    pauseMs: long ? 1_500 : chance.pick([20, 60, 200]),
    latenessMs: long ? 400 : chance.pick([10, 100, 300]),
    crashes: some(0.5, 3),
    stops: some(long ? 0.7 : 0.15, 2),
    stopMsMax: long ? 16_000 : 2_000,
    cuts: shared ? some(long ? 0.5 : 0.2, 2) : 0,
    cutMsMax: long ? 18_000 : 7_000,
    restarts: shared ? some(0.2, 2) : 0,
    network: shared && chance.happens(0.5),
    target:
      chance.happens(0.4) && mayFail ? 'bad' : chance.happens(long ? 0.3 : 0.05) ? 'slow' : 'well',
    audit: chance.happens(0.25),
    disk: !shared && chance.happens(0.3),
    seals: some(0.08, 2),
    endings: some(0.08, 2),
    jumps: some(0.15, 2),
    theme,
  };
}

function themeOf(unit: number): Theme {
  if (unit < 0.4) return 'everything';
  if (unit < 0.5) return 'policies';
  if (unit < 0.7) return 'leases';
  return unit < 0.85 ? 'places' : 'rotations';
}
