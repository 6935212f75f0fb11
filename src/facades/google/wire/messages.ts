/** Messages of `google.cloud.secretmanager.v1`, `google.iam.v1` and `google.cloud.location`: names, numbers, types. */
import type { FieldSpec, MessageSpec } from './schema.ts';

const text = (number: number): FieldSpec => ({ number, type: 'string' });
const time = (number: number): FieldSpec => ({ number, type: 'timestamp' });
const int32 = (number: number): FieldSpec => ({ number, type: 'int32' });
const bool = (number: number): FieldSpec => ({ number, type: 'bool' });
const duration = (number: number): FieldSpec => ({ number, type: 'duration' });
const texts = (number: number): FieldSpec => ({ number, type: 'string', repeated: true });
const textMap = (number: number): FieldSpec => ({ number, type: 'string', map: true });
const one = (number: number, spec: () => MessageSpec): FieldSpec => ({
  number,
  type: 'message',
  message: spec,
});
const many = (number: number, spec: () => MessageSpec): FieldSpec => ({
  ...one(number, spec),
  repeated: true,
});

export const VERSION_STATES: Readonly<Record<string, number>> = {
  STATE_UNSPECIFIED: 0,
  ENABLED: 1,
  DISABLED: 2,
  DESTROYED: 3,
};

const SECRET_TYPES: Readonly<Record<string, number>> = {
  SECRET_TYPE_UNSPECIFIED: 0,
  CLOUD_SQL_DB_CREDENTIALS: 1,
  ACCESS_KEY: 2,
  CERTIFICATE: 3,
  OTHER_DB_CREDENTIALS: 4,
  OTHER: 50,
};

const EMPTY: MessageSpec = {};
const CUSTOMER_KEY: MessageSpec = { kmsKeyName: text(1) };
const REPLICA: MessageSpec = {
  location: text(1),
  customerManagedEncryption: one(2, () => CUSTOMER_KEY),
};
const REPLICATION: MessageSpec = {
  automatic: one(1, () => ({ customerManagedEncryption: one(1, () => CUSTOMER_KEY) })),
  userManaged: one(2, () => ({ replicas: many(1, () => REPLICA) })),
};
const REPLICA_STATUS: MessageSpec = { location: text(1) };
const REPLICATION_STATUS: MessageSpec = {
  automatic: one(1, () => EMPTY),
  userManaged: one(2, () => ({ replicas: many(1, () => REPLICA_STATUS) })),
};
const ROTATION: MessageSpec = {
  nextRotationTime: time(1),
  rotationPeriod: duration(2),
  managedRotationStatus: one(3, () => ({
    state: { number: 1, type: 'enum', names: { STATE_UNSPECIFIED: 0, ACTIVE: 1, INACTIVE: 2 } },
  })),
};

export const SECRET: MessageSpec = {
  name: text(1),
  replication: one(2, () => REPLICATION),
  createTime: time(3),
  labels: textMap(4),
  topics: many(5, () => ({ name: text(1) })),
  expireTime: time(6),
  ttl: duration(7),
  etag: text(8),
  rotation: one(9, () => ROTATION),
  versionAliases: { number: 11, type: 'int64', map: true },
  annotations: textMap(13),
  versionDestroyTtl: duration(14),
  customerManagedEncryption: one(15, () => CUSTOMER_KEY),
  tags: textMap(16),
  secretType: { number: 17, type: 'enum', names: SECRET_TYPES },
};

export const SECRET_VERSION: MessageSpec = {
  name: text(1),
  createTime: time(2),
  destroyTime: time(3),
  state: { number: 4, type: 'enum', names: VERSION_STATES },
  replicationStatus: one(5, () => REPLICATION_STATUS),
  etag: text(6),
  clientSpecifiedPayloadChecksum: bool(7),
  scheduledDestroyTime: time(8),
  customerManagedEncryption: one(9, () => ({ kmsKeyVersionName: text(1) })),
};

const PAYLOAD: MessageSpec = {
  data: { number: 1, type: 'bytes' },
  dataCrc32c: { number: 2, type: 'int64', optional: true },
};

export const CREATE_SECRET: MessageSpec = {
  parent: text(1),
  secretId: text(2),
  secret: one(3, () => SECRET),
};
export const ADD_VERSION: MessageSpec = { parent: text(1), payload: one(2, () => PAYLOAD) };
export const UPDATE_SECRET: MessageSpec = {
  secret: one(1, () => SECRET),
  updateMask: { number: 2, type: 'fieldMask' },
};
export const BY_NAME: MessageSpec = { name: text(1) };
export const BY_NAME_AND_ETAG: MessageSpec = { name: text(1), etag: text(2) };
export const LIST: MessageSpec = {
  parent: text(1),
  pageSize: int32(2),
  pageToken: text(3),
  filter: text(4),
};
export const SECRETS: MessageSpec = {
  secrets: many(1, () => SECRET),
  nextPageToken: text(2),
  totalSize: int32(3),
};
export const VERSIONS: MessageSpec = {
  versions: many(1, () => SECRET_VERSION),
  nextPageToken: text(2),
  totalSize: int32(3),
};
export const ACCESSED: MessageSpec = { name: text(1), payload: one(2, () => PAYLOAD) };
export const ROTATE: MessageSpec = { parent: text(1) };
export const ENABLE_ROTATION: MessageSpec = {
  parent: text(1),
  cloudSqlSingleUserCredentials: one(2, () => ({
    instanceId: text(1),
    username: text(2),
    password: text(3),
  })),
};
export const NOTHING: MessageSpec = EMPTY;

const CONDITION: MessageSpec = {
  expression: text(1),
  title: text(2),
  description: text(3),
  location: text(4),
};
const BINDING: MessageSpec = {
  role: text(1),
  members: texts(2),
  condition: one(3, () => CONDITION),
};
const AUDIT_CONFIG: MessageSpec = {
  service: text(1),
  auditLogConfigs: many(3, () => ({ logType: int32(1), exemptedMembers: texts(2) })),
};
export const POLICY: MessageSpec = {
  version: int32(1),
  etag: { number: 3, type: 'bytes' },
  bindings: many(4, () => BINDING),
  auditConfigs: many(6, () => AUDIT_CONFIG),
};
export const SET_POLICY: MessageSpec = {
  resource: text(1),
  policy: one(2, () => POLICY),
  updateMask: { number: 3, type: 'fieldMask' },
};
export const GET_POLICY: MessageSpec = {
  resource: text(1),
  options: one(2, () => ({ requestedPolicyVersion: int32(1) })),
};
export const TEST_PERMISSIONS: MessageSpec = { resource: text(1), permissions: texts(2) };
export const PERMISSIONS: MessageSpec = { permissions: texts(1) };

const LOCATION: MessageSpec = {
  name: text(1),
  labels: textMap(2),
  locationId: text(4),
  displayName: text(5),
};
export const GET_LOCATION: MessageSpec = BY_NAME;
export const LIST_LOCATIONS: MessageSpec = {
  name: text(1),
  filter: text(2),
  pageSize: int32(3),
  pageToken: text(4),
};
export const LOCATION_REPLY: MessageSpec = LOCATION;
export const LOCATIONS: MessageSpec = {
  locations: many(1, () => LOCATION),
  nextPageToken: text(2),
};
