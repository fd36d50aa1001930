/** Waiting, but not for ever: true when `wanted` comes before the time is over and before `unwanted`. */
export async function within(
  timeoutMs: number,
  wanted: Promise<unknown>,
  unwanted?: Promise<unknown>,
): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), timeoutMs);
  void wanted.then(() => resolve(true));
  void unwanted?.then(() => resolve(false));
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}
