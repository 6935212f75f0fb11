/**
 * The order in which every request of every protocol is handled: steps as rows, request classes as columns.
 * A step that is added here applies to all of them.
 */
import type { Exchange, RequestClass } from './exchange.ts';
import type { Parts } from './parts.ts';
import { authenticate, recognise } from './steps/authenticate.ts';
import { authorize } from './steps/authorize.ts';
import { filter } from './steps/filter.ts';
import { finish, grant, handle } from './steps/handle.ts';
import { hold } from './steps/hold.ts';
import { identify } from './steps/identify.ts';
import { lockout, loggedIn } from './steps/lockout.ts';
import { parse } from './steps/parse.ts';
import { quota } from './steps/quota.ts';
import { rehome } from './steps/rehome.ts';
import { record } from './steps/record.ts';
import { route } from './steps/route.ts';
import { segregate } from './steps/segregate.ts';
import { wrap } from './steps/wrap.ts';

export type Step = (parts: Parts, exchange: Exchange) => void | Promise<void>;

/** Before the class of a request is known. */
export const FIRST: readonly Step[] = [identify, route];

const l = 'login';
const d = 'data';
const s = 'sys';
const o = 'open';

// prettier-ignore
const TABLE: readonly (readonly [Step, ...RequestClass[]])[] = [
  //                login data sys open
  [quota,           l,    d,   s,  o],
  [authenticate,          d,   s    ],
  [recognise,                      o],
  [parse,           l,    d,   s,  o],
  [rehome,                     s,  o],
  [segregate,             d,   s    ],
  [authorize,             d,   s    ],
  [lockout,         l               ],
  [record,          l,    d,   s,  o],
  [handle,          l,    d,   s,  o],
  [filter,                d,   s    ],
  [grant,           l,    d,   s,  o],
  [hold,                  d,   s    ],
  [loggedIn,        l               ],
  [wrap,            l,    d,   s,  o],
  [finish,          l,    d,   s,  o],
];

function column(name: RequestClass): readonly Step[] {
  return TABLE.filter(([, ...classes]) => classes.includes(name)).map(([step]) => step);
}

export const STEPS: Readonly<Record<RequestClass, readonly Step[]>> = {
  login: column(l),
  data: column(d),
  sys: column(s),
  open: column(o),
};
