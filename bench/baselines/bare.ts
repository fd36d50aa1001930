/**
 * The least that a server on Bun can do with an event: parse the JSON body and answer. It checks nothing, keeps nothing, and stands
 * for what HTTP and JSON alone cost; `bun run bench --baseline bare` and `--guard` measure serve beside it.
 */
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  async fetch(request) {
    const event = (await request.json()) as { event_type?: string };
    return Response.json({ status: "parsed", event_type: event.event_type }, { status: 202 });
  },
});
process.on("SIGTERM", () => process.exit(0));
process.stderr.write(`listening on http://127.0.0.1:${server.port}\n`);
