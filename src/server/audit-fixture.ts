/** An audit device for tests: keeps what it is given, and can be made to refuse or to keep still. */
import type { AuditDeviceType } from '../audit/device.ts';

export interface KeptRecord {
  readonly type: string;
  readonly error?: string;
  readonly request?: { readonly id: string; readonly path: string; readonly operation: string };
}

export class KeptLog {
  readonly #lines: string[] = [];
  #released = Promise.withResolvers<void>();
  #mode: 'works' | 'fails' | 'blocks' = 'works';

  /** What becomes of the next records; those that were kept waiting go through when it is set. */
  set mode(mode: 'works' | 'fails' | 'blocks') {
    this.#mode = mode;
    this.#released.resolve();
    this.#released = Promise.withResolvers<void>();
  }

  /** The records of requests and replies below a path, as `request read` or `response read denied`. */
  of(path: string): string[] {
    return this.#lines
      .map((line) => JSON.parse(line) as KeptRecord)
      .filter(({ request }) => request?.path.startsWith(path) === true)
      .map(
        ({ type, request, error }) =>
          `${type} ${request?.operation ?? ''}${error === undefined ? '' : ` ${error}`}`,
      );
  }

  get lines(): readonly string[] {
    return this.#lines;
  }

  get text(): string {
    return this.#lines.join('');
  }

  readonly type: AuditDeviceType = {
    type: 'kept',
    summary: 'keeps its records in memory',
    options: {},
    open: async () => ({
      append: async (lines) => {
        if (this.#mode === 'fails') throw new Error('no space');
        if (this.#mode === 'blocks') await this.#released.promise;
        this.#lines.push(
          ...lines
            .toString()
            .split('\n')
            .filter((line) => line !== ''),
        );
      },
      reopen: async () => {},
      close: async () => {},
    }),
  };
}
