/** From what a caller asks for and a role allows to what a certificate will say. */
import { cidrsContain } from '../../../base/cidr.ts';
import { DerError } from '../../../crypto/der.ts';
import { altNamesOf } from '../../../crypto/x509/certificate.ts';
import type { AltNames } from '../../../crypto/x509/extensions.ts';
import { NAME_OIDS, readName, valuesOf } from '../../../crypto/x509/names.ts';
import type { Subject } from '../../../crypto/x509/names.ts';
import type { CertificationRequest } from '../../../crypto/x509/request.ts';
import { invalidRequest } from '../../../model/errors.ts';
import { addressBytes, addressText } from './addresses.ts';
import {
  assertCommonName,
  assertNames,
  assertSubjectSerial,
  assertUserId,
  isAllowedUri,
} from './allowed-names.ts';
import type { AllowedNames } from './allowed-names.ts';
import { asciiName, isHostName } from './host-names.ts';
import { assertOtherNames, parseOtherNames } from './other-names.ts';
import type { OtherName } from './other-names.ts';
import type { Wanted } from '../making/validity.ts';

/** Fields of the path, of which a path may lack some. */
export interface NameValues extends Wanted {
  readonly common_name: string;
  readonly alt_names: string;
  readonly ip_sans: readonly string[];
  readonly uri_sans: readonly string[];
  readonly other_sans: readonly string[];
  readonly serial_number: string;
  readonly exclude_cn_from_sans: boolean;
  readonly user_ids?: readonly string[];
}

export interface Named {
  readonly subject: Subject;
  readonly altNames: AltNames;
}

/** Most names of one certificate. */
export const NAMES_MAX = 1000;

/** In order, without white space for a value, each once. */
function distinct(texts: readonly string[]): string[] {
  return [...new Map(texts.map((text) => [text.trim(), text])).entries()].flatMap(([key, text]) =>
    key === '' ? [] : [text],
  );
}

function altNameTexts(text: string): string[] {
  return text.trim() === '' ? [] : [...new Set(text.trim().split(','))];
}

interface HostsAndEmails {
  readonly dnsNames: string[];
  readonly emails: string[];
}

function addName(name: string, to: HostsAndEmails): void {
  if (name.includes('@')) {
    to.emails.push(name);
    return;
  }
  const ascii = asciiName(name);
  if (isHostName(ascii)) to.dnsNames.push(ascii);
}

function ipAddresses(
  texts: readonly string[],
  requested: AltNames | undefined,
  { role }: AllowedNames,
): Buffer[] {
  if (requested !== undefined) {
    if (requested.ipAddresses.length === 0) return [];
    if (!role.allow_ip_sans) {
      throw invalidRequest(
        'IP Subject Alternative Names are not allowed in this role, but was provided some via CSR',
      );
    }
    for (const bytes of requested.ipAddresses) assertAddress(addressText(bytes), role);
    return [...requested.ipAddresses];
  }
  if (texts.length > 0 && !role.allow_ip_sans) {
    throw invalidRequest(
      `IP Subject Alternative Names are not allowed in this role, but was provided [${texts.join(' ')}]`,
    );
  }
  return texts.map((text) => {
    const bytes = addressBytes(text);
    if (bytes === undefined) {
      throw invalidRequest(`the value ${JSON.stringify(text)} is not a valid IP address`);
    }
    assertAddress(addressText(bytes), role);
    return bytes;
  });
}

function assertAddress(text: string, role: AllowedNames['role']): void {
  const ranges = role.allowed_ip_sans_cidr;
  if (ranges.length === 0 || cidrsContain(ranges, text)) return;
  throw invalidRequest(`the IP address ${JSON.stringify(text)} is not allowed in this role`);
}

/** A scheme when there is a colon in the first segment (RFC 3986 §4.2), and whole escapes. */
function hasUriHead(uri: string): boolean {
  const head = /^[^/?#]*/.exec(uri)?.[0] ?? '';
  if (head.includes(':') && !/^[A-Za-z][A-Za-z0-9+.-]*:/.test(head)) return false;
  return !/%(?![0-9A-Fa-f]{2})/.test(uri);
}

function uris(
  texts: readonly string[],
  requested: AltNames | undefined,
  allowed: AllowedNames,
): string[] {
  const wanted = requested?.uris ?? texts;
  if (wanted.length === 0) return [];
  const source = requested === undefined ? 'the API' : 'CSR';
  if (allowed.role.allowed_uri_sans.length === 0) {
    throw invalidRequest(
      `URI Subject Alternative Names are not allowed in this role, but were provided via ${source}`,
    );
  }
  for (const uri of wanted) {
    if (!isAllowedUri(uri, allowed)) {
      throw invalidRequest(
        `URI Subject Alternative Names were provided via ${source} which are not valid for this role`,
      );
    }
    if (!/^[\x21-\x7e]+$/.test(uri) || !hasUriHead(uri)) {
      throw invalidRequest(
        `the provided URI Subject Alternative Name ${JSON.stringify(uri)} is not a valid URI`,
      );
    }
  }
  return [...wanted];
}

function otherNames(
  texts: readonly string[],
  requested: AltNames | undefined,
  { role }: AllowedNames,
): readonly OtherName[] {
  const names = [
    ...parseOtherNames(texts, 'could not parse requested other SAN'),
    ...(requested?.others ?? []),
  ];
  assertOtherNames(names, role);
  return names;
}

/** @throws {RequestError} extensions that cannot be read */
export function requestedNames(request: CertificationRequest): AltNames {
  try {
    return altNamesOf(request);
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    throw invalidRequest(`could not parse requested other SAN: ${error.message}`);
  }
}

/** @param request whose names count where the role says so. @throws {RequestError} */
export function namesFor(
  wanted: NameValues,
  allowed: AllowedNames,
  request: CertificationRequest | undefined,
): Named {
  const { role } = allowed;
  const subject = request === undefined ? [] : readName(request.subject);
  const requested =
    request !== undefined && role.use_csr_sans ? requestedNames(request) : undefined;
  const fromRequest = role.use_csr_common_name
    ? (valuesOf(subject, NAME_OIDS.commonName).at(-1) ?? '')
    : '';
  const commonName = fromRequest || wanted.common_name;
  if (commonName === '' && role.require_cn) {
    throw invalidRequest(
      'the common_name field is required, or must be provided in a CSR with "use_csr_common_name" set to true, unless "require_cn" is set to false',
    );
  }
  const serialNumber =
    wanted.serial_number || (valuesOf(subject, NAME_OIDS.serialNumber).at(-1) ?? '');
  const names: HostsAndEmails = {
    dnsNames: [...(requested?.dnsNames ?? [])],
    emails: [...(requested?.emails ?? [])],
  };
  if (commonName !== '' && !wanted.exclude_cn_from_sans) addName(commonName, names);
  if (requested === undefined) {
    for (const name of altNameTexts(wanted.alt_names)) addName(name, names);
  }
  const count =
    names.dnsNames.length + names.emails.length + wanted.ip_sans.length + wanted.uri_sans.length;
  if (count > NAMES_MAX) throw invalidRequest(`a certificate has at most ${NAMES_MAX} names`);
  if (commonName !== '') assertCommonName(commonName, allowed);
  if (serialNumber !== '') assertSubjectSerial(serialNumber, allowed);
  assertNames('subject alternate name', names.dnsNames, allowed);
  assertNames('email address', names.emails, allowed);
  const altNames: AltNames = {
    others: otherNames(wanted.other_sans, requested, allowed),
    ipAddresses: ipAddresses(wanted.ip_sans, requested, allowed),
    uris: uris(wanted.uri_sans, requested, allowed),
    dnsNames: distinct(names.dnsNames),
    emails: distinct(names.emails.map((each) => each.trim())).sort(),
  };
  return {
    altNames,
    subject: {
      commonName,
      serialNumber,
      country: distinct(role.country),
      organization: distinct(role.organization),
      organizationalUnit: distinct(role.ou),
      locality: distinct(role.locality),
      province: distinct(role.province),
      streetAddress: distinct(role.street_address),
      postalCode: distinct(role.postal_code),
      userIds: userIds(wanted.user_ids, subject, allowed),
    },
  };
}

/** @param asked undefined where the path knows no user ids. */
function userIds(
  asked: readonly string[] | undefined,
  subject: ReturnType<typeof readName>,
  allowed: AllowedNames,
): readonly string[] {
  if (asked === undefined) return [];
  const ids = asked.length > 0 ? asked : valuesOf(subject, NAME_OIDS.userId);
  for (const id of ids) assertUserId(id, allowed);
  return ids;
}
