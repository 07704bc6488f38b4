import { isJsonObject } from '../json-object.js';
import { MAX_JSON_DEPTH } from './canonical-json.js';

/** Values in larger bodies are many and small: to look at each takes as long as to digest it. */
const MAX_VALUES = 50_000;
/** Characters of a text that count for a print. */
const SAMPLES = 8;

export interface BodyShape {
  /** The same for equal bodies; seldom the same for others. A 32-bit integer. */
  readonly print: number;
  /** About its code units. */
  readonly size: number;
}

/** @returns `undefined` for a body of very many values, or nested very deeply */
export function shapeOf(body: unknown): BodyShape | undefined {
  let [print, size, values] = [0, 0, 0];
  const mix = (number: number): void => {
    print = Math.imul(print ^ number, 0x01000193);
  };
  const look = (value: unknown, depth: number): boolean => {
    values += 1;
    if (values > MAX_VALUES || depth > MAX_JSON_DEPTH) return false;
    if (typeof value === 'string') {
      size += value.length;
      mix(value.length);
      const step = Math.max(1, Math.floor(value.length / SAMPLES));
      for (let index = 0; index < value.length; index += step) mix(value.charCodeAt(index));
      return true;
    }
    if (typeof value === 'number') mix(value);
    if (Array.isArray(value)) return value.every((item) => look(item, depth + 1));
    if (!isJsonObject(value)) return true;
    return Object.keys(value).every((name) => {
      mix(name.length);
      return look(value[name], depth + 1);
    });
  };
  if (!look(body, 0)) return undefined;
  mix(size);
  mix(values);
  return { print, size: size + values };
}

/** Whether two JSON values have the same text; those that differ in the order of names have not. */
export function isSame(a: unknown, b: unknown): boolean {
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, at) => isSame(item, b[at]));
  }
  if (!isJsonObject(a)) return a === b;
  if (!isJsonObject(b)) return false;
  const [names, others] = [Object.keys(a), Object.keys(b)];
  return (
    names.length === others.length &&
    names.every((name, at) => name === others[at] && isSame(a[name], b[name]))
  );
}

/** A copy that nobody else can change; texts are not copied. */
export function copyOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyOf);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, copyOf(item)]));
}
