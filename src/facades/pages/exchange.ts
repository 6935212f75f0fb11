/** One request for a page, and the forms and replies of pages. */
import type { Random } from '../../base/random.ts';
import { PAGE_HEADERS, page } from '../../pages/page.ts';
import type { Page } from '../../pages/page.ts';
import { html } from '../../pages/markup.ts';
import { BodyError } from '../facade.ts';
import type { WireReply, WireRequest } from '../facade.ts';
import type { AskApi } from './api.ts';
import { PAGES } from './recognise.ts';
import type { SignedIn } from './session.ts';

/** Forms hold names, passwords, codes and the address to go on to. */
const FORM_BYTES_MAX = 64 * 1024;
const FORM_TYPE = 'application/x-www-form-urlencoded';

export interface Exchange {
  readonly wire: WireRequest;
  /** Where the browser is, below this host: `/ui/sign-in`. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly ask: AskApi;
  readonly session: SignedIn | undefined;
  readonly random: Random;
}

/** A request that no page of ours would have made. */
export class FormRefusal extends Error {
  override readonly name = 'FormRefusal';
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export function shown(
  content: Page,
  status = 200,
  more?: Readonly<Record<string, string>>,
): WireReply {
  return {
    status,
    headers: { ...PAGE_HEADERS, 'Content-Type': content.contentType, ...more },
    body: content.body,
  };
}

/** To be used in answer to a GET, or for an address of ours: see onwardPage of pages/page.ts. */
export function redirect(to: string, more?: Readonly<Record<string, string>>): WireReply {
  return { status: 303, headers: { ...PAGE_HEADERS, Location: to, ...more }, body: '' };
}

/** To the first page, from where there is none, as Vault says it. */
export function toStart(): WireReply {
  const body = `<a href="${PAGES}">Temporary Redirect</a>.\n\n`;
  const headers = { ...PAGE_HEADERS, 'Content-Type': 'text/html; charset=utf-8', Location: PAGES };
  return { status: 307, headers, body };
}

/** A page that says what went wrong and what to do about it. */
export function failed(title: string, text: string, status: number): WireReply {
  const body = html`<p class="problem" role="alert">${text}</p>
    <p><a href="${PAGES}">To the start</a></p>`;
  return shown(page(title, body), status);
}

function headerOf({ headers }: WireRequest, name: string): string {
  const value = headers[name];
  return typeof value === 'string' ? value : '';
}

/** Whether the browser says that a page of ours sent this (Fetch Metadata, or else the origin). */
function isOwn(wire: WireRequest): boolean {
  const site = headerOf(wire, 'sec-fetch-site');
  if (site !== '') return site === 'same-origin';
  const origin = URL.parse(headerOf(wire, 'origin'));
  return origin !== null && origin.host === headerOf(wire, 'host');
}

/** @throws {FormRefusal} */
export async function anyForm(wire: WireRequest): Promise<URLSearchParams> {
  if (!headerOf(wire, 'content-type').toLowerCase().startsWith(FORM_TYPE))
    throw new FormRefusal(415, 'This address takes forms only.');
  try {
    return new URLSearchParams((await wire.readBody(FORM_BYTES_MAX)).toString('utf8'));
  } catch (error) {
    if (error instanceof BodyError) throw new FormRefusal(413, 'The form could not be read.');
    throw error;
  }
}

/** A form of one of our own pages. @throws {FormRefusal} when another site sent it */
export async function ownForm(wire: WireRequest): Promise<URLSearchParams> {
  if (!isOwn(wire)) {
    const text = 'This form was sent by another site, and nothing was done. Begin here again.';
    throw new FormRefusal(403, text);
  }
  return await anyForm(wire);
}

/** The origin that the browser has for us; '' when it does not say. */
export function originOf(wire: WireRequest): string {
  const origin = URL.parse(headerOf(wire, 'origin'));
  return origin === null || origin.origin === 'null' ? '' : origin.origin;
}

/** Where to go on to after a sign-in: a page of ours, or the start. */
export function ownAddress(text: string): string {
  const base = 'http://pages.invalid';
  const url = URL.parse(text, base);
  if (url === null || url.origin !== base || !url.pathname.startsWith(PAGES)) return PAGES;
  return `${url.pathname}${url.search}`;
}
