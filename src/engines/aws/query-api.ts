/** AWS’s query APIs (IAM 2010-05-08, STS 2011-06-15): a signed form goes there, a little XML comes back. */
import { signSigV4 } from '../../crypto/sigv4.ts';
import { RequestError } from '../../model/errors.ts';
import type { IncomingReply } from '../../model/outgoing.ts';
import type { RootConfig } from './config.ts';
import type { AwsPorts } from './ports.ts';

const IAM_VERSION = '2010-05-08';
const STS_VERSION = '2011-06-15';
const DEFAULT_REGION = 'us-east-1';
const FAILED_STATUS = 500;
/** Longest text of AWS that is passed on. */
const REASON_LENGTH_MAX = 500;

export class AwsError extends Error {
  override readonly name = 'AwsError';
  /** AWS's name of the failure; undefined when there was no answer. */
  readonly awsCode: string | undefined;

  constructor(message: string, awsCode?: string, options?: ErrorOptions) {
    super(message, options);
    this.awsCode = awsCode;
  }
}

export function asFailure(before: string, error: unknown): unknown {
  if (!(error instanceof AwsError)) return error;
  return new RequestError('upstream_failed', `${before}: ${error.message}`, {
    vaultStatus: FAILED_STATUS,
    cause: error,
  });
}

/** Parameters; of a list `Name.member.1` and so on. */
export type Parameters = Readonly<Record<string, string | readonly string[] | undefined>>;

export interface Aws {
  iam(action: string, parameters?: Parameters): Promise<Xml>;
  sts(action: string, parameters?: Parameters): Promise<Xml>;
}

export function awsOf(config: RootConfig, ports: AwsPorts, nowMs: number): Aws {
  const region = config.region === '' ? DEFAULT_REGION : config.region;
  const stsRegion = config.stsRegion === '' ? region : config.stsRegion;
  const call = async (
    service: 'iam' | 'sts',
    action: string,
    parameters: Parameters,
  ): Promise<Xml> => {
    const iam = service === 'iam';
    const own = iam ? config.iamEndpoint : config.stsEndpoint;
    const usual = iam ? 'https://iam.amazonaws.com/' : `https://sts.${stsRegion}.amazonaws.com/`;
    const url = new URL(own === '' ? usual : own);
    const body = formOf(action, iam ? IAM_VERSION : STS_VERSION, parameters);
    const headers = signSigV4(
      {
        method: 'POST',
        url,
        body,
        headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
      },
      { accessKey: config.accessKey, secretKey: config.secretKey, sessionToken: '' },
      // IAM is signed for its one region, wherever one is.
      { region: iam ? DEFAULT_REGION : stsRegion, service, nowMs },
    );
    let reply: IncomingReply;
    try {
      reply = await ports.send(url.href, { method: 'POST', headers, body });
    } catch (error) {
      throw new AwsError('AWS does not answer', undefined, { cause: error });
    }
    const xml = new Xml(reply.body.toString());
    if (reply.status >= 200 && reply.status < 300) return xml;
    const code = xml.text('Code') ?? String(reply.status);
    const reason = (xml.text('Message') ?? '').slice(0, REASON_LENGTH_MAX);
    throw new AwsError(`${code}: ${reason}`, code);
  };
  return {
    iam: (action, parameters = {}) => call('iam', action, parameters),
    sts: (action, parameters = {}) => call('sts', action, parameters),
  };
}

function formOf(action: string, version: string, parameters: Parameters): string {
  const form = new URLSearchParams({ Action: action, Version: version });
  for (const [name, value] of Object.entries(parameters)) {
    if (typeof value === 'string') form.set(name, value);
    else value?.forEach((each, index) => form.set(`${name}.member.${index + 1}`, each));
  }
  return form.toString();
}

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ['&lt;', '<'],
  ['&gt;', '>'],
  ['&quot;', '"'],
  ['&apos;', "'"],
  ['&amp;', '&'],
]);

/** As much XML as these APIs answer with: elements by their name, without attributes or nesting of like names. */
export class Xml {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** The text of the first element of this name. */
  text(name: string): string | undefined {
    return this.texts(name)[0];
  }

  /** The texts of all elements of this name. */
  texts(name: string): string[] {
    return this.all(name).map((part) =>
      part.#text.replaceAll(/&(?:lt|gt|quot|apos|amp);/g, (entity) => ENTITIES.get(entity) ?? ''),
    );
  }

  /** What all elements of this name hold. */
  all(name: string): Xml[] {
    const found: Xml[] = [];
    const [open, close] = [`<${name}>`, `</${name}>`];
    for (let at = this.#text.indexOf(open); at >= 0; at = this.#text.indexOf(open, at)) {
      const end = this.#text.indexOf(close, at);
      if (end < 0) break;
      found.push(new Xml(this.#text.slice(at + open.length, end)));
      at = end + close.length;
    }
    return found;
  }

  /** @throws {AwsError} when it is not there */
  required(name: string): string {
    const text = this.text(name);
    if (text === undefined || text === '') throw new AwsError(`the answer has no ${name}`);
    return text;
  }
}
