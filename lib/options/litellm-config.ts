import { readFileSync, statSync } from 'node:fs';
import { LineCounter, parseDocument } from 'yaml';
import { describeValue, quoteName } from './describe-value.js';
import { isOptionObject } from './option-reader.js';
import type { OptionProblems } from './option-problems.js';

const MAX_CONFIG_BYTES = 1024 * 1024;

/** Enough for a long model list with anchors; a "billion laughs" needs millions. */
const MAX_ALIASES = 10_000;

const EXPECTED_SOURCE = 'the path or the text of a LiteLLM config.yaml';

/** The top level of a LiteLLM config.yaml; `undefined` when a problem was added. */
export function readLiteLlmConfig(
  pathOrText: string,
  problems: OptionProblems,
): object | undefined {
  const text = readText(pathOrText, problems);
  if (text === undefined) return undefined;
  if (Buffer.byteLength(text) > MAX_CONFIG_BYTES) {
    problems.add('config', `at most ${MAX_CONFIG_BYTES} bytes`, 'more', 'pass the right file');
    return undefined;
  }
  const config = parse(text, problems);
  if (config === undefined || isOptionObject(config)) return config;
  const advice = 'pass the whole config.yaml, with litellm_settings';
  problems.add('config', 'a YAML mapping', describeValue(config), advice);
  return undefined;
}

function readText(pathOrText: unknown, problems: OptionProblems): string | undefined {
  if (typeof pathOrText !== 'string' || pathOrText.trim() === '') {
    problems.add('config', EXPECTED_SOURCE, describeValue(pathOrText), 'pass one of them');
    return undefined;
  }
  if (/\n|: /.test(pathOrText)) return pathOrText;
  try {
    // Before reading: a path may lead to anything, of any size.
    const file = statSync(pathOrText);
    if (file.isFile() && file.size <= MAX_CONFIG_BYTES) return readFileSync(pathOrText, 'utf8');
    const came = file.isFile() ? 'a larger one' : 'something else';
    const expected = `a file of at most ${MAX_CONFIG_BYTES} bytes`;
    problems.add('config', expected, came, 'pass the path of a config.yaml');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'an error';
    // Odd text was no path, and may hold anything.
    const name = /^[\w./\\:~ -]+$/.test(pathOrText) ? quoteName(pathOrText) : 'the path';
    problems.add('config', 'a readable file', `${code} for ${name}`, `pass ${EXPECTED_SOURCE}`);
  }
  return undefined;
}

/**
 * YAML 1.1 like the PyYAML of LiteLLM (`yes` is true, `<<` merges, a repeated key wins). Messages
 * of the parser quote the text, which may be a secret: only codes and positions are passed on.
 */
function parse(text: string, problems: OptionProblems): unknown {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    version: '1.1',
    uniqueKeys: false,
    prettyErrors: false,
    lineCounter: lines,
  });
  const position = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `line ${line}, column ${col}`;
  };
  const error = document.errors[0];
  if (error !== undefined) {
    const came = `${error.code} at ${position(error.pos[0])}`;
    problems.add('config', 'valid YAML', came, 'correct it there');
    return undefined;
  }
  const tag = document.warnings.find(({ code }) => code === 'TAG_RESOLVE_FAILED');
  if (tag !== undefined) {
    const came = `one at ${position(tag.pos[0])}`;
    problems.add('config', 'no custom YAML tags', came, 'remove the tag: nothing is evaluated');
    return undefined;
  }
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES }) as unknown;
  } catch {
    const expected = `at most ${MAX_ALIASES} YAML aliases, each with its anchor before it`;
    problems.add('config', expected, 'others', 'write the values out');
    return undefined;
  }
}
