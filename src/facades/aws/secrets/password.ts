/** GetRandomPassword. */
import { operation, SELF_PATH } from '../asking.ts';
import type { Operation } from '../asking.ts';
import type { Random } from '../../../base/random.ts';
import { invalidParameter, invalidRequest } from '../errors.ts';

const LENGTH_DEFAULT = 32;
const LENGTH_MIN = 4;
const LENGTH_MAX = 4096;
const CLASSES = {
  lowercase: 'abcdefghijklmnopqrstuvwxyz',
  uppercase: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ',
  numbers: '0123456789',
  punctuation: '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~',
} as const;

/** A uniform number below `bound`, by rejection. */
function below(random: Random, bound: number): number {
  const limit = Math.floor(2 ** 32 / bound) * bound;
  for (;;) {
    const drawn = random.bytes(4).readUInt32BE(0);
    if (drawn < limit) return drawn % bound;
  }
}

function pick(random: Random, letters: string): string {
  return letters.charAt(below(random, letters.length));
}

export const getRandomPassword: Operation = operation(
  {
    PasswordLength: { kind: 'integer', min: 1, max: LENGTH_MAX },
    ExcludeCharacters: { kind: 'string', max: LENGTH_MAX },
    ExcludeNumbers: { kind: 'boolean' },
    ExcludePunctuation: { kind: 'boolean' },
    ExcludeUppercase: { kind: 'boolean' },
    ExcludeLowercase: { kind: 'boolean' },
    IncludeSpace: { kind: 'boolean' },
    RequireEachIncludedType: { kind: 'boolean' },
  },
  async (input, asking) => {
    // Nothing is stored, but the caller must be somebody, and the request is recorded.
    await asking.ask({ operation: 'read', path: SELF_PATH, part: '' });
    const length = input.PasswordLength ?? LENGTH_DEFAULT;
    if (length < LENGTH_MIN) {
      throw invalidParameter(
        `Invalid length of password, length should be greater than or equal to ${LENGTH_MIN}.`,
      );
    }
    const excluded = new Set(input.ExcludeCharacters ?? '');
    const wanted: string[] = [
      ...(input.ExcludeLowercase === true ? [] : [CLASSES.lowercase]),
      ...(input.ExcludeUppercase === true ? [] : [CLASSES.uppercase]),
      ...(input.ExcludeNumbers === true ? [] : [CLASSES.numbers]),
      ...(input.ExcludePunctuation === true ? [] : [CLASSES.punctuation]),
    ].map((letters) =>
      Array.from(letters)
        .filter((letter) => !excluded.has(letter))
        .join(''),
    );
    const space = input.IncludeSpace === true && !excluded.has(' ') ? ' ' : '';
    const all = wanted.join('') + space;
    if (all === '')
      throw invalidRequest('You excluded every character: nothing is left to make a password of.');
    const each = input.RequireEachIncludedType !== false;
    if (each && wanted.some((letters) => letters === '')) {
      throw invalidRequest('Every character of an included type is excluded.');
    }
    const letters = Array.from({ length }, () => pick(asking.random, all));
    if (each) {
      wanted.forEach((kind, index) => {
        letters[index] = pick(asking.random, kind);
      });
      for (let index = length - 1; index > 0; index--) {
        const other = below(asking.random, index + 1);
        const held = letters[index] ?? '';
        letters[index] = letters[other] ?? '';
        letters[other] = held;
      }
    }
    return { RandomPassword: letters.join('') };
  },
);
