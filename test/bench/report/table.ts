export interface Table {
  readonly head: readonly string[];
  readonly lines: readonly (readonly string[])[];
}

/** A table of Markdown, its columns of even width; numbers stand on the right. */
export function toMarkdown({ head, lines }: Table): string {
  const widths = head.map((title, column) =>
    Math.max(3, ...[title, ...lines.map((line) => line[column] ?? '')].map(({ length }) => length)),
  );
  const isNumeric = head.map(
    (_, column) =>
      lines.length > 0 && lines.every((line) => /^(?:[\d−-]|$)/.test(line[column] ?? '')),
  );
  const row = (cells: readonly string[]): string =>
    `| ${widths
      .map((width, column) => {
        const cell = cells[column] ?? '';
        return isNumeric[column] === true ? cell.padStart(width) : cell.padEnd(width);
      })
      .join(' | ')} |`;
  const rule = widths.map((width, column) =>
    isNumeric[column] === true ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width),
  );
  return [row(head), row(rule), ...lines.map(row)].join('\n');
}
