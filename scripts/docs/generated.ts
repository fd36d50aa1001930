/**
 * The parts of README.md that come from the code: the option tables of every command and the closed set of problem codes. Each
 * stands between two markers, `<!-- NAME:begin … -->` and `<!-- NAME:end -->`; `regenerate` puts the present state between them.
 */
import { consumeOptions } from "../../src/options/consume.ts";
import { environmentName, type OptionTable } from "../../src/options/core.ts";
import { demoOptions } from "../../src/options/demo.ts";
import { kafkaCommandOptions } from "../../src/options/kafka-command.ts";
import { serveOptions } from "../../src/options/serve.ts";
import { simulateOptions } from "../../src/options/simulate.ts";
import { verifyOptions } from "../../src/options/verify.ts";
import { REASONS } from "../../src/outcome.ts";
import { openApiDocument } from "./openapi.ts";
import { problemsPage } from "./problems.ts";

/** What is generated, by its path; each from what is there now. */
export const generatedFiles: Readonly<Record<string, (before: string) => string | Promise<string>>> = {
  "README.md": regenerate,
  "docs/PROBLEMS.md": problemsPage,
  "docs/openapi.json": async () => `${JSON.stringify(await openApiDocument(), null, 2)}\n`,
};

/** Every command that has options, in the order of the README. */
export const COMMAND_OPTIONS: Readonly<Record<string, OptionTable>> = {
  serve: serveOptions,
  consume: consumeOptions,
  simulate: simulateOptions,
  verify: verifyOptions,
  demo: demoOptions,
  kafka: kafkaCommandOptions,
};

const GENERATORS: Readonly<Record<string, () => string>> = { options: optionsTable, problems: problemsTable };

/** The text with every generated part made anew. Throws where a marker is missing. */
export function regenerate(text: string): string {
  return Object.entries(GENERATORS).reduce((result, [name, generate]) => replacePart(result, name, generate()), text);
}

/** The text with this between its two markers. Throws where they are missing. */
export function replacePart(text: string, name: string, content: string): string {
  const part = new RegExp(`(<!-- ${name}:begin[^>]*-->\n)[\\s\\S]*?(<!-- ${name}:end -->)`);
  if (!part.test(text)) throw new Error(`no <!-- ${name}:begin --> … <!-- ${name}:end --> in the text`);
  return text.replace(part, (_, begin: string, end: string) => `${begin}\n${content}\n\n${end}`);
}

interface OptionRow {
  readonly flag: string;
  readonly variable: string;
  readonly defaultText: string;
  readonly help: string;
  readonly commands: string[];
}

/** One row an option; commands that share it, default and all, share the row. */
function optionRows(): OptionRow[] {
  const rows = new Map<string, OptionRow>();
  for (const [command, table] of Object.entries(COMMAND_OPTIONS)) {
    for (const { flag, placeholder, isSwitch, defaultText, help } of Object.values(table)) {
      const shown = `--${flag}${placeholder && !isSwitch ? ` ${placeholder}` : ""}`;
      const key = `${shown}\n${defaultText}\n${help}`;
      const row = rows.get(key) ?? { flag: shown, variable: environmentName(flag), defaultText, help, commands: [] };
      row.commands.push(command);
      rows.set(key, row);
    }
  }
  return [...rows.values()];
}

function optionsTable(): string {
  return markdownTable(
    ["flag", "variable", "default", "for", "what"],
    optionRows().map((row) => [
      code(row.flag),
      code(row.variable),
      row.defaultText,
      row.commands.length === Object.keys(COMMAND_OPTIONS).length ? "all" : row.commands.join(", "),
      row.help,
    ]),
  );
}

function problemsTable(): string {
  return markdownTable(
    ["status", "code", "send it again?", "what"],
    Object.entries(REASONS).map(([name, reason]) => [
      String(reason.status),
      `[${code(name)}](docs/PROBLEMS.md#${name})`,
      reason.retry ? "yes" : "no",
      reason.title,
    ]),
  );
}

function code(text: string): string {
  return `\`${text}\``;
}

/** Padded as the formatter has it, so that `bun run check` and `bun run docs` agree. */
export function markdownTable(head: readonly string[], body: readonly (readonly string[])[]): string {
  const rows = [head, ...body].map((cells) => cells.map((cell) => cell.replaceAll("|", "\\|")));
  const widths = head.map((_, column) => Math.max(3, ...rows.map((cells) => Bun.stringWidth(cells[column]!))));
  const pad = (text: string, column: number) => text + " ".repeat(widths[column]! - Bun.stringWidth(text));
  const lines = rows.map((cells) => `| ${cells.map(pad).join(" | ")} |`);
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [lines[0], rule, ...lines.slice(1)].join("\n");
}
