/** What the parent and its processes tell each other, and how a process learns which one it is. */

/** A process's place among the others. */
export interface Place {
  readonly index: number;
  readonly of: number;
  /** The port that they share; undefined for the very first, which opens it and says which one it got. */
  readonly port: number | undefined;
}

/** A process's metrics, as they are merged; what is in them is no concern of these two. */
export type Figures = readonly object[];

export interface AllFigures {
  /** Of each process that answered. */
  readonly figures: readonly Figures[];
  readonly running: number;
  /** Processes that died and were replaced. */
  readonly replaced: number;
}

export type ToParent =
  | { readonly type: "listening"; readonly url: string; readonly port: number }
  | { readonly type: "ask_all_figures"; readonly id: number }
  | { readonly type: "figures"; readonly id: number; readonly figures: Figures };

export type ToProcess =
  | { readonly type: "ask_figures"; readonly id: number }
  | ({ readonly type: "all_figures"; readonly id: number } & AllFigures);

const VARIABLE = "SLUICE_PROCESS";

export function withPlace(environment: NodeJS.ProcessEnv, place: Place): NodeJS.ProcessEnv {
  return { ...environment, [VARIABLE]: JSON.stringify(place) };
}

/** Undefined in a process that has no parent of ours: the variable alone, which anybody may set, makes none. */
export function placeOf(environment: NodeJS.ProcessEnv): Place | undefined {
  const text = environment[VARIABLE];
  return text === undefined || process.send === undefined ? undefined : (JSON.parse(text) as Place);
}
