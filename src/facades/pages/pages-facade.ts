/**
 * The pages that a browser sees: signing in and out, what an application that signs people in here sends them to, approvals. They are
 * made here, need no script, and ask the API for everything (api.ts).
 */
import type { Log } from '../../base/log.ts';
import type { Random } from '../../base/random.ts';
import { page } from '../../pages/page.ts';
import { html } from '../../pages/markup.ts';
import type { Facade, WireReply, WireRequest } from '../facade.ts';
import { apiOf } from './api.ts';
import { APPROVALS, approvals, decide, isApproval, showApproval } from './approvals.ts';
import { CONSENT, authorize, consent, isAuthorize } from './authorize.ts';
import { FormRefusal, failed, toStart, shown } from './exchange.ts';
import type { Exchange } from './exchange.ts';
import { PAGES } from './recognise.ts';
import { signedIn } from './session.ts';
import { callback, secondFactor, showSignIn, signIn, signOut } from './sign-in.ts';
import { SECOND_FACTOR, SIGN_IN } from './sign-in-page.ts';
import { SIGN_OUT, start } from './start.ts';

export interface PagesOptions {
  /** The API of Vault, which the pages are a client of. */
  readonly api: Pick<Facade, 'handle'>;
  readonly log: Log;
  readonly random: Random;
}

type Show = (exchange: Exchange) => WireReply | Promise<WireReply>;

interface Route {
  readonly is: (path: string) => boolean;
  readonly GET?: Show;
  readonly POST?: Show;
}

const only =
  (path: string): Route['is'] =>
  (asked) =>
    asked === path;

const ROUTES: readonly Route[] = [
  { is: only(PAGES), GET: start },
  { is: only(SIGN_IN), GET: showSignIn, POST: signIn },
  { is: only(SECOND_FACTOR), POST: secondFactor },
  { is: only(SIGN_OUT), POST: signOut },
  { is: only(CONSENT), POST: consent },
  { is: only(APPROVALS), GET: approvals },
  { is: isApproval, GET: showApproval, POST: decide },
  { is: isAuthorize, GET: authorize, POST: authorize },
  { is: (path) => /^\/ui\/vault\/auth\/.+\/oidc\/callback$/.test(path), GET: callback },
];

function refuse(status: number, message: string): WireReply {
  return shown(
    page('That did not work', html`<p class="problem" role="alert">${message}</p>`),
    status,
  );
}

export function createPagesFacade({ api, log, random }: PagesOptions): Facade {
  async function answer(wire: WireRequest): Promise<WireReply> {
    const url = URL.parse(wire.target, 'http://pages.invalid');
    if (url === null || !url.pathname.startsWith(PAGES)) return toStart();
    const route = ROUTES.find(({ is }) => is(url.pathname));
    if (route === undefined)
      return failed('No such page', 'There is nothing at this address.', 404);
    const show = wire.method === 'POST' ? route.POST : isRead(wire.method) ? route.GET : undefined;
    if (show === undefined)
      return failed('Not like this', 'This address takes no such request.', 405);
    return await show({
      wire,
      path: url.pathname,
      query: url.searchParams,
      ask: apiOf(api, wire),
      session: signedIn(wire),
      random,
    });
  }

  return {
    refuse,
    async handle(wire) {
      try {
        return await answer(wire);
      } catch (error) {
        if (error instanceof FormRefusal) return failed('Not done', error.message, error.status);
        log.error('a page failed', { error: error instanceof Error ? error.name : 'unknown' });
        return failed(
          'That did not work',
          'The server could not make this page; its log has the reason.',
          500,
        );
      }
    },
  };
}

function isRead(method: string): boolean {
  return method === 'GET' || method === 'HEAD';
}
