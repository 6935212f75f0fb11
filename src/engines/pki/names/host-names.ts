/** Host names as certificates carry them: ASCII, labels of letters, digits and hyphens, a wildcard in the first only. */
import { invalidRequest } from '../../../model/errors.ts';

const LABEL = /^[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?$/;
const LABEL_LENGTH_MAX = 63;
const NAME_LENGTH_MAX = 253;

function isHostNameOf(text: string): boolean {
  const labels = (text.endsWith('.') ? text.slice(0, -1) : text).split('.');
  return labels.every((label) => LABEL.test(label));
}

/** True for a host name, also one that begins with `*.`. */
export function isHostName(text: string): boolean {
  return isHostNameOf(text.startsWith('*.') ? text.slice(2) : text);
}

/** `*`, or a `*` at the beginning, at the end or in the middle of a label. */
export function isWildcardLabel(label: string): boolean {
  const parts = label.split('*');
  if (parts.length !== 2) return false;
  return parts.every((part) => part === '' || LABEL.test(part));
}

const BASE = 36;
const T_MIN = 1;
const T_MAX = 26;
const SKEW = 38;
const DAMP = 700;
const BIAS_FIRST = 72;
const CODE_FIRST = 128;

function adapted(delta: number, points: number, isFirst: boolean): number {
  let left = Math.floor(delta / (isFirst ? DAMP : 2));
  left += Math.floor(left / points);
  let bias = 0;
  while (left > ((BASE - T_MIN) * T_MAX) >> 1) {
    left = Math.floor(left / (BASE - T_MIN));
    bias += BASE;
  }
  return bias + Math.floor(((BASE - T_MIN + 1) * left) / (left + SKEW));
}

function digit(value: number): string {
  return String.fromCharCode(value < 26 ? value + 0x61 : value - 26 + 0x30);
}

/** RFC 3492 §6.3, as it stands: no mapping of case or form. */
export function punycode(label: string): string {
  const codes = Array.from(label, (character) => character.codePointAt(0) ?? 0);
  const basic = codes.filter((code) => code < CODE_FIRST);
  let output = String.fromCharCode(...basic) + (basic.length > 0 ? '-' : '');
  let code = CODE_FIRST;
  let delta = 0;
  let bias = BIAS_FIRST;
  let handled = basic.length;
  while (handled < codes.length) {
    const next = Math.min(...codes.filter((each) => each >= code));
    delta += (next - code) * (handled + 1);
    code = next;
    for (const each of codes) {
      if (each < code) delta++;
      if (each !== code) continue;
      let rest = delta;
      for (let k = BASE; ; k += BASE) {
        const threshold = k <= bias ? T_MIN : k >= bias + T_MAX ? T_MAX : k - bias;
        if (rest < threshold) break;
        output += digit(threshold + ((rest - threshold) % (BASE - threshold)));
        rest = Math.floor((rest - threshold) / (BASE - threshold));
      }
      output += digit(rest);
      bias = adapted(delta, handled + 1, handled === basic.length);
      delta = 0;
      handled++;
    }
    delta++;
    code++;
  }
  return output;
}

function isAsciiText(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 0x7f) return false;
  return true;
}

/** The ASCII form of a name; undefined when a label is empty or something is too long. */
export function toAscii(name: string): string | undefined {
  if (name === '' || name.length > 4 * NAME_LENGTH_MAX) return undefined;
  const labels = name.split('.');
  const last = labels.length - 1;
  const converted = labels.map((label) => (isAsciiText(label) ? label : `xn--${punycode(label)}`));
  const fits = converted.every(
    (label, index) =>
      label.length <= LABEL_LENGTH_MAX && (label !== '' || (index === last && last > 0)),
  );
  const text = converted.join('.');
  return fits && text.length <= NAME_LENGTH_MAX ? text : undefined;
}

/** @throws {RequestError} no name can be made of it */
export function asciiName(name: string): string {
  const converted = toAscii(name);
  if (converted === undefined) {
    throw invalidRequest('idna: invalid label in a name');
  }
  return converted;
}
