/**
 * The second factor at login. Who is subject to an enforcement gets no token for a first factor alone: either the codes come
 * with the login, or the login waits a few minutes for them.
 */
import { decodeBase32 } from '../../base/base32.ts';
import { uuid } from '../../base/random.ts';
import { matchingSteps, oldestStep } from '../../crypto/totp.ts';
import { RequestError, invalidRequest, permissionDenied } from '../../model/errors.ts';
import { ShortLived } from '../../model/short-lived.ts';
import type { Unit } from '../../model/transaction.ts';
import type { Identity } from '../identity.ts';
import { Attempts } from './attempts.ts';
import { MfaStore } from './mfa-store.ts';
import { totpShape } from './records.ts';
import type { MfaEnforcement, MfaMethod } from './records.ts';
import type { LoginDoor, MfaRules } from './rules.ts';
import type { Membership } from '../membership.ts';
import type { NamespaceRef } from '../../model/principal.ts';
import type { CompletedLogin, MfaRequirement } from '../../model/reply.ts';

/** How long a login waits for its second factor. */
export const PENDING_SECONDS = 300;

/** What a caller shows, by id or name of a method: codes, or nothing where the method needs none. */
export type Shown = ReadonlyMap<string, readonly string[]>;

export interface SecondFactorPorts {
  readonly identity: Identity;
  readonly rules: (unit: Unit) => Promise<MfaRules>;
}

/** What a login is judged by. */
export interface Knock {
  /** Of the request: attempts are counted by it. */
  readonly requestId: string;
  readonly door: LoginDoor;
  /** '' when the method names nobody. */
  readonly entityId: string;
  readonly shown: Shown;
  readonly nowMs: number;
}

interface Pending {
  readonly entityId: string;
  readonly accessor: string;
  readonly type: string;
  readonly login: CompletedLogin;
}

export class SecondFactor {
  readonly #ports: SecondFactorPorts;
  readonly #attempts = new Attempts();

  constructor(ports: SecondFactorPorts) {
    this.#ports = ports;
  }

  /**
   * Lets a login through, or says what it has to show yet and keeps it until then. `unused`: something was shown that nobody
   * had asked for.
   * @throws {RequestError} permission_denied when what was shown is wrong
   */
  async demand(
    unit: Unit,
    knock: Knock,
    login: CompletedLogin,
  ): Promise<{ readonly requirement?: MfaRequirement; readonly unused?: boolean }> {
    const { door, entityId, shown, nowMs } = knock;
    const rules = await this.#ports.rules(unit);
    const unused = shown.size > 0;
    if (rules.isEmpty) return { unused };
    const who = await this.#who(unit, door.namespace, entityId);
    const enforcements = rules.matching(door, who);
    if (enforcements.length === 0) return { unused };
    if (who === undefined) throw permissionDenied('a second factor is demanded of nobody known');
    if (shown.size > 0) {
      const problem = await this.#problem(unit, rules, enforcements, who, knock);
      if (problem !== undefined) throw permissionDenied(problem);
      return {};
    }
    const { random } = this.#ports.identity.ports;
    const id = uuid(random);
    const { accessor, type } = door;
    const pending: Pending = { entityId: who.entity.id, accessor, type, login };
    await this.#pending(unit, door.namespace).put(this.#hash(id), pending, nowMs);
    return { requirement: requirementOf(id, enforcements, rules) };
  }

  /** The login that waited, once its second factor is good; it is waited for no more. @throws {RequestError} */
  async complete(
    unit: Unit,
    request: { readonly id: string; readonly namespace: NamespaceRef; readonly nowMs: number },
    pendingId: string,
    shown: Shown,
  ): Promise<CompletedLogin> {
    const { namespace, nowMs } = request;
    const waiting = this.#pending(unit, namespace);
    const pending = await waiting.get(this.#hash(pendingId), nowMs);
    if (pending === undefined) throw invalidRequest('invalid request ID');
    const { accessor, type, entityId, login } = pending;
    const rules = await this.#ports.rules(unit);
    const who = await this.#who(unit, namespace, entityId);
    if (who === undefined) throw permissionDenied('the entity is gone');
    const door: LoginDoor = { namespace, accessor, type };
    const enforcements = rules.matching(door, who);
    const knock: Knock = { requestId: request.id, door, entityId, shown, nowMs };
    const problem = await this.#problem(unit, rules, enforcements, who, knock);
    if (problem !== undefined) {
      throw new RequestError('permission_denied', problem, { detail: problem });
    }
    await waiting.take(this.#hash(pendingId), nowMs);
    return login;
  }

  async #who(
    unit: Unit,
    namespace: NamespaceRef,
    entityId: string,
  ): Promise<Membership | undefined> {
    if (entityId === '') return undefined;
    return await this.#ports.identity.membership(unit, namespace.id, entityId);
  }

  /** Why an enforcement is not satisfied. Each of them wants one of its methods. */
  async #problem(
    unit: Unit,
    rules: MfaRules,
    enforcements: readonly MfaEnforcement[],
    who: Membership,
    knock: Knock,
  ): Promise<string | undefined> {
    for (const rule of enforcements) {
      const problem = await this.#problemOf(unit, rules, rule, who, knock);
      if (problem !== undefined)
        return `failed to satisfy enforcement ${rule.name}. error: ${problem}`;
    }
    return undefined;
  }

  async #problemOf(
    unit: Unit,
    rules: MfaRules,
    rule: MfaEnforcement,
    who: Membership,
    knock: Knock,
  ): Promise<string | undefined> {
    const problems: string[] = [];
    const missing: string[] = [];
    let offered = false;
    for (const methodId of rule.methodIds) {
      const method = rules.methods.get(methodId);
      if (method === undefined) continue;
      const fullName = rules.namespacePath(method) + method.name;
      const codes = knock.shown.get(methodId) ?? knock.shown.get(fullName);
      if (codes === undefined) {
        missing.push(
          `failed to find MFA credentials associated with an MFA method ID ${methodId}, method name ${fullName}`,
        );
        continue;
      }
      offered = true;
      const problem = await this.#problemOfTotp(unit, method, who, codes, knock);
      if (problem === undefined) return undefined;
      problems.push(problem);
    }
    if (!offered) return `failed to sanitize MFA creds, ${collected(missing)}`;
    problems.push(`login MFA validation failed for methodID: [${rule.methodIds.join(' ')}]`);
    return collected(problems);
  }

  async #problemOfTotp(
    unit: Unit,
    method: MfaMethod,
    { entity }: Membership,
    codes: readonly string[],
    { requestId, door, nowMs }: Knock,
  ): Promise<string | undefined> {
    const store = new MfaStore(unit, door.namespace);
    const secret = await store.secret(method.id, entity.id);
    if (secret === undefined) {
      // The words of the reference: by id for who had a secret once.
      const which = entity.mfaMethods?.length === 0 ? `ID "${method.id}"` : `name "${method.name}"`;
      return `MFA secret for method ${which} not present in entity "${entity.id}"`;
    }
    const wrong = 'MFA credentials not supplied or incorrect';
    const code = passcodeOf(codes);
    // ASCII digits and nothing else: one code has one spelling (CVE-2025-6014).
    if (code === undefined || code.length !== secret.digits || !/^[0-9]+$/.test(code)) return wrong;
    const bytes = decodeBase32(secret.secret);
    if (bytes === undefined) throw new Error('a stored secret is not base32');
    const window = { shape: totpShape(secret), skew: secret.skew, nowMs };
    const steps = matchingSteps(bytes, code, window);
    const used = await store.usedSteps(method.id, entity.id);
    if (steps.some((step) => used.includes(step))) return wrong;
    const key = JSON.stringify([method.id, entity.id]);
    const count = this.#attempts.count(key, requestId, nowMs, secret.periodSeconds);
    if (count > method.attemptsMax) {
      return `maximum TOTP validation attempts ${count} exceeded the allowed attempts ${method.attemptsMax}. Please try again in ${secret.periodSeconds}s seconds`;
    }
    if (steps.length === 0) return wrong;
    // In the login's own commit, with a check on what was read: of two logins with one code only one goes through.
    const oldest = oldestStep(window);
    store.putUsedSteps(method.id, entity.id, [...used.filter((step) => step >= oldest), ...steps]);
    this.#attempts.forget(key);
    return undefined;
  }

  #pending(unit: Unit, namespace: NamespaceRef): ShortLived<Pending> {
    const view = unit.view(namespace.id, 'identity/mfa/');
    return new ShortLived<Pending>(view, 'pending/', PENDING_SECONDS);
  }

  #hash(id: string): string {
    return this.#ports.identity.ports.hash(`mfa request ${id}`);
  }
}

/** The one code among what was sent for a method; `passcode=123456` is a spelling of it. */
function passcodeOf(sent: readonly string[]): string | undefined {
  const codes = sent
    .filter((text) => text !== '')
    .map((text) => (text.startsWith('passcode=') ? text.slice('passcode='.length) : text));
  return codes.length === 1 ? codes[0] : undefined;
}

function requirementOf(
  id: string,
  enforcements: readonly MfaEnforcement[],
  rules: MfaRules,
): MfaRequirement {
  const constraints = enforcements.map((rule) => [
    rule.name,
    {
      any: rule.methodIds.flatMap((methodId) => {
        const method = rules.methods.get(methodId);
        if (method === undefined) return [];
        return [{ type: method.type, id: method.id, uses_passcode: true, name: method.name }];
      }),
    },
  ]);
  return { mfa_request_id: id, mfa_constraints: Object.fromEntries(constraints) };
}

/** Go's multierror. */
function collected(problems: readonly string[]): string {
  const count = problems.length === 1 ? '1 error' : `${problems.length} errors`;
  return `${count} occurred:\n${problems.map((problem) => `\t* ${problem}\n`).join('')}\n`;
}
