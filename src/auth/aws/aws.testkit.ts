/** A small STS and IAM that believe nothing without a good signature, as AWS does. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseSigV4, sigV4Signature } from '../../crypto/sigv4.ts';

export interface AwsAccount {
  readonly arn: string;
  readonly userId: string;
  readonly secretKey: string;
}

export interface FakeAws {
  readonly url: string;
  nowMs: number;
  /** By access key. */
  readonly keys: Map<string, AwsAccount>;
  /** What IAM knows: full ARN and id, by `Role/name` or `User/name`. */
  readonly principals: Map<string, { readonly arn: string; readonly id: string }>;
  /** Answers with this in place of the truth. */
  answer: string | undefined;
  requests: number;
  close(): void;
}

const FRESH_MS = 15 * 60_000;

async function bodyOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function timeOf(timestamp: string): number {
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(timestamp) ?? [];
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}

/** The account that signed the request; undefined when the signature is not good. */
function signer(fake: FakeAws, incoming: IncomingMessage, body: string): AwsAccount | undefined {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(incoming.headers))
    if (typeof value === 'string') headers[name] = value;
  const authorization = parseSigV4(headers['authorization'] ?? '');
  const account = fake.keys.get(authorization?.accessKey ?? '');
  if (authorization === undefined || account === undefined) return undefined;
  const timestamp = headers['x-amz-date'] ?? '';
  if (!(Math.abs(timeOf(timestamp) - fake.nowMs) <= FRESH_MS)) return undefined;
  const url = new URL(incoming.url ?? '/', 'http://x');
  const request = { method: incoming.method ?? '', url, headers, body };
  const { signedHeaders, scope, signature } = authorization;
  const expected = sigV4Signature(request, signedHeaders, timestamp, scope, account.secretKey);
  return expected === signature ? account : undefined;
}

function answerTo(fake: FakeAws, account: AwsAccount, form: URLSearchParams): string | undefined {
  const action = form.get('Action');
  if (action === 'GetCallerIdentity') {
    return `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <GetCallerIdentityResult>
    <Arn>${account.arn}</Arn>
    <UserId>${account.userId}</UserId>
    <Account>${account.arn.split(':')[4]}</Account>
  </GetCallerIdentityResult>
  <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>
</GetCallerIdentityResponse>`;
  }
  for (const type of ['Role', 'User']) {
    if (action !== `Get${type}`) continue;
    const found = fake.principals.get(`${type}/${form.get(`${type}Name`)}`);
    if (found === undefined) return undefined;
    return `<?xml version="1.0"?><Get${type}Response xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Get${type}Result><${type}><Path>/</Path><Arn>${found.arn}</Arn><${type}Id>${found.id}</${type}Id></${type}></Get${type}Result></Get${type}Response>`;
  }
  return undefined;
}

export async function openFakeAws(nowMs: number): Promise<FakeAws> {
  const answer = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const body = await bodyOf(incoming);
    fake.requests++;
    const account = signer(fake, incoming, body);
    const text =
      account === undefined ? undefined : answerTo(fake, account, new URLSearchParams(body));
    outgoing.writeHead(text === undefined ? 403 : 200, { 'content-type': 'text/xml' });
    outgoing.end(fake.answer ?? text ?? '<ErrorResponse></ErrorResponse>');
  };
  const server = createServer((incoming, outgoing) => void answer(incoming, outgoing));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const fake: FakeAws = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    nowMs,
    keys: new Map(),
    principals: new Map(),
    answer: undefined,
    requests: 0,
    close: () => void server.close(),
  };
  return fake;
}
