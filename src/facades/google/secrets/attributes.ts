/**
 * What this API keeps of a secret that no other one has a word for, below `attributes.google`; and how labels and annotations
 * stand to the custom metadata that all APIs share. See docs/google.md.
 */
import { isJsonObject } from '../../../base/json.ts';
import type { JsonValue } from '../../../base/json.ts';
import type { Secret } from '../../../model/secret.ts';
import { StatusError } from '../wire/status.ts';

const KEY = 'google';

/** As stored. */
export interface GoogleAttributes {
  readonly annotations?: Readonly<Record<string, string>>;
  /** Places that a client asked for; kept, without effect. Absent = automatic. */
  readonly replicas?: readonly string[];
  readonly versionDestroyTtlSeconds?: number;
  readonly secretType?: string;
  /** Full names. */
  readonly topics?: readonly string[];
  /** By which name of the secret its topics were set: events name it so, whoever causes them. */
  readonly toldAs?: { readonly project: string; readonly location: string };
  readonly rotation?: RotationTimes;
}

export interface RotationTimes {
  readonly firstMs: number;
  /** 0: once. */
  readonly periodSeconds: number;
}

export function googleAttributes(secret: Pick<Secret, 'attributes'>): GoogleAttributes {
  const stored = secret.attributes?.[KEY];
  return isJsonObject(stored) ? stored : {};
}

export function withGoogleAttributes(secret: Secret, attributes: GoogleAttributes): Secret {
  const { [KEY]: _before, ...others } = secret.attributes ?? {};
  const kept = Object.entries(attributes).filter(([, value]) => value !== undefined);
  const all =
    kept.length === 0 ? others : { ...others, [KEY]: Object.fromEntries<JsonValue>(kept) };
  const { attributes: _attributes, ...rest } = secret;
  return Object.keys(all).length === 0 ? rest : { ...rest, attributes: all };
}

const LABELS_MAX = 64;
const LABEL_NAME = /^[\p{Ll}\p{Lo}][\p{Ll}\p{Lo}\p{N}_-]{0,62}$/u;
const LABEL_VALUE = /^[\p{Ll}\p{Lo}\p{N}_-]{0,63}$/u;
const ANNOTATIONS_BYTES_MAX = 16 * 1024;
const ANNOTATION_NAME = /^[A-Za-z0-9](?:[A-Za-z0-9_./-]{0,61}[A-Za-z0-9])?$/;

type Texts = ReadonlyMap<string, string>;

function isLabel(name: string, text: string): boolean {
  return LABEL_NAME.test(name) && LABEL_VALUE.test(text);
}

/** Custom metadata that can be labels are; the rest shows among the annotations. */
export function labelsOf(secret: Secret): Map<string, string> {
  return new Map(Object.entries(secret.customMetadata).filter((entry) => isLabel(...entry)));
}

export function annotationsOf(secret: Secret): Map<string, string> {
  const others = Object.entries(secret.customMetadata).filter((entry) => !isLabel(...entry));
  return new Map([...others, ...Object.entries(googleAttributes(secret).annotations ?? {})]);
}

/** @throws {StatusError} */
export function withLabels(secret: Secret, labels: Texts): Secret {
  if (labels.size > LABELS_MAX) {
    throw new StatusError('INVALID_ARGUMENT', `At most ${LABELS_MAX} labels are allowed.`);
  }
  for (const entry of labels) {
    if (!isLabel(...entry)) {
      throw new StatusError(
        'INVALID_ARGUMENT',
        'Label keys and values hold lower-case letters, digits, _ and -, at most 63 characters; keys begin with a letter.',
      );
    }
  }
  const others = Object.entries(secret.customMetadata).filter((entry) => !isLabel(...entry));
  return { ...secret, customMetadata: Object.fromEntries([...others, ...labels]) };
}

/** Annotations that are custom metadata of the secret stay there; the others are this API's own. @throws {StatusError} */
export function withAnnotations(secret: Secret, annotations: Texts): Secret {
  let bytes = 0;
  for (const [name, text] of annotations) {
    bytes += Buffer.byteLength(name) + Buffer.byteLength(text);
    const known = Object.hasOwn(secret.customMetadata, name);
    if (!known && !ANNOTATION_NAME.test(name)) {
      throw new StatusError('INVALID_ARGUMENT', 'The key of an annotation is not valid.');
    }
  }
  if (bytes >= ANNOTATIONS_BYTES_MAX) {
    throw new StatusError('INVALID_ARGUMENT', 'Annotations must be smaller than 16 KiB.');
  }
  const custom = Object.entries(secret.customMetadata)
    .filter(([name, text]) => isLabel(name, text) || annotations.has(name))
    .map(([name, text]): [string, string] =>
      isLabel(name, text) ? [name, text] : [name, annotations.get(name) ?? text],
    );
  const own = [...annotations].filter(
    ([name]) => !Object.hasOwn(secret.customMetadata, name) || isLabelName(secret, name),
  );
  const { annotations: _before, ...rest } = googleAttributes(secret);
  return withGoogleAttributes(
    { ...secret, customMetadata: Object.fromEntries(custom) },
    own.length === 0 ? rest : { ...rest, annotations: Object.fromEntries(own) },
  );
}

function isLabelName(secret: Secret, name: string): boolean {
  return isLabel(name, secret.customMetadata[name] ?? '');
}
