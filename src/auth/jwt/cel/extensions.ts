/**
 * Functions of CEL beyond its standard library, as cel-go’s extensions have them: `sets`, `math`, `base64` and those of lists.
 * What is equal is decided by CEL itself.
 */
import {
  CelScalar,
  celEnv,
  celFunc,
  celList,
  celMethod,
  celUint,
  isCelList,
  isCelUint,
  listType,
  parse,
  plan,
} from '@bufbuild/cel';
import type { CelFunc, CelInput, CelList, CelType, CelUint, CelValue } from '@bufbuild/cel';

const { BOOL, BYTES, DOUBLE, DYN, INT, STRING, UINT } = CelScalar;
const LIST = listType(DYN);
/** Most arguments of `math.greatest` and `math.least`; a list may have more. */
const ARGUMENTS_MAX = 8;

function planned(expression: string): (bindings: Record<string, CelInput>) => unknown {
  return plan(celEnv({}), parse(expression)) as (bindings: Record<string, CelInput>) => unknown;
}

const HOLDS = planned('x in list');
const CONTAINS = planned('few.all(x, x in many)');
const INTERSECTS = planned('few.exists(x, x in many)');

function contains(many: CelList, few: CelList): boolean {
  return CONTAINS({ many, few }) === true;
}

const SETS: readonly CelFunc[] = [
  celFunc('sets.contains', [LIST, LIST], BOOL, contains),
  celFunc('sets.equivalent', [LIST, LIST], BOOL, (a, b) => contains(a, b) && contains(b, a)),
  celFunc('sets.intersects', [LIST, LIST], BOOL, (many, few) => INTERSECTS({ many, few }) === true),
];

/** @throws {Error} when it is none */
function numberIn(value: CelValue): bigint | number {
  if (isCelUint(value)) return value.value;
  if (typeof value === 'bigint' || typeof value === 'number') return value;
  throw new Error('not a number');
}

function extreme(
  values: readonly CelValue[],
  beats: (a: bigint | number, b: bigint | number) => boolean,
): CelValue {
  const [only] = values;
  const all = values.length === 1 && isCelList(only) ? [...only] : values;
  const [first, ...others] = all;
  if (first === undefined) throw new Error('there is no number');
  return others.reduce(
    (best, each) => (beats(numberIn(each), numberIn(best)) ? each : best),
    first,
  );
}

function extremes(
  name: string,
  beats: (a: bigint | number, b: bigint | number) => boolean,
): CelFunc[] {
  return Array.from({ length: ARGUMENTS_MAX }, (_, index) =>
    celFunc(
      name,
      Array.from({ length: index + 1 }, () => DYN),
      DYN,
      (...values: CelValue[]) => extreme(values, beats),
    ),
  );
}

const WORD = 64;

function fitting(value: bigint): bigint {
  if (BigInt.asIntN(WORD, value) !== value) throw new Error('integer overflow');
  return value;
}

/** Half away from zero. */
function rounded(value: number): number {
  return Math.sign(value) * Math.round(Math.abs(value));
}

function shift(value: bigint, by: bigint): bigint {
  if (by < -0x7fff_ffffn || by > 0x7fff_ffffn) return 0n;
  if (by >= WORD || by <= -WORD) return 0n;
  return value << by;
}

/** @throws {Error} for a negative offset */
function offset(by: bigint): bigint {
  if (by < 0n) throw new Error('negative offset');
  return by;
}

/** Operations on bits: of signed integers and of unsigned ones. */
function bits(name: string, operation: (a: bigint, b: bigint) => bigint): CelFunc[] {
  return [
    celFunc(name, [INT, INT], INT, (a, b) => BigInt.asIntN(WORD, operation(a, b))),
    celFunc(name, [UINT, UINT], UINT, (a, b) =>
      celUint(BigInt.asUintN(WORD, operation(a.value, b.value))),
    ),
  ];
}

function shifts(name: string, direction: 1n | -1n): CelFunc[] {
  const moved = (value: bigint, by: bigint): bigint =>
    shift(BigInt.asUintN(WORD, value), direction * offset(by));
  return [
    celFunc(name, [INT, INT], INT, (value, by) => BigInt.asIntN(WORD, moved(value, by))),
    celFunc(name, [UINT, INT], UINT, (value, by) =>
      celUint(BigInt.asUintN(WORD, moved(value.value, by))),
    ),
  ];
}

function ofDouble<R extends CelType>(
  result: R,
  operations: Readonly<Record<string, (value: number) => CelInput<R>>>,
): CelFunc[] {
  return Object.entries(operations).map(([name, operation]) =>
    celFunc(`math.${name}`, [DOUBLE], result, operation),
  );
}

const MATH: readonly CelFunc[] = [
  ...extremes('math.greatest', (a, b) => a > b),
  ...extremes('math.least', (a, b) => a < b),
  ...ofDouble(DOUBLE, {
    abs: Math.abs,
    ceil: Math.ceil,
    floor: Math.floor,
    round: rounded,
    sign: Math.sign,
    sqrt: Math.sqrt,
    trunc: Math.trunc,
  }),
  ...ofDouble(BOOL, {
    isFinite: Number.isFinite,
    isInf: (value) => !Number.isFinite(value) && !Number.isNaN(value),
    isNaN: Number.isNaN,
  }),
  celFunc('math.abs', [INT], INT, (value) => fitting(value < 0n ? -value : value)),
  celFunc('math.abs', [UINT], UINT, (value) => value),
  celFunc('math.sign', [INT], INT, (value) => (value === 0n ? 0n : value < 0n ? -1n : 1n)),
  celFunc('math.sign', [UINT], UINT, (value) => celUint(value.value === 0n ? 0n : 1n)),
  celFunc('math.sqrt', [INT], DOUBLE, (value) => Math.sqrt(Number(value))),
  celFunc('math.sqrt', [UINT], DOUBLE, (value: CelUint) => Math.sqrt(Number(value.value))),
  ...bits('math.bitAnd', (a, b) => a & b),
  ...bits('math.bitOr', (a, b) => a | b),
  ...bits('math.bitXor', (a, b) => a ^ b),
  celFunc('math.bitNot', [INT], INT, (value) => ~value),
  celFunc('math.bitNot', [UINT], UINT, (value) => celUint(BigInt.asUintN(WORD, ~value.value))),
  ...shifts('math.bitShiftLeft', 1n),
  ...shifts('math.bitShiftRight', -1n),
];

/** With or without padding. @throws {Error} when it is no base64 */
function decoded(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64');
  const again = bytes.toString('base64');
  if (text !== again && text !== again.replace(/=+$/, '')) throw new Error('not base64');
  return new Uint8Array(bytes);
}

const BASE64: readonly CelFunc[] = [
  celFunc('base64.encode', [BYTES], STRING, (bytes) => Buffer.from(bytes).toString('base64')),
  celFunc('base64.decode', [STRING], BYTES, decoded),
];

function flat(list: CelList, depth: number): CelValue[] {
  return [...list].flatMap((each) =>
    depth > 0 && isCelList(each) ? flat(each, depth - 1) : [each],
  );
}

function distinct(list: CelList): CelValue[] {
  const kept: CelValue[] = [];
  for (const x of list) if (HOLDS({ x, list: celList(kept) }) !== true) kept.push(x);
  return kept;
}

/** @throws {Error} unless all are numbers, or all are texts */
function sorted(list: CelList): CelValue[] {
  const all = [...list];
  if (all.every((each) => typeof each === 'string'))
    return all.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return all
    .map((value) => ({ value, number: numberIn(value) }))
    .toSorted((a, b) => (a.number < b.number ? -1 : a.number > b.number ? 1 : 0))
    .map(({ value }) => value);
}

function slice(list: CelList, from: bigint, to: bigint): CelValue[] {
  if (from < 0n || from > to || to > BigInt(list.size)) throw new Error('not a part of the list');
  return [...list].slice(Number(from), Number(to));
}

const LISTS: readonly CelFunc[] = [
  celMethod('distinct', LIST, [], LIST, function () {
    return celList(distinct(this));
  }),
  celMethod('flatten', LIST, [], LIST, function () {
    return celList(flat(this, 1));
  }),
  celMethod('flatten', LIST, [INT], LIST, function (depth) {
    return celList(flat(this, Number(offset(depth))));
  }),
  celMethod('reverse', LIST, [], LIST, function () {
    return celList([...this].toReversed());
  }),
  celMethod('slice', LIST, [INT, INT], LIST, function (from, to) {
    return celList(slice(this, from, to));
  }),
  celMethod('sort', LIST, [], LIST, function () {
    return celList(sorted(this));
  }),
];

export const EXTENSIONS: readonly CelFunc[] = [...SETS, ...MATH, ...BASE64, ...LISTS];
