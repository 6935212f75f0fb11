/** Resource names of Google Secret Manager: `projects/P[/locations/L]/secrets/S[/versions/V]`. */
import { StatusError } from './wire/status.ts';

export interface SecretName {
  readonly project: string;
  /** Empty for a global secret. */
  readonly location: string;
  /** Empty for the name of a project or location. */
  readonly secret: string;
  /** Number, alias or `latest`; empty for the name of a secret. */
  readonly version: string;
}

const PROJECT = /^[a-z0-9][a-z0-9.:-]{0,62}$/;
const LOCATION = /^[a-z0-9-]{1,63}$/;
const SECRET_ID = /^[A-Za-z0-9_-]{1,255}$/;
const VERSION_ID = /^(?:\d{1,9}|[A-Za-z][A-Za-z0-9_-]{0,62})$/;

export function isSecretId(text: string): boolean {
  return SECRET_ID.test(text);
}

function wrong(what: string): StatusError {
  return new StatusError('INVALID_ARGUMENT', `The resource name of the ${what} is not valid.`);
}

/** @throws {StatusError} */
function parse(name: string, what: 'project' | 'secret' | 'version'): SecretName {
  const segments = name.split('/');
  const [projects, project = '', ...rest] = segments;
  const regional = rest[0] === 'locations';
  const location = regional ? (rest[1] ?? '') : '';
  const below = regional ? rest.slice(2) : rest;
  const [secrets, secret = '', versions, version = '', ...more] = below;
  const length = { project: 0, secret: 2, version: 4 }[what];
  const proper =
    projects === 'projects' &&
    PROJECT.test(project) &&
    (!regional || LOCATION.test(location)) &&
    below.length === length &&
    more.length === 0 &&
    (length < 2 || (secrets === 'secrets' && SECRET_ID.test(secret))) &&
    (length < 4 || (versions === 'versions' && VERSION_ID.test(version)));
  if (!proper) throw wrong(what);
  return { project, location, secret, version };
}

/** `projects/P` or `projects/P/locations/L`. @throws {StatusError} */
export const parseParent = (name: string): SecretName => parse(name, 'project');
/** @throws {StatusError} */
export const parseSecret = (name: string): SecretName => parse(name, 'secret');
/** @throws {StatusError} */
export const parseVersion = (name: string): SecretName => parse(name, 'version');

export function parentText({ project, location }: SecretName): string {
  return location === '' ? `projects/${project}` : `projects/${project}/locations/${location}`;
}

export function secretText(name: SecretName): string {
  return `${parentText(name)}/secrets/${name.secret}`;
}

export function versionText(name: SecretName, number: number): string {
  return `${secretText(name)}/versions/${number}`;
}
