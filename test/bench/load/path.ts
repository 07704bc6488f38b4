/** Of all servers. */
export const PATH = '/v1/chat/completions';
