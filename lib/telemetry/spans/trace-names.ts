import { trace } from '@opentelemetry/api';
import { nameTracesBy } from '../../llm-cache/recording/current-trace.js';
import { writeTraceparent } from './traceparent.js';

/** There is one active span, however many ask for its name. */
let users = 0;

/** From now on, recorded answers name the span that was active when they were asked for. */
export function nameTraces(): () => void {
  users += 1;
  nameTracesBy(activeTrace);
  return () => {
    users -= 1;
    if (users === 0) nameTracesBy(undefined);
  };
}

function activeTrace(): string | undefined {
  const span = trace.getActiveSpan();
  return span && writeTraceparent(span.spanContext());
}
