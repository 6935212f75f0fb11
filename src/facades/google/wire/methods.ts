/** Every method of the API: its messages, and the REST route that is the same call (google.api.http). */
import { IAM_SERVICE, LOCATION_SERVICE, SECRETS_SERVICE, SERVICE_PREFIXES } from '../recognise.ts';
import {
  ACCESSED,
  ADD_VERSION,
  BY_NAME,
  BY_NAME_AND_ETAG,
  CREATE_SECRET,
  ENABLE_ROTATION,
  GET_LOCATION,
  GET_POLICY,
  LIST,
  LIST_LOCATIONS,
  LOCATION_REPLY,
  LOCATIONS,
  NOTHING,
  PERMISSIONS,
  POLICY,
  ROTATE,
  SECRET,
  SECRETS,
  SECRET_VERSION,
  SET_POLICY,
  TEST_PERMISSIONS,
  UPDATE_SECRET,
  VERSIONS,
} from './messages.ts';
import type { MessageSpec } from './schema.ts';

export type MethodName =
  | 'CreateSecret'
  | 'ListSecrets'
  | 'GetSecret'
  | 'UpdateSecret'
  | 'DeleteSecret'
  | 'AddSecretVersion'
  | 'ListSecretVersions'
  | 'GetSecretVersion'
  | 'AccessSecretVersion'
  | 'DisableSecretVersion'
  | 'EnableSecretVersion'
  | 'DestroySecretVersion'
  | 'SetIamPolicy'
  | 'GetIamPolicy'
  | 'TestIamPermissions'
  | 'EnableManagedRotation'
  | 'RotateSecret'
  | 'ListLocations'
  | 'GetLocation';

export interface MethodSpec {
  readonly request: MessageSpec;
  readonly reply: MessageSpec;
}

export const METHODS: Readonly<Record<MethodName, MethodSpec>> = {
  CreateSecret: { request: CREATE_SECRET, reply: SECRET },
  ListSecrets: { request: LIST, reply: SECRETS },
  GetSecret: { request: BY_NAME, reply: SECRET },
  UpdateSecret: { request: UPDATE_SECRET, reply: SECRET },
  DeleteSecret: { request: BY_NAME_AND_ETAG, reply: NOTHING },
  AddSecretVersion: { request: ADD_VERSION, reply: SECRET_VERSION },
  ListSecretVersions: { request: LIST, reply: VERSIONS },
  GetSecretVersion: { request: BY_NAME, reply: SECRET_VERSION },
  AccessSecretVersion: { request: BY_NAME, reply: ACCESSED },
  DisableSecretVersion: { request: BY_NAME_AND_ETAG, reply: SECRET_VERSION },
  EnableSecretVersion: { request: BY_NAME_AND_ETAG, reply: SECRET_VERSION },
  DestroySecretVersion: { request: BY_NAME_AND_ETAG, reply: SECRET_VERSION },
  SetIamPolicy: { request: SET_POLICY, reply: POLICY },
  GetIamPolicy: { request: GET_POLICY, reply: POLICY },
  TestIamPermissions: { request: TEST_PERMISSIONS, reply: PERMISSIONS },
  EnableManagedRotation: { request: ENABLE_ROTATION, reply: SECRET_VERSION },
  RotateSecret: { request: ROTATE, reply: SECRET_VERSION },
  ListLocations: { request: LIST_LOCATIONS, reply: LOCATIONS },
  GetLocation: { request: GET_LOCATION, reply: LOCATION_REPLY },
};

const ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ['ListLocations', LOCATION_SERVICE],
  ['GetLocation', LOCATION_SERVICE],
]);

/** The method that a gRPC path names; undefined for any other. */
export function grpcMethod(path: string): MethodName | undefined {
  const prefix = SERVICE_PREFIXES.find((one) => path.startsWith(one));
  if (prefix === undefined) return undefined;
  const name = path.slice(prefix.length);
  if (!Object.hasOwn(METHODS, name)) return undefined;
  if (prefix === IAM_SERVICE && !name.includes('Iam')) return undefined;
  if (prefix !== IAM_SERVICE && (ELSEWHERE.get(name) ?? SECRETS_SERVICE) !== prefix)
    return undefined;
  return name as MethodName;
}

interface Route {
  readonly verb: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Behind `projects/*` or a location of it: fixed names, `*` for any one. */
  readonly path: readonly string[];
  /** After the last colon. */
  readonly action: string;
  readonly method: MethodName;
  /** Field of the request that the path fills. */
  readonly field: string;
  /** The body is this field, not the whole message. */
  readonly body?: string;
}

const SECRETS_PATH = ['secrets'];
const SECRET_PATH = ['secrets', '*'];
const VERSIONS_PATH = ['secrets', '*', 'versions'];
const VERSION_PATH = ['secrets', '*', 'versions', '*'];

// prettier-ignore
const ROUTES: readonly Route[] = [
  { verb: 'POST', path: SECRETS_PATH, action: '', method: 'CreateSecret', field: 'parent', body: 'secret' },
  { verb: 'GET', path: SECRETS_PATH, action: '', method: 'ListSecrets', field: 'parent' },
  { verb: 'GET', path: SECRET_PATH, action: '', method: 'GetSecret', field: 'name' },
  { verb: 'PATCH', path: SECRET_PATH, action: '', method: 'UpdateSecret', field: 'secret.name', body: 'secret' },
  { verb: 'DELETE', path: SECRET_PATH, action: '', method: 'DeleteSecret', field: 'name' },
  { verb: 'POST', path: SECRET_PATH, action: 'addVersion', method: 'AddSecretVersion', field: 'parent' },
  { verb: 'GET', path: SECRET_PATH, action: 'getIamPolicy', method: 'GetIamPolicy', field: 'resource' },
  { verb: 'POST', path: SECRET_PATH, action: 'setIamPolicy', method: 'SetIamPolicy', field: 'resource' },
  { verb: 'POST', path: SECRET_PATH, action: 'testIamPermissions', method: 'TestIamPermissions', field: 'resource' },
  { verb: 'POST', path: SECRET_PATH, action: 'enableManagedRotation', method: 'EnableManagedRotation', field: 'parent' },
  { verb: 'POST', path: SECRET_PATH, action: 'rotateSecret', method: 'RotateSecret', field: 'parent' },
  { verb: 'GET', path: VERSIONS_PATH, action: '', method: 'ListSecretVersions', field: 'parent' },
  { verb: 'GET', path: VERSION_PATH, action: '', method: 'GetSecretVersion', field: 'name' },
  { verb: 'GET', path: VERSION_PATH, action: 'access', method: 'AccessSecretVersion', field: 'name' },
  { verb: 'POST', path: VERSION_PATH, action: 'disable', method: 'DisableSecretVersion', field: 'name' },
  { verb: 'POST', path: VERSION_PATH, action: 'enable', method: 'EnableSecretVersion', field: 'name' },
  { verb: 'POST', path: VERSION_PATH, action: 'destroy', method: 'DestroySecretVersion', field: 'name' },
];

export interface RestCall {
  readonly method: MethodName;
  /** The resource that the path names, without `/v1/` and action. */
  readonly resource: string;
  readonly field: string;
  readonly body: string | undefined;
}

/** The call that a verb and a decoded path (behind `/v1/`) mean; undefined when there is none. */
export function restCall(verb: string, path: string): RestCall | undefined {
  const segments = path.split('/');
  const [projects, project, locations, location, ...deeper] = segments;
  if (projects !== 'projects' || project === undefined || project === '') return undefined;
  if (locations === 'locations' && deeper.length === 0) return locationCall(verb, path, location);
  const below = locations === 'locations' ? deeper : segments.slice(2);
  const last = below.at(-1) ?? '';
  const colon = last.lastIndexOf(':');
  const action = colon < 0 ? '' : last.slice(colon + 1);
  const names = colon < 0 ? below : [...below.slice(0, -1), last.slice(0, colon)];
  const route = ROUTES.find(
    (one) =>
      one.verb === verb &&
      one.action === action &&
      one.path.length === names.length &&
      one.path.every((name, index) => (name === '*' ? names[index] !== '' : name === names[index])),
  );
  if (route === undefined) return undefined;
  const { method, field, body } = route;
  const collection =
    method === 'CreateSecret' || method === 'ListSecrets' || method === 'ListSecretVersions';
  const whole = colon < 0 ? path : path.slice(0, path.length - action.length - 1);
  const resource = collection ? whole.slice(0, whole.lastIndexOf('/')) : whole;
  return { method, resource, field, body };
}

function locationCall(
  verb: string,
  path: string,
  location: string | undefined,
): RestCall | undefined {
  if (verb !== 'GET') return undefined;
  if (location === undefined) {
    const resource = path.slice(0, path.lastIndexOf('/'));
    return { method: 'ListLocations', resource, field: 'name', body: undefined };
  }
  return { method: 'GetLocation', resource: path, field: 'name', body: undefined };
}
