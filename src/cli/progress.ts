/** Shows how far long work is: on stderr, and only to a person. */
import { Transform } from 'node:stream';
import type { Terminal } from './terminal.ts';

export interface Progress {
  /** Counts the bytes that pass through it. */
  readonly count: Transform;
  /** Removes the line. */
  end(): void;
}

const REFRESH_MS = 200;

export function reportProgress(terminal: Terminal, verb: string): Progress {
  let bytes = 0;
  let shownAtMs = -Infinity;
  let shown = false;
  const show = (): void => {
    const nowMs = performance.now();
    if (!terminal.stderrIsTty || nowMs - shownAtMs < REFRESH_MS) return;
    shownAtMs = nowMs;
    shown = true;
    terminal.complain(`\r${(bytes / 1_048_576).toFixed(1)} MiB ${verb}`);
  };
  const count = new Transform({
    transform(chunk: Buffer, _encoding, done): void {
      bytes += chunk.length;
      show();
      done(null, chunk);
    },
  });
  return {
    count,
    end(): void {
      if (shown) terminal.complain('\r\u001b[K');
    },
  };
}

export interface Steps {
  /** `done` of `total` (undefined: nobody knows how many) of what `phase` names. */
  readonly show: (phase: string, done: number, total: number | undefined) => void;
  /** Removes the bar. */
  end(): void;
}

const BAR_WIDTH = 30;
/** Between two lines where no terminal can redraw one. */
const LINE_EVERY_MS = 5_000;
/** Phases of fewer steps have no line of their own at their beginning. */
const LINE_STEPS_MIN = 20;

/** Work in phases: a bar for a person, now and then a line for a log. */
export function reportSteps(
  terminal: Terminal,
  nowMs: () => number = () => performance.now(),
): Steps {
  const tty = terminal.stderrIsTty;
  let current = '';
  let startedMs = 0;
  let shownAtMs = -Infinity;
  let barShown = false;
  const end = (): void => {
    if (barShown) terminal.complain('\r\u001b[K');
    barShown = false;
  };
  return {
    end,
    show(phase, done, total): void {
      const now = nowMs();
      const begins = phase !== current;
      const over = total !== undefined && done >= total;
      if (begins) {
        end();
        current = phase;
        startedMs = now;
        shownAtMs = now;
        if (!tty && total !== undefined && total - done < LINE_STEPS_MIN) return;
      } else if (now - shownAtMs < (tty ? REFRESH_MS : LINE_EVERY_MS) && !(tty && over)) return;
      shownAtMs = now;
      const text = stepsText({ phase, done, total, elapsedMs: now - startedMs });
      if (!tty) terminal.complain(`${text}\n`);
      else {
        barShown = true;
        terminal.complain(`\r\u001b[K${bar(done, total)}${text}`);
      }
    },
  };
}

function bar(done: number, total: number | undefined): string {
  if (total === undefined || total === 0) return '';
  const full = Math.round(BAR_WIDTH * Math.min(1, done / total));
  return `[${'#'.repeat(full)}${'.'.repeat(BAR_WIDTH - full)}] `;
}

interface StepsNow {
  readonly phase: string;
  readonly done: number;
  readonly total: number | undefined;
  readonly elapsedMs: number;
}

/** `copying 1200 of 5000 (24%, 600/s, 6 s left)` */
function stepsText({ phase, done, total, elapsedMs }: StepsNow): string {
  const perSecond = elapsedMs < 1_000 ? 0 : (done / elapsedMs) * 1_000;
  const rate = perSecond > 0 ? [`${Math.round(perSecond)}/s`] : [];
  if (total === undefined) return [phase, ...(done > 0 ? [String(done)] : []), ...rate].join(' ');
  const share = total === 0 ? 100 : Math.floor((100 * Math.min(done, total)) / total);
  const left =
    perSecond > 0 && total > done ? [`${Math.ceil((total - done) / perSecond)} s left`] : [];
  return `${phase} ${done} of ${total} (${[`${share}%`, ...rate, ...left].join(', ')})`;
}
