/** Paths of what a backend keeps under names (roles, users, certificates): list, read, write and delete, declared once. */
import { definePath } from '../backend.ts';
import type { Path } from '../backend.ts';
import { notFound } from '../errors.ts';
import type { FieldSet, Values } from '../field.ts';
import type { Request } from '../request.ts';
import type { Reader, Transaction } from '../transaction.ts';
import { LIST_FIELDS, listedNames } from './list-names.ts';
import type { Reply } from '../reply.ts';

export interface EntrySpec<F extends FieldSet> {
  /** Where they are listed; one is at `folder/{parameter}`. */
  readonly folder: string;
  /** Field that holds the name. */
  readonly parameter: string;
  /** What the parameter matches, when not a plain name: `:any`, `...` (model/backend.ts). */
  readonly matches?: string;
  /** Below which they are stored, by name; ends in '/'. */
  readonly prefix: string;
  /** The name behind a stored key, where it is not the key itself. */
  readonly nameOf?: (key: string) => string;
  /** How texts call them. */
  readonly one: string;
  readonly many: string;
  readonly fields: F;
  readonly description?: string;
  /** Whether a write of one that is not there needs the capability `create`; else every write is an update. */
  readonly tellsCreate: boolean;
  /** A write may also be a patch; it looks at the operation of the request. */
  readonly patches?: true;
  /** A write asks somebody outside the store. */
  readonly outsideEffects?: true;
  /** What is shown of one; undefined when it is not there. */
  readonly read: (
    store: Reader,
    name: string,
  ) => Promise<Readonly<Record<string, unknown>> | undefined>;
  readonly write: (
    request: Request<Values<F>>,
    store: Transaction,
  ) => Promise<Reply | undefined> | Reply | undefined;
  /** Without this its record is deleted, and that is all. */
  readonly remove?: (
    store: Transaction,
    name: string,
    request: Pick<Request, 'schedule' | 'nowMs'>,
  ) => Promise<void>;
}

export function entryPaths<const F extends FieldSet>(spec: EntrySpec<F>): readonly Path[] {
  const { one, many, prefix, read, write } = spec;
  const nameOf = (request: Request<Values<F>>): string =>
    ((request.fields as Readonly<Record<string, unknown>>)[spec.parameter] as string | undefined) ??
    '';
  const outside = spec.outsideEffects === undefined ? {} : { outsideEffects: true };
  return [
    definePath({
      pattern: spec.folder,
      fields: LIST_FIELDS,
      help: { synopsis: `Lists the ${many}.` },
      operations: {
        list: {
          summary: `List ${many}`,
          handler: async (request, store) => {
            const keys = await listedNames(store, prefix, request.fields);
            return { data: { keys: keys.map((key) => spec.nameOf?.(key) ?? key) } };
          },
        },
      },
    }),
    definePath<F>({
      pattern: `${spec.folder}/{${spec.parameter}${spec.matches ?? ''}}`,
      fields: spec.fields,
      help: {
        synopsis: `Creates, reads, changes and deletes a ${one}.`,
        ...(spec.description === undefined ? {} : { description: spec.description }),
      },
      ...(spec.tellsCreate
        ? {
            exists: async (request: Request<Values<F>>, store: Transaction) =>
              (await read(store, nameOf(request))) !== undefined,
          }
        : {}),
      operations: {
        read: {
          summary: `Read a ${one}`,
          handler: async (request, store) => {
            const data = await read(store, nameOf(request));
            if (data === undefined) throw notFound();
            return { data };
          },
        },
        ...(spec.tellsCreate
          ? { create: { summary: `Create a ${one}`, handler: write, ...outside } }
          : {}),
        update: { summary: `Change a ${one}`, handler: write, ...outside },
        ...(spec.patches === true && {
          patch: { summary: `Change parts of a ${one}`, handler: write, ...outside },
        }),
        delete: {
          summary: `Delete a ${one}`,
          handler: async (request, store) => {
            const name = nameOf(request);
            if (spec.remove === undefined) store.delete(prefix + name);
            else await spec.remove(store, name, request);
            return undefined;
          },
        },
      },
    }),
  ];
}

export interface SettingsSpec<F extends FieldSet> {
  readonly pattern: string;
  readonly fields: F;
  readonly synopsis: string;
  /** What is shown; undefined when nothing has been set. */
  readonly read: (store: Reader) => Promise<Readonly<Record<string, unknown>> | undefined>;
  readonly write: (
    request: Request<Values<F>>,
    store: Transaction,
  ) => Promise<Reply | undefined> | Reply | undefined;
  /** A write looks at something outside the store (an issuer's keys). */
  readonly outsideEffects?: true;
  readonly remove?: (store: Transaction) => void;
}

/** The path of settings that a mount has one set of. */
export function settingsPath<const F extends FieldSet>(spec: SettingsSpec<F>): Path {
  const { remove } = spec;
  return definePath<F>({
    pattern: spec.pattern,
    fields: spec.fields,
    help: { synopsis: spec.synopsis },
    operations: {
      read: {
        summary: 'Read the configuration',
        handler: async (_request, store) => {
          const data = await spec.read(store);
          if (data === undefined) throw notFound();
          return { data };
        },
      },
      update: {
        summary: 'Write the configuration',
        handler: spec.write,
        ...(spec.outsideEffects === undefined ? {} : { outsideEffects: true }),
      },
      ...(remove === undefined
        ? {}
        : {
            delete: {
              summary: 'Delete the configuration',
              handler: (_request: Request<Values<F>>, store: Transaction): undefined => {
                remove(store);
              },
            },
          }),
    },
  });
}
