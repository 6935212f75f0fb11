/**
 * A whole page as a browser gets it: no script, nothing of elsewhere, one style, whose hash the policy of its content names
 * (CVE-2026-33758).
 */
import { createHash } from 'node:crypto';
import { html } from './markup.ts';
import type { Markup } from './markup.ts';
import { STYLE } from './style.ts';

export interface Page {
  readonly contentType: string;
  readonly body: string;
}

const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');

/** `same-origin`: without it the browser would keep from us whose page a form came from. */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy': `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`,
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'X-Frame-Options': 'DENY',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'same-origin',
  'Cache-Control': 'no-store',
};

/** @param head more for the head: where the browser goes on to by itself */
export function page(title: string, body: Markup, head?: Markup): Page {
  const text = html`<!DOCTYPE html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title} – Strongroom</title>
     `.text;
  return {
    contentType: 'text/html; charset=utf-8',
    body: `${text}<style>${STYLE}</style>\n${head?.text ?? ''}</head>\n${
      html`<body>
          <main>
            <p class="name">Strongroom</p>
            <h1>${title}</h1>
            ${body}
          </main>
        </body>
        </html> `.text
    }`,
  };
}

/**
 * A page that takes the browser on to `url`. A redirect in answer to a form would be held to `form-action`; this is a
 * navigation of its own.
 */
export function onwardPage(title: string, url: string): Page {
  return page(
    title,
    html`<p><a class="button" href="${url}">Continue</a></p>`,
    html`<meta http-equiv="refresh" content="0;url=${url}" /> `,
  );
}
