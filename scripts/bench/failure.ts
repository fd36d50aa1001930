/** Why a benchmark could not be run: one message, complete and meant for the user. */
export class BenchFailure extends Error {
  override readonly name = "BenchFailure";
}
