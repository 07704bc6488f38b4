/** What a run of the bench has come to. */
export interface Outcome {
  /** Nothing has failed. */
  readonly isComplete: boolean;
  /** Of everything. */
  readonly report: object;
  /** The same for people, in Markdown. */
  text(): string;
  /** Into RESULTS.md. */
  write(results: string): Promise<void>;
}
