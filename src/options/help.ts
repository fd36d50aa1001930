/** The text of `--help`, from an option table. */
import { environmentName, type OptionTable } from "./core.ts";

/** What the command does, then a line an option. */
export function helpText(usage: string, about: string, table: OptionTable): string {
  const rows = Object.values(table).map((o) => ({
    left: `--${o.flag}${o.placeholder && !o.isSwitch ? ` ${o.placeholder}` : ""}`,
    variable: environmentName(o.flag),
    right: `${o.help} (default: ${o.defaultText})`,
  }));
  const width = (key: "left" | "variable") => Math.max(...rows.map((row) => row[key].length));
  const [left, variable] = [width("left"), width("variable")];
  const lines = rows.map((row) => `  ${row.left.padEnd(left)}  ${row.variable.padEnd(variable)}  ${row.right}`);
  return `${usage}\n\n${about}\n\n${lines.join("\n")}\n`;
}
