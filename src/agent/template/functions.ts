/** All functions of a template. Those that ask the server are handed in. */
import { CORE_FUNCTIONS } from './functions/core.ts';
import { encodeFunctions, type Surroundings } from './functions/encode.ts';
import { TEXT_FUNCTIONS } from './functions/texts.ts';
import type { TemplateFunction } from './evaluate.ts';

export type { Surroundings } from './functions/encode.ts';

export function templateFunctions(
  around: Surroundings,
  asking: Readonly<Record<string, TemplateFunction>>,
): ReadonlyMap<string, TemplateFunction> {
  return new Map(
    Object.entries({ ...CORE_FUNCTIONS, ...TEXT_FUNCTIONS, ...encodeFunctions(around), ...asking }),
  );
}
