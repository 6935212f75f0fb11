/** `sys/policies/password`: rules for generated passwords, and passwords by them. */
import { decodeBase64Text } from '../base/base64-text.ts';
import type { Random } from '../base/random.ts';
import { defineSystemPath } from '../model/backend.ts';
import type { Path } from '../model/backend.ts';
import { invalidRequest, notFound, unsupportedOperation } from '../model/errors.ts';
import type { Request } from '../model/request.ts';
import type { Unit } from '../model/transaction.ts';
import {
  deletePasswordPolicy,
  findPasswordPolicy,
  listPasswordPolicies,
  readPasswordPolicy,
  writePasswordPolicy,
} from '../policy/password/password-policy-store.ts';
import {
  PasswordPolicyError,
  assertUsablePasswordPolicy,
  generatePassword,
  parsePasswordPolicy,
} from '../policy/password/password-policy.ts';
import { policyNameProblem } from '../policy/policy-name.ts';
import type { Reply } from '../model/reply.ts';

export interface PasswordPolicyPorts {
  readonly random: Random;
}

const name = { kind: 'string', description: 'Name of the password policy.' } as const;
const NOT_THERE = 'policy does not exist';

interface PasswordFields {
  readonly name?: string | undefined;
  readonly policy?: string | undefined;
}

type PasswordRequest = Request<PasswordFields>;

function nameOf(request: PasswordRequest): string {
  const given = request.fields.name ?? '';
  if (given === '') throw unsupportedOperation();
  return given;
}

async function list(request: Request<unknown>, unit: Unit): Promise<Reply> {
  const keys = await listPasswordPolicies(unit, request.namespace.id);
  if (keys.length === 0) throw notFound();
  return { data: { keys } };
}

async function read(request: PasswordRequest, unit: Unit): Promise<Reply> {
  const policy = await readPasswordPolicy(unit, request.namespace.id, nameOf(request));
  if (policy === undefined) throw notFound(NOT_THERE);
  return { data: { policy } };
}

function write(ports: PasswordPolicyPorts, request: PasswordRequest, unit: Unit): undefined {
  const policyName = nameOf(request);
  const problem = policyNameProblem(policyName);
  if (problem !== undefined) throw invalidRequest(problem);
  const given = request.fields.policy ?? '';
  if (given === '') throw invalidRequest('missing policy');
  const text = decodeBase64Text(given) ?? given;
  try {
    assertUsablePasswordPolicy(parsePasswordPolicy(text), ports.random);
  } catch (error) {
    if (!(error instanceof PasswordPolicyError)) throw error;
    throw invalidRequest(`invalid password policy: ${error.message}`);
  }
  writePasswordPolicy(unit, request.namespace.id, policyName, text);
}

async function generate(
  ports: PasswordPolicyPorts,
  request: PasswordRequest,
  unit: Unit,
): Promise<Reply> {
  const policy = await findPasswordPolicy(unit, request.namespace.id, nameOf(request));
  if (policy === undefined) throw notFound(NOT_THERE);
  return { data: { password: generatePassword(policy, ports.random) } };
}

/** The paths, below `sys/`. */
export function passwordPolicyPaths(ports: PasswordPolicyPorts): Path<Unit>[] {
  return [
    defineSystemPath({
      pattern: 'policies/password',
      fields: {},
      help: { synopsis: 'Lists the password policies.' },
      operations: { list: { summary: 'List the password policies', handler: list } },
    }),
    defineSystemPath({
      pattern: 'policies/password/{name:any}/generate',
      fields: { name },
      help: { synopsis: 'Generates a password by a password policy.' },
      operations: {
        read: {
          summary: 'Generate a password',
          handler: (request, unit) => generate(ports, request, unit),
        },
      },
    }),
    defineSystemPath({
      pattern: 'policies/password/{name...}',
      fields: {
        name,
        policy: { kind: 'string', description: 'The policy, in HCL or JSON, or that in base64.' },
      },
      help: {
        synopsis: 'Reads, writes or deletes a password policy.',
        description: 'A policy by which no password could be generated is refused.',
      },
      operations: {
        read: { summary: 'Read a password policy', handler: read },
        update: {
          summary: 'Write a password policy',
          handler: (request, unit) => write(ports, request, unit),
        },
        delete: {
          summary: 'Delete a password policy',
          handler: (request, unit) => {
            deletePasswordPolicy(unit, request.namespace.id, nameOf(request));
            return undefined;
          },
        },
      },
    }),
  ];
}
