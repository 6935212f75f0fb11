/** RotateSecret and CancelRotateSecret. */
import { operation } from '../asking.ts';
import type { Operation } from '../asking.ts';
import { invalidRequest } from '../errors.ts';

export const rotateSecret: Operation = operation({}, () => {
  throw invalidRequest('No Lambda rotation function ARN is associated with this secret.');
});
export const cancelRotateSecret: Operation = operation({}, () => {
  throw invalidRequest('No Lambda rotation function ARN is associated with this secret.');
});
