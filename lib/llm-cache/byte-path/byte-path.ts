import type { ExecutionContext } from '@nestjs/common';
import type { ModuleRef } from '@nestjs/core';
import type { HttpExchange } from '../http-exchange.js';
import { JSON_MEDIA_TYPE } from '../json-object.js';
import { isOutermost } from './outermost.js';
import { carrierFor } from './unchanged-json.js';

const CHARSET = /;\s*charset\s*=/i;

const isContainer = ([first]: Buffer): boolean => first === 0x7b || first === 0x5b;

/** The way of stored JSON to the socket without being parsed, where nobody wants the value. */
export class BytePath {
  readonly #moduleRef: ModuleRef | undefined;
  readonly #isOurs: (interceptor: unknown) => boolean;
  /** By controller and handler: Nest's interceptors stay what they are. */
  readonly #isOpen = new WeakMap<object, WeakMap<object, boolean>>();

  /** @param moduleRef of Nest; without it, the value is given */
  constructor(moduleRef: ModuleRef | undefined, isOurs: (interceptor: unknown) => boolean) {
    this.#moduleRef = moduleRef;
    this.#isOurs = isOurs;
  }

  /**
   * What to answer for the platform to send the JSON as it is.
   *
   * @returns `undefined` when the value is needed
   */
  through(
    context: ExecutionContext,
    http: HttpExchange,
    json: Buffer,
  ): Buffer | string | undefined {
    // Platforms have ways of their own for numbers and null.
    if (!isContainer(json) || !this.#isOpenFor(context)) return undefined;
    const type = http.header('content-type') ?? 'application/json';
    if (!JSON_MEDIA_TYPE.test(type)) return undefined;
    const carrier = carrierFor(http.response, http.status);
    if (carrier === undefined) return undefined;
    // As the platforms do with what they write as JSON.
    if (!CHARSET.test(type)) http.setHeaders({ 'content-type': `${type}; charset=utf-8` });
    return carrier === 'bytes' ? json : json.toString();
  }

  #isOpenFor(context: ExecutionContext): boolean {
    if (this.#moduleRef === undefined) return false;
    const [controller, handler] = [context.getClass(), context.getHandler()];
    const byHandler = this.#isOpen.get(controller) ?? new WeakMap<object, boolean>();
    const known = byHandler.get(handler);
    if (known !== undefined) return known;
    const isOpen = isOutermost(context, this.#moduleRef, this.#isOurs);
    this.#isOpen.set(controller, byHandler.set(handler, isOpen));
    return isOpen;
  }
}
