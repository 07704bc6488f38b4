/** Stands for all models, or all routes, that came after the bound was reached. */
export const OTHER = 'other';

/** The model of a request that names none. */
export const UNKNOWN = 'unknown';

/** Most pairs of model and route that are told apart, those with `other` included. */
export const MAX_LABEL_PAIRS = 100;

export const MAX_NAME_LENGTH = 128;

/** What a request is counted under. */
export interface Labels {
  readonly model: string;
  readonly route: string;
}

/**
 * Names models and routes for statistics. Callers choose the names of models, so the number of
 * pairs is bounded. A known route keeps its name whatever models its callers make up.
 */
export class LabelBook {
  readonly #modelsByRoute = new Map<string, Set<string>>();
  /** The first one is that of all others. */
  #pairs = 1;

  labelsOf(route: string, model: string | undefined): Labels {
    // Names that are known are clean.
    if (model !== undefined && this.#modelsByRoute.get(route)?.has(model) === true) {
      return { route, model };
    }
    const routeName = cleanName(route);
    const models = this.#modelsOf(routeName);
    if (models === undefined) return { route: OTHER, model: OTHER };
    return { route: routeName, model: this.#admit(models, cleanName(model ?? '')) };
  }

  #modelsOf(route: string): Set<string> | undefined {
    const known = this.#modelsByRoute.get(route);
    if (known !== undefined || this.#pairs >= MAX_LABEL_PAIRS) return known;
    // A place for the models of this route that find none of their own.
    const models = new Set([OTHER]);
    this.#modelsByRoute.set(route, models);
    this.#pairs += 1;
    return models;
  }

  #admit(models: Set<string>, model: string): string {
    if (models.has(model)) return model;
    if (this.#pairs >= MAX_LABEL_PAIRS) return OTHER;
    models.add(model);
    this.#pairs += 1;
    return model;
  }
}

const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/gu;
const HALF_CHARACTER_AT_END = /\p{Cs}$/u;

/** Fit for a line of a log and for a label of a metric: no controls, bidi marks or line breaks. */
export function cleanName(name: string): string {
  // Whoever sends a mebibyte of a name waits for the cut only.
  const printable = name.slice(0, 4 * MAX_NAME_LENGTH).replaceAll(UNPRINTABLE, '');
  const cut = printable.slice(0, MAX_NAME_LENGTH).replace(HALF_CHARACTER_AT_END, '');
  return cut === '' ? UNKNOWN : cut;
}
