/** Reads a request's body, and never more of it than the limit. */

/** `actual` is what is known of the size: what the client announced, or what came before reading stopped. */
export type Body =
  | { readonly bytes: Uint8Array }
  | { readonly tooLarge: { readonly actual: number } }
  | { readonly isAborted: true };

const ABORTED: Body = { isAborted: true };

export function readBody(request: Request, maxBytes: number): Promise<Body> {
  const announced = request.headers.get("content-length");
  if (announced !== null && Number(announced) > maxBytes) {
    return Promise.resolve({ tooLarge: { actual: Number(announced) } });
  }
  const reading: Promise<Body> =
    announced === null
      ? readChunks(request, maxBytes)
      : request.arrayBuffer().then((buffer) => ({ bytes: new Uint8Array(buffer) }));
  // The client went away in the middle: there is nobody to answer.
  return reading.then(undefined, () => ABORTED);
}

/** A body that does not say its size (chunked): read piece by piece. */
async function readChunks(request: Request, maxBytes: number): Promise<Body> {
  if (request.body === null) return { bytes: new Uint8Array(0) };
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body) {
    size += chunk.byteLength;
    // Leaving the loop cancels the stream: the rest is not taken in.
    if (size > maxBytes) return { tooLarge: { actual: size } };
    chunks.push(chunk);
  }
  return { bytes: new Uint8Array(Buffer.concat(chunks)) };
}
