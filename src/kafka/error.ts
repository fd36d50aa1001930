/** Kafka's errors, by librdkafka's codes and under the names that `@confluentinc/kafka-javascript` gives them. */
import { errorName, errorText } from "./native/index.ts";

/** `code` is librdkafka's number, `codeName` the Confluent package's name for it: `ERR__TRANSPORT`. */
export class KafkaError extends Error {
  override readonly name = "KafkaError";
  readonly code: number;
  readonly codeName: string;

  constructor(code: number, detail = "") {
    super(`${codeName(code)}: ${detail || errorText(code)}`);
    this.code = code;
    this.codeName = codeName(code);
  }
}

/** "ERR__TRANSPORT" for -195. */
export function codeName(code: number): string {
  return code === 0 ? "ERR_NO_ERROR" : `ERR_${errorName(code)}`;
}
