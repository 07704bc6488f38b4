/** What one line of a scrape is about. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** The text format of Prometheus, as far as exporters of OpenTelemetry write it. */
export function readScrape(text: string): readonly Sample[] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, name = '', labels = '', value = ''] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
      const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)];
      return {
        name,
        labels: Object.fromEntries(pairs.map(([, label = '', of = '']) => [label, of])),
        value: Number(value),
      };
    });
}

/** Those of this package; the exporter adds some about itself and the process. */
export const ofThisPackage = (samples: readonly Sample[]): readonly Sample[] =>
  samples.filter(({ labels }) => labels['otel_scope_name'] === 'nestjs-azure-redis');

/** The sum of all samples that have the name and the labels; as in PromQL, '' is one that is not there. */
export function sumOf(
  samples: readonly Sample[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  return samples
    .filter((sample) => sample.name === name)
    .filter((sample) =>
      Object.entries(labels).every(([label, of]) => (sample.labels[label] ?? '') === of),
    )
    .reduce((sum, { value }) => sum + value, 0);
}
