/**
 * The syslog daemon of this machine, at its datagram socket (`/dev/log`). Node has no Unix datagram sockets, so `logger` of
 * util-linux hands the lines over: once per append, and it has sent everything when it ends well.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';

import type { Clock } from '../../base/clock.ts';
import { invalidRequest } from '../../model/errors.ts';
import { linesOf } from '../connection.ts';
import type { AuditDevice } from '../device.ts';

export const LOCAL_SOCKET_DEFAULT = '/dev/log';
/** Where Debian, Alpine and Red Hat have it; never looked up on a search path. */
const LOGGERS: readonly string[] = ['/usr/bin/logger', '/bin/logger'];
/** Longest record: what a Unix datagram carries everywhere, less the head that logger adds. */
export const LOCAL_RECORD_BYTES_MAX = 60_000;

export interface LocalSettings {
  readonly socketPath: string;
  /** `auth.info`, as syslog(3) names it. */
  readonly priority: string;
  readonly tag: string;
  readonly timeoutMs: number;
  readonly clock: Clock;
}

export class LocalSyslogDevice implements AuditDevice {
  readonly #settings: LocalSettings;
  readonly #program: string;

  /** @throws {RequestError} invalid_request when there is no `logger`. */
  constructor(settings: LocalSettings) {
    const program = LOGGERS.find((path) => existsSync(path));
    if (program === undefined) {
      throw invalidRequest('the local syslog needs the program logger (util-linux)');
    }
    this.#settings = settings;
    this.#program = program;
  }

  append(lines: Buffer): Promise<void> {
    for (const line of linesOf(lines)) {
      if (line.length > LOCAL_RECORD_BYTES_MAX) {
        return Promise.reject(new Error('the record is too large for a datagram'));
      }
    }
    const { socketPath, priority, tag, timeoutMs, clock } = this.#settings;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const child = spawn(
      this.#program,
      [
        `--socket=${socketPath}`,
        '--socket-errors=on',
        `--priority=${priority}`,
        `--tag=${tag}`,
        `--id=${process.pid}`,
        `--size=${LOCAL_RECORD_BYTES_MAX + 1024}`,
      ],
      { stdio: ['pipe', 'ignore', 'ignore'], env: {} },
    );
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0 ? resolve() : reject(new Error('logger could not send the record')),
    );
    // It ended early: its exit code says so.
    child.stdin.once('error', () => {});
    child.stdin.end(lines);
    const stop = clock.after(timeoutMs, () => {
      child.kill('SIGKILL');
      reject(new Error('no answer in time'));
    });
    return promise.finally(stop);
  }

  reopen(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
