/** The OpenAPI document and its page. The page's script and style come from here, not from the internet. */
import { openapi } from "@elysiajs/openapi";
import { Elysia } from "elysia";

const ASSETS = { "swagger-ui.css": "text/css", "swagger-ui-bundle.js": "text/javascript" } as const;

/** Pages at /docs and /openapi.json. */
export function documentation(version: string) {
  const app = new Elysia({ name: "documentation" }).use(
    openapi({
      path: "/docs",
      specPath: "/openapi.json",
      provider: "swagger-ui",
      swagger: { cdn: "/docs/assets/swagger-ui-bundle.js", theme: "/docs/assets/swagger-ui.css", autoDarkMode: true },
      documentation: {
        info: {
          title: "Sluice",
          version,
          description: "Takes events over HTTP and puts them into Apache Kafka.",
          license: { name: "MIT" },
        },
        // Where serve was started with API keys; elsewhere none is asked for.
        security: [{}, { bearer: [] }, { api_key: [] }],
        components: {
          securitySchemes: {
            bearer: { type: "http", scheme: "bearer", description: "An API key." },
            api_key: { type: "apiKey", in: "header", name: "X-API-Key" },
          },
        },
      },
      exclude: { paths: [/^\/docs/, "/openapi.json"] },
    }),
  );
  for (const [file, type] of Object.entries(ASSETS)) {
    const path = Bun.resolveSync(`swagger-ui-dist/${file}`, import.meta.dir);
    app.get(
      `/docs/assets/${file}`,
      () => new Response(Bun.file(path), { headers: { "content-type": type, "cache-control": "max-age=86400" } }),
      {
        detail: { hide: true },
      },
    );
  }
  return app;
}
