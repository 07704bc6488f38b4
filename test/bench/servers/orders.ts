/** What a server is asked for over IPC. */
export type OrderName = 'usage' | 'memory' | 'connect' | 'hold' | 'release';

export interface Order {
  readonly id: number;
  readonly name: OrderName;
  /** Of `connect`: how many connections more. */
  readonly count?: number;
}

/** Since the start of the server. */
export interface Usage {
  /** User and system time of all its threads. */
  readonly cpuUs: number;
  /** Answers that were made, not found. */
  readonly calls: number;
  /** AUTHs with a newer token. */
  readonly rotations: number;
  /** Heap and what it holds outside, after a collection if that was asked for. */
  readonly memoryBytes: number;
}

export type Report =
  | { readonly kind: 'listening'; readonly url: string }
  | { readonly kind: 'done'; readonly id: number; readonly usage: Usage }
  | { readonly kind: 'failed'; readonly id: number; readonly reason: string };
