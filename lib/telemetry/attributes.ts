/**
 * Attributes of the conventions for database clients.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/db/database-metrics/
 * @see https://opentelemetry.io/docs/specs/semconv/db/redis/
 */
export const DB_SYSTEM = { 'db.system.name': 'redis' } as const;
export const DB_OPERATION = 'db.operation.name';
export const CONNECTION = 'db.client.connection.pool.name';
export const CONNECTION_STATE = 'db.client.connection.state';

/** @see https://opentelemetry.io/docs/specs/semconv/registry/attributes/error/ */
export const ERROR_TYPE = 'error.type';

/**
 * Attributes of the conventions for GenAI clients, on metrics only: tools take a span with one of
 * them for a call of a model, and count its cost.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-metrics/
 */
export const REQUEST_MODEL = 'gen_ai.request.model';
export const TOKEN_TYPE = 'gen_ai.token.type';

/** For these there is no convention. */
export const OWN = 'nestjs_azure_redis';
export const RESULT = `${OWN}.llm_cache.result`;
export const ROUTE = `${OWN}.llm_cache.route`;
export const BYPASS_REASON = `${OWN}.llm_cache.bypass_reason`;
export const DEFERRAL_REASON = `${OWN}.connection.deferral_reason`;
