/** `sys/monitor`: the operational log of this server as it is written, until the caller goes away. */
import type { Clock } from '../../base/clock.ts';
import type { LogFeed, LogForm, LogLevel } from '../../base/log.ts';
import { LOG_LEVELS } from '../../base/log.ts';
import { defineSystemPath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { RequestError, invalidRequest } from '../../model/errors.ts';
import type { Unit } from '../../model/transaction.ts';
import { LineStream } from './line-stream.ts';
import type { Principal } from '../../model/principal.ts';

export interface MonitorPorts {
  readonly clock: Clock;
  readonly feed: LogFeed;
  /** Whether the token of somebody who follows since `sinceMs` is still in force; false while sealed. */
  readonly stillThere: (principal: Principal, sinceMs: number) => Promise<boolean>;
}

/** Followers at once: each line is formatted and kept for each of them. */
export const FOLLOWERS_MAX = 16;
/** How often a follower's token is looked at again. */
export const FOLLOWER_CHECK_MS = 5000;

function levelNamed(text: string): LogLevel | 'off' {
  const name = text.trim().toLowerCase();
  const level = ([...LOG_LEVELS, 'off'] as const).find((each) => each === name);
  if (level === undefined) throw invalidRequest('unknown log level');
  return level;
}

function formNamed(text: string): LogForm {
  const name = text.toLowerCase();
  if (name !== 'standard' && name !== 'json') throw invalidRequest('unknown log format');
  return name;
}

export function monitorPaths(ports: MonitorPorts): Path<Unit>[] {
  let followers = 0;

  /** A stream that ends with the server's service or the caller's token, whichever is first. */
  function follow(principal: Principal, level: LogLevel | 'off', form: LogForm): LineStream {
    if (followers >= FOLLOWERS_MAX) {
      throw new RequestError('unavailable', 'too many monitors are running, try again later', {
        headers: { 'Retry-After': '10' },
      });
    }
    followers++;
    const sinceMs = ports.clock.nowMs();
    let stopChecking = (): void => {};
    const unfollow = ports.feed.follow({ level, form }, (line) => stream.write(line));
    const stream = new LineStream({
      dropped: (count) => `(${count} lines were left out: they came faster than they were read)\n`,
      ended: () => {
        followers--;
        unfollow();
        stopChecking();
      },
    });
    const check = (): void => {
      stopChecking = ports.clock.after(FOLLOWER_CHECK_MS, () => {
        ports.stillThere(principal, sinceMs).then(
          (there) => (there ? check() : stream.finish()),
          () => stream.finish(),
        );
      });
    };
    check();
    return stream;
  }

  return [
    defineSystemPath({
      pattern: 'monitor',
      fields: {
        log_level: {
          kind: 'string',
          query: true,
          default: '',
          description: 'Least severe level: trace, debug, info (the default), warn or error.',
        },
        log_format: {
          kind: 'string',
          query: true,
          default: 'standard',
          description: 'Form of a line: standard or json.',
        },
      },
      help: { synopsis: 'The log of this server, as it is written.' },
      operations: {
        read: {
          summary: 'Follow the log',
          outsideEffects: true,
          handler: ({ fields, principal }) => {
            const level = levelNamed(fields.log_level === '' ? 'info' : fields.log_level);
            const wanted = formNamed(fields.log_format);
            if (principal === undefined) throw new RequestError('internal', 'no principal');
            const form = ports.feed.form() === 'json' ? 'json' : wanted;
            const stream = follow(principal, level, form);
            return { raw: { contentType: 'text/plain; charset=utf-8', body: '', stream } };
          },
        },
      },
    }),
  ];
}
