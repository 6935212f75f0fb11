/**
 * The authorization endpoint as browsers come to it (OpenID Connect Core 1.0 §3.1.2): sends those who are not signed in to do
 * that, and then lets the API judge, whose code goes back with the browser.
 */
import { html } from '../../pages/markup.ts';
import { onwardPage, page } from '../../pages/page.ts';
import type { WireReply } from '../facade.ts';
import { textAt } from './api.ts';
import { anyForm, failed, ownAddress, ownForm, redirect, shown } from './exchange.ts';
import type { Exchange } from './exchange.ts';
import { NO_COOKIE } from './session.ts';
import { signInAddress } from './sign-in-page.ts';

export const CONSENT = '/ui/consent';
/** Of the provider's API, as it stands in the address of the page. */
const ENDPOINT = /^\/ui\/vault\/(.*identity\/oidc\/provider\/[^/]+\/authorize)$/;
const SEEN_PROMPTS: readonly string[] = ['consent', 'select_account'];

/** Errors that come before the redirect address is known to be the client's: nobody is sent there. */
const NOT_TO_CLIENT: ReadonlySet<string> = new Set([
  'invalid_client_id',
  'invalid_redirect_uri',
  'invalid_grant',
]);
const TOLD: Readonly<Record<string, string>> = {
  invalid_client_id:
    'The application that sent you is not registered here, or it gave a wrong client_id. Tell whoever runs it.',
  invalid_redirect_uri:
    'The application wants you back at an address that is not registered for it. Its client needs that address in redirect_uris; tell whoever runs it.',
  invalid_grant:
    'The application is not allowed to sign people in. Its client needs authorization_code=true.',
};
const NOT_ASSIGNED =
  'You are signed in, but not assigned to this application. Ask whoever runs it to put you into one of its assignments.';
const NO_ENTITY =
  'The token that you are signed in with stands for nobody (it has no entity). Sign in with a name instead.';
const NOT_ALLOWED =
  'You are signed in, but your policies do not let you use this provider. They need read on its authorize path, which the policy "default" has.';

export function isAuthorize(path: string): boolean {
  return ENDPOINT.test(path);
}

function without(query: URLSearchParams, ...prompts: readonly string[]): URLSearchParams {
  const rest = new URLSearchParams(query);
  const kept = (query.get('prompt') ?? '').split(' ').filter((each) => !prompts.includes(each));
  rest.delete('prompt');
  if (kept.join('') !== '') rest.set('prompt', kept.join(' '));
  return rest;
}

function withAnswer(address: string, values: Readonly<Record<string, string>>): string {
  const url = new URL(address);
  for (const [name, value] of Object.entries(values))
    if (value !== '') url.searchParams.append(name, value);
  return url.href;
}

/** How the browser goes on: from a form it has to be a page (see pages/page.ts). */
type Onward = (url: string) => WireReply;

const byRedirect: Onward = (url) => redirect(url);
const byPage: Onward = (url) => shown(onwardPage('Going back to the application', url));

export async function authorize(exchange: Exchange): Promise<WireReply> {
  const { path, query, session, wire } = exchange;
  if (wire.method === 'POST') {
    // An application may send its wish as a form (§3.1.2.1); cookies do not come with it, and with the redirect they do.
    return redirect(`${path}?${(await anyForm(wire)).toString()}`);
  }
  const prompts = (query.get('prompt') ?? '').split(' ');
  const signInFirst = (): WireReply =>
    redirect(
      signInAddress(undefined, {
        namespace: '',
        next: addressOf(path, without(query, 'login')),
      }).replace('namespace=&', ''),
    );
  if (session === undefined && prompts.includes('none')) {
    const text =
      'The application wants you signed in already, and you are not. Go back to it and sign in there.';
    return failed('Not signed in', text, 403);
  }
  if (session === undefined || prompts.includes('login')) return signInFirst();
  if (prompts.some((each) => SEEN_PROMPTS.includes(each))) return consentPage(exchange);
  return await judged(exchange, query, {
    onward: byRedirect,
    signInFirst,
    quiet: prompts.includes('none'),
  });
}

function addressOf(path: string, query: URLSearchParams): string {
  return `${path}?${query.toString()}`;
}

function consentPage({ path, query }: Exchange): WireReply {
  const next = addressOf(path, without(query, ...SEEN_PROMPTS));
  const wanted = URL.parse(query.get('redirect_uri') ?? '')?.origin ?? 'an application';
  const other = signInAddress(undefined, { namespace: '', next });
  return shown(
    page(
      'Go on?',
      html`<p><b>${wanted}</b> asks who you are, and for: ${query.get('scope') ?? ''}.</p>
        <form method="post" action="${CONSENT}">
          <input type="hidden" name="next" value="${next}" />
          <button type="submit" name="answer" value="yes">Continue</button>
          <button type="submit" name="answer" value="no" class="quiet">Refuse</button>
        </form>
        <p><a href="${other}">Sign in as somebody else</a></p>`,
    ),
  );
}

/** The answer to {@link consentPage}. */
export async function consent(exchange: Exchange): Promise<WireReply> {
  const form = await ownForm(exchange.wire);
  const next = new URL(ownAddress(form.get('next') ?? ''), 'http://pages.invalid');
  if (!isAuthorize(next.pathname))
    return failed('Nothing to go on with', 'Begin again at the application.', 400);
  const signInFirst = (): WireReply =>
    redirect(signInAddress(undefined, { namespace: '', next: `${next.pathname}${next.search}` }));
  if (exchange.session === undefined) return signInFirst();
  const asked = { ...exchange, path: next.pathname };
  const refused = form.get('answer') !== 'yes';
  return await judged(asked, next.searchParams, {
    onward: byPage,
    signInFirst,
    quiet: false,
    refused,
  });
}

interface Manner {
  readonly onward: Onward;
  readonly signInFirst: () => WireReply;
  /** The application wants no page to be shown. */
  readonly quiet: boolean;
  /** The user does not want to go on: the application hears that, if it is one. */
  readonly refused?: boolean;
}

async function judged(
  exchange: Exchange,
  query: URLSearchParams,
  { onward, signInFirst, quiet, refused = false }: Manner,
): Promise<WireReply> {
  const { path, ask, session } = exchange;
  if (session === undefined) return signInFirst();
  const endpoint = ENDPOINT.exec(path)?.[1] ?? '';
  const wish = without(query, 'none');
  const { token } = session;
  const { status, body } = await ask('GET', `${endpoint}?${wish.toString()}`, { token });
  const [address, state] = [query.get('redirect_uri') ?? '', query.get('state') ?? ''];
  const code = textAt(body, 'code');
  if (status === 200 && code !== '') {
    const told = refused
      ? { error: 'access_denied', error_description: 'the user refused' }
      : { code };
    return onward(withAnswer(address, { ...told, state }));
  }
  const error = textAt(body, 'error');
  const description = textAt(body, 'error_description');
  if (error === 'max_age_violation' && !quiet) return signInFirst();
  if (error === 'access_denied' && !quiet) {
    const text = description.includes('assignment') ? NOT_ASSIGNED : NO_ENTITY;
    return turnedAway(
      exchange,
      text,
      withAnswer(address, { error, error_description: description, state }),
    );
  }
  if (error === '') return await unjudged(exchange, status, signInFirst);
  if (NOT_TO_CLIENT.has(error) || !URL.canParse(address))
    return failed('This application cannot sign you in', TOLD[error] ?? description, status);
  const names = error === 'max_age_violation' ? 'login_required' : error;
  return onward(withAnswer(address, { error: names, error_description: description, state }));
}

/** The API did not get as far as the provider. */
async function unjudged(
  { ask, session }: Exchange,
  status: number,
  signInFirst: () => WireReply,
): Promise<WireReply> {
  if (status === 403 && session !== undefined) {
    const { token, namespace } = session;
    const self = await ask('GET', 'auth/token/lookup-self', { token, namespace });
    if (self.status === 200) return failed('Not allowed', NOT_ALLOWED, 403);
    return { ...signInFirst(), headers: { ...signInFirst().headers, ...NO_COOKIE } };
  }
  if (status === 404)
    return failed(
      'No such provider',
      'There is no provider at this address. Tell whoever runs the application.',
      404,
    );
  const text = 'The server cannot answer just now. Wait a moment and load this page again.';
  return failed('Try again', text, status === 200 ? 502 : status);
}

function turnedAway({ path, query }: Exchange, text: string, back: string): WireReply {
  const other = signInAddress(undefined, { namespace: '', next: addressOf(path, query) });
  return shown(
    page(
      'Not for you',
      html`<p class="problem" role="alert">${text}</p>
        <p>
          <a class="button" href="${back}">Back to the application</a>
          <a href="${other}">Sign in as somebody else</a>
        </p>`,
    ),
    403,
  );
}
