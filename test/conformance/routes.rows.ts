/** Paths and methods. */
import { JSON_TYPE, type Row, takes } from "./row.ts";

const POSTS = ["/register_event", "/register_events", "/topics/OTHER/events"];
const GETS = ["/get_status", "/limits", "/openapi.json", "/docs"];
const notAllowed = (method: string, path: string, allow: string): Row => ({
  name: `${method} ${path}`,
  method,
  path,
  ...(method !== "GET" && method !== "HEAD" && { body: "{}", headers: JSON_TYPE }),
  expect: { problem: { code: "method_not_allowed" }, headers: { allow } },
});
const notFound = (path: string, method = "POST"): Row => ({
  name: `${method} ${path}`,
  method,
  path,
  ...(method === "POST" && { body: "{}", headers: JSON_TYPE }),
  expect: { problem: { code: "not_found" } },
});

export const routeRows: readonly Row[] = [
  ...POSTS.flatMap((path) => ["GET", "PUT", "DELETE", "PATCH"].map((method) => notAllowed(method, path, "POST"))),
  ...GETS.map((path) => notAllowed("POST", path, "GET, HEAD")),
  notFound("/register_event/"),
  notFound("/register_eventx"),
  notFound("/REGISTER_EVENT"),
  notFound("/topics/OTHER/events/1"),
  notFound("/topics//events"),
  notFound("/../etc/passwd"),
  notFound("/%2e%2e/etc/passwd", "GET"),
  notFound("/docs/assets/../../package.json", "GET"),
  // Bun's own router reads two slashes as one.
  takes("two slashes", "{}", { path: "//register_event" }),
];
