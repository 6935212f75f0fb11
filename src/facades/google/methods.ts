/** The methods that there are; what is missing here answers UNIMPLEMENTED. */
import type { Method } from './asking.ts';
import { getLocation, listLocations } from './locations.ts';
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
  ListLocations: listLocations,
  GetLocation: getLocation,
};
