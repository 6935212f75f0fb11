/** The functions of templates that ask the server; each rendering notes what it has named. */
import type { TemplateFunction } from '../template/evaluate.ts';
import { textOf, type Value } from '../template/values.ts';
import type { SecretSource } from './secret-source.ts';

export interface Asking {
  readonly functions: Readonly<Record<string, TemplateFunction>>;
  /** Keys of the secrets that were named so far. */
  readonly named: Set<string>;
}

export function asking(source: SecretSource, destination: string | undefined): Asking {
  const named = new Set<string>();
  const note = ({ key, value }: { key: string; value: Promise<Value> }): Promise<Value> => {
    named.add(key);
    return value;
  };
  const texts = (name: string, values: readonly Value[]): string[] =>
    values.map((value) => textOf(value, name));
  return {
    named,
    functions: {
      secret: (path, ...values) =>
        note(source.secret(textOf(path, 'secret'), texts('secret', values))),
      secrets: (path) => note(source.names(textOf(path, 'secrets'))),
      pkiCert: (path, ...values) =>
        note(source.certificate(textOf(path, 'pkiCert'), texts('pkiCert', values), destination)),
    },
  };
}
