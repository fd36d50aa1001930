/** Whether an event is what its type's JSON Schema says. It knows nothing of requests or records. */
export { type SchemaFault, SchemaFolderError, SchemaSet, type SchemaSetOptions } from "./schema-set.ts";
