/** The start: who is signed in, until when, and what waits for them. */
import { html } from '../../pages/markup.ts';
import { page } from '../../pages/page.ts';
import type { WireReply } from '../facade.ts';
import { listAt, textAt } from './api.ts';
import { APPROVALS, waitingFor } from './approvals.ts';
import { redirect, shown } from './exchange.ts';
import type { Exchange } from './exchange.ts';
import { NO_COOKIE } from './session.ts';
import { signInAddress } from './sign-in-page.ts';

export const SIGN_OUT = '/ui/sign-out';

export async function start(exchange: Exchange): Promise<WireReply> {
  const { ask, session } = exchange;
  const signInFirst = signInAddress(undefined, { namespace: '', next: '' });
  if (session === undefined) return redirect(signInFirst);
  const { token, namespace, brought } = session;
  const { status, body } = await ask('GET', 'auth/token/lookup-self', { token, namespace });
  if (status === 403) return redirect(signInFirst, NO_COOKIE);
  const name = textAt(body, 'data', 'display_name');
  const policies = ['policies', 'identity_policies'].flatMap((list) => listAt(body, 'data', list));
  const waiting = await waitingFor(exchange);
  const until = textAt(body, 'data', 'expire_time');
  return shown(
    page(
      'Signed in',
      html`<dl>
          <dt>As</dt>
          <dd>${name === '' ? 'a token without a name' : name}</dd>
          ${
            namespace === ''
              ? ''
              : html`<dt>Namespace</dt>
                  <dd>${namespace}</dd> `
          }
          <dt>Until</dt>
          <dd>${until === '' ? 'no end' : until.replace(/\..*Z$/, 'Z')}</dd>
          <dt>Policies</dt>
          <dd>${[...new Set(policies.map(String))].sort().join(', ')}</dd>
        </dl>
        ${waiting === undefined ? '' : html`<p><a href="${APPROVALS}">Approvals</a>: ${waiting === 0 ? 'nothing waits' : `${waiting} waiting`} for you.</p> `}
        <form method="post" action="${SIGN_OUT}"><button type="submit">Sign out</button></form>
        ${brought ? html`<p class="hint">You brought this token: signing out forgets it here and does not revoke it.</p>` : ''}`,
    ),
  );
}
