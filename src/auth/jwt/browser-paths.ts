/** Logins by browser: `oidc/auth_url` begins one, `oidc/callback` ends it, `oidc/poll` asks whether one is over. */
import { definePath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import type { Request } from '../../model/request.ts';
import { beginBrowserLogin } from './auth-url.ts';
import { BrowserLogins } from './browser.ts';
import type { BrowserPorts } from './browser.ts';

type Text = { readonly kind: 'string'; readonly description: string };

const text = (description: string): Text & { readonly default: string } => ({
  kind: 'string',
  description,
  default: '',
});
const secret = (description: string): Text & { readonly sensitive: true } => ({
  kind: 'string',
  description,
  sensitive: true,
});
const query = { query: true } as const;

const CALLBACK_FIELDS = {
  state: { ...secret('State of the login.'), ...query },
  code: { ...secret('Code of the provider.'), ...query },
  id_token: secret('Token of the provider, in its form.'),
  client_nonce: { ...secret('Binds the login to its client.'), ...query },
  error: { ...text('Why the provider refuses.'), ...query },
  error_description: { ...text('What the provider says of it.'), ...query },
  error_uri: { ...text('Where the provider says more.'), ...query },
  confirmation: { ...text('The user has confirmed the login.'), ...query },
} as const;

type Whole<V> = { readonly [K in keyof V]: NonNullable<V[K]> };

/** A text that was not sent is an empty one: a secret cannot have a default that says so. */
function whole<V extends object>(request: Request<V>): Request<Whole<V>> {
  const fields = Object.fromEntries(
    Object.entries(request.fields).map(([name, value]) => [name, value ?? '']),
  );
  return { ...request, fields: { ...EMPTY, ...fields } as Whole<V> };
}

const EMPTY = { state: '', code: '', id_token: '', client_nonce: '' };

export function browserPaths(ports: BrowserPorts): readonly Path[] {
  const logins = new BrowserLogins(ports);
  return [
    definePath({
      pattern: 'oidc/auth_url',
      fields: {
        role: { kind: 'lower_string', description: 'Role to log in to.', default: '' },
        redirect_uri: text('Where to come back to; not needed in the mode device.'),
        client_nonce: secret('Binds the login to its client.'),
      },
      help: { synopsis: 'Begins a login by browser.' },
      unauthenticated: true,
      operations: {
        update: {
          summary: 'Begin a browser login',
          handler: (request, store) => beginBrowserLogin(whole(request), store, ports),
          outsideEffects: true,
        },
      },
    }),
    definePath({
      pattern: 'oidc/callback',
      fields: CALLBACK_FIELDS,
      help: { synopsis: 'Ends a login by browser.' },
      unauthenticated: true,
      login: true,
      operations: {
        read: {
          summary: 'End a browser login',
          handler: (request, store) => logins.callback(whole(request), store),
          outsideEffects: true,
        },
        update: {
          summary: 'Take the form of a provider',
          handler: (request, store) => logins.formPost(whole(request), store),
          outsideEffects: true,
        },
      },
    }),
    definePath({
      pattern: 'oidc/poll',
      fields: {
        state: secret('State of the login.'),
        client_nonce: secret('Binds the login to its client.'),
      },
      help: { synopsis: 'Asks whether a login by browser is over.' },
      unauthenticated: true,
      login: true,
      operations: {
        update: {
          summary: 'Poll a browser login',
          handler: (request, store) => logins.poll(whole(request), store),
          outsideEffects: true,
        },
      },
    }),
  ];
}
