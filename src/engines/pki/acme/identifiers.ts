/** What an order is for: host names and addresses. */
import { isIP } from 'node:net';
import { isJsonObject } from '../../../base/json.ts';
import type { JsonValue } from '../../../base/json.ts';
import { RequestError } from '../../../model/errors.ts';
import { assertNames } from '../names/allowed-names.ts';
import type { AllowedNames } from '../names/allowed-names.ts';
import { addressBytes, addressText } from '../names/addresses.ts';
import { isHostName } from '../names/host-names.ts';
import { AcmeProblem } from './problem.ts';
import type { Identifier } from './records.ts';

/** Most identifiers of one order. */
export const IDENTIFIERS_MAX = 100;
const NAME_LENGTH_MAX = 253;

function hostIdentifier(value: string): Identifier {
  const isWildcard = value.includes('*');
  const host = isWildcard ? value.replace(/^\*\./, '') : value;
  if (isWildcard && (host === value || !host.includes('.'))) {
    throw new AcmeProblem('malformed', 'value argument failed validation: invalid wildcard');
  }
  if (isIP(host) !== 0) {
    throw new AcmeProblem('malformed', 'refusing to accept an IP address as DNS type identifier');
  }
  if (host.length > NAME_LENGTH_MAX || host !== host.toLowerCase() || !isHostName(host)) {
    throw new AcmeProblem('malformed', 'value argument failed validation: not a host name');
  }
  return { type: 'dns', value: host, original: value, isWildcard };
}

function parseIdentifier(given: JsonValue): Identifier {
  if (!isJsonObject(given)) {
    throw new AcmeProblem('malformed', "invalid type for value in 'identifiers'");
  }
  const { type, value } = given;
  if (typeof type !== 'string' || typeof value !== 'string' || value === '') {
    throw new AcmeProblem('malformed', "missing type or value in 'identifiers'");
  }
  if (type === 'dns') return hostIdentifier(value);
  if (type !== 'ip') throw new AcmeProblem('unsupportedIdentifier');
  const bytes = addressBytes(value);
  if (bytes === undefined) {
    throw new AcmeProblem('malformed', 'value argument failed validation: failed parsing as IP');
  }
  return { type: 'ip', value: addressText(bytes), original: value, isWildcard: false };
}

/** @throws {AcmeProblem} */
export function parseIdentifiers(given: JsonValue | undefined): Identifier[] {
  if (!Array.isArray(given) || given.length === 0) {
    throw new AcmeProblem('malformed', 'missing required identifiers argument');
  }
  if (given.length > IDENTIFIERS_MAX) {
    throw new AcmeProblem('rejectedIdentifier', `an order has at most ${IDENTIFIERS_MAX} names`);
  }
  const found = new Map(
    given.map(parseIdentifier).map((each) => [`${each.type} ${each.original}`, each]),
  );
  return [...found.values()];
}

/** @throws {AcmeProblem} the role does not make certificates for one of them */
export function assertIdentifiers(identifiers: readonly Identifier[], allowed: AllowedNames): void {
  for (const { type, original } of identifiers) {
    if (type === 'ip' && !allowed.role.allow_ip_sans) {
      throw new AcmeProblem('rejectedIdentifier', 'the role does not allow IP addresses');
    }
    if (type === 'dns') assertHost(original, allowed);
  }
}

function assertHost(name: string, allowed: AllowedNames): void {
  try {
    assertNames('name', [name], allowed);
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    throw new AcmeProblem('rejectedIdentifier', `the role does not allow ${name}`);
  }
}
