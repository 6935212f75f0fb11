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
