"""What schemathesis does not know: how the lines of NDJSON are sent. They are text in the document, and go out as they are."""

import schemathesis


@schemathesis.serializer("application/x-ndjson", "application/jsonl")
def lines(ctx, value):
    if isinstance(value, bytes):
        return value
    return str(value).encode("utf-8", errors="surrogatepass")
