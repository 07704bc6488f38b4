import type { JsonObject } from '../json-object.js';
import type { OmittedFields } from '../key/canonical-json.js';
import type { LlmProtocol } from '../protocols/llm-protocol.interface.js';

/** A request that can be cached, with all that its key is made of. */
export interface ExplainedRequest {
  /** Entries of other routes are no neighbours. */
  readonly route: string;
  /** With the part of its scope that it has named. */
  readonly principal: string;
  /** Changed by an invalidation. */
  readonly epoch: string;
  /** What else decides about the entry: its lifetime, the kind of scope, the semantic headers. */
  readonly policy: string;
  readonly protocol: Pick<LlmProtocol, 'components'>;
  /** What the key leaves out, by the protocol or by the user. */
  readonly omitted: OmittedFields;
  readonly body: JsonObject;
}
