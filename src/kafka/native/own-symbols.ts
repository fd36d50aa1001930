/** The functions of our own C, as symbols.ts has those of librdkafka. Parameter names stand in the comments. */

/** Our own C, in produce.c. */
export const produceSymbols = {
  sluice_produce: {
    args: [
      "ptr" /* rk */,
      "ptr" /* rd */,
      "ptr" /* topics */,
      "ptr" /* turns */,
      "u32" /* batch */,
      "ptr" /* names */,
      "ptr" /* words */,
      "ptr" /* bytes */,
      "u32" /* count */,
      "ptr" /* vus */,
      "ptr" /* codes */,
    ],
    returns: "u32",
  },
  sluice_partitioner: { args: [], returns: "ptr" },
} as const;

/** Our own C, in consume.c. */
export const consumeSymbols = {
  sluice_first_error: { args: ["ptr" /* messages */, "u32" /* count */], returns: "u32" },
  sluice_release: { args: ["ptr" /* rd */, "ptr" /* messages */, "u32" /* count */], returns: "void" },
  sluice_print: {
    args: [
      "ptr" /* rd */,
      "ptr" /* messages */,
      "u32" /* first */,
      "u32" /* end */,
      "ptr" /* header */,
      "ptr" /* texts */,
      "ptr" /* out */,
      "u32" /* room */,
      "ptr" /* printed */,
    ],
    returns: "u32",
  },
} as const;
