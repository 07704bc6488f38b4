import { ServerResponse } from 'node:http';
import { memberOf, resultOf } from './reflection.js';

/** What a platform sends as the JSON it is, without a look at it. */
export type JsonCarrier = 'bytes' | 'text';

/**
 * How a response takes JSON that is written already. `undefined` where the application changes how
 * values become JSON, by a hook, a serializer, a schema, a setting or a response of its own.
 */
export function carrierFor(response: object, status: number): JsonCarrier | undefined {
  if (response instanceof ServerResponse) {
    return isPlainExpress(response) ? 'text' : undefined;
  }
  return isPlainFastify(response, status) ? 'bytes' : undefined;
}

const EXPRESS_SETTINGS = ['json replacer', 'json spaces', 'json escape'] as const;

function isPlainExpress(response: ServerResponse): boolean {
  const app = memberOf(response, 'app');
  if (typeof app !== 'function' || Object.hasOwn(response, 'json')) return false;
  return EXPRESS_SETTINGS.every((name) => {
    const value = resultOf(app, 'get', name);
    return value === undefined || value === false;
  });
}

function isPlainFastify(reply: object, status: number): boolean {
  const context = internal(reply, 'fastify.context');
  return (
    memberOf(context, 'preSerialization') === null &&
    internal(context, 'fastify.replySerializerDefault') === null &&
    internal(reply, 'fastify.reply.serializer') === null &&
    // Without a schema.
    resultOf(reply, 'getSerializationFunction', status) === undefined
  );
}

/** Fastify has no public way to these; without them, an answer takes the usual way. */
const symbols = new Map<string, symbol>();

function internal(owner: unknown, description: string): unknown {
  const symbol = symbols.get(description) ?? findSymbol(owner, description);
  return symbol && memberOf(owner, symbol);
}

function findSymbol(owner: unknown, description: string): symbol | undefined {
  let holder: object | null = typeof owner === 'object' ? owner : null;
  while (holder !== null) {
    for (const symbol of Object.getOwnPropertySymbols(holder)) {
      if (symbol.description !== description) continue;
      symbols.set(description, symbol);
      return symbol;
    }
    holder = Reflect.getPrototypeOf(holder);
  }
  return undefined;
}
