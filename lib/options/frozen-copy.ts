import { inspect } from 'node:util';

/** Options nest three levels at most; the bound also ends a cycle. */
const MAX_DEPTH = 6;

/**
 * A copy whose plain objects and arrays are frozen, without the properties that are `undefined`.
 * Everything else stays the user's own, by reference: credentials, functions, buffers, agents.
 */
export function frozenCopy<T>(value: T): T;
export function frozenCopy(value: unknown): unknown {
  return copy(value, MAX_DEPTH);
}

/**
 * A frozen copy that neither `inspect()` nor `JSON.stringify()` shows the named values of. They
 * stay readable and enumerable for the code that needs them.
 */
export function frozenSecretCopy<T extends object>(value: T, secrets: readonly string[]): T {
  return Object.freeze(withHiddenSecrets({ ...frozenCopy({ ...value }) }, secrets));
}

/** Hides the named values of `target` from `inspect()` and `JSON.stringify()`. */
export function withHiddenSecrets<T extends object>(target: T, secrets: readonly string[]): T {
  const shown = (): Record<string, unknown> =>
    Object.fromEntries(
      Object.entries(target).map(([name, value]) => [
        name,
        secrets.includes(name) ? '[hidden]' : value,
      ]),
    );
  return Object.defineProperties(target, {
    [inspect.custom]: { value: shown },
    toJSON: { value: shown },
  });
}

function copy(value: unknown, depth: number): unknown {
  if (depth === 0) return value;
  if (Array.isArray(value)) return Object.freeze(value.map((item) => copy(item, depth - 1)));
  if (!isPlainObject(value)) return value;
  const entries = Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .map(([name, item]) => [name, copy(item, depth - 1)]);
  return Object.freeze(Object.fromEntries(entries));
}

function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
