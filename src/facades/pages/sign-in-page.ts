/** What the sign-in pages look like. */
import { html } from '../../pages/markup.ts';
import type { Markup } from '../../pages/markup.ts';
import { page } from '../../pages/page.ts';
import type { Page } from '../../pages/page.ts';
import type { Method, Way } from './methods.ts';

export const SIGN_IN = '/ui/sign-in';
export const SECOND_FACTOR = '/ui/second-factor';

export interface SignInView {
  readonly ways: readonly Way[];
  readonly way: Way;
  readonly namespace: string;
  readonly next: string;
  readonly username: string;
  readonly problem?: string;
}

export interface FactorMethod {
  readonly id: string;
  readonly label: string;
}

export interface FactorView {
  readonly requestId: string;
  readonly methods: readonly FactorMethod[];
  readonly namespace: string;
  readonly next: string;
  readonly problem?: string;
}

function problemOf(text: string | undefined): Markup | string {
  return text === undefined ? '' : html`<p class="problem" role="alert">${text}</p> `;
}

function hidden(values: Readonly<Record<string, string>>): Markup[] {
  return Object.entries(values).map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}" /> `,
  );
}

const ASKED: Readonly<Record<Method['asks'], (username: string) => Markup>> = {
  password: (username) =>
    html`<label
        >Name
        <input
          name="username"
          value="${username}"
          autocomplete="username"
          autocapitalize="none"
          spellcheck="false"
          required
          autofocus
      /></label>
      <label
        >Password <input name="password" type="password" autocomplete="current-password" required
      /></label> `,
  provider: () =>
    html`<label
      >Role
      <input name="role" autocapitalize="none" spellcheck="false" autofocus />
      <span class="hint">Leave it empty for the usual one.</span></label
    > `,
  token: () =>
    html`<label
      >Token <input name="token" type="password" autocomplete="off" required autofocus
    /></label> `,
  certificate: () =>
    html`<p>The certificate that your browser shows to this server says who you are.</p> `,
};

function place({ way, namespace }: SignInView): Markup {
  const mount =
    way.method.asks === 'token' || way.named
      ? html`<input type="hidden" name="mount" value="${way.mount}" />`
      : html`<label
          >Mounted at auth/
          <input
            name="mount"
            value="${way.mount}"
            autocapitalize="none"
            spellcheck="false"
            required
        /></label>`;
  return html`<details${namespace === '' ? '' : html` open`}><summary>Namespace and mount</summary>
<label>Namespace
<input name="namespace" value="${namespace}" autocapitalize="none" spellcheck="false">
<span class="hint">Empty for the root namespace.</span></label>
${mount}
</details>
`;
}

/** The address of the sign-in page for one way in. */
export function signInAddress(
  way: Pick<Way, 'method' | 'mount'> | undefined,
  { namespace, next }: Pick<SignInView, 'namespace' | 'next'>,
): string {
  const query = new URLSearchParams({
    ...(way !== undefined && { method: way.method.type, mount: way.mount }),
    ...(namespace !== '' && { namespace }),
    next,
  });
  return `${SIGN_IN}?${query.toString()}`;
}

export function signInPage(view: SignInView): Page {
  const { ways, way, next, problem } = view;
  const others = ways.filter((each) => each !== way);
  const go = way.method.asks === 'provider' ? `Go to ${way.label}` : 'Sign in';
  return page(
    'Sign in',
    html`${problemOf(problem)}
      <form method="post" action="${SIGN_IN}">
        ${hidden({ method: way.method.type, next })}${ASKED[way.method.asks](view.username)}${place(view)}<button
          type="submit"
        >
          ${go}
        </button>
      </form>
      <ul class="ways" aria-label="Other ways to sign in">
        ${others.map((each) => html`<li><a href="${signInAddress(each, view)}">${each.label}</a></li> `)}
      </ul>`,
  );
}

/** Asks for the code of one of these methods. */
export function factorPage({ requestId, methods, namespace, next, problem }: FactorView): Page {
  const values = { mfa_request_id: requestId, methods: JSON.stringify(methods), namespace, next };
  const inputs = methods.map(
    ({ id, label }, index) =>
      html`<label
        >${label}
        <input
          name="code:${id}"
          inputmode="numeric"
          autocomplete="one-time-code"
          maxlength="16"
          ${methods.length === 1 ? html` required` : ''}${index === 0 ? html` autofocus` : ''}
      /></label> `,
  );
  return page(
    'One more step',
    html`${problemOf(problem)}
      <p>Type the code that your authenticator shows now.</p>
      <form method="post" action="${SECOND_FACTOR}">
        ${hidden(values)}${inputs}<button type="submit">Continue</button>
      </form>
      <p><a href="${signInAddress(undefined, { namespace, next })}">Begin again</a></p>`,
  );
}
