/** The arguments of a program beside the product: `--help` tells how it is used, and what cannot be understood is said in one line. */
import { parseArgs } from 'node:util';
import type { ParseArgsConfig } from 'node:util';

const HELP = { help: { type: 'boolean', short: 'h', default: false } } as const;
/** As shells and getopt have it. */
const WRONG_USE = 2;

type Parsed<T extends ParseArgsConfig> = ReturnType<typeof parseArgs<T>>;

/** What was given; the process ends instead when help was asked for, or when something was not understood. */
export function readArguments<T extends ParseArgsConfig>(usage: string, config: T): Parsed<T> {
  try {
    const options = { ...config.options, ...HELP };
    const read = parseArgs({ ...config, options });
    const { help } = read.values as { help?: boolean };
    if (help === true) {
      console.log(usage);
      process.exit(0);
    }
    return read as unknown as Parsed<T>;
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
}

/** Ends the process because of what it was given. */
export function refuse(what: string): never {
  console.error(`${what}\n--help tells what can be given.`);
  process.exit(WRONG_USE);
}
