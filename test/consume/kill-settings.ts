/** What the killing test and its child tell each other. */
export const IDENTITY = { clusterId: "c1", topic: "events", topicId: "t1" };

export interface KillSettings {
  readonly logFile: string;
  readonly committedFile: string;
  /** The next offset to read, by partition. */
  readonly committed: number[];
  readonly isSynced: boolean;
  readonly compression: string | null;
}
