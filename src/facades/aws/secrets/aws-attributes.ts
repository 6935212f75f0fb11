/** What only this API keeps of a secret, beside what it shares with the others. */
import { isJsonObject } from '../../../base/json.ts';
import type { JsonObject } from '../../../base/json.ts';
import type { Secret } from '../../../model/secret.ts';

export interface RotationRules {
  readonly AutomaticallyAfterDays?: number | undefined;
  readonly Duration?: string | undefined;
  readonly ScheduleExpression?: string | undefined;
}

export interface Rotation {
  readonly enabled: boolean;
  /** ARN or URL of the function. */
  readonly function?: string;
  readonly rules?: RotationRules;
}

export interface Replica {
  readonly region: string;
  readonly kmsKeyId?: string;
}

export interface AwsAttributes {
  readonly kmsKeyId?: string;
  readonly type?: string;
  /** Resource policies by name, as JSON text. */
  readonly policies?: Readonly<Record<string, string>>;
  readonly replicas?: readonly Replica[];
  readonly rotation?: Rotation;
}

export function awsOf(secret: Secret): AwsAttributes {
  const kept = secret.attributes?.['aws'];
  return isJsonObject(kept) ? kept : {};
}

/** `secret` with some of them changed; undefined takes one away. */
export function withAws(
  secret: Secret,
  changes: { readonly [K in keyof AwsAttributes]?: AwsAttributes[K] | undefined },
): Secret {
  const merged = Object.entries({ ...awsOf(secret), ...changes }).filter(
    ([, value]) => value !== undefined,
  );
  const { aws: _aws, ...others } = secret.attributes ?? {};
  const aws = merged.length === 0 ? {} : { aws: Object.fromEntries(merged) as JsonObject };
  return { ...secret, attributes: { ...others, ...aws } };
}

/** The description, which the other APIs may keep too. */
export function descriptionOf(secret: Secret): string | undefined {
  const text = secret.attributes?.['description'];
  return typeof text === 'string' ? text : undefined;
}

export function withDescription(secret: Secret, text: string): Secret {
  return { ...secret, attributes: { ...secret.attributes, description: text } };
}
