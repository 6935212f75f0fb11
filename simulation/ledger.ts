/** What the server has acknowledged, kept outside of it, and the comparison with what it has after a crash. */
import { createHash } from 'node:crypto';
import { at, textAt } from '../rig/api.ts';
import type { Api } from '../rig/api.ts';
import type { Seeded } from './seeded.ts';

interface Written {
  /** Last acknowledged content and version; 0 before the first. */
  acknowledged: number;
  version: number;
  /** Content of the last attempt; larger than `acknowledged` while its outcome is unknown. */
  tried: number;
}

interface IssuedToken {
  readonly token: string;
  readonly accessor: string;
  state: 'live' | 'revoking' | 'revoked';
}

const PADDING_MAX = 3000;
const TOKENS_CHECKED = 12;

/** One write in this many is a token instead. */
const TOKEN_EVERY = 8;

export class Ledger {
  readonly #written = new Map<string, Written>();
  readonly #touched = new Set<string>();
  readonly #tokens: IssuedToken[] = [];
  /** Ids of requests that were answered since they were last compared with the audit log. */
  readonly answered: Set<string> = new Set();
  acknowledged = 0;
  /** When the last acknowledged write was sent, in milliseconds since the epoch. */
  lastSentMs = 0;

  /** Writes until `stopped` or the server is gone; one writer owns its paths and has one write at a time under way. */
  async write(
    api: Api,
    token: string,
    writer: number,
    seeded: Seeded,
    stopped: () => boolean,
  ): Promise<void> {
    while (!stopped()) {
      const sentMs = performance.timeOrigin + performance.now();
      try {
        const answered =
          seeded.between(1, TOKEN_EVERY) === 1
            ? await this.#writeToken(api, token, seeded)
            : await this.#writeSecret(api, token, `w${writer}/k${seeded.between(0, 7)}`, seeded);
        if (answered === undefined) return;
        this.acknowledged++;
        this.lastSentMs = Math.max(this.lastSentMs, sentMs);
      } catch {
        // No complete answer: the outcome is unknown, and the server is most likely dead.
        return;
      }
    }
  }

  async #writeSecret(
    api: Api,
    token: string,
    path: string,
    seeded: Seeded,
  ): Promise<true | undefined> {
    const entry = this.#written.get(path) ?? { acknowledged: 0, version: 0, tried: 0 };
    this.#written.set(path, entry);
    this.#touched.add(path);
    const content = entry.tried + 1;
    entry.tried = content;
    const padding = String.fromCodePoint(97 + (content % 26)).repeat(
      seeded.between(0, PADDING_MAX),
    );
    const body = { data: { n: content, padding, sum: sumOf(path, content, padding) } };
    const answer = await api.call('POST', `secret/data/sim/${path}`, { token, body });
    if (answer.status !== 200) return undefined;
    entry.acknowledged = content;
    entry.version = Number(at(answer.body, 'data', 'version'));
    this.answered.add(textAt(answer.body, 'request_id'));
    return true;
  }

  async #writeToken(api: Api, token: string, seeded: Seeded): Promise<true | undefined> {
    const live = this.#tokens.filter((issued) => issued.state === 'live');
    if (live.length > TOKENS_CHECKED && seeded.between(0, 1) === 0) {
      const issued = seeded.pick(live);
      issued.state = 'revoking';
      const body = { token: issued.token };
      const answer = await api.call('POST', 'auth/token/revoke', { token, body });
      if (answer.status !== 204) return undefined;
      issued.state = 'revoked';
      return true;
    }
    const body = { policies: ['default'], ttl: '24h' };
    const answer = await api.call('POST', 'auth/token/create', { token, body });
    if (answer.status !== 200) return undefined;
    this.#tokens.push({
      token: textAt(answer.body, 'auth', 'client_token'),
      accessor: textAt(answer.body, 'auth', 'accessor'),
      state: 'live',
    });
    this.answered.add(textAt(answer.body, 'request_id'));
    return true;
  }

  /** What the server has lost, half written or made up, one line each; `everything` or what was touched since the last time. */
  async compare(api: Api, token: string, seeded: Seeded, everything: boolean): Promise<string[]> {
    const paths = everything ? [...this.#written.keys()] : [...this.#touched];
    this.#touched.clear();
    const problems = await Promise.all(paths.map((path) => this.#compareSecret(api, token, path)));
    const tokens = everything ? this.#tokens : this.#sample(seeded);
    problems.push(...(await Promise.all(tokens.map((issued) => compareToken(api, token, issued)))));
    return problems.flat();
  }

  #sample(seeded: Seeded): IssuedToken[] {
    const newest = this.#tokens.slice(-TOKENS_CHECKED);
    if (this.#tokens.length > 0) newest.push(seeded.pick(this.#tokens));
    return [...newest, ...this.#tokens.filter((issued) => issued.state === 'revoking')];
  }

  async #compareSecret(api: Api, token: string, path: string): Promise<string[]> {
    const entry = this.#written.get(path);
    if (entry === undefined) return [];
    const answer = await api.call('GET', `secret/data/sim/${path}`, { token });
    if (answer.status === 404 && entry.acknowledged === 0) {
      entry.tried = 0;
      return [];
    }
    if (answer.status !== 200) {
      return [
        `${path}: ${entry.acknowledged} was acknowledged, reading it answers ${answer.status}`,
      ];
    }
    const content = Number(at(answer.body, 'data', 'data', 'n'));
    const version = Number(at(answer.body, 'data', 'metadata', 'version'));
    const padding = textAt(answer.body, 'data', 'data', 'padding');
    const problems: string[] = [];
    if (textAt(answer.body, 'data', 'data', 'sum') !== sumOf(path, content, padding)) {
      problems.push(`${path}: half written`);
    }
    if (content !== entry.acknowledged && content !== entry.tried) {
      problems.push(
        `${path}: has ${content}, acknowledged ${entry.acknowledged}, tried ${entry.tried}`,
      );
    }
    const wanted = entry.version + (content === entry.acknowledged ? 0 : 1);
    if (version !== wanted) problems.push(`${path}: version ${version}, should be ${wanted}`);
    entry.acknowledged = content;
    entry.tried = content;
    entry.version = version;
    return problems;
  }
}

async function compareToken(api: Api, root: string, issued: IssuedToken): Promise<string[]> {
  const { token, accessor } = issued;
  const byToken = await api.call('GET', 'auth/token/lookup-self', { token });
  const body = { accessor };
  const byAccessor = await api.call('POST', 'auth/token/lookup-accessor', { token: root, body });
  const lives = byToken.status === 200;
  if (lives !== (byAccessor.status === 200)) {
    return [`token ${accessor}: half there (${byToken.status}, ${byAccessor.status})`];
  }
  if (issued.state === 'revoking') issued.state = lives ? 'live' : 'revoked';
  if (lives === (issued.state === 'live')) return [];
  return [`token ${accessor}: is ${issued.state}, looking it up answers ${byToken.status}`];
}

function sumOf(path: string, content: number, padding: string): string {
  return createHash('sha256').update(`${path} ${content} ${padding}`).digest('hex');
}
