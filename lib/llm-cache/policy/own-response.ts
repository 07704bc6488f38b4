import type { ExecutionContext } from '@nestjs/common';
import { RESPONSE_PASSTHROUGH_METADATA, ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';

const TAKES_RESPONSE = new RegExp(`^(?:${RouteParamtypes.RESPONSE}|${RouteParamtypes.NEXT}):`);

export type UseOfResponse = 'none' | 'amends' | 'writes';

/**
 * What the handler does with the response that it takes. `writes`: it answers by itself (`@Res()`
 * or `@Next()` without `passthrough`). Nest then sends nothing of what it returns, so that a cached
 * value would leave the caller waiting for ever. `amends`: it may set headers, before the answer.
 */
export function useOfResponse(context: ExecutionContext): UseOfResponse {
  const controller = context.getClass();
  const method = methodName(controller, context.getHandler());
  const parameters: unknown = Reflect.getMetadata(ROUTE_ARGS_METADATA, controller, method);
  if (!Object.keys(parameters ?? {}).some((key) => TAKES_RESPONSE.test(key))) return 'none';
  const isPassed = Reflect.getMetadata(RESPONSE_PASSTHROUGH_METADATA, controller, method) === true;
  return isPassed ? 'amends' : 'writes';
}

/** The name of the member, which is the function's own only until a decorator wraps it. */
function methodName(controller: { readonly prototype: object }, handler: object): string | symbol {
  let owner: object | null = controller.prototype;
  while (owner !== null) {
    for (const name of Reflect.ownKeys(owner)) {
      if (Reflect.getOwnPropertyDescriptor(owner, name)?.value === handler) return name;
    }
    owner = Reflect.getPrototypeOf(owner);
  }
  return '';
}
