/** What a shop's events carry: the event types, how often each comes, and a `metadata` object of its own shape for each. */
import type { Random } from "./random.ts";

type Json = string | number | boolean | null | readonly Json[] | { readonly [member: string]: Json };
export type Metadata = { readonly [member: string]: Json };

const REFERRERS = [null, "https://www.example.com/", "https://search.example.org/?q=shoes", "newsletter", "app://home"];
const ELEMENTS = ["#buy", "#menu", ".card > a", "button.add", "nav a[href='/sale']", "footer a"];
const QUERIES = [
  "running shoes",
  "café crème",
  "größe 42",
  "東京 ラーメン",
  "красная куртка",
  "سماعات",
  "🎧 wireless",
  'mañana "kids"',
];
const NAMES = ["Ada Lovelace", "Zoë Müller", "佐藤 花子", "Анна Иванова", "José Ñáñez", "محمد علي", "Siobhán O’Brien"];
const CITIES = ["Berlin", "São Paulo", "Kraków", "大阪", "Reykjavík", "İzmir", "New York"];
const CURRENCIES = ["EUR", "USD", "JPY", "BRL"];
const FAILURES = [
  "TypeError: undefined is not a function",
  "Timeout after 5000 ms",
  "Quota exceeded",
  "NetworkError: offline",
];
const FRAMES = ["render", "commit", "flushQueue", "onClick", "dispatch", "fetchCart", "reduce"];

function page(random: Random): string {
  return random.oneIn(6) ? "/" : `/products/${random.between(1, 2_000)}`;
}

function product(random: Random): { product_id: string; quantity: number; price_cents: number } {
  return {
    product_id: `p-${random.between(1, 2_000)}`,
    quantity: random.oneIn(5) ? random.between(2, 9) : 1,
    price_cents: random.between(99, 49_999),
  };
}

function pageView(random: Random): Metadata {
  // Some clients send nothing but the fact.
  if (random.oneIn(20)) return {};
  return {
    page: page(random),
    referrer: random.pick(REFERRERS),
    viewport: { width: random.between(320, 2_560), height: random.between(480, 1_440) },
    load_time_ms: random.between(40, 4_000),
  };
}

function click(random: Random): Metadata {
  return {
    page: page(random),
    element: random.pick(ELEMENTS),
    position: { x: random.between(0, 2_560), y: random.between(0, 8_000) },
  };
}

function search(random: Random): Metadata {
  const found = { query: random.pick(QUERIES), results: random.between(0, 500) };
  if (!random.oneIn(3)) return found;
  return {
    ...found,
    filters: {
      price: { min: 0, max: random.between(10, 500) },
      brands: [random.pick(NAMES)],
      in_stock: random.oneIn(2),
    },
  };
}

function addToCart(random: Random): Metadata {
  return { ...product(random), currency: random.pick(CURRENCIES) };
}

function purchase(random: Random): Metadata {
  const items = Array.from({ length: random.between(1, 8) }, () => product(random));
  const totalCents = items.reduce((sum, item) => sum + item.price_cents * item.quantity, 0);
  return {
    order_id: `o-${random.uint32().toString(36)}`,
    items,
    total: totalCents / 100,
    currency: random.pick(CURRENCIES),
    coupon: random.oneIn(4) ? "WELCOME10" : null,
    shipping: { name: random.pick(NAMES), city: random.pick(CITIES), express: random.oneIn(3) },
  };
}

function signup(random: Random): Metadata {
  return {
    name: random.pick(NAMES),
    method: random.pick(["email", "google", "apple"]),
    plan: random.pick(["free", "pro"]),
    consent: true,
  };
}

function failure(random: Random): Metadata {
  const frame = () =>
    `    at ${random.pick(FRAMES)} (https://cdn.example.com/app.js:${random.between(1, 9_999)}:${random.between(1, 120)})`;
  const message = random.pick(FAILURES);
  const stack = [message, ...Array.from({ length: random.between(3, 40) }, frame)].join("\n");
  return { message, stack, fatal: random.oneIn(10), page: page(random) };
}

/** The event types; `weight` is how many of a thousand events are of the type. */
export const eventKinds = [
  { type: "page_view", weight: 520, metadata: pageView },
  { type: "click", weight: 210, metadata: click },
  { type: "search", weight: 100, metadata: search },
  { type: "add_to_cart", weight: 70, metadata: addToCart },
  { type: "error", weight: 50, metadata: failure },
  { type: "purchase", weight: 30, metadata: purchase },
  { type: "signup", weight: 20, metadata: signup },
] as const satisfies readonly { type: string; weight: number; metadata: (random: Random) => Metadata }[];
