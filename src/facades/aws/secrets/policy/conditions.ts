/** Conditions of resource policies: the operators and keys that mean something here. */
import { cidrsContain } from '../../../../base/cidr.ts';
import { wildcardMatches } from './wildcard.ts';

type Test = (actual: string, wanted: string) => boolean;

const equal: Test = (actual, wanted) => actual === wanted;
const like: Test = (actual, wanted) => wildcardMatches(wanted, actual);
const inRange: Test = (actual, wanted) => cidrsContain([wanted], actual);

/** How an operator compares, and whether it is the negation. */
export const OPERATORS: ReadonlyMap<string, { readonly test: Test; readonly negated: boolean }> =
  new Map([
    ['StringEquals', { test: equal, negated: false }],
    ['StringNotEquals', { test: equal, negated: true }],
    [
      'StringEqualsIgnoreCase',
      { test: (a, b) => a.toLowerCase() === b.toLowerCase(), negated: false },
    ],
    [
      'StringNotEqualsIgnoreCase',
      { test: (a, b) => a.toLowerCase() === b.toLowerCase(), negated: true },
    ],
    ['StringLike', { test: like, negated: false }],
    ['StringNotLike', { test: like, negated: true }],
    ['ArnEquals', { test: like, negated: false }],
    ['ArnLike', { test: like, negated: false }],
    ['ArnNotEquals', { test: like, negated: true }],
    ['ArnNotLike', { test: like, negated: true }],
    ['Bool', { test: (a, b) => a.toLowerCase() === b.toLowerCase(), negated: false }],
    ['IpAddress', { test: inRange, negated: false }],
    ['NotIpAddress', { test: inRange, negated: true }],
  ]);

/** Lower case; those that end in a slash name a tag behind it. */
export const CONDITION_KEYS: readonly string[] = [
  'aws:principalarn',
  'aws:principalaccount',
  'aws:sourceip',
  'aws:requestedregion',
  'aws:resourcetag/',
  'secretsmanager:resourcetag/',
  'secretsmanager:name',
  'secretsmanager:secretid',
];
