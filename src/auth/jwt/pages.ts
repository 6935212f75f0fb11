/** The pages that a browser sees of a login: text only, no script, no style, nothing of elsewhere (CVE-2026-33758). */
import type { RawReply } from '../../model/request.ts';

export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy':
    "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  'X-Frame-Options': 'DENY',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-store',
};

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}

function page(title: string, body: string): RawReply {
  return {
    contentType: 'text/html; charset=utf-8',
    body: `<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>${escaped(title)}</title></head>\n<body><h1>${escaped(title)}</h1>\n${body}</body></html>\n`,
  };
}

export function donePage(): RawReply {
  return page('Signed in', '<p>The login is complete. You can close this window.</p>\n');
}

export function failedPage(text: string): RawReply {
  return page('Login failed', `<p>${escaped(text)}</p>\n`);
}

/** A page that goes on only when the user says so (CVE-2026-33757), with these values. */
export function confirmPage(
  begun: { readonly address: string; readonly role: string },
  form: { readonly method: 'get' | 'post'; readonly values: Readonly<Record<string, string>> },
): RawReply {
  const inputs = Object.entries({ ...form.values, confirmation: 'yes' })
    .filter(([, value]) => value !== '')
    .map(
      ([name, value]) =>
        `<input type="hidden" name="${escaped(name)}" value="${escaped(value)}">\n`,
    )
    .join('');
  return page(
    'Confirm the login',
    `<p>A program at the address <b>${escaped(begun.address)}</b> asks for a login with the role <b>${escaped(begun.role)}</b>.</p>
<p>Go on only if you began this login yourself. Whoever began it will be signed in as you.</p>
<form method="${form.method}">
${inputs}<button type="submit">This login is mine</button>
</form>
`,
  );
}

/** A page that takes the browser on to where the console ends a login. */
export function onwardPage(path: string, values: Readonly<Record<string, string>>): RawReply {
  const url = `${path}?${new URLSearchParams(values).toString()}`;
  return page(
    'Signed in',
    `<p><a href="${escaped(url)}">Continue</a></p>\n<meta http-equiv="refresh" content="0;url=${escaped(url)}">\n`,
  );
}
