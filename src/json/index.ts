/** JSON as bytes: is it valid, one line out of it, values cut out of it, text into it. Nothing is ever re-serialised. */
export { isJson, isPlainText, jsonFaultAt, jsonToOneLine, MAX_JSON_DEPTH } from "./scan.ts";
export { arrayElements, objectMembers, type Slices } from "./slices.ts";
export { jsonStringBound, writeJsonString } from "./write.ts";
