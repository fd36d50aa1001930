/** Tables of Markdown, padded as the formatter has them, so that `bun run check` and what is generated agree. */
export function markdownTable(head: readonly string[], body: readonly (readonly string[])[]): string {
  const rows = [head, ...body].map((cells) => cells.map((cell) => cell.replaceAll("|", "\\|")));
  const widths = head.map((_, column) => Math.max(3, ...rows.map((cells) => Bun.stringWidth(cells[column]!))));
  const pad = (text: string, column: number) => text + " ".repeat(widths[column]! - Bun.stringWidth(text));
  const lines = rows.map((cells) => `| ${cells.map(pad).join(" | ")} |`);
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [lines[0], rule, ...lines.slice(1)].join("\n");
}

/** The text with the part between `<!-- NAME:begin … -->` and `<!-- NAME:end -->` made anew. Throws where a marker is missing. */
export function replacePart(text: string, name: string, content: string): string {
  const part = new RegExp(`(<!-- ${name}:begin[^>]*-->\n)[\\s\\S]*?(<!-- ${name}:end -->)`);
  if (!part.test(text)) throw new Error(`no <!-- ${name}:begin --> … <!-- ${name}:end --> in the text`);
  return text.replace(part, (_, begin: string, end: string) => `${begin}\n${content}\n\n${end}`);
}
