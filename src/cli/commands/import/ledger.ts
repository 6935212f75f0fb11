/** What an import did, or would do: counted by section, with what cannot be carried and what went wrong. Never a value. */
import { ApiError } from '../../../client/errors.ts';
import type { JsonObject } from '../../../client/json.ts';
import { EXIT_OK, EXIT_SERVER, type Invocation } from '../../command.ts';
import { formatTable } from '../../render/columns.ts';
import { printDocument, say } from '../../render/output.ts';
import { escaped, shown } from './names.ts';

export type OnConflict = 'skip' | 'overwrite' | 'fail';
export const ON_CONFLICT: readonly OnConflict[] = ['skip', 'overwrite', 'fail'];

/** `same`: it was there already. `skip`: something else is there, and stays. */
export type Verdict = 'create' | 'change' | 'same' | 'skip' | 'fail';
const VERDICTS: readonly Verdict[] = ['create', 'change', 'same', 'skip', 'fail'];
const DONE: Readonly<Record<Verdict, string>> = {
  create: 'created',
  change: 'changed',
  same: 'same',
  skip: 'skipped',
  fail: 'failed',
};

/** Items and errors that are kept by name; beyond that they are only counted. */
const KEPT_MAX = 100_000;
/** Lines of a plan that a person is shown for each section. */
const SHOWN_MAX = 40;
const ERRORS_SHOWN_MAX = 100;

interface Item {
  readonly section: string;
  readonly name: string;
  readonly verdict: Verdict;
  readonly detail: string;
}

interface Lost {
  readonly name: string;
  readonly reason: string;
}

export class Ledger {
  readonly dryRun: boolean;
  readonly onConflict: OnConflict;
  readonly #counts = new Map<string, Record<Verdict, number>>();
  readonly #items: Item[] = [];
  readonly #lost: Lost[] = [];
  #total = 0;

  constructor(options: { readonly dryRun: boolean; readonly onConflict: OnConflict }) {
    this.dryRun = options.dryRun;
    this.onConflict = options.onConflict;
  }

  /** Items so far. */
  get total(): number {
    return this.#total;
  }

  record(section: string, name: string, verdict: Verdict, detail = ''): void {
    const counts = this.#counts.get(section) ?? {
      create: 0,
      change: 0,
      same: 0,
      skip: 0,
      fail: 0,
    };
    counts[verdict] += 1;
    this.#counts.set(section, counts);
    this.#total += 1;
    if (this.#items.length < KEPT_MAX) {
      this.#items.push({ section, name: escaped(name), verdict, detail: escaped(detail) });
    }
  }

  /** Something else is there: as the policy says. @returns whether it is to be replaced. */
  conflict(section: string, name: string, why: string): boolean {
    if (this.onConflict === 'overwrite') return true;
    this.record(section, name, this.onConflict === 'skip' ? 'skip' : 'fail', why);
    return false;
  }

  fail(section: string, name: string, cause: unknown): void {
    this.record(section, name, 'fail', reasonOf(cause));
  }

  /** What stays behind, whatever is done, and why. */
  lost(name: string, reason: string): void {
    if (this.#lost.length < KEPT_MAX)
      this.#lost.push({ name: escaped(name), reason: escaped(reason) });
  }

  count(verdict: Verdict): number {
    return [...this.#counts.values()].reduce((sum, counts) => sum + counts[verdict], 0);
  }

  /** Prints all of it; the exit code says whether something failed. */
  async print(invocation: Invocation): Promise<number> {
    const code = this.count('fail') === 0 ? EXIT_OK : EXIT_SERVER;
    if (invocation.format !== 'table') await printDocument(invocation, this.#document());
    else this.#tell(invocation);
    return code;
  }

  #document(): JsonObject {
    return {
      dry_run: this.dryRun,
      sections: Object.fromEntries(
        [...this.#counts].map(([section, counts]) => [section, { ...counts }]),
      ),
      items: this.#items.map((item) => ({ ...item })),
      not_carried: this.#lost.map((one) => ({ ...one })),
    };
  }

  #tell(invocation: Invocation): void {
    const rows = [...this.#counts].map(([section, counts]) => [
      section,
      ...VERDICTS.map((verdict) => String(counts[verdict])),
    ]);
    if (this.dryRun) {
      say(invocation, 'Nothing was written. This is what would be done:\n');
      for (const section of this.#counts.keys()) this.#tellPlan(invocation, section);
    }
    const heads = this.dryRun ? VERDICTS : VERDICTS.map((verdict) => DONE[verdict]);
    if (rows.length === 0) say(invocation, 'There was nothing to import.');
    else say(invocation, formatTable(['Section', ...heads], rows));
    this.#list(
      invocation,
      'Cannot be carried:',
      this.#lost.map(({ name, reason }) => `${shown(name)}: ${shown(reason)}`),
    );
    const told = this.#items.filter(({ verdict }) => verdict === 'skip');
    this.#list(
      invocation,
      'Left as it is here, because something else is there:',
      told.map(lineOf),
    );
    const failed = this.#items.filter(({ verdict }) => verdict === 'fail');
    if (failed.length === 0) return;
    const { terminal } = invocation;
    terminal.complain(`\n${this.count('fail')} could not be imported:\n`);
    for (const item of failed.slice(0, ERRORS_SHOWN_MAX)) {
      terminal.complain(`  ${lineOf(item)}\n`);
    }
    if (failed.length > ERRORS_SHOWN_MAX) terminal.complain('  … (-format=json shows all)\n');
  }

  #tellPlan(invocation: Invocation, section: string): void {
    const planned = this.#items.filter(
      (item) =>
        item.section === section && (item.verdict === 'create' || item.verdict === 'change'),
    );
    for (const item of planned.slice(0, SHOWN_MAX))
      say(invocation, `  ${item.verdict} ${lineOf(item)}`);
    if (planned.length > SHOWN_MAX) {
      say(invocation, `  … and ${planned.length - SHOWN_MAX} more (-format=json shows all)`);
    }
    if (planned.length > 0) say(invocation, '');
  }

  #list(invocation: Invocation, title: string, lines: readonly string[]): void {
    if (lines.length === 0) return;
    say(invocation, `\n${title}`);
    for (const line of lines.slice(0, SHOWN_MAX)) say(invocation, `  ${line}`);
    if (lines.length > SHOWN_MAX) {
      say(invocation, `  … and ${lines.length - SHOWN_MAX} more (-format=json shows all)`);
    }
  }
}

function lineOf({ section, name, detail }: Item): string {
  return `${section} ${shown(name)}${detail === '' ? '' : `: ${shown(detail)}`}`;
}

/** In one line: a server's messages, or what else went wrong. Neither tokens nor bodies are in errors of the client. */
export function reasonOf(cause: unknown): string {
  if (cause instanceof ApiError) {
    return `HTTP ${cause.status} ${cause.method}: ${cause.errors.join('; ') || 'no reason given'}`;
  }
  return cause instanceof Error ? cause.message : 'unknown error';
}
