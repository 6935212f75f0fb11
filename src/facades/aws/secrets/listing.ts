/** ListSecrets and BatchGetSecretValue. */
import { isReadable, servedNumber, findVersion } from '../../../model/secret.ts';
import type { ListedSecret } from '../../../model/tasks/secret-task.ts';
import { RequestError } from '../../../model/errors.ts';
import { operation } from '../asking.ts';
import type { Asking, Operation, Output } from '../asking.ts';
import { invalidParameter, renderedError } from '../errors.ts';
import { described, invalidNextToken } from './describing.ts';
import { FILTERS, matches } from './filters.ts';
import type { Filter } from './filters.ts';
import { isName, SECRET_ID_MAX } from './names.ts';
import { onSecret, reply } from './on-secret.ts';
import type { Wanted } from './on-secret.ts';
import { stagesById } from './stages.ts';
import { shownValue } from './values.ts';

const PAGE_DEFAULT = 100;
const BATCH_MAX = 20;
/** Secrets that one request looks at when it filters: a page may be shorter than asked, and says where it goes on. */
const LOOKED_AT_MAX = 1_000;
/** Secrets that can be sorted: beyond, they are listed by name only. */
const SORTED_MAX = 10_000;

const NEXT = { kind: 'string', min: 1, max: 4096 } as const;

interface Page {
  readonly listed: readonly ListedSecret[];
  readonly next: string | undefined;
}

/** The secrets behind `after` that pass, at most `max`. */
async function page(
  asking: Asking,
  after: string,
  max: number,
  passes: (listed: ListedSecret) => boolean,
  lookedAtMax: number = LOOKED_AT_MAX,
): Promise<Page> {
  const answer = await asking.ask({
    operation: 'scan',
    path: 'metadata/',
    task: {
      list: async (desk) => {
        const found: ListedSecret[] = [];
        let from: string | undefined = after;
        for (let looked = 0; looked < lookedAtMax && found.length < max;) {
          const wanted = Math.min(lookedAtMax - looked, max - found.length);
          const some = await desk.page(from, wanted);
          looked += wanted;
          found.push(...some.secrets.filter((each) => isName(each.path) && passes(each)));
          from = some.next;
          if (from === undefined) break;
        }
        return reply({ listed: found, next: from });
      },
    },
  });
  const { listed, next } = (answer.reply?.data ?? {}) as unknown as Page;
  return { listed, next };
}

function afterOf(token: string | undefined): string {
  if (token === undefined) return '';
  const text = Buffer.from(token, 'base64').toString();
  if (!text.startsWith('after:')) throw invalidNextToken();
  return text.slice('after:'.length);
}

function tokenAfter(path: string): string {
  return Buffer.from(`after:${path}`).toString('base64');
}

type SortKey = 'created-date' | 'last-accessed-date' | 'last-changed-date' | 'name';

function sortValue({ path, secret }: ListedSecret, key: SortKey): string | number {
  if (key === 'name') return path;
  return key === 'last-changed-date' ? secret.updatedMs : secret.createdMs;
}

export const listSecrets: Operation = operation(
  {
    IncludePlannedDeletion: { kind: 'boolean' },
    MaxResults: { kind: 'integer', min: 1, max: 100 },
    NextToken: NEXT,
    Filters: FILTERS,
    SortOrder: { kind: 'string', max: 8, values: ['asc', 'desc'] },
    SortBy: {
      kind: 'string',
      max: 32,
      values: ['created-date', 'last-accessed-date', 'last-changed-date', 'name'],
    },
  },
  async (input, asking) => {
    const max = input.MaxResults ?? PAGE_DEFAULT;
    const passes = ({ path, secret }: ListedSecret): boolean =>
      (secret.deletedMs === undefined || input.IncludePlannedDeletion === true) &&
      matches({ name: path, secret }, input.Filters ?? []);
    const found =
      input.SortBy === undefined && input.SortOrder === undefined
        ? await page(asking, afterOf(input.NextToken), max, passes)
        : await sorted(asking, input, max, passes);
    return {
      SecretList: found.listed.map(({ path, secret }) => ({
        ...described(asking, path, secret),
        SecretVersionsToStages: stagesById(secret),
      })),
      ...(found.next === undefined ? {} : { NextToken: tokenAfter(found.next) }),
    };
  },
);

/** Sorted by what was asked for; the token is the place in that order. */
async function sorted(
  asking: Asking,
  input: {
    readonly NextToken: string | undefined;
    readonly SortBy: string | undefined;
    readonly SortOrder: string | undefined;
  },
  max: number,
  passes: (listed: ListedSecret) => boolean,
): Promise<Page> {
  const all = await page(asking, '', SORTED_MAX, passes, SORTED_MAX);
  if (all.next !== undefined) {
    throw invalidParameter(
      `More than ${SORTED_MAX} secrets cannot be sorted: leave SortBy and SortOrder out.`,
    );
  }
  const key = (input.SortBy ?? 'created-date') as SortKey;
  const sign = input.SortOrder === 'asc' ? 1 : -1;
  const order = all.listed.toSorted((a, b) => {
    const [x, y] = [sortValue(a, key), sortValue(b, key)];
    return x < y ? -sign : x > y ? sign : a.path < b.path ? -1 : 1;
  });
  const start = input.NextToken === undefined ? 0 : Number(afterOf(input.NextToken));
  if (!Number.isSafeInteger(start)) throw invalidNextToken();
  const listed = order.slice(start, start + max);
  const end = start + listed.length;
  return { listed, next: end < order.length ? String(end) : undefined };
}

/** Each member is read as by GetSecretValue, whose denial holds here too. */
const MEMBER: Wanted = { operation: 'read', at: 'data', action: 'secretsmanager:GetSecretValue' };

export const batchGetSecretValue: Operation = operation(
  {
    SecretIdList: { kind: 'strings', min: 1, max: BATCH_MAX, length: SECRET_ID_MAX },
    Filters: FILTERS,
    MaxResults: { kind: 'integer', min: 1, max: BATCH_MAX },
    NextToken: NEXT,
  },
  async (input, asking) => {
    const { SecretIdList: ids, Filters: filters } = input;
    if ((ids === undefined) === (filters === undefined)) {
      throw invalidParameter("Either 'SecretIdList' or 'Filters' must be provided, but not both.");
    }
    if (ids !== undefined && input.MaxResults !== undefined) {
      throw invalidParameter(
        "'Filters' not specified. 'Filters' must also be specified when 'MaxResults' is provided.",
      );
    }
    const chosen =
      ids === undefined
        ? await byFilter(asking, filters ?? [], input.NextToken, input.MaxResults)
        : { ids, next: undefined };
    const values: Output[] = [];
    const errors: Output[] = [];
    for (const id of chosen.ids) {
      try {
        values.push(
          await onSecret(asking, id, MEMBER, (opened) => shownValue(opened, undefined, undefined)),
        );
      } catch (error) {
        if (!(error instanceof RequestError)) throw error;
        const { type, message } = renderedError(error, 'secretsmanager', refusalOf(id));
        errors.push({ SecretId: id, ErrorCode: type, Message: message });
      }
    }
    return {
      SecretValues: values,
      Errors: errors,
      ...(chosen.next === undefined ? {} : { NextToken: tokenAfter(chosen.next) }),
    };
  },
);

function refusalOf(id: string): string {
  return `You are not authorized to perform secretsmanager:GetSecretValue on resource: ${id}`;
}

async function byFilter(
  asking: Asking,
  filters: readonly Filter[],
  token: string | undefined,
  max: number = BATCH_MAX,
): Promise<{ readonly ids: readonly string[]; readonly next: string | undefined }> {
  const found = await page(asking, afterOf(token), max, ({ path, secret }) => {
    const served = findVersion(secret, servedNumber(secret));
    if (secret.deletedMs !== undefined || served === undefined) return false;
    return isReadable(served, asking.nowMs) && matches({ name: path, secret }, filters);
  });
  return { ids: found.listed.map(({ path }) => path), next: found.next };
}
