/** Reads the arguments of ssh for what the server must know: which host, which user, which port. */

export interface Destination {
  readonly host: string;
  /** Undefined when neither `user@` nor an option says. */
  readonly user: string | undefined;
  readonly port: string | undefined;
}

/** Options of ssh that take no value. */
const SINGLE = new Set('46AaCfGgKkMNnqsTtVvXxYy');

/** Undefined when no argument is a host. The first that is no option and no option's value is it, as for ssh. */
export function destinationOf(args: readonly string[]): Destination | undefined {
  let host: string | undefined;
  let user: string | undefined;
  let optionUser: string | undefined;
  let port: string | undefined;
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? '';
    if (host !== undefined && !arg.startsWith('-')) break;
    if (!arg.startsWith('-') || arg === '-') {
      const sign = arg.lastIndexOf('@');
      host = arg.slice(sign + 1);
      if (sign > 0) user = arg.slice(0, sign);
      continue;
    }
    const letter = arg[1] ?? '';
    if (SINGLE.has(letter)) continue;
    // The value follows the letter at once, or is the next argument.
    const value = arg.length > 2 ? arg.slice(2) : (args[++at] ?? '');
    if (letter === 'p') port = value;
    else if (letter === 'l') optionUser = value;
    else if (letter === 'o') {
      const match = /^\s*(user|port)\s*[=\s]\s*(.+)$/i.exec(value);
      if (match?.[1]?.toLowerCase() === 'user') optionUser ??= match[2];
      else if (match !== null) port ??= match[2];
    }
  }
  return host === undefined || host === '' ? undefined : { host, user: user ?? optionUser, port };
}
