import { present } from './connection-settings.js';
import type { Environment } from './from-environment.js';
import { resolveReference } from './litellm-references.js';
import { wholeNumber } from './litellm-values.js';
import { OptionReader } from './option-reader.js';
import type { OptionProblems } from './option-problems.js';

export interface LiteLlmStartupNodes {
  /** Options, still unchecked; none when there are no start nodes. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly unsupportedKeys: readonly string[];
}

/** A list, or its JSON, of `{ host, port }`: a cluster whose first node is host and port. */
export function readStartupNodes(
  value: unknown,
  name: string,
  env: Environment,
  problems: OptionProblems,
): LiteLlmStartupNodes {
  const list = typeof value === 'string' ? parseJson(value) : value;
  const nodes = new OptionReader({ [name]: list }, '', problems).items(
    name,
    'host and port',
    'write e.g. [{host: my-cache.westeurope.redis.azure.net, port: 10000}]',
  );
  const [first, ...others] = nodes.map((node, index) => {
    const path = index === 0 ? '' : `startupNodes[${index - 1}].`;
    const read = (key: 'host' | 'port'): unknown => {
      problems.rename(`${path}${key}`, node.nameOf(key));
      return resolveReference(node.value(key), env, `${path}${key}`, problems);
    };
    return present([
      ['host', read('host')],
      ['port', wholeNumber(read('port'))],
    ]);
  });
  return {
    options: first === undefined ? {} : { ...first, topology: 'cluster', startupNodes: others },
    unsupportedKeys: nodes.flatMap((node, index) =>
      node.names
        .filter((key) => key !== 'host' && key !== 'port')
        .map((key) => `redis_startup_nodes[${index}].${key}`),
    ),
  };
}

/** The text itself when it is no JSON, for the check to report. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
