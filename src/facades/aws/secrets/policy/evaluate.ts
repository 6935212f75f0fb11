/**
 * What a resource policy forbids. It only ever takes away: what a caller may at all is said by the policies of its entity, which
 * are the same for every API.
 */
import type { SecretDesk } from '../../../../model/tasks/secret-task.ts';
import type { Secret } from '../../../../model/secret.ts';
import type { Asking } from '../../asking.ts';
import { AwsError } from '../../errors.ts';
import { awsOf } from '../aws-attributes.ts';
import { OPERATORS } from './conditions.ts';
import type { Condition, Statement } from './document.ts';
import { parsePolicy } from './document.ts';
import { wildcardMatches } from './wildcard.ts';

/** The ARN of a caller, as AWS writes it. */
export function callerArn(account: string, callerName: string): string {
  const service = callerName.startsWith('assumed-role/') ? 'sts' : 'iam';
  return `arn:aws:${service}::${account}:${callerName}`;
}

interface Question {
  readonly principal: string;
  readonly account: string;
  readonly action: string;
  readonly resource: string;
  readonly context: ReadonlyMap<string, string>;
}

/** Texts that were parsed before: policies are few, and each is asked often. */
const PARSED_MAX = 500;
const parsed = new Map<string, readonly Statement[]>();

function statementsOf(text: string): readonly Statement[] {
  let statements = parsed.get(text);
  if (statements === undefined) {
    statements = parsePolicy(text);
    if (parsed.size >= PARSED_MAX) parsed.clear();
    parsed.set(text, statements);
  }
  return statements;
}

/** @throws {AwsError} AccessDeniedException: a statement denies it */
export function assertAllowed(
  asking: Asking,
  desk: SecretDesk,
  secret: Secret,
  arn: string,
  action: string = asking.action,
): void {
  const { policies } = awsOf(secret);
  if (policies === undefined) return;
  const { account } = asking;
  const principal = callerArn(account, desk.callerName ?? '');
  const question: Question = {
    principal,
    account,
    action,
    resource: arn,
    context: new Map([
      ['aws:principalarn', principal],
      ['aws:principalaccount', account],
      ['aws:sourceip', asking.remoteAddress],
      ['aws:requestedregion', asking.region],
      ['secretsmanager:name', desk.path],
      ['secretsmanager:secretid', arn],
      ...Object.entries(secret.customMetadata).flatMap(([key, value]): [string, string][] => [
        [`aws:resourcetag/${key.toLowerCase()}`, value],
        [`secretsmanager:resourcetag/${key.toLowerCase()}`, value],
      ]),
    ]),
  };
  for (const text of Object.values(policies)) {
    if (statementsOf(text).some((statement) => !statement.allow && applies(statement, question))) {
      throw new AwsError(
        'AccessDeniedException',
        `User: ${principal} is not authorized to perform: ${action} on resource: ${arn} with an explicit deny in a resource-based policy`,
      );
    }
  }
}

export function applies(statement: Statement, question: Question): boolean {
  const { principals, actions, resources, conditions } = statement;
  const action = question.action.toLowerCase();
  return (
    principals.patterns.some((pattern) => isPrincipal(pattern, question)) !== principals.not &&
    actions.patterns.some((pattern) => wildcardMatches(pattern.toLowerCase(), action)) !==
      actions.not &&
    resources.patterns.some((pattern) => wildcardMatches(pattern, question.resource)) !==
      resources.not &&
    conditions.every((condition) => holds(condition, question.context))
  );
}

/** Everybody, the whole account, or one principal. */
function isPrincipal(pattern: string, { principal, account }: Question): boolean {
  return (
    pattern === '*' ||
    pattern === account ||
    pattern === `arn:aws:iam::${account}:root` ||
    wildcardMatches(pattern, principal)
  );
}

/** A key that is not there matches no value: positive tests fail, negated ones hold. */
function holds(
  { operator, key, values }: Condition,
  context: ReadonlyMap<string, string>,
): boolean {
  const row = OPERATORS.get(operator);
  const actual = context.get(key);
  if (row === undefined) return false;
  const any = actual !== undefined && values.some((value) => row.test(actual, value));
  return any !== row.negated;
}
