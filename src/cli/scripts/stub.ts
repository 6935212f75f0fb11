/** Test rig of the command line: a terminal that remembers, and a real HTTP server that answers from a list. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Terminal } from '../terminal.ts';
import { textOfBytes } from '../text-input.ts';

export interface StubAnswer {
  readonly method: string;
  /** Path with query; `*` = any. */
  readonly path: string;
  readonly status: number;
  readonly body: string;
}

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface StubServer {
  readonly address: string;
  readonly seen: readonly SeenRequest[];
  close(): Promise<void>;
}

/** Answers requests in order; one that is not next on the list gets 599. */
export async function startStub(answers: readonly StubAnswer[]): Promise<StubServer> {
  const seen: SeenRequest[] = [];
  const server = createServer((request, response) => {
    void answer(request, response, answers, seen);
  });
  await new Promise<void>((ready) => {
    server.listen(0, '127.0.0.1', ready);
  });
  const { port } = server.address() as AddressInfo;
  return {
    address: `http://127.0.0.1:${port}`,
    seen,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  answers: readonly StubAnswer[],
  seen: SeenRequest[],
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const { method = '', url = '', headers } = request;
  const next = answers[seen.length];
  seen.push({ method, path: url, headers, body: Buffer.concat(chunks).toString('utf8') });
  if (next === undefined || next.method !== method || (next.path !== '*' && next.path !== url)) {
    response.writeHead(599).end(JSON.stringify({ errors: [`unexpected ${method} ${url}`] }));
    return;
  }
  response.writeHead(next.status, { 'Content-Type': 'application/json' }).end(next.body);
}

export interface StubTerminal extends Terminal {
  readonly output: () => string;
  readonly complaints: () => string;
}

export interface StubTerminalOptions {
  readonly environment?: Readonly<Record<string, string>>;
  readonly input?: string | Buffer;
  /** What the user types when asked for a secret; without it there is no terminal. */
  readonly secret?: string;
  readonly homeFolder?: string;
  readonly tty?: boolean;
}

export function stubTerminal(options: StubTerminalOptions = {}): StubTerminal {
  let output = '';
  let complaints = '';
  const tty = options.tty ?? false;
  const { input = '' } = options;
  const bytes = typeof input === 'string' ? Buffer.from(input) : input;
  return {
    write(text: string): void {
      output += text;
    },
    complain(text: string): void {
      complaints += text;
    },
    stdoutIsTty: tty,
    stderrIsTty: tty,
    stdinIsTty: tty,
    readInput: async () => textOfBytes(bytes),
    readBytes: async () => bytes,
    async askSecret(prompt: string): Promise<string> {
      if (options.secret === undefined) throw new Error('file descriptor 0 is not a terminal');
      complaints += `${prompt}\n`;
      return options.secret;
    },
    environment: options.environment ?? {},
    homeFolder: options.homeFolder ?? '/nonexistent',
    output: () => output,
    complaints: () => complaints,
  };
}
