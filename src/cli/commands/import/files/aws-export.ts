/**
 * What the AWS CLI prints of Secrets Manager: list-secrets, describe-secret, list-secret-version-ids, get-secret-value and
 * batch-get-secret-value, in any number of files and any order. What is said of one secret in several of them is put together.
 */
import { isJsonObject, isRawNumber } from '../../../../client/json.ts';
import type { JsonObject, JsonValue } from '../../../../client/json.ts';
import { InputError } from './input.ts';
import { ENTRIES_MAX } from './layout.ts';

export const CURRENT = 'AWSCURRENT';
export const PREVIOUS = 'AWSPREVIOUS';
/** Suffix that an ARN puts behind a name. */
const ARN = /^arn:[a-z0-9-]+:secretsmanager:[a-z0-9-]*:\d*:secret:(?<name>.+)-[A-Za-z0-9]{6}$/;

export interface AwsVersion {
  readonly id: string;
  stages: readonly string[];
  createdMs: number | undefined;
  text: string | undefined;
  base64: string | undefined;
}

export interface AwsSecret {
  readonly name: string;
  description: string | undefined;
  tags: Readonly<Record<string, string>> | undefined;
  createdMs: number | undefined;
  /** What is known of it and stays behind, in words. */
  readonly notes: Set<string>;
  readonly versions: Map<string, AwsVersion>;
}

/** By name. @throws {InputError} a document is none of these */
export function awsSecrets(documents: readonly JsonValue[]): Map<string, AwsSecret> {
  const secrets = new Map<string, AwsSecret>();
  for (const document of documents) {
    const records = recordsOf(document);
    for (const record of records) addRecord(secrets, record);
    if (secrets.size > ENTRIES_MAX) throw new InputError(`more than ${ENTRIES_MAX} secrets`);
  }
  return secrets;
}

function recordsOf(document: JsonValue): JsonValue[] {
  if (Array.isArray(document)) return document;
  if (!isJsonObject(document)) throw new InputError('a document is no answer of Secrets Manager');
  for (const list of ['SecretList', 'SecretValues']) {
    const records = document[list];
    if (Array.isArray(records)) return records;
  }
  return [document];
}

function addRecord(secrets: Map<string, AwsSecret>, record: JsonValue): void {
  if (!isJsonObject(record)) throw new InputError('a secret is no object');
  const name = textOf(record['Name']) ?? ARN.exec(textOf(record['ARN']) ?? '')?.groups?.['name'];
  if (name === undefined || name === '') throw new InputError('a secret has no Name');
  const secret = secrets.get(name) ?? {
    name,
    description: undefined,
    tags: undefined,
    createdMs: undefined,
    notes: new Set(),
    versions: new Map(),
  };
  secrets.set(name, secret);
  const versionId = textOf(record['VersionId']);
  secret.description = textOf(record['Description']) ?? secret.description;
  secret.tags = tagsOf(record['Tags']) ?? secret.tags;
  if (versionId === undefined) secret.createdMs = timeOf(record['CreatedDate']) ?? secret.createdMs;
  else {
    const version = versionOf(secret, versionId);
    version.stages = textsOf(record['VersionStages']) ?? version.stages;
    version.createdMs = timeOf(record['CreatedDate']) ?? version.createdMs;
    version.text = textOf(record['SecretString']) ?? version.text;
    version.base64 = textOf(record['SecretBinary']) ?? version.base64;
  }
  for (const table of ['VersionIdsToStages', 'SecretVersionsToStages']) {
    const stages = record[table];
    if (!isJsonObject(stages)) continue;
    for (const [id, list] of Object.entries(stages)) {
      versionOf(secret, id).stages = textsOf(list) ?? [];
    }
  }
  for (const listed of Array.isArray(record['Versions']) ? record['Versions'] : []) {
    const id = isJsonObject(listed) ? textOf(listed['VersionId']) : undefined;
    if (!isJsonObject(listed) || id === undefined) continue;
    const version = versionOf(secret, id);
    version.stages = textsOf(listed['VersionStages']) ?? version.stages;
    version.createdMs = timeOf(listed['CreatedDate']) ?? version.createdMs;
  }
  note(secret, record);
}

function versionOf(secret: AwsSecret, id: string): AwsVersion {
  const known = secret.versions.get(id);
  if (known !== undefined) return known;
  const version = { id, stages: [], createdMs: undefined, text: undefined, base64: undefined };
  secret.versions.set(id, version);
  return version;
}

function note({ notes }: AwsSecret, record: JsonObject): void {
  if (record['RotationEnabled'] === true) notes.add('its rotation: set it up here');
  if (textOf(record['KmsKeyId']) !== undefined)
    notes.add('its KMS key: values are under the server’s own keys here');
  if (Array.isArray(record['ReplicationStatus'])) notes.add('its replicas in other regions');
  if (record['DeletedDate'] !== undefined) notes.add('it is marked for deletion there');
}

/** Versions whose value is known, the oldest first; those without a time come first, in the order of the files. */
export function knownVersions(secret: AwsSecret): AwsVersion[] {
  return [...secret.versions.values()]
    .filter(({ text, base64 }) => text !== undefined || base64 !== undefined)
    .sort((one, other) => (one.createdMs ?? 0) - (other.createdMs ?? 0));
}

function textOf(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function textsOf(value: JsonValue | undefined): string[] | undefined {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : undefined;
}

function tagsOf(value: JsonValue | undefined): Readonly<Record<string, string>> | undefined {
  if (!Array.isArray(value)) return undefined;
  return Object.fromEntries(
    value.flatMap((tag) =>
      isJsonObject(tag) && typeof tag['Key'] === 'string'
        ? [[tag['Key'], textOf(tag['Value']) ?? '']]
        : [],
    ),
  );
}

/** The CLI prints ISO times (version 2) or seconds since the epoch (version 1). */
function timeOf(value: JsonValue | undefined): number | undefined {
  const number = isRawNumber(value) ? Number(value.rawJSON) : value;
  const ms =
    typeof number === 'number'
      ? Math.round(number * 1_000)
      : typeof number === 'string'
        ? Date.parse(number)
        : NaN;
  return Number.isFinite(ms) && Math.abs(ms) < TIME_MS_MAX ? ms : undefined;
}

/** The years that a time of four digits can tell. */
const TIME_MS_MAX = 253_402_300_800_000;
