/** What an event looks like: a JSON object. These members are checked where they are present, every other passes through. */
import { FormatRegistry, type Static, Type } from "@sinclair/typebox";
import { isRfc3339 } from "./rfc3339.ts";

FormatRegistry.Set("date-time", isRfc3339);

export const EventSchema = Type.Object(
  {
    id: Type.Optional(
      Type.String({ minLength: 1, description: "The event's own id; a UUIDv7 is given to events without one." }),
    ),
    event_type: Type.Optional(Type.String({ minLength: 1, description: "What happened." })),
    user_id: Type.Optional(Type.String({ minLength: 1, description: "To whom." })),
    timestamp: Type.Optional(Type.String({ format: "date-time", description: "When, as RFC 3339 has it." })),
    metadata: Type.Optional(Type.Object({}, { additionalProperties: true, description: "Anything else." })),
  },
  { additionalProperties: true, title: "Event" },
);

export type EventBody = Static<typeof EventSchema>;
