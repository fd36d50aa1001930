/**
 * The documents against the code: what is generated is up to date, and every script, option, file and link they name exists.
 * Whether what they say is true, a person has to read; that it can be typed as it stands, these tests see to.
 */
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import packageJson from "../package.json" with { type: "json" };
import { chaosOptions } from "../scripts/chaos/options.ts";
import { COMMAND_OPTIONS, generatedFiles, regenerate } from "../scripts/docs/generated.ts";
import { environmentName, parseOptions } from "../src/options/core.ts";
import { REASONS } from "../src/outcome.ts";

const root = join(import.meta.dir, "..");
const DOCUMENTS = [
  "README.md",
  "summary.md",
  "CHANGELOG.md",
  "CONTRIBUTING.md",
  "docs/ARCHITECTURE.md",
  "docs/PERFORMANCE.md",
  "docs/PROBLEMS.md",
  "docs/RELIABILITY.md",
  "docs/SCHEMAS.md",
  "docs/TOUR.md",
] as const;

const texts = new Map<string, string>(
  await Promise.all(DOCUMENTS.map(async (path) => [path, await Bun.file(join(root, path)).text()] as const)),
);
const readme = texts.get("README.md")!;
const scripts: readonly string[] = Object.keys(packageJson.scripts);

/** The commands in the shell blocks: a line each, continued lines joined, comments and what follows a pipe or `&` taken away. */
function commandLines(text: string): string[] {
  return [...text.matchAll(/^```sh\n([\s\S]*?)^```/gm)].flatMap(([, block]) =>
    block!
      .replaceAll(/\\\n\s*/g, " ")
      .split("\n")
      .map((line) =>
        line
          .replace(/(?:^|\s+)#.*$/, "")
          .replace(/\s*(?:&{1,2}|\||;|\d?>).*$/, "")
          .trim(),
      )
      .filter((line) => line !== ""),
  );
}

/** "Limits and caveats" as GitHub makes an anchor of it. */
function anchors(text: string): Set<string> {
  const headings = [...text.replaceAll(/^```[\s\S]*?^```/gm, "").matchAll(/^#+ (.+)$/gm)].map((match) => match[1]!);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}

describe("what is generated", () => {
  test.each(Object.keys(generatedFiles))("%s is as `bun run docs` makes it", async (name) => {
    const text = readFileSync(join(root, name), "utf8");
    expect(await generatedFiles[name]!(text)).toBe(text);
  });

  test("the options and the codes of every table are in it", () => {
    for (const table of Object.values(COMMAND_OPTIONS)) {
      for (const { flag } of Object.values(table)) expect(readme).toContain(`\`${environmentName(flag)}\``);
    }
    for (const code of Object.keys(REASONS)) expect(readme).toContain(`\`${code}\``);
  });

  test("a missing marker is an error, not silence", () => {
    expect(() => regenerate("# Sluice\n")).toThrow("options:begin");
  });

  test("--check exits 0 now", async () => {
    const child = Bun.spawn([process.execPath, join(root, "scripts/docs.ts"), "--check"], {
      stdout: "pipe",
      stderr: "pipe",
    });
    expect([await child.exited, await child.stderr.text()]).toEqual([0, ""]);
  });
});

describe.each([...DOCUMENTS])("%s", (path) => {
  const text = texts.get(path)!;

  test("every relative link leads to a file, and every anchor to a heading", () => {
    const broken: string[] = [];
    for (const [, target] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target!)) continue;
      const [file, anchor] = target!.split("#");
      const linked = file === "" ? path : join(dirname(path), file!);
      if (!existsSync(join(root, linked))) broken.push(target!);
      else if (anchor && !anchors(texts.get(linked) ?? "").has(anchor)) broken.push(target!);
    }
    expect(broken).toEqual([]);
  });

  test("every file it names exists", () => {
    const named = [...text.matchAll(/(?<![\w/.-])(?:src|scripts|test|docs|\.ci)\/[\w./-]*\w\/?/g)].map(
      ([name]) => name,
    );
    expect(named.filter((name) => !existsSync(join(root, name)))).toEqual([]);
  });

  test("every `bun run` names a script of package.json", () => {
    const named = [...text.matchAll(/\bbun run ([\w-]+)/g)].map((match) => match[1]!);
    expect(named.filter((name) => !scripts.includes(name))).toEqual([]);
  });

  test("every command line of Sluice in it has options that the command takes", () => {
    for (const line of commandLines(text)) {
      const match = /^((?:[A-Z_]+=\S+ )*)(?:npx --yes )?bun run (\w+)\s*(.*)$/.exec(line);
      const table = match && COMMAND_OPTIONS[match[2]!];
      if (!table) continue;
      const environment = Object.fromEntries(
        match[1]!
          .split(" ")
          .filter(Boolean)
          .map((pair) => pair.split("=", 2)),
      );
      const words = match[3]!.split(/\s+/).filter(Boolean);
      if (match[2] === "kafka") expect(["up", "down", "status"]).toContain(words.shift() ?? "");
      expect(() => parseOptions(table, words, environment)).not.toThrow();
    }
  });

  test("every flag in running text is an option of some command, or of a tool that is named with it", () => {
    const known = new Set(
      [...Object.values(COMMAND_OPTIONS), chaosOptions].flatMap((table) =>
        Object.values(table).map(({ flag }) => flag),
      ),
    );
    const named = [...text.matchAll(/`--([a-z][a-z-]*)[^`]*`/g)].map((match) => match[1]!);
    const others = ["help", "check", "rebuild", "write", "scale"];
    expect(named.filter((flag) => !known.has(flag) && !others.includes(flag))).toEqual([]);
  });

  test("names no folder of a machine, and nothing that only its authors would know", () => {
    expect(text).not.toMatch(/(?<![\w.$}~])\/(?:root|work|home)\/|DESIGN\.md|PITFALLS\.md|STYLE\.md|\bissue \d/i);
  });
});

describe("package.json", () => {
  test("every script is documented", () => {
    const all = [...texts.values()].join("\n");
    expect(scripts.filter((name) => !new RegExp(`\\bbun run ${name}\\b`).test(all))).toEqual([]);
  });

  test("the two commands that need nothing installed come first", () => {
    const first = commandLines(readme).slice(0, 2);
    expect(first).toEqual(["npx --yes bun run demo", "npx --yes bun run test"]);
  });
});
