/** The operational log: one line per event on standard error, never a secret. */

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error';
export const LOG_LEVELS: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error'];

/** Fields of a log line. Values are shown as they are: never pass a secret, a token or a request body. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Log {
  trace(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A log of the same destination whose lines carry `name` (Vault's logger names: `core`, `audit`, `expiration` …). */
  named(name: string): Log;
}

/** Takes every line and keeps none: for tests and embedding. */
export const silentLog: Log = {
  trace: () => {},
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  named: () => silentLog,
};

export type LogForm = 'standard' | 'json';

/** The log of the process, to be followed. */
export interface LogFeed {
  /** The form that the configuration chose. */
  readonly form: () => LogForm;
  /** Hears every line from `level` on, whatever the log itself keeps; returns what ends it. */
  readonly follow: (
    wanted: { readonly level: LogLevel | 'off'; readonly form: LogForm },
    line: (text: string) => void,
  ) => () => void;
}
