/**
 * Certificate policies: what a certificate is to say, who signs it, and what happens before its end. The policy is kept as this
 * API shows it; the plan and the times that the engine goes by follow from it.
 */
import { isIP } from 'node:net';
import { isJsonObject } from '../../../base/json.ts';
import type { JsonObject, JsonValue } from '../../../base/json.ts';
import { isOid } from '../../../crypto/der-values.ts';
import { KEY_USAGE } from '../../../crypto/x509/extensions.ts';
import type { CertificatePlan, RenewalTimes } from '../../../model/tasks/certificate-task.ts';
import { typeOf } from '../keys/bundle.ts';
import { badParameter } from '../wire/errors.ts';
import { isName } from '../wire/route.ts';
import { parseSubject } from './subject.ts';

export const PFX = 'application/x-pkcs12';
export const PEM = 'application/x-pem-file';

/** Signed by its own key; signed by somebody whom nobody here knows. */
export const SELF = 'self';
export const UNKNOWN = 'unknown';

const MONTHS_DEFAULT = 12;
const MONTHS_MAX = 1200;
const NAMES_MAX = 100;
const NAME_LENGTH_MAX = 1024;
const DAY_SECONDS = 86_400;
const MONTH_DAYS = 30;
const EKUS_DEFAULT = ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'];
const USAGES_DEFAULT = ['digitalSignature', 'keyEncipherment'];
const PERCENT_DEFAULT = 80;

const USAGES: Readonly<Record<string, number>> = {
  digitalSignature: KEY_USAGE.digitalSignature,
  nonRepudiation: KEY_USAGE.contentCommitment,
  keyEncipherment: KEY_USAGE.keyEncipherment,
  dataEncipherment: KEY_USAGE.dataEncipherment,
  keyAgreement: KEY_USAGE.keyAgreement,
  keyCertSign: KEY_USAGE.certSign,
  cRLSign: KEY_USAGE.crlSign,
  encipherOnly: KEY_USAGE.encipherOnly,
  decipherOnly: KEY_USAGE.decipherOnly,
};

export interface Policy {
  /** As it is shown, without what follows from where and when. */
  readonly shown: JsonObject;
  /** `self`, `unknown`, or the name of a role that is offered as an issuer. */
  readonly issuer: string;
  /** As it is shown. */
  readonly issuerName: string;
  readonly plan: CertificatePlan;
  readonly renewal: RenewalTimes;
}

function member(object: JsonObject, name: string): JsonObject {
  const value = object[name] ?? null;
  if (value === null) return {};
  if (!isJsonObject(value)) throw badParameter(`The property ${name} is not an object.`);
  return value;
}

function texts(object: JsonObject, name: string): string[] | undefined {
  const value = object[name] ?? null;
  if (value === null) return undefined;
  if (!Array.isArray(value) || value.length > NAMES_MAX) {
    throw badParameter(`The property ${name} is not a list, or too long.`);
  }
  return value.map((one) => {
    if (typeof one !== 'string' || one === '' || one.length > NAME_LENGTH_MAX) {
      throw badParameter(`The property ${name} holds what is not a text.`);
    }
    return one;
  });
}

function text(object: JsonObject, name: string): string | undefined {
  const value = object[name] ?? null;
  if (value === null) return undefined;
  if (typeof value !== 'string' || value.length > NAME_LENGTH_MAX) {
    throw badParameter(`The property ${name} is not a text.`);
  }
  return value;
}

function count(object: JsonObject, name: string, max: number): number | undefined {
  const value = object[name] ?? null;
  if (value === null) return undefined;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1 || value > max) {
    throw badParameter(`The property ${name} is not a number that is possible here.`);
  }
  return value;
}

function bool(object: JsonObject, name: string): boolean | undefined {
  const value = object[name] ?? null;
  if (value === null) return undefined;
  if (typeof value !== 'boolean') throw badParameter(`The property ${name} is not a boolean.`);
  return value;
}

interface Key {
  readonly shown: JsonObject;
  readonly plan: CertificatePlan['key'];
}

/** @param leaveOpen a role makes keys of its own kind, unless one is asked for. */
function readKey(sent: JsonObject, leaveOpen: boolean): Key {
  const reuse = bool(sent, 'reuse_key') ?? false;
  const exportable = bool(sent, 'exportable') ?? true;
  const kty = text(sent, 'kty');
  const [size, curve] = [sent['key_size'] ?? undefined, text(sent, 'crv')];
  if (kty === undefined && size === undefined && leaveOpen) {
    return { shown: { exportable, reuse_key: reuse }, plan: { reuse } };
  }
  const kind = kty ?? 'RSA';
  // A curve goes by either.
  const [family, bits = ''] = typeOf(kind, kind === 'EC' ? undefined : size, curve).split('-');
  const digits = Number(bits.replace(/^p/, ''));
  const type = family === 'rsa' ? 'rsa' : 'ec';
  const shape: JsonObject =
    type === 'rsa' ? { key_size: digits } : { crv: `P-${digits}`, key_size: digits };
  return {
    shown: { exportable, kty: kind, ...shape, reuse_key: reuse },
    plan: { type, bits: digits, reuse },
  };
}

function readNames(sans: JsonObject): {
  readonly shown: JsonObject;
  readonly plan: Pick<
    CertificatePlan,
    'dnsNames' | 'emails' | 'uris' | 'ipAddresses' | 'userNames'
  >;
} {
  const [dns, emails, upns] = [
    texts(sans, 'dns_names'),
    texts(sans, 'emails'),
    texts(sans, 'upns'),
  ];
  const [uris, addresses] = [texts(sans, 'uris'), texts(sans, 'ipAddresses')];
  if (addresses?.some((each) => isIP(each) === 0) === true) {
    throw badParameter('The property ipAddresses holds what is no IP address.');
  }
  // oxlint-disable-next-line no-control-regex -- names of certificates are ASCII
  if ([dns, emails, uris].some((list) => list?.some((each) => /[^\x21-\x7e]/.test(each)))) {
    throw badParameter('The property sans holds a name with characters beyond ASCII.');
  }
  const shown = { dns_names: dns, emails, upns, uris, ipAddresses: addresses };
  return {
    shown: Object.fromEntries(
      Object.entries(shown).filter((entry): entry is [string, string[]] => entry[1] !== undefined),
    ),
    plan: {
      dnsNames: dns ?? [],
      emails: emails ?? [],
      uris: uris ?? [],
      ipAddresses: addresses ?? [],
      userNames: upns ?? [],
    },
  };
}

interface Action {
  readonly type: 'AutoRenew' | 'EmailContacts';
  readonly percent: number | undefined;
  readonly days: number | undefined;
}

function readAction(one: JsonValue): Action {
  if (!isJsonObject(one)) throw badParameter('A lifetime action is not an object.');
  const type = text(member(one, 'action'), 'action_type') ?? '';
  const trigger = member(one, 'trigger');
  const percent = count(trigger, 'lifetime_percentage', 99);
  const days = count(trigger, 'days_before_expiry', 10_000);
  if (
    !/^(?:AutoRenew|EmailContacts)$/i.test(type) ||
    (percent === undefined) === (days === undefined)
  ) {
    throw badParameter('A lifetime action has one trigger, and renews or tells.');
  }
  return { type: /^a/i.test(type) ? 'AutoRenew' : 'EmailContacts', percent, days };
}

function shownAction({ type, percent, days }: Action): JsonObject {
  const trigger =
    percent === undefined ? { days_before_expiry: days ?? 0 } : { lifetime_percentage: percent };
  return { trigger, action: { action_type: type } };
}

function renewalOf(actions: readonly Action[], months: number, canRenew: boolean): RenewalTimes {
  const renewing = actions.find(({ type }) => type === 'AutoRenew');
  const lifetimeSeconds = months * MONTH_DAYS * DAY_SECONDS;
  const alerts = actions
    .filter(({ type }) => type === 'EmailContacts')
    .map(({ percent, days }) =>
      percent === undefined
        ? (days ?? 0) * DAY_SECONDS
        : Math.round((lifetimeSeconds * (100 - percent)) / 100),
    );
  return {
    autoRenew: renewing !== undefined && canRenew,
    renewAtPercent: renewing?.percent ?? 0,
    renewBeforeSeconds: (renewing?.days ?? 0) * DAY_SECONDS,
    ...(alerts.length === 0 ? {} : { alertBeforeSeconds: alerts }),
  };
}

function readActions(sent: JsonValue | undefined, canRenew: boolean): readonly Action[] {
  if (sent === undefined || sent === null) {
    const type = canRenew ? 'AutoRenew' : 'EmailContacts';
    return [{ type, percent: PERCENT_DEFAULT, days: undefined }];
  }
  if (!Array.isArray(sent) || sent.length > 2) {
    throw badParameter('The property lifetime_actions is not a list of at most two.');
  }
  return sent.map(readAction);
}

/**
 * @param before what holds where nothing was sent: the policy that the certificate has.
 * @throws {AzureError}
 */
export function readPolicy(sent: JsonObject, before: JsonObject = {}): Policy {
  const part = (name: string): JsonObject => ({ ...member(before, name), ...sentPart(sent, name) });
  const issuerPart = part('issuer');
  const named = text(issuerPart, 'name') ?? '';
  const lower = named.toLowerCase();
  const issuer = lower === SELF || lower === UNKNOWN ? lower : named;
  if (issuer === '') throw badParameter('The property issuer of the policy has no name.');
  if (!isName(issuer)) throw badParameter('The name of the issuer is not valid.');
  const key = readKey(part('key_props'), issuer !== SELF && issuer !== UNKNOWN);
  const contentType = text(part('secret_props'), 'contentType') ?? PFX;
  if (contentType !== PFX && contentType !== PEM) {
    throw badParameter('The property contentType of the policy is not supported.');
  }
  const x509 = part('x509_props');
  const subject = text(x509, 'subject') ?? '';
  const names = readNames(member(x509, 'sans'));
  const { der, commonName } = parseSubject(subject);
  if (subject === '' && Object.keys(names.shown).length === 0) {
    throw badParameter('The policy names no subject and no alternative names.');
  }
  const ekus = texts(x509, 'ekus') ?? EKUS_DEFAULT;
  if (!ekus.every(isOid)) throw badParameter('The property ekus holds what is no identifier.');
  const usages = texts(x509, 'key_usage') ?? USAGES_DEFAULT;
  const keyUsage = usages.reduce((bits, name) => {
    const bit = Object.hasOwn(USAGES, name) ? USAGES[name] : undefined;
    if (bit === undefined) throw badParameter('The property key_usage names an unknown usage.');
    return bits | bit;
  }, 0);
  const months = count(x509, 'validity_months', MONTHS_MAX) ?? MONTHS_DEFAULT;
  const canRenew = issuer !== UNKNOWN;
  const actions = readActions(sent['lifetime_actions'] ?? before['lifetime_actions'], canRenew);
  const [certificateType, transparency] = [
    text(issuerPart, 'cty'),
    bool(issuerPart, 'cert_transparency'),
  ];
  const issuerName = issuer === SELF ? 'Self' : issuer === UNKNOWN ? 'Unknown' : issuer;
  return {
    issuer,
    issuerName,
    shown: {
      key_props: key.shown,
      secret_props: { contentType },
      x509_props: {
        subject,
        ...(Object.keys(names.shown).length === 0 ? {} : { sans: names.shown }),
        ekus,
        key_usage: usages,
        validity_months: months,
      },
      lifetime_actions: actions.map(shownAction),
      issuer: {
        name: issuerName,
        ...(certificateType === undefined ? {} : { cty: certificateType }),
        ...(transparency === undefined ? {} : { cert_transparency: transparency }),
      },
    },
    plan: {
      ...(canRenew && issuer !== SELF ? { role: issuer } : {}),
      key: key.plan,
      subject: der.toString('base64'),
      commonName,
      ...names.plan,
      keyUsage,
      extendedKeyUsages: ekus,
      months,
    },
    renewal: renewalOf(actions, months, canRenew),
  };
}

/** What was sent of a part, without what was sent as null. */
function sentPart(sent: JsonObject, name: string): JsonObject {
  const entries = Object.entries(member(sent, name)).filter(([, value]) => value !== null);
  return Object.fromEntries(entries);
}
