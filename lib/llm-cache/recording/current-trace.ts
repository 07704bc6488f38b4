/**
 * Names the trace that a call is a part of, as a `traceparent` of W3C Trace Context; asked in the
 * asynchronous context of the request whose call it is. Must not throw.
 *
 * @see https://www.w3.org/TR/trace-context/#traceparent-header
 */
export type TraceSource = () => string | undefined;

let source: TraceSource | undefined;

/** From now on, recorded answers name the trace that they come from; `undefined` ends that. */
export function nameTracesBy(newSource: TraceSource | undefined): void {
  source = newSource;
}

export const currentTrace = (): string | undefined => source?.();
