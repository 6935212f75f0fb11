/** `sys/internal/specs/openapi`: the API of this server, as far as the caller may use it, as an OpenAPI document. */
import { defineSystemPath } from '../model/backend.ts';
import type { Path } from '../model/backend.ts';
import type { Request } from '../model/request.ts';
import type { Unit } from '../model/transaction.ts';
import type { Reply } from '../model/reply.ts';

export interface SpecsPorts {
  /**
   * The document of the mounts that the caller has any access to; without a caller that of none.
   * @param genericMountPaths put a parameter in the place of every mount’s path
   */
  readonly openApi: (
    unit: Unit,
    request: Request<unknown>,
    genericMountPaths: boolean,
  ) => Promise<Readonly<Record<string, unknown>>>;
}

interface Fields {
  readonly context: string | undefined;
  readonly generic_mount_paths: boolean;
}

/** The paths, below `sys/`. */
export function internalSpecsPaths(ports: SpecsPorts): readonly Path<Unit>[] {
  async function describe(request: Request<Fields>, unit: Unit): Promise<Reply> {
    const data = await ports.openApi(unit, request, request.fields.generic_mount_paths);
    return { data, bare: true };
  }
  return [
    defineSystemPath({
      pattern: 'internal/specs/openapi',
      fields: {
        context: { kind: 'string', description: 'Accepted for compatibility; changes nothing.' },
        generic_mount_paths: {
          kind: 'bool',
          description: 'Name mounts by a path parameter, for the generation of client code.',
          query: true,
          default: false,
        },
      },
      operations: {
        read: { summary: 'Describe the API as an OpenAPI document.', handler: describe },
        update: { summary: 'Describe the API as an OpenAPI document.', handler: describe },
      },
      unauthenticated: true,
      help: {
        synopsis: 'The API as an OpenAPI document.',
        description:
          'Describes the mounts that the caller’s token may use, and nothing without a token.',
      },
    }),
  ];
}
