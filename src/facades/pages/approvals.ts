/** The inbox: what waits for whoever is signed in, and what they wait for themselves (`sys/approvals`). */
import { html } from '../../pages/markup.ts';
import type { Markup } from '../../pages/markup.ts';
import { page } from '../../pages/page.ts';
import type { WireReply } from '../facade.ts';
import { at, listAt, objectOf, textAt } from './api.ts';
import type { ApiAnswer } from './api.ts';
import { failed, ownForm, redirect, shown } from './exchange.ts';
import type { Exchange } from './exchange.ts';
import { PAGES } from './recognise.ts';
import { NO_COOKIE } from './session.ts';
import { signInAddress } from './sign-in-page.ts';

export const APPROVALS = '/ui/approvals';
const ONE = /^\/ui\/approvals\/([\w.-]{1,128})$/;
const NOT_DONE = 'Nothing was done: you may not decide this, or it is decided or over by now.';

export function isApproval(path: string): boolean {
  return ONE.test(path);
}

async function asked(
  { ask, session }: Exchange,
  method: string,
  target: string,
  body?: Readonly<Record<string, unknown>>,
): Promise<ApiAnswer | undefined> {
  if (session === undefined) return undefined;
  const { token, namespace } = session;
  return await ask(method, target, { token, namespace, ...(body !== undefined && { body }) });
}

function signInFirst({ path, session }: Exchange): WireReply {
  const namespace = session?.namespace ?? '';
  return redirect(signInAddress(undefined, { namespace, next: path }), NO_COOKIE);
}

function time(info: unknown, name: string): string {
  return textAt(info, name)
    .replace(/\..*Z$/, 'Z')
    .replace('T', ' ');
}

function who(info: unknown): string {
  const names = listAt(info, 'entity_aliases').map(String).join(', ');
  return names === '' ? textAt(info, 'entity_name') : names;
}

/** How many wait for the one who is signed in; undefined when that cannot be seen. */
export async function waitingFor(exchange: Exchange): Promise<number | undefined> {
  const answer = await asked(exchange, 'LIST', 'sys/approvals/');
  if (answer?.status === 404) return 0;
  if (answer?.status !== 200) return undefined;
  const infos = Object.values(objectOf(at(answer.body, 'data', 'key_info')));
  return infos.filter((info) => at(info, 'may_approve') === true).length;
}

function table(title: string, rows: readonly (readonly [string, unknown])[]): Markup | string {
  if (rows.length === 0) return '';
  return html`<h2>${title}</h2>
    <table>
      <thead>
        <tr>
          <th class="half">What</th>
          <th class="short">Asked by</th>
          <th>Reason</th>
          <th class="short">Until</th>
          <th class="short">Status</th>
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          ([id, info]) =>
            html`<tr>
              <td data-name="What">
                <a href="${APPROVALS}/${id}"
                  >${textAt(info, 'operation')} ${textAt(info, 'path')}</a
                >
              </td>
              <td data-name="Asked by">${who(info)}</td>
              <td data-name="Reason">${textAt(info, 'reason')}</td>
              <td data-name="Until">${time(info, 'expire_time')}</td>
              <td data-name="Status">${textAt(info, 'status')}</td>
            </tr> `,
        )}
      </tbody>
    </table> `;
}

export async function approvals(exchange: Exchange): Promise<WireReply> {
  const answer = await asked(exchange, 'LIST', 'sys/approvals/');
  if (answer === undefined || answer.status === 403) return signInFirst(exchange);
  const infos = Object.entries(objectOf(at(answer.body, 'data', 'key_info')));
  const [yours, others] = [true, false].map((may) =>
    infos.filter(([, info]) => (at(info, 'may_approve') === true) === may),
  );
  return shown(
    page(
      'Approvals',
      html`${infos.length === 0 ? html`<p>Nothing waits.</p>` : ''}${table('For you to decide', yours ?? [])}${table('Asked for by you, or decided by you', others ?? [])}
        <p><a href="${PAGES}">To the start</a></p>`,
    ),
  );
}

function needs(info: unknown): Markup[] {
  return listAt(info, 'needs').map(
    (need) =>
      html`<dt>Needs</dt>
        <dd>
          ${String(at(need, 'approvals'))} of ${listAt(need, 'groups').map(String).join(', ')}
        </dd> `,
  );
}

function decision(path: string, info: unknown): Markup | string {
  if (at(info, 'may_approve') !== true) return '';
  return html`<form method="post" action="${path}">
    <label>Reason, if you deny it <input name="reason" maxlength="1024" /></label>
    <button type="submit" name="decision" value="approve">Approve</button>
    <button type="submit" name="decision" value="deny" class="quiet">Deny</button>
  </form> `;
}

async function one(exchange: Exchange, problem?: string): Promise<WireReply> {
  const { path } = exchange;
  const answer = await asked(exchange, 'GET', `sys/approvals/${ONE.exec(path)?.[1] ?? ''}`);
  if (answer === undefined) return signInFirst(exchange);
  if (answer.status !== 200) {
    const text =
      'This is over, or it is none of yours. Perhaps you are signed in as somebody else.';
    return failed('Nothing to decide', text, answer.status);
  }
  const info = at(answer.body, 'data');
  const [denied, sent] = [at(info, 'denied'), at(info, 'data')];
  return shown(
    page(
      `${textAt(info, 'operation')} ${textAt(info, 'path')}`,
      html`${problem === undefined ? '' : html`<p class="problem" role="alert">${problem}</p> `}
        <dl>
          <dt>Asked by</dt>
          <dd>${who(info)}</dd>
          <dt>Reason</dt>
          <dd>${textAt(info, 'reason') || 'none given'}</dd>
          <dt>Asked at</dt>
          <dd>${time(info, 'request_time')}</dd>
          <dt>Waits until</dt>
          <dd>${time(info, 'expire_time')}</dd>
          <dt>Status</dt>
          <dd>${textAt(info, 'status')}</dd>
          ${needs(info)}${listAt(info, 'approvals').map(
            (given) =>
              html`<dt>Approved by</dt>
                <dd>${textAt(given, 'entity_name')}</dd> `,
          )}${
            denied === null || denied === undefined
              ? ''
              : html`<dt>Denied by</dt>
                  <dd>${textAt(denied, 'entity_name')}: ${textAt(denied, 'reason')}</dd> `
          }
        </dl>
        ${
          sent === null || sent === undefined
            ? ''
            : html`<p>What was sent with it:</p>
                <pre>${JSON.stringify(sent, null, 2)}</pre> `
        }${decision(path, info)}
        <p><a href="${APPROVALS}">All approvals</a></p>`,
    ),
    problem === undefined ? 200 : 400,
  );
}

export async function showApproval(exchange: Exchange): Promise<WireReply> {
  return await one(exchange);
}

export async function decide(exchange: Exchange): Promise<WireReply> {
  const form = await ownForm(exchange.wire);
  const action = form.get('decision') === 'approve' ? 'approve' : 'deny';
  const body = action === 'deny' ? { reason: form.get('reason') ?? '' } : {};
  const id = ONE.exec(exchange.path)?.[1] ?? '';
  const answer = await asked(exchange, 'POST', `sys/approvals/${id}/${action}`, body);
  if (answer === undefined) return signInFirst(exchange);
  return answer.status === 200 ? redirect(APPROVALS) : await one(exchange, NOT_DONE);
}
