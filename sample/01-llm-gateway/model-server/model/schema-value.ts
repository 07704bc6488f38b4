import { isJsonObject } from '../json.js';
import type { Json } from '../json.js';
import { pick } from './seeded-random.js';
import type { SeededRandom } from './seeded-random.js';

/** A schema that contains itself ends here. */
const MAX_DEPTH = 8;
const WORDS = ['cache', 'token', 'answer', 'redis', 'model'] as const;
const FORMATS: Readonly<Record<string, string>> = {
  'date-time': '2025-01-01T12:00:00Z',
  date: '2025-01-01',
  email: 'model@example.com',
  uri: 'https://example.com/',
};

/** A value that fits a simple JSON schema, the same for the same random numbers. */
export function valueFor(root: Json, random: SeededRandom): unknown {
  const valueOf = (schema: unknown, depth: number): unknown => {
    if (!isJsonObject(schema) || depth > MAX_DEPTH) return null;
    if (typeof schema.$ref === 'string') return valueOf(definition(root, schema.$ref), depth + 1);
    if ('const' in schema) return schema.const;
    if (isFilled(schema.enum)) return pick(random, schema.enum);
    const alternatives = schema.anyOf ?? schema.oneOf;
    if (isFilled(alternatives)) {
      // The last one is usually null.
      return valueOf(alternatives.at(depth < MAX_DEPTH / 2 ? 0 : -1), depth + 1);
    }
    switch (typeOf(schema)) {
      case 'object': {
        const properties = isJsonObject(schema.properties) ? schema.properties : {};
        return Object.fromEntries(
          Object.entries(properties).map(([name, property]) => [
            name,
            valueOf(property, depth + 1),
          ]),
        );
      }
      case 'array': {
        const length = numberOf(schema.minItems, Math.min(numberOf(schema.maxItems, 2), 2));
        return Array.from({ length }, () => valueOf(schema.items, depth + 1));
      }
      case 'integer':
        return Math.round(between(schema, random));
      case 'number':
        return Math.round(between(schema, random) * 100) / 100;
      case 'boolean':
        return random() < 0.5;
      case 'null':
        return null;
      default:
        return FORMATS[String(schema.format)] ?? pick(random, WORDS);
    }
  };
  return valueOf(root, 0);
}

function typeOf({ type, properties }: Json): unknown {
  if (type === undefined) return properties === undefined ? 'string' : 'object';
  return isFilled(type) ? type[0] : type;
}

/** The schema that a reference such as `#/$defs/Item` names. */
function definition(root: Json, reference: string): unknown {
  return reference
    .split('/')
    .slice(1)
    .reduce<unknown>((schema, name) => (isJsonObject(schema) ? schema[name] : undefined), root);
}

function between({ minimum, maximum }: Json, random: SeededRandom): number {
  const from = numberOf(minimum, Math.min(0, numberOf(maximum, 0)));
  const to = numberOf(maximum, from + 100);
  return from + (to - from) * random();
}

function numberOf(value: unknown, fallback: number): number {
  return typeof value === 'number' ? value : fallback;
}

function isFilled(value: unknown): value is [unknown, ...unknown[]] {
  return Array.isArray(value) && value.length > 0;
}
