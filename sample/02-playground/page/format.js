export function milliseconds(ms) {
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  return ms < 1_000 ? `${Math.round(ms)} ms` : seconds(ms);
}

export function seconds(ms) {
  return `${(ms / 1_000).toFixed(1)} s`;
}

/** Minutes and seconds. */
export function clock(wholeSeconds) {
  const rest = String(wholeSeconds % 60).padStart(2, '0');
  return `${Math.floor(wholeSeconds / 60)}:${rest}`;
}

/** A single answer costs a small part of a cent. */
export function dollars(amount) {
  const digits = amount > 0 && amount < 0.1 ? 6 : 2;
  return `$${amount.toFixed(digits)}`;
}
