import { NEAR_CACHE } from './near-cache.js';
import type { Row } from './row.interface.js';

/** Rows with a near cache, if there is one. */
export const nearRows = (rows: (cache: object) => readonly Row[]): readonly Row[] =>
  NEAR_CACHE === undefined ? [] : rows(NEAR_CACHE);
