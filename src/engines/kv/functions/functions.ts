/**
 * Functions outside that make new values, in the four steps of AWS's contract, registered by an administrator. A caller who sets up
 * rotation names one of them and never a URL, so that nobody can have this server call what they like.
 */
import { definePath } from '../../../model/backend.ts';
import type { Path } from '../../../model/backend.ts';
import { invalidRequest, notFound } from '../../../model/errors.ts';
import { LIST_FIELDS, listNames } from '../../../model/listing/list-names.ts';
import type { Request } from '../../../model/request.ts';
import type { Reader, Transaction } from '../../../model/transaction.ts';

/** `lambda`: a Lambda runtime interface; `webhook`: the event is posted as it is. */
export type FunctionKind = 'lambda' | 'webhook';

export interface RotationFunction {
  readonly kind: FunctionKind;
  readonly url: string;
  /** PEM; '' = the system's authorities. */
  readonly caPem: string;
  /** Key that webhooks are signed with; '' = they are not. */
  readonly secret: string;
}

const PREFIX = 'function/';
const TEXT_MAX = 16_384;

export async function findFunction(
  store: Reader,
  name: string,
): Promise<RotationFunction | undefined> {
  return await store.getJson<RotationFunction>(PREFIX + name);
}

interface Fields {
  readonly name?: string | undefined;
  readonly kind?: string | undefined;
  readonly url?: string | undefined;
  readonly ca_pem?: string | undefined;
  readonly secret?: string | undefined;
}

async function write({ fields }: Request<Fields>, store: Transaction): Promise<undefined> {
  const { name = '' } = fields;
  const before = await findFunction(store, name);
  const kind = fields.kind ?? before?.kind ?? 'webhook';
  const url = fields.url ?? before?.url ?? '';
  const target = URL.parse(url);
  if (target === null || (target.protocol !== 'https:' && target.protocol !== 'http:')) {
    throw invalidRequest('url must be an http or https URL');
  }
  if (target.username !== '' || target.password !== '') {
    throw invalidRequest('url must not hold credentials');
  }
  if (kind !== 'lambda' && kind !== 'webhook')
    throw invalidRequest('kind must be lambda or webhook');
  const caPem = fields.ca_pem ?? before?.caPem ?? '';
  const secret = fields.secret ?? before?.secret ?? '';
  if ([url, caPem, secret].some((text) => text.length > TEXT_MAX))
    throw invalidRequest('a field is too long');
  store.putJson(PREFIX + name, { kind, url, caPem, secret } satisfies RotationFunction);
}

export const functionPaths: readonly Path[] = [
  definePath({
    pattern: 'functions',
    fields: LIST_FIELDS,
    help: { synopsis: 'Functions that make new values of secrets.' },
    operations: {
      list: {
        summary: 'List the functions',
        handler: (request, store) => listNames(store, PREFIX, request.fields),
      },
    },
  }),
  definePath({
    pattern: 'functions/{name}',
    fields: {
      name: { kind: 'string', description: 'Name of the function, as in its ARN.' },
      kind: { kind: 'string', description: 'Either lambda (a runtime interface) or webhook.' },
      url: { kind: 'string', description: 'Where the function is called.' },
      ca_pem: {
        kind: 'string',
        description: 'Authorities that are trusted for it; the system’s by default.',
      },
      secret: {
        kind: 'string',
        description: 'Key under which webhooks are signed (X-Strongroom-Signature).',
        sensitive: true,
      },
    },
    // Whoever may say what this server calls may have it call anything.
    sudo: true,
    help: {
      synopsis: 'A function that makes new values of secrets.',
      description: 'Called in four steps: createSecret, setSecret, testSecret, finishSecret.',
    },
    operations: {
      read: {
        summary: 'Read a function, without its key',
        handler: async ({ fields }, store) => {
          const found = await findFunction(store, fields.name ?? '');
          if (found === undefined) throw notFound();
          const { kind, url, caPem } = found;
          return { data: { kind, url, ca_pem: caPem, signed: found.secret !== '' } };
        },
      },
      update: { summary: 'Register or change a function', handler: write },
      delete: {
        summary: 'Remove a function',
        handler: ({ fields }, store) => {
          store.delete(PREFIX + (fields.name ?? ''));
          return undefined;
        },
      },
    },
  }),
];
