/** An error of the gateway in the words of the API that was asked, which its clients can read. */
export function errorBody(url: string, message: string, status: number): object {
  const isCallers = status < 500;
  return url.startsWith('/v1/messages')
    ? anthropicError(message, isCallers ? 'invalid_request_error' : 'api_error')
    : openAiError(message, isCallers ? 'invalid_request_error' : 'upstream_error');
}

function openAiError(message: string, type: string): object {
  return { error: { message, type, param: null, code: null } };
}

function anthropicError(message: string, type: string): object {
  return { type: 'error', error: { type, message } };
}
