/** A prom-client registry whose metrics are read from where they are counted, at the time of asking. */
import { Counter, Gauge, type MetricObject, Registry as PromRegistry } from "prom-client";

/** A value a combination of labels; without labels: one value. */
export type Reading = number | Iterable<readonly [labels: Readonly<Record<string, string | number>>, value: number]>;

interface Description {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
  readonly read: () => Reading | Promise<Reading>;
}

export interface HistogramReading {
  /** Upper bounds, ascending, in the metric's unit. */
  readonly bounds: readonly number[];
  /** By bucket, not cumulative, and one more for what is above every bound. */
  readonly counts: ArrayLike<number>;
  readonly sum: number;
}

export class Registry {
  readonly #registry = new PromRegistry();

  /** What only grows. By Prometheus's conventions `name` ends in `_total`. */
  counter(description: Description): void {
    this.#add(Counter, description);
  }

  gauge(description: Description): void {
    this.#add(Gauge, description);
  }

  #add(Kind: typeof Counter | typeof Gauge, { name, help, labels = [], read }: Description): void {
    const metric = new Kind({
      name,
      help,
      labelNames: [...labels],
      registers: [this.#registry],
      async collect() {
        const reading = await read();
        this.reset();
        if (typeof reading === "number") this.inc(reading);
        else for (const [values, value] of reading) this.inc(values, value);
      },
    });
    void metric;
  }

  /** prom-client's own histogram takes one observation at a time, which would be on every event's way. */
  histogram(name: string, help: string, read: () => HistogramReading): void {
    const metric = { name, get: () => Promise.resolve(histogramObject(name, help, read())), reset: () => {} };
    this.#registry.registerMetric(metric as unknown as Counter);
  }

  /** As `mergedMetrics` takes them; `labels` are added to every value. */
  figures(labels: Readonly<Record<string, string>>): Promise<readonly object[]> {
    this.#registry.setDefaultLabels(labels);
    return this.#registry.getMetricsAsJSON();
  }

  /** An answer to GET /metrics. */
  async response(): Promise<Response> {
    return new Response(await this.#registry.metrics(), { headers: { "content-type": this.#registry.contentType } });
  }
}

function histogramObject(name: string, help: string, { bounds, counts, sum }: HistogramReading): MetricObject {
  let total = 0;
  const buckets = Array.from(counts, (count, index) => {
    total += count;
    return { metricName: `${name}_bucket`, labels: { le: bounds[index] ?? "+Inf" }, value: total };
  });
  const values = [
    ...buckets,
    { metricName: `${name}_sum`, labels: {}, value: sum },
    { metricName: `${name}_count`, labels: {}, value: total },
  ];
  // prom-client's types describe its own classes only; its text form is made from this.
  return { name, help, type: "histogram", values, aggregator: "sum" } as unknown as MetricObject;
}
