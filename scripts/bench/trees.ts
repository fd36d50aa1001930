/** The sources that are measured: these files, and with `--against` those of another commit, in a work tree of its own. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { atEnd, temporaryFolder } from "./at-end.ts";
import { BenchFailure } from "./failure.ts";

export const PROJECT_FOLDER = join(import.meta.dir, "../..");

export interface Tree {
  /** How tables call it: "serve" or "serve at 1a2b3c4". */
  readonly label: (command: string) => string;
  readonly folder: string;
}

export const HERE: Tree = { label: (command) => command, folder: PROJECT_FOLDER };

/** "1a2b3c4", with "+" behind it where files differ from the commit. */
export function describeHere(): string {
  const isChanged = git("status", "--porcelain", "--untracked-files=no").trim() !== "";
  return `${git("rev-parse", "--short", "HEAD").trim()}${isChanged ? "+" : ""}`;
}

/** Checks the commit out beside these files and installs what it needs; gone when this process ends. */
export async function checkOut(commit: string, say: (line: string) => void): Promise<Tree> {
  const hash = git("rev-parse", "--short", "--verify", `${commit}^{commit}`).trim();
  const folder = join(temporaryFolder("tree").path, hash);
  git("worktree", "add", "--quiet", "--detach", folder, hash);
  atEnd(() => git("worktree", "remove", "--force", folder));
  say(`setting up ${hash} …`);
  const setup = Bun.spawn([process.execPath, "scripts/setup.ts"], {
    cwd: folder,
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  const [said, code] = await Promise.all([setup.stderr.text(), setup.exited]);
  if (code !== 0) throw new BenchFailure(`${hash} could not be set up:\n${said}`);
  return { label: (command) => `${command} at ${hash}`, folder };
}

/** Whether a command of that tree has the option. */
export async function hasOption(tree: Tree, command: string, flag: string): Promise<boolean> {
  const entry = join(tree.folder, `src/${command}.ts`);
  if (!existsSync(entry)) return false;
  const help = Bun.spawn([process.execPath, entry, "--help"], { stdin: "ignore", stdout: "pipe", stderr: "ignore" });
  return (await help.stdout.text()).includes(`--${flag} `);
}

function git(...args: readonly string[]): string {
  const run = Bun.spawnSync(["git", ...args], { cwd: PROJECT_FOLDER });
  if (run.exitCode !== 0) throw new BenchFailure(`git ${args[0]}: ${run.stderr.toString().trim()}`);
  return run.stdout.toString();
}
