/** The methods that there are; what is missing here answers UNIMPLEMENTED. */
import type { Method } from './asking.ts';
import { getIamPolicy, setIamPolicy } from './iam-policy.ts';
import { getLocation, listLocations } from './locations.ts';
import { testPermissions } from './permissions.ts';
import type { MountOf } from './permissions.ts';
import {
  createSecret,
  deleteSecret,
  getSecret,
  listSecrets,
  updateSecret,
} from './secrets/secret-methods.ts';
import {
  accessSecretVersion,
  addSecretVersion,
  destroySecretVersion,
  disableSecretVersion,
  enableSecretVersion,
  getSecretVersion,
  listSecretVersions,
} from './secrets/version-methods.ts';
import type { MethodName } from './wire/methods.ts';

/** Methods that must know which mount holds a project's secrets. */
export const SERVED_WITH_MOUNT: Readonly<
  Partial<Record<MethodName, (mountOf: MountOf) => Method>>
> = {
  SetIamPolicy: setIamPolicy,
  TestIamPermissions: testPermissions,
};

export const SERVED: Readonly<Partial<Record<MethodName, Method>>> = {
  CreateSecret: createSecret,
  ListSecrets: listSecrets,
  GetSecret: getSecret,
  UpdateSecret: updateSecret,
  DeleteSecret: deleteSecret,
  AddSecretVersion: addSecretVersion,
  ListSecretVersions: listSecretVersions,
  GetSecretVersion: getSecretVersion,
  AccessSecretVersion: accessSecretVersion,
  DisableSecretVersion: disableSecretVersion,
  EnableSecretVersion: enableSecretVersion,
  DestroySecretVersion: destroySecretVersion,
  GetIamPolicy: getIamPolicy,
  ListLocations: listLocations,
  GetLocation: getLocation,
};
