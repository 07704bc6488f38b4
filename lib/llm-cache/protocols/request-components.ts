import { isJsonObject, type JsonObject } from '../json-object.js';
import type { RequestComponentName, RequestComponents } from './llm-protocol.interface.js';

/** How the requests of an API are taken apart. */
export interface RequestShape {
  /** Whose the members of a body are; all others are parameters. */
  readonly owners: ReadonlyMap<string, RequestComponentName>;
  /** The member that is a list of messages; its owner gets what is no such list. */
  readonly messages?: string;
  /** The parameter whose `format` is the schema of the answer. */
  readonly formatted?: string;
}

/** What the APIs of OpenAI have in common. */
export const OPENAI_OWNERS: readonly (readonly [string, RequestComponentName])[] = [
  ['model', 'model'],
  ['response_format', 'schema'],
  ['tools', 'tools'],
  ['tool_choice', 'tools'],
  ['parallel_tool_calls', 'tools'],
  ['functions', 'tools'],
  ['function_call', 'tools'],
];

type Part = readonly [owner: RequestComponentName, name: string, value: unknown];

/** Loses nothing: two bodies have the same components only if they are equal. */
export function takeApart(body: JsonObject, shape: RequestShape): RequestComponents {
  const members = new Map<RequestComponentName, (readonly [string, unknown])[]>();
  for (const [name, value] of Object.entries(body)) {
    for (const [owner, ...member] of partsOf(name, value, shape)) {
      const others = members.get(owner);
      if (others === undefined) members.set(owner, [member]);
      else others.push(member);
    }
  }
  return Object.fromEntries(
    // Not by assignment, which would lose a member named `__proto__`.
    [...members].map(([owner, list]) => [owner, Object.fromEntries(list)]),
  );
}

function partsOf(name: string, value: unknown, shape: RequestShape): readonly Part[] {
  if (name === shape.messages && Array.isArray(value) && value.length > 0) {
    return partsOfMessages(name, value);
  }
  if (name === shape.formatted && isJsonObject(value) && Object.hasOwn(value, 'format')) {
    const { format, ...rest } = value;
    const schema: Part = ['schema', name, { format }];
    return Object.keys(rest).length === 0 ? [schema] : [schema, ['parameters', name, rest]];
  }
  return [[shape.owners.get(name) ?? 'parameters', name, value]];
}

function partsOfMessages(name: string, messages: readonly unknown[]): readonly Part[] {
  const system: unknown[] = [];
  const others: unknown[] = [];
  for (const message of messages) {
    // With the number of messages before it, because an instruction in mid-conversation counts
    // for what comes behind it.
    if (isInstruction(message)) system.push(others.length, message);
    else others.push(message);
  }
  const lists: readonly (readonly [RequestComponentName, readonly unknown[]])[] = [
    ['system', system],
    ['history', others.slice(0, -1)],
    ['lastMessage', others.slice(-1)],
  ];
  return lists
    .filter(([, list]) => list.length > 0)
    .map(([owner, list]): Part => [owner, name, list]);
}

const isInstruction = (message: unknown): boolean =>
  isJsonObject(message) && (message['role'] === 'system' || message['role'] === 'developer');
