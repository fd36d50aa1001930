/** Waits for a promise, and no longer than so many milliseconds. */
export async function withinMs(promise: Promise<void>, timeoutMs: number): Promise<void> {
  const { promise: timedOut, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, timeoutMs);
  await Promise.race([promise, timedOut]);
  clearTimeout(timer);
}
