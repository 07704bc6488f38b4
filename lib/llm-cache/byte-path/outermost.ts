import type { ExecutionContext } from '@nestjs/common';
import {
  INTERCEPTORS_METADATA,
  REDIRECT_METADATA,
  RENDER_METADATA,
} from '@nestjs/common/constants.js';
import type { ModuleRef } from '@nestjs/core';
import { memberOf, resultOf } from './reflection.js';

/**
 * Whether nothing in Nest sees what an interceptor answers in the place of a handler: it is the
 * outermost one, and the answer is no data of a view or of a redirect.
 *
 * @param isOurs tells interceptors of its kind from others; with two of them, neither counts
 */
export function isOutermost(
  context: ExecutionContext,
  moduleRef: ModuleRef,
  isOurs: (interceptor: unknown) => boolean,
): boolean {
  const [handler, controller] = [context.getHandler(), context.getClass()];
  const global = globalInterceptors(moduleRef);
  if (global === undefined) return false;
  const all = [...global, ...interceptorsOf(controller), ...interceptorsOf(handler)];
  if (!isOurs(all[0]) || all.slice(1).some(isOurs)) return false;
  return [RENDER_METADATA, REDIRECT_METADATA].every(
    (name) => Reflect.getMetadata(name, handler) === undefined,
  );
}

function interceptorsOf(target: object): readonly unknown[] {
  const interceptors: unknown = Reflect.getMetadata(INTERCEPTORS_METADATA, target);
  return Array.isArray(interceptors) ? interceptors : [];
}

/** Nest shows them to nobody: without this way to them, an answer takes the usual one. */
function globalInterceptors(moduleRef: ModuleRef): readonly unknown[] | undefined {
  const config = memberOf(memberOf(moduleRef, 'container'), 'applicationConfig');
  const lists = ['getGlobalInterceptors', 'getGlobalRequestInterceptors'].map((name) =>
    resultOf(config, name),
  );
  return lists.every(Array.isArray) ? lists.flat() : undefined;
}
