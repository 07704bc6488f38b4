/** Content types of JSON. */
export const JSON_MEDIA_TYPE = /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i;

/** `undefined` for what is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** An object as `JSON.parse` makes it. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Whether `value` is a plain object: no array, no class instance, no stream. */
export function isJsonObject(value: unknown): value is JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // A root prototype, not `Object.prototype` itself: an object of another realm is as plain.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** Whether `value` is an object with a `name` that is a function, inherited or not. */
export function hasMethod(value: unknown, name: string | symbol): boolean {
  return (
    typeof value === 'object' && value !== null && typeof Reflect.get(value, name) === 'function'
  );
}
