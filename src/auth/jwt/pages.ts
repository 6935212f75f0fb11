/** The pages that a browser sees of a login: text only (CVE-2026-33758). */
import { html } from '../../pages/markup.ts';
import { page } from '../../pages/page.ts';
import type { Page } from '../../pages/page.ts';

export function donePage(): Page {
  return page('Signed in', html`<p>The login is complete. You can close this window.</p>`);
}

export function failedPage(text: string): Page {
  return page('Login failed', html`<p class="problem" role="alert">${text}</p>`);
}

/** A page that goes on only when the user says so (CVE-2026-33757), with these values. */
export function confirmPage(
  begun: { readonly address: string; readonly role: string },
  form: { readonly method: 'get' | 'post'; readonly values: Readonly<Record<string, string>> },
): Page {
  const inputs = Object.entries({ ...form.values, confirmation: 'yes' })
    .filter(([, value]) => value !== '')
    .map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}" /> `);
  return page(
    'Confirm the login',
    html`<p>
        A program at the address <b>${begun.address}</b> asks for a login with the role
        <b>${begun.role}</b>.
      </p>
      <p>Go on only if you began this login yourself. Whoever began it will be signed in as you.</p>
      <form method="${form.method}">
        ${inputs}<button type="submit">This login is mine</button>
      </form>`,
  );
}
