/** IP addresses and networks as bytes. */
import { isIP } from 'node:net';

/** Four or sixteen bytes; IPv4 in IPv6 dress counts as IPv4. Undefined for text that is no address. */
export function addressBytes(text: string): Buffer | undefined {
  const kind = isIP(text);
  if (kind === 0 || text.includes('%')) return undefined;
  if (kind === 4) return Buffer.from(text.split('.').map(Number));
  const bytes = ipv6Bytes(text);
  const isMapped =
    bytes.subarray(0, 10).every((byte) => byte === 0) && bytes.readUInt16BE(10) === 0xffff;
  return isMapped ? bytes.subarray(12) : bytes;
}

function ipv6Bytes(text: string): Buffer {
  const dotted = /:(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text);
  const plain =
    dotted === null
      ? text
      : `${text.slice(0, dotted.index)}:${group(dotted[1], dotted[2])}:${group(dotted[3], dotted[4])}`;
  const [head = '', tail] = plain.split('::');
  const words = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const front = words(head);
  const back = tail === undefined ? [] : words(tail);
  const zeros = Array.from({ length: 8 - front.length - back.length }, () => '0');
  const bytes = Buffer.alloc(16);
  for (const [index, word] of [...front, ...zeros, ...back].entries()) {
    bytes.writeUInt16BE(Number.parseInt(word, 16), index * 2);
  }
  return bytes;
}

function group(high = '0', low = '0'): string {
  return ((Number(high) << 8) | Number(low)).toString(16);
}

export function addressText(bytes: Buffer): string {
  if (bytes.length === 4) return [...bytes].join('.');
  const words: string[] = [];
  for (let at = 0; at + 1 < bytes.length; at += 2) words.push(bytes.readUInt16BE(at).toString(16));
  // The longest run of zeros is left out, as RFC 5952 has it.
  return URL.parse(`http://[${words.join(':')}]/`)?.hostname.slice(1, -1) ?? words.join(':');
}

/** `10.0.0.0/8` of `10.1.2.3/8`; undefined for what is no network. */
export function networkText(text: string): string | undefined {
  const [address = '', bits = '', ...more] = text.split('/');
  const bytes = addressBytes(address);
  if (bytes === undefined || more.length > 0 || !/^\d{1,3}$/.test(bits)) return undefined;
  const length = Number(bits);
  if (length > bytes.length * 8) return undefined;
  for (let bit = length; bit < bytes.length * 8; bit++) {
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) & ~(0x80 >> (bit & 7));
  }
  return `${addressText(bytes)}/${length}`;
}
