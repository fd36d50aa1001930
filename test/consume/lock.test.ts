import { expect, test } from "bun:test";
import { existsSync, symlinkSync, writeFileSync } from "node:fs";
import { LogFileLock } from "../../src/consume/lock.ts";
import { LogFileError, prepareLogFile } from "../../src/consume/log-file.ts";
import { TestFolder } from "./support.ts";

const HOLDER = `
  import { LogFileLock } from "${import.meta.dir}/../../src/consume/lock.ts";
  const lock = new LogFileLock(process.argv[1]);
  console.log("locked");
  setInterval(() => lock, 1000);
`;

/** Another process that holds the lock, or says why it cannot. */
function holder(path: string) {
  return Bun.spawn([process.execPath, "-e", HOLDER, path], { stdout: "pipe", stderr: "pipe" });
}

async function firstOutput(stream: ReadableStream<Uint8Array>): Promise<string> {
  const { value } = await stream.getReader().read();
  return value ? new TextDecoder().decode(value) : "";
}

test("a second process is refused at once, under every name of the file, and the lock ends with its holder", async () => {
  using folder = new TestFolder();
  const path = prepareLogFile(folder.file("consumer.log"));
  symlinkSync(path, folder.file("other-name.log"));
  const process = holder(path);
  try {
    expect(await firstOutput(process.stdout)).toBe("locked\n");
    const started = performance.now();
    expect(() => new LogFileLock(path)).toThrow(`another process writes to ${path}`);
    expect(() => new LogFileLock(prepareLogFile(folder.file("other-name.log")))).toThrow(LogFileError);
    expect(performance.now() - started).toBeLessThan(1000);
    new LogFileLock(prepareLogFile(folder.file("another.log"))).release();
    expect([path, folder.file("another.log"), folder.file("none.log")].map(LogFileLock.isHeld)).toEqual([
      true,
      false,
      false,
    ]);
    expect(existsSync(folder.file("none.log.lock"))).toBe(false);
  } finally {
    process.kill("SIGKILL");
    await process.exited;
  }
  const lock = new LogFileLock(path);
  const second = holder(path);
  expect(await second.exited).not.toBe(0);
  expect(await second.stderr.text()).toContain("another process writes to");
  lock.release();
  new LogFileLock(path).release();
}, 20_000);

test("a lock file that is none is named", () => {
  using folder = new TestFolder();
  writeFileSync(folder.file("a.log.lock"), "this is no database ".repeat(100));
  expect(() => new LogFileLock(folder.file("a.log"))).toThrow("a.log.lock");
  expect(() => new LogFileLock(folder.file("missing/a.log"))).toThrow(LogFileError);
});
