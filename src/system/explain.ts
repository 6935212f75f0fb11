/** `sys/policies/explain`: which rule decides over an operation on a path, and why the others do not. */
import { isJsonObject } from '../base/json.ts';
import type { JsonObject } from '../base/json.ts';
import { defineSystemPath } from '../model/backend.ts';
import type { Path } from '../model/backend.ts';
import { invalidRequest, permissionDenied } from '../model/errors.ts';
import type { Operation, Request } from '../model/request.ts';
import type { Unit } from '../model/transaction.ts';
import type { Acl, AclQuery, Decision, DecisionReason } from '../policy/acl.ts';
import { NEEDED_CAPABILITY } from '../policy/capability.ts';
import { neededFactors } from '../policy/control-group.ts';
import { explain } from '../policy/explain.ts';
import type { Candidate, Explanation } from '../policy/explain.ts';
import type { PolicyRef } from '../policy/merged-rule.ts';
import type { Reply } from '../model/reply.ts';

export interface ExplainPorts {
  /** The ACL of the request's own token; undefined without a live one. */
  callerAcl(request: Request<unknown>, unit: Unit): Promise<Acl | undefined>;
  /** The ACL of another token, given in clear; undefined when there is none. */
  tokenAcl(token: string, request: Request<unknown>, unit: Unit): Promise<Acl | undefined>;
  /** The ACL that policies of the request's namespace would make, and those of the names that no policy has. */
  policiesAcl(
    policies: readonly string[],
    request: Request<unknown>,
    unit: Unit,
  ): Promise<{ readonly acl: Acl; readonly missing: readonly string[] }>;
  /** What is declared of the path: that it needs `sudo`, and how its backend spells it if not as asked. */
  declared(unit: Unit, fullPath: string): Promise<{ sudo: boolean; folded: string | undefined }>;
}

/** Most policies in one question. */
const POLICIES_MAX = 256;

const OPERATIONS: readonly Operation[] = [
  'create',
  'read',
  'update',
  'patch',
  'delete',
  'list',
  'scan',
];

/** A decision in a sentence. */
const SENTENCES: Readonly<Record<DecisionReason | 'needs_sudo', string>> = {
  root: 'root may do everything',
  help: 'help is open to everybody',
  granted: 'the rule has the capability',
  no_rule: 'no rule matches the path',
  denied: 'the rule denies the path',
  missing_capability: 'the rule lacks the capability',
  wrapping_ttl: 'the rule demands another wrapping time',
  page_limit: 'the rule demands a page limit',
  control_group: 'the rule demands approvals that are not there',
  environment: 'the identity is bound to another environment',
  required_parameter: 'a parameter that the rule requires is missing',
  denied_parameter: 'the rule denies a parameter',
  allowed_parameter: 'a parameter is none of those that the rule allows',
  needs_sudo: 'the path needs the capability sudo as well',
};

interface ExplainFields {
  readonly operation?: string | undefined;
  readonly path?: string | undefined;
  readonly token?: string | undefined;
  readonly policies?: readonly string[] | undefined;
  readonly parameters?: JsonObject | undefined;
  readonly wrap_ttl?: number | undefined;
}

type ExplainRequest = Request<ExplainFields>;

/** Whose rights are asked about. @throws {RequestError} */
async function aclOf(
  ports: ExplainPorts,
  request: ExplainRequest,
  unit: Unit,
): Promise<{ acl: Acl; missing: readonly string[] }> {
  const { token = '', policies = [] } = request.fields;
  if (token !== '' && policies.length > 0) {
    throw invalidRequest('give token or policies, not both');
  }
  if (policies.length > POLICIES_MAX) throw invalidRequest(`more than ${POLICIES_MAX} policies`);
  if (policies.length > 0) {
    assertMayAskAboutOthers(request);
    return await ports.policiesAcl(policies, request, unit);
  }
  const own = token === '' || token === request.clientToken;
  if (!own) assertMayAskAboutOthers(request);
  const acl = own
    ? await ports.callerAcl(request, unit)
    : await ports.tokenAcl(token, request, unit);
  if (acl === undefined) throw own ? permissionDenied() : invalidRequest('invalid token');
  return { acl, missing: [] };
}

/** Everybody may learn about itself; about others, who has sudo. @throws {RequestError} */
function assertMayAskAboutOthers(request: ExplainRequest): void {
  if (!request.sudo) throw permissionDenied('asking about others needs sudo');
}

/** @throws {RequestError} */
function queryOf(request: ExplainRequest): AclQuery {
  const { operation: asked = '', path = '', parameters, wrap_ttl: wrap } = request.fields;
  const operation = OPERATIONS.find((each) => each === asked.trim().toLowerCase());
  if (operation === undefined) {
    throw invalidRequest(`operation must be one of ${OPERATIONS.join(', ')}`);
  }
  const bare = path.replace(/^\/+/, '');
  if (bare === '') throw invalidRequest('missing path');
  const listing = operation === 'list' || operation === 'scan';
  return {
    operation,
    path: request.namespace.path + (listing && !bare.endsWith('/') ? `${bare}/` : bare),
    nowMs: request.nowMs,
    wrapTtlSeconds: wrap ?? 0,
    ...(isJsonObject(parameters) ? { data: parameters } : {}),
  };
}

/** The explanation of the spelling that refuses, if the backend folds the path and one does. */
function explainBoth(acl: Acl, query: AclQuery, folded: string | undefined): Explanation {
  const asked = explain(acl, query);
  if (folded === undefined || !asked.decision.allowed) return asked;
  return explain(acl, { ...query, path: folded });
}

async function answer(ports: ExplainPorts, request: ExplainRequest, unit: Unit): Promise<Reply> {
  const query = queryOf(request);
  const { acl, missing } = await aclOf(ports, request, unit);
  const { sudo, folded } = await ports.declared(unit, query.path);
  const { decision, candidates } = explainBoth(acl, query, folded);
  const lacksSudo = decision.allowed && sudo && !decision.sudo;
  const reason = lacksSudo ? 'needs_sudo' : decision.reason;
  return {
    data: {
      allowed: decision.allowed && !lacksSudo,
      operation: query.operation,
      path: query.path,
      reason,
      explanation: SENTENCES[reason],
      rule: decision.rule ?? null,
      policies: shownPolicies(decision),
      approvals: neededFactors(decision.controlGroups, NEEDED_CAPABILITY[query.operation]).map(
        ({ name, groupNames, groupIds, approvals }) => ({
          factor: name,
          approvals,
          group_names: groupNames,
          group_ids: groupIds,
        }),
      ),
      sudo: decision.sudo,
      needs_sudo: sudo,
      candidates: candidates.map(shownCandidate),
    },
    ...(missing.length > 0
      ? { warnings: missing.map((name) => `Policy ${JSON.stringify(name)} does not exist`) }
      : {}),
  };
}

function shownPolicies({ policies }: Decision): readonly string[] {
  return policies.map(policyName);
}

/** With its namespace, since policies of several may meet. */
function policyName({ name, namespacePath }: PolicyRef): string {
  return `${namespacePath}${name}`;
}

function shownCandidate(candidate: Candidate): Readonly<Record<string, unknown>> {
  return {
    rule: candidate.rule,
    kind: candidate.kind,
    capabilities: candidate.capabilities,
    policies: candidate.policies.map(({ policy, capabilities }) => ({
      policy: policyName(policy),
      capabilities,
    })),
    without_slash: candidate.withoutSlash,
    won: candidate.won,
    why: candidate.why,
  };
}

/** The path, below `sys/`. */
export function explainPaths(ports: ExplainPorts): Path<Unit>[] {
  return [
    defineSystemPath({
      pattern: 'policies/explain',
      fields: {
        operation: {
          kind: 'string',
          required: true,
          description: `What would be done: ${OPERATIONS.join(', ')}.`,
        },
        path: { kind: 'string', required: true, description: 'Where, below the namespace.' },
        token: {
          kind: 'string',
          sensitive: true,
          description: 'Token to judge by, instead of that of the request. Needs sudo.',
        },
        policies: {
          kind: 'comma_string_list',
          description: 'Policies to judge by, instead of those of a token. Needs sudo.',
        },
        parameters: {
          kind: 'map',
          description: 'Parameters that would be sent, for rules that allow or deny some.',
        },
        wrap_ttl: {
          kind: 'duration_seconds',
          description: 'Response wrapping that would be asked for.',
        },
      },
      help: {
        synopsis: 'Tells which rule decides over an operation on a path, and why.',
        description:
          'Judges as a request would be judged, without making it. Every rule that matches is listed, the one that counts first, each with what made it win or lose.',
      },
      operations: {
        update: {
          summary: 'Explain a decision',
          handler: (request, unit) => answer(ports, request, unit),
        },
      },
    }),
  ];
}
