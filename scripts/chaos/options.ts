/** Options of `bun run chaos`. Flags only: what is set in somebody's shell must not change what is tried. */
import { integerOr, list, onOff, textOr, UsageError } from "../../src/options/core.ts";
import { SCENARIOS, type Scenario } from "./scenarios.ts";

export const chaosOptions = {
  short: onOff({ flag: "short", help: "few rounds and short faults: about five minutes for all scenarios" }),
  scenarios: list({
    flag: "scenario",
    placeholder: "<name,…>",
    help: "only these; repeat the flag, or commas between",
  }),
  rounds: integerOr({
    flag: "rounds",
    placeholder: "<count>",
    min: 1,
    max: 1000,
    defaultText: "as the scenario says",
    help: "how often each fault is done (at the most, where there are only so many)",
  }),
  keep: onOff({ flag: "keep", help: "keep the folder with all logs, also where everything is as promised" }),
  list: onOff({ flag: "list", help: "print the scenarios, and do nothing" }),
  report: textOr({
    flag: "report",
    placeholder: "<path>",
    defaultText: "none",
    help: "put the figures into the table of this file (docs/RELIABILITY.md); rows of other scenarios stay",
  }),
};

/** Throws `UsageError` for a name that is none. */
export function chosen(names: readonly string[]): readonly Scenario[] {
  const wanted = new Set(names.flatMap((text) => text.split(",")).map((name) => name.trim()));
  const unknown = [...wanted].filter((name) => !SCENARIOS.some((scenario) => scenario.name === name));
  if (unknown.length > 0)
    throw new UsageError(`--scenario: there is none called ${unknown.join(", ")} (--list shows them)`);
  return wanted.size === 0 ? SCENARIOS : SCENARIOS.filter(({ name }) => wanted.has(name));
}
