/** Names that issuers and keys may be given. */
import { invalidRequest } from '../../../model/errors.ts';
import { DEFAULT_REF } from './resolve.ts';

const NAME = /^\w(?:[\w.-]{0,253}\w)?$/;

/** @throws {RequestError} @returns '' when none was given */
export function assertName(what: 'issuer' | 'key', given: string | undefined): string {
  if (given === undefined) return '';
  const name = given.trim();
  if (name === '' && what === 'issuer') throw invalidRequest('expected non-empty issuer name');
  if (name.toLowerCase() === DEFAULT_REF) {
    throw invalidRequest(`reserved keyword 'default' can not be used as ${what} name`);
  }
  if (!NAME.test(name)) throw invalidRequest(`${what} name contained invalid characters`);
  return name;
}

export function isName(text: string): boolean {
  return NAME.test(text);
}
