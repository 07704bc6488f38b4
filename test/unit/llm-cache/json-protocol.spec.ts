import { describe, expect, it } from 'vitest';
import { json } from '../../../lib/llm-cache/protocols/json.js';
import { named, unnamed, verdictOf, type SentEvent } from './judged-stream.js';

describe('a JSON answer of an unknown API', () => {
  it.each([
    ['an object', { a: 1 }, undefined],
    ['an error of null', { error: null, a: 1 }, undefined],
    ['a list', [], undefined],
    ['the choices of a poll', { choices: [{ label: 'A' }] }, undefined],
    ['no choices', { choices: [] }, undefined],
    ['an error', { error: 'x' }, 'error'],
    ['an error of false', { error: false }, 'error'],
    [
      'a completion that was cut',
      { choices: [{ text: 'Hi', finish_reason: 'length' }] },
      'unfinished',
    ],
    ['a completion without choices', { object: 'chat.completion', choices: [] }, 'empty'],
  ])('that is %s', (_what, answer, reason) => {
    expect(json.judge(answer)).toBe(reason);
  });
});

describe('a stream of an unknown API', () => {
  it.each<[string, readonly SentEvent[], string | undefined]>([
    ['texts', unnamed('Hi', 'Ho'), undefined],
    ['objects', unnamed({ a: 1 }, { a: 2 }), undefined],
    ['named events', [['token', 'Hi']], undefined],
    ['the choices of a poll', unnamed({ choices: [{ label: 'A' }] }), undefined],
    ['no event', [], 'empty'],
    [
      'an error event',
      [
        ['token', 'Hi'],
        ['error', 'x'],
      ],
      'error',
    ],
    ['an error', unnamed('Hi', { error: { message: 'x' } }), 'error'],
    ['an error of null', unnamed({ error: null }), undefined],
    [
      'chat that was cut',
      unnamed({ choices: [{ delta: { content: 'Hi' }, finish_reason: null }] }),
      'unfinished',
    ],
    ['a message that was cut', named({ type: 'message_start' }), 'unfinished'],
    ['a response that was cut', named({ type: 'response.created' }), 'unfinished'],
  ])('of %s', (_what, events, reason) => {
    expect(verdictOf(json, events)).toBe(reason);
  });
});

it('nothing is known of a request to an unknown API', () => {
  const body = { background: true, previous_response_id: 'r1', tools: [{ type: 'web_search' }] };
  expect(json.recognises('/anything', body)).toBe(true);
  expect(json.bypass(body)).toBeUndefined();
  expect(json.personalFields(body)).toEqual([]);
  expect([...json.omitted.names]).toEqual([]);
  expect(json.asksForStream({ stream: true })).toBe(true);
  expect(json.asksForStream(body)).toBe(false);
});
