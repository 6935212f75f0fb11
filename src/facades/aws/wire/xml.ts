/** Replies of the query protocol, in XML. */
import type { WireReply } from '../../facade.ts';

const NAMESPACE = 'https://sts.amazonaws.com/doc/2011-06-15/';
const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

export type XmlValue = string | number | { readonly [name: string]: XmlValue };

function escaped(text: string): string {
  // Control characters have no place in XML 1.0 at all.
  return text.replace(/[&<>"']/g, (one) => ESCAPES[one] ?? '').replace(/[^\t\n\r\x20-\uffff]/g, '');
}

function element(name: string, value: XmlValue): string {
  if (typeof value !== 'object') return `<${name}>${escaped(String(value))}</${name}>`;
  const inner = Object.entries(value).map(([each, child]) => element(each, child));
  return `<${name}>${inner.join('')}</${name}>`;
}

function headers(requestId: string): Readonly<Record<string, string>> {
  return { 'Content-Type': 'text/xml', 'x-amzn-RequestId': requestId, 'Cache-Control': 'no-store' };
}

export function xmlReply(
  action: string,
  result: { readonly [name: string]: XmlValue },
  requestId: string,
): WireReply {
  const body =
    `<${action}Response xmlns="${NAMESPACE}">${element(`${action}Result`, result)}` +
    `${element('ResponseMetadata', { RequestId: requestId })}</${action}Response>`;
  return { status: 200, headers: headers(requestId), body };
}

export function xmlError(
  status: number,
  type: string,
  message: string,
  requestId: string,
): WireReply {
  const error = { Type: status < 500 ? 'Sender' : 'Receiver', Code: type, Message: message };
  const body = `<ErrorResponse xmlns="${NAMESPACE}">${element('Error', error)}${element('RequestId', requestId)}</ErrorResponse>`;
  return { status, headers: headers(requestId), body };
}
