import { Controller, Version } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { describe, expect, it } from 'vitest';
import { routeIdentity } from '../../../lib/llm-cache/key/route-identity.js';

function controllers(options: object) {
  @Controller(options)
  class ChatController {
    ask(this: void) {}
    @Version('3')
    third(this: void) {}
  }
  return ChatController;
}

function identityOf(
  options: object,
  { handler = 'ask', host = 'a.example', method = 'POST', path = '/ask', accept = '*/*' } = {},
) {
  const controller = controllers(options);
  const callback = handler === 'ask' ? controller.prototype.ask : controller.prototype.third;
  const context = new ExecutionContextHost([], controller, callback);
  return routeIdentity(
    { method, host, headers: { accept } },
    { path, query: '' },
    context,
    new Reflector(),
  );
}

describe('the identity of a route', () => {
  it.each([
    ['method', { method: 'PUT' }],
    ['path', { path: '/other' }],
    ['handler', { handler: 'third' }],
  ])('differs by %s', (_what, other) => {
    expect(identityOf({}, other)).not.toEqual(identityOf({}));
  });

  it('differs by version, for controllers of the same name and path', () => {
    expect(identityOf({ version: '1' })).toEqual(identityOf({ version: '1' }));
    expect(identityOf({ version: '1' })).not.toEqual(identityOf({ version: '2' }));
    expect(identityOf({ version: '1' })).not.toEqual(identityOf({}));
    expect(identityOf({ version: ['1', '2'] })).not.toEqual(identityOf({ version: '1,2' }));
  });

  it('differs by host, which may name a tenant', () => {
    expect(identityOf({})).not.toEqual(identityOf({}, { host: 'b.example' }));
  });

  it('differs by whether events are accepted, and by nothing else in Accept', () => {
    const accepting = (accept: string) => identityOf({}, { accept });
    expect(accepting('text/event-stream')).not.toEqual(accepting('*/*'));
    expect(accepting('application/json, Text/Event-Stream;q=0.5')).not.toEqual(accepting('*/*'));
    expect(accepting('application/json')).toEqual(accepting('*/*'));
  });
});
