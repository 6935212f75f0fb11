/**
 * Writes entries as JSON text in the shape of Vault's audit log (field names, order and omission of empty fields), without
 * the closing brace: the log adds `seq` and `prev`. In clear is exactly what this file writes through `text`, `list` or
 * `number`; all else goes through the redactor.
 */
import { Recent } from '../base/recent.ts';
import { RequestError } from '../model/errors.ts';
import { Mac } from './mac.ts';
import { Members, clearText, hasMembers } from './members.ts';
import { mountMembers, policyResults } from './record-parts.ts';
import type {
  AuditedAuth,
  AuditedBinding,
  AuditedHeaders,
  AuditedWrap,
  RecordOptions,
  ReplyEntry,
  RequestEntry,
} from './record.ts';
import { Redactor } from './redact.ts';
import type { Principal } from '../model/principal.ts';
import type { Reply } from '../model/reply.ts';

/** Tokens whose hashes are remembered, by their storage id. */
const REMEMBERED_TOKENS_MAX = 4096;
/** What an error that is not meant for callers is recorded as. */
const INTERNAL_ERROR = 'internal error';

interface RememberedToken {
  token: string;
  readonly accessor: string;
  principal: Principal;
  /** The part of `auth` between the policy results and the token's age. */
  before: string;
  after: string;
  issuedAtMs: number;
  issueTime: string;
}

/** Renders the records of one device. */
export class Renderer {
  readonly #redactor: Redactor;
  readonly #options: RecordOptions;
  readonly #mac: Mac;
  readonly #tokens = new Recent<RememberedToken>(REMEMBERED_TOKENS_MAX);
  #headers: AuditedHeaders = new Map();

  /** @param key at least 32 bytes; a copy is kept. */
  constructor(key: Uint8Array, options: RecordOptions) {
    this.#mac = new Mac(key);
    this.#options = options;
    this.#redactor = new Redactor(this.#mac, options);
  }

  /** Which request headers are recorded from now on. */
  set headers(headers: AuditedHeaders) {
    this.#headers = headers;
  }

  /** What `sys/audit-hash` answers. */
  hash(text: string): string {
    return this.#mac.of(text);
  }

  /** Wipes the key; every later use throws. */
  destroy(): void {
    this.#mac.destroy();
  }

  /** @param time RFC 3339, UTC. */
  request(entry: RequestEntry, time: string): string {
    const common = this.#common(entry);
    const part = { by: this, text: common };
    if (entry.rendered === undefined) entry.rendered = [part];
    else entry.rendered.push(part);
    const error = entry.error === undefined ? '' : this.#error(entry.error, entry);
    return `{"time":"${time}","type":"request",${common}${error}`;
  }

  /** @param time RFC 3339, UTC. */
  reply(entry: ReplyEntry, time: string): string {
    const { request } = entry;
    const rendered = request.rendered?.find((part) => part.by === this);
    const common = rendered?.text ?? this.#common(request);
    const error = entry.error === undefined ? '' : this.#error(entry.error, request);
    const reason =
      entry.reason === undefined ? '' : `,"reason":${this.#masked(entry.reason, request)}`;
    return `{"time":"${time}","type":"response",${common},"response":${this.#response(entry)}${error}${reason}`;
  }

  #common(entry: RequestEntry): string {
    const { principal } = entry;
    const known = principal === undefined ? undefined : this.#token(entry, principal);
    return `"auth":${this.#auth(entry, known)},"request":${this.#request(entry, known)}`;
  }

  #auth(entry: RequestEntry, known: RememberedToken | undefined): string {
    const { principal } = entry;
    const members = new Members();
    if (principal === undefined || known === undefined) {
      if (entry.token !== undefined)
        members.json('client_token', this.#redactor.secret(entry.token));
      members.json('policy_results', policyResults(entry.policyResults));
      members.number('remaining_uses', entry.remainingUses);
      members.text('token_type', 'default');
      return members.object();
    }
    members.part(known.before);
    members.json('policy_results', policyResults(entry.policyResults));
    members.number('remaining_uses', entry.remainingUses);
    members.part(known.after);
    members.number('token_ttl', Math.floor(principal.ttlSeconds));
    if (entry.tokenIssuedAtMs !== undefined) {
      // Whole seconds, as Vault writes it.
      members.text('token_issue_time', this.#issueTime(known, entry.tokenIssuedAtMs));
    }
    return members.object();
  }

  #issueTime(known: RememberedToken, ms: number): string {
    if (known.issuedAtMs !== ms) {
      known.issuedAtMs = ms;
      known.issueTime = `${new Date(ms).toISOString().slice(0, 19)}Z`;
    }
    return known.issueTime;
  }

  /** Hashes and texts that do not change while a token lives. */
  #token(entry: RequestEntry, principal: Principal): RememberedToken {
    const { token } = entry;
    let known = this.#tokens.get(principal.tokenId);
    if (known === undefined) {
      known = {
        token: '',
        accessor: this.#accessor(principal.accessor),
        principal,
        before: '',
        after: '',
        issuedAtMs: Number.NaN,
        issueTime: '',
      };
      if (token === undefined) this.#describe(known, principal);
      // Batch tokens have no storage id to be known by.
      if (principal.tokenId !== '') this.#tokens.set(principal.tokenId, known);
    } else if (known.principal !== principal) {
      this.#describe(known, principal);
    }
    // A credential (and internal work) comes without the token's text: its hash is added by the first request that has it.
    if (known.token === '' && token !== undefined) {
      known.token = this.#redactor.secret(token);
      this.#describe(known, principal);
    }
    return known;
  }

  #describe(known: RememberedToken, principal: Principal): void {
    const before = new Members();
    before.json('client_token', known.token);
    before.json('accessor', known.accessor);
    before.text('display_name', principal.displayName);
    before.list('policies', principal.policies);
    before.list('token_policies', principal.tokenPolicies);
    before.list('identity_policies', principal.identityPolicies);
    const after = new Members();
    after.map('metadata', principal.metadata);
    after.text('entity_id', principal.entityId);
    after.text('token_type', principal.tokenType);
    known.principal = principal;
    known.before = before.members;
    known.after = after.members;
  }

  #accessor(accessor: string): string {
    if (accessor === '') return '';
    return this.#options.hmacAccessor ? this.#redactor.secret(accessor) : clearText(accessor);
  }

  #request(entry: RequestEntry, known: RememberedToken | undefined): string {
    const { mount, connection } = entry;
    const members = new Members();
    members.text('id', entry.id);
    members.text('protocol', entry.protocol);
    members.text('protocol_operation', entry.action);
    if (entry.binding !== undefined) members.json('binding', bindingOf(entry.binding));
    members.text('operation', entry.operation);
    members.part(mountMembers(mount));
    if (known !== undefined) {
      members.json('client_token', known.token);
      members.json('client_token_accessor', known.accessor);
    } else if (entry.token !== undefined) {
      members.json('client_token', this.#redactor.secret(entry.token));
    }
    const namespace = new Members();
    namespace.text('id', entry.namespace.id);
    namespace.text('path', entry.namespace.path);
    members.json('namespace', namespace.object());
    members.text('path', entry.path);
    if (entry.data !== undefined && hasMembers(entry.data)) {
      members.json('data', this.#redactor.data(entry.data, mount?.clearRequestKeys));
    }
    if (connection !== undefined) {
      members.text('remote_address', connection.remoteAddress);
      members.number('remote_port', connection.remotePort);
    }
    members.number('wrap_ttl', entry.wrapTtlSeconds);
    members.number('refusals_not_recorded', entry.refusalsNotRecorded);
    if (entry.headers !== undefined && this.#headers.size > 0) {
      members.json('headers', this.#requestHeaders(entry.headers));
    }
    members.text('client_certificate_serial_number', entry.clientCertificateSerialNumber);
    return members.object();
  }

  #requestHeaders(headers: Readonly<Record<string, string>>): string {
    const members = new Members();
    for (const [name, { hmac }] of this.#headers) {
      const value = Object.hasOwn(headers, name) ? headers[name] : undefined;
      if (value === undefined) continue;
      const shown = hmac ? this.#redactor.secret(value) : clearText(value);
      members.part(`${JSON.stringify(name)}:[${shown}]`);
    }
    return members.members === '' ? '' : members.object();
  }

  #response(entry: ReplyEntry): string {
    const { request, reply } = entry;
    const members = new Members();
    if (entry.auth !== undefined) members.json('auth', this.#replyAuth(entry.auth));
    members.part(mountMembers(request.mount));
    if (entry.lease !== undefined) {
      const secret = new Members();
      secret.text('lease_id', entry.lease.id);
      members.json('secret', secret.object());
    }
    members.json('data', this.#replyData(entry, reply));
    if (reply?.warnings !== undefined && reply.warnings.length > 0) {
      const texts = reply.warnings.map((warning) =>
        this.#redactor.publicText(warning, request.data, request.token),
      );
      members.json('warnings', `[${texts.join(',')}]`);
    }
    if (entry.wrap !== undefined) members.json('wrap_info', this.#wrap(entry.wrap));
    return members.object();
  }

  #replyData(entry: ReplyEntry, reply: Reply | undefined): string {
    const { request } = entry;
    if (reply?.raw !== undefined) {
      const body = new Members();
      body.text('http_content_type', reply.raw.contentType);
      // A stream is not read for the record's sake: it can be of any length, and is read once.
      if (reply.raw.stream === undefined) {
        body.json('http_raw_body', this.#redactor.bytes(reply.raw.body));
      } else if (reply.raw.stream.lengthBytes !== undefined) {
        body.number('http_raw_body_length', reply.raw.stream.lengthBytes);
      }
      body.number('http_status_code', reply.status ?? 200);
      return body.object();
    }
    if (reply?.unwrapped !== undefined) {
      const body = new Members();
      body.json('http_raw_body', this.#redactor.bytes(reply.unwrapped));
      return body.object();
    }
    const data =
      reply?.data ?? (entry.error instanceof RequestError ? entry.error.data : undefined);
    if (data === undefined || data === null || !hasMembers(data)) return '';
    const clearKeys = request.mount?.clearResponseKeys;
    const lists = request.operation === 'list' || request.operation === 'scan';
    if (!lists || !this.#options.elideListResponses || Array.isArray(data)) {
      return this.#redactor.data(data, clearKeys);
    }
    // Only what lists conventionally carry is elided; anything else an engine adds is recorded as usual.
    const rest: Record<string, unknown> = Object.fromEntries(Object.entries(data));
    const members = new Members();
    for (const [name, count] of [
      ['keys', Array.isArray(rest['keys']) ? rest['keys'].length : undefined],
      ['key_info', countMembers(rest['key_info'])],
    ] as const) {
      if (count === undefined) continue;
      delete rest[name];
      members.json(name, String(count));
    }
    if (hasMembers(rest)) members.part(this.#redactor.data(rest, clearKeys).slice(1, -1));
    return members.object();
  }

  #replyAuth(auth: AuditedAuth): string {
    const members = new Members();
    members.json('client_token', this.#redactor.secret(auth.clientToken));
    members.json('accessor', this.#accessor(auth.accessor));
    members.text('display_name', auth.displayName);
    members.list('policies', auth.policies);
    members.list('token_policies', auth.tokenPolicies);
    members.list('identity_policies', auth.identityPolicies);
    members.map('metadata', auth.metadata);
    members.number('num_uses', auth.numUses);
    members.text('entity_id', auth.entityId);
    members.text('token_type', auth.tokenType);
    members.number('token_ttl', Math.floor(auth.leaseDurationSeconds));
    return members.object();
  }

  #wrap(wrap: AuditedWrap): string {
    const members = new Members();
    members.number('ttl', wrap.ttlSeconds);
    members.json('token', this.#redactor.secret(wrap.token));
    members.json('accessor', this.#accessor(wrap.accessor));
    members.text('creation_time', wrap.creationTime);
    members.text('creation_path', wrap.creationPath);
    if (wrap.wrappedAccessor !== undefined) {
      members.json('wrapped_accessor', this.#accessor(wrap.wrappedAccessor));
    }
    return members.object();
  }

  /** The public text of an error made for callers, with its name; of any other error nothing but that it happened. */
  #error(error: Error, request: RequestEntry): string {
    if (!(error instanceof RequestError)) {
      return `,"error":${JSON.stringify(INTERNAL_ERROR)},"error_code":"internal"`;
    }
    const text = this.#masked(error.message === '' ? error.code : error.message, request);
    const code = error.wireCode ?? error.reason ?? error.code;
    return `,"error":${text},"error_code":${JSON.stringify(code)}`;
  }

  /** With submitted values replaced by their hashes, should any be in it. */
  #masked(text: string, request: RequestEntry): string {
    return this.#redactor.publicText(text, request.data, request.token);
  }
}

function bindingOf({ name, region, caller }: AuditedBinding): string {
  const members = new Members();
  members.text('name', name);
  members.text('region', region);
  members.text('caller', caller);
  return members.object();
}

function countMembers(value: unknown): number | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return value instanceof Map ? value.size : Object.keys(value).length;
}
