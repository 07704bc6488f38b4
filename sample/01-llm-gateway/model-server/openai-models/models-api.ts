import type { Api } from '../api.js';

const NAMES = ['gpt-4o-mini', 'text-embedding-3-small', 'claude-haiku-4-5'];

/** The names that clients are used to; every other one works too. */
export const models: Api = () => ({
  firstTokenShare: 0,
  json: {
    object: 'list',
    data: NAMES.map((id) => ({
      id,
      object: 'model',
      created: 1_735_689_600,
      owned_by: 'local-model-server',
    })),
  },
});
