/** A member that the types do not tell of; `undefined` if there is none. */
export function memberOf(owner: unknown, name: string | symbol): unknown {
  const hasMembers = (typeof owner === 'object' && owner !== null) || typeof owner === 'function';
  return hasMembers ? Reflect.get(owner, name) : undefined;
}

/** The result of such a method; `undefined` if there is none. */
export function resultOf(owner: unknown, name: string, ...args: readonly unknown[]): unknown {
  const method = memberOf(owner, name);
  return typeof method === 'function' ? Reflect.apply(method, owner, args) : undefined;
}
