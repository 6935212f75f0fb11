/** What the paths of the database engine share. */
import type { Random } from '../../base/random.ts';
import type { DatabaseMember } from '../../targets/database.ts';
import { SettingsError, TargetError } from '../../targets/database.ts';
import { RequestError, invalidRequest } from '../../model/errors.ts';
import type { OpenDatabases } from './open-databases.ts';

export interface DatabasePorts {
  readonly random: Random;
  /** By every name that a configuration may use. */
  readonly members: ReadonlyMap<string, DatabaseMember>;
  /** A password by a stored policy of the namespace, or by the usual one for ''. @throws {RequestError} no such policy */
  readonly password: (namespaceId: string, policy: string) => Promise<string>;
  readonly open: OpenDatabases;
}

export const NAME = {
  kind: 'string',
  description: 'Name of the connection.',
  default: '',
} as const;
export const ROLE_NAME = { kind: 'string', description: 'Name of the role.', default: '' } as const;

/** The status that clients of Vault know for a database that fails. */
const FAILED_STATUS = 500;

/** What a target says, as an error for the caller. */
export function upstream(error: unknown, prefix = ''): unknown {
  if (error instanceof SettingsError) return invalidRequest(prefix + error.message);
  if (!(error instanceof TargetError)) return error;
  return new RequestError('upstream_failed', prefix + error.message, {
    vaultStatus: FAILED_STATUS,
    cause: error,
  });
}

/** Runs an act on a target; its failures are told to the caller. */
export async function telling<T>(act: () => Promise<T>, prefix = ''): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw upstream(error, prefix);
  }
}
