/** The filters of ListSecrets and BatchGetSecretValue. */
import type { Secret } from '../../../model/secret.ts';
import { awsOf, descriptionOf } from './aws-attributes.ts';

export const FILTERS = {
  kind: 'structures',
  max: 10,
  members: {
    Key: {
      kind: 'string',
      max: 64,
      required: true,
      values: [
        'description',
        'name',
        'tag-key',
        'tag-value',
        'primary-region',
        'owning-service',
        'all',
      ],
    },
    Values: { kind: 'strings', min: 1, max: 10, length: 512, required: true },
  },
} as const;

export interface Filter {
  readonly Key: string;
  readonly Values: readonly string[];
}

interface Listed {
  readonly name: string;
  readonly secret: Secret;
}

type Test = (listed: Listed, wanted: string) => boolean;

/** Words of any of the texts begin with the words that are looked for, whatever their case. */
function hasWords(texts: readonly string[], wanted: string): boolean {
  const words = texts.flatMap((text) => text.toLowerCase().split(/[^a-z0-9]+/));
  return wanted
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '')
    .every((word) => words.some((each) => each.startsWith(word)));
}

/** Tags and names by their prefix, case counting; `description` and `all` by words, as the service does. */
const TESTS: Readonly<Record<string, Test>> = {
  name: ({ name }, wanted) => name.startsWith(wanted),
  description: ({ secret }, wanted) => hasWords([descriptionOf(secret) ?? ''], wanted),
  'tag-key': ({ secret }, wanted) =>
    Object.keys(secret.customMetadata).some((key) => key.startsWith(wanted)),
  'tag-value': ({ secret }, wanted) =>
    Object.values(secret.customMetadata).some((value) => value.startsWith(wanted)),
  'primary-region': ({ secret }, wanted) =>
    (awsOf(secret).replicas ?? []).length > 0 && wanted !== '',
  'owning-service': () => false,
  all: ({ name, secret }, wanted) =>
    hasWords(
      [name, descriptionOf(secret) ?? '', ...Object.entries(secret.customMetadata).flat()],
      wanted,
    ),
};

/** Every filter must match; one of its values suffices, and one that begins with `!` must not match. */
export function matches(listed: Listed, filters: readonly Filter[]): boolean {
  return filters.every(({ Key, Values }) =>
    Values.some((value) => {
      const test = TESTS[Key];
      if (test === undefined) return false;
      return value.startsWith('!') ? !test(listed, value.slice(1)) : test(listed, value);
    }),
  );
}
