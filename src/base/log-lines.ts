/** The operational log on standard error: one line per event, in Vault's standard form or as JSON, each logger with its own level. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { LOG_LEVELS } from './log.ts';
import type { Clock } from './clock.ts';
import type { Log, LogFeed, LogFields, LogLevel } from './log.ts';

export type LogFormat = 'standard' | 'json';

export interface LogOptions {
  readonly clock: Clock;
  readonly format: LogFormat;
  readonly level: LogLevel;
  /** Takes a finished line with its line break. It must not throw. */
  readonly write: (line: string) => void;
}

/** Longest message or field value; the rest is cut off, so that one event cannot fill a disk. */
const TEXT_MAX = 4096;
/** Most distinct loggers; they are named in code, so more than this is a mistake. */
const LOGGERS_MAX = 256;

const SEVERITY: ReadonlyMap<LogLevel, number> = new Map(
  LOG_LEVELS.map((level, severity) => [level, severity]),
);

/** All loggers of one process: their levels can be read and changed while it runs (`sys/loggers`). */
export class LogRegistry {
  readonly #options: LogOptions;
  #format: LogFormat;
  #level: LogLevel;
  readonly #levels = new Map<string, LogLevel>();
  readonly #names = new Set<string>();
  readonly #followers = new Set<(event: Event) => void>();
  /** The log without a name. */
  readonly root: Log;

  constructor(options: LogOptions) {
    this.#options = options;
    this.#format = options.format;
    this.#level = options.level;
    this.root = this.#logger('');
  }

  /** Every logger that was named so far, with its level. */
  levels(): ReadonlyMap<string, LogLevel> {
    return new Map([...this.#names].sort().map((name) => [name, this.levelOf(name)]));
  }

  levelOf(name: string): LogLevel {
    return this.#levels.get(name) ?? this.#level;
  }

  /** Sets the level of the logger `name`, which must exist; false when it does not. */
  setLevel(name: string, level: LogLevel): boolean {
    if (!this.#names.has(name)) return false;
    this.#levels.set(name, level);
    return true;
  }

  /** Takes the level of the logger `name` back to the common one; false when it does not exist. */
  resetLevel(name: string): boolean {
    this.#levels.delete(name);
    return this.#names.has(name);
  }

  /** Sets the level of all loggers. */
  setAllLevels(level: LogLevel): void {
    this.#level = level;
    this.#levels.clear();
  }

  /** Takes every logger back to the configured level. */
  resetAllLevels(): void {
    this.setAllLevels(this.#options.level);
  }

  setFormat(format: LogFormat): void {
    this.#format = format;
  }

  /** For whoever wants to read along. */
  readonly feed: LogFeed = {
    form: () => this.#format,
    follow: ({ level, form }, line) => {
      if (level === 'off') return () => {};
      const least = severityOf(level);
      const follower = (event: Event): void => {
        if (severityOf(event.level) >= least) line(lineOf(event, form));
      };
      this.#followers.add(follower);
      return () => this.#followers.delete(follower);
    },
  };

  #logger(name: string): Log {
    const emit = (level: LogLevel, message: string, fields?: LogFields): void => {
      const kept = severityOf(level) >= severityOf(this.levelOf(name));
      if (!kept && this.#followers.size === 0) return;
      const event = { at: new Date(this.#options.clock.nowMs()), level, name, message, fields };
      if (kept) this.#options.write(lineOf(event, this.#format));
      for (const follower of this.#followers) follower(event);
    };
    return {
      trace: (message, fields) => emit('trace', message, fields),
      debug: (message, fields) => emit('debug', message, fields),
      info: (message, fields) => emit('info', message, fields),
      warn: (message, fields) => emit('warn', message, fields),
      error: (message, fields) => emit('error', message, fields),
      named: (child) => {
        const full = name === '' ? child : `${name}.${child}`;
        if (this.#names.size < LOGGERS_MAX) this.#names.add(full);
        return this.#logger(full);
      },
    };
  }
}

function severityOf(level: LogLevel): number {
  return SEVERITY.get(level) ?? 0;
}

interface Event {
  readonly at: Date;
  readonly level: LogLevel;
  readonly name: string;
  readonly message: string;
  readonly fields: LogFields | undefined;
}

function lineOf(event: Event, format: LogFormat): string {
  return format === 'json' ? jsonLine(event) : standardLine(event);
}

/** `2026-11-22T05:31:34.123Z [INFO]  core: vault is unsealed: term=3`, one line whatever the message holds. */
function standardLine(event: Event): string {
  const tag = `[${event.level.toUpperCase()}]`.padEnd(7);
  const name = event.name === '' ? '' : `${event.name}: `;
  let line = `${event.at.toISOString()} ${tag} ${name}${oneLine(event.message)}`;
  let separator = ': ';
  for (const [key, value] of Object.entries(event.fields ?? {})) {
    if (value === undefined) continue;
    const text = oneLine(String(value));
    line += `${separator}${key}=${/^[^\s"=]+$/.test(text) ? text : JSON.stringify(text)}`;
    separator = ' ';
  }
  return `${line}\n`;
}

/** Go's hclog JSON form: `@level`, `@message`, `@module`, `@timestamp`, then the fields. */
function jsonLine(event: Event): string {
  const line: Record<string, unknown> = {
    '@level': event.level,
    '@message': cut(event.message),
    ...(event.name === '' ? {} : { '@module': event.name }),
    '@timestamp': event.at.toISOString(),
  };
  for (const [key, value] of Object.entries(event.fields ?? {})) {
    if (value !== undefined) line[key] = typeof value === 'string' ? cut(value) : value;
  }
  return `${JSON.stringify(line)}\n`;
}

function cut(text: string): string {
  return text.length <= TEXT_MAX ? text : `${text.slice(0, TEXT_MAX)}…`;
}

/** Without control characters, so that no caller can forge a line or drive a terminal (CWE-117). */
function oneLine(text: string): string {
  return cut(text).replaceAll(/[\p{Cc}\u2028\u2029]/gu, (character) =>
    character === '\n' ? '\\n' : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

const STANDARD_ERROR = 2;

/** Where log lines go: standard error, and a file if one is named. Failing to log is no reason to stop serving. */
export class LogSink {
  readonly #path: string | undefined;
  readonly #console: number;
  #file: number | undefined;

  /**
   * @param console descriptor of what stands for the standard error
   * @throws when the file cannot be opened.
   */
  constructor(path?: string, console: number = STANDARD_ERROR) {
    this.#path = path;
    this.#console = console;
    this.reopen();
  }

  /** Opens the file again, after it was rotated. @throws when it cannot be opened. */
  reopen(): void {
    if (this.#path === undefined) return;
    const file = openSync(this.#path, 'a', 0o600);
    this.close();
    this.#file = file;
  }

  readonly write = (line: string): void => {
    for (const target of [this.#console, this.#file]) {
      if (target !== undefined) writeQuietly(target, line);
    }
  };

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }
}

function writeQuietly(target: number, line: string): void {
  try {
    writeSync(target, line);
  } catch {
    // A full disk, a closed terminal or a pipe that is not read: the event is lost, the service is not.
  }
}
