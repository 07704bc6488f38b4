import { describe, expect, it } from 'vitest';
import { upstreamFromEnvironment } from '../../../sample/01-llm-gateway/upstream/upstream-target.js';

describe('the upstream of the sample, from the environment', () => {
  it.each([
    ['nothing', {}],
    ['empty variables', { OPENAI_BASE_URL: '', AZURE_OPENAI_ENDPOINT: '' }],
    ['only a key, which would spend money unasked', { OPENAI_API_KEY: 'sk-secret' }],
  ])('is left to the local model server with %s', (_, env) => {
    expect(upstreamFromEnvironment(env)).toBeUndefined();
  });

  it('is the base URL with the key, which its description does not show', () => {
    const target = upstreamFromEnvironment({
      OPENAI_BASE_URL: 'https://api.openai.com/v1/',
      OPENAI_API_KEY: 'sk-secret',
    });
    expect(target).toMatchObject({
      baseUrl: 'https://api.openai.com/v1',
      authorization: { apiKey: 'sk-secret' },
    });
    expect(target?.description).not.toContain('sk-secret');
  });

  it('needs no key', () => {
    const target = upstreamFromEnvironment({ OPENAI_BASE_URL: 'http://127.0.0.1:11434/v1' });
    expect(target?.authorization).toBe('none');
  });

  it.each([
    'https://my.openai.azure.com',
    'https://my.openai.azure.com/',
    'https://my.openai.azure.com/openai',
    'https://my.openai.azure.com/openai/v1/',
  ])('is the v1 API of Azure OpenAI at %s, passwordless', (AZURE_OPENAI_ENDPOINT) => {
    expect(upstreamFromEnvironment({ AZURE_OPENAI_ENDPOINT })).toMatchObject({
      baseUrl: 'https://my.openai.azure.com/openai/v1',
      authorization: 'passwordless',
    });
  });

  it.each([
    ['OPENAI_BASE_URL', { OPENAI_BASE_URL: 'api.openai.com/v1' }],
    ['OPENAI_BASE_URL', { OPENAI_BASE_URL: 'file:///etc/passwd' }],
    ['AZURE_OPENAI_ENDPOINT', { AZURE_OPENAI_ENDPOINT: 'my-resource' }],
  ])('names %s when it is not a URL', (variable, env) => {
    expect(() => upstreamFromEnvironment(env)).toThrow(`${variable} must be a URL`);
  });
});
