// Figures of services beside their topology: from a metrics provider, which is ours for Prometheus, or a script of the
// user's own (ui_config.metrics_provider_files) that registers itself as it does with Consul's UI.

const kProxy = '/v1/internal/ui/metrics-proxy';
const kWindow = '15m';

const providers = new Map();

/** `make` is called once the provider is wanted: it gives an object with init() and the functions that Consul names. */
export function registerMetricsProvider(name, make) {
  providers.set(name, make);
}

const text = (value, unit) => (Number.isFinite(value) ? `${value >= 100 ? value.toFixed(0) : value.toPrecision(3)}${unit}` : null);

// A name goes into a query as a text of PromQL.
const quoted = (name) => JSON.stringify(name);

/** The queries, by what they are called: of requests that a service's proxies take. */
export function queriesOf(service, datacenter) {
  const where = `consul_source_service=${quoted(service)},consul_source_datacenter=${quoted(datacenter)},envoy_http_conn_manager_prefix="public_listener"`;
  const tcp = `consul_source_service=${quoted(service)},consul_source_datacenter=${quoted(datacenter)},envoy_tcp_prefix="public_listener"`;
  const latency = (part) => `histogram_quantile(${part}, sum by(le) (rate(envoy_cluster_upstream_rq_time_bucket{consul_source_service=${quoted(service)},consul_source_datacenter=${quoted(datacenter)},envoy_cluster_name="local_app"}[${kWindow}])))`;
  return [
    ['RPS', 'requests a second', '', `sum(rate(envoy_http_downstream_rq_total{${where}}[${kWindow}]))`],
    ['ER', 'share of answers that are server errors', ' %', `100 * sum(rate(envoy_http_downstream_rq_xx{${where},envoy_response_code_class="5"}[${kWindow}])) / sum(rate(envoy_http_downstream_rq_xx{${where}}[${kWindow}]))`],
    ['P50', 'half of the answers are faster', ' ms', latency(0.5)],
    ['P99', 'of 100 answers 99 are faster', ' ms', latency(0.99)],
    ['CR', 'connections a second', '', `sum(rate(envoy_tcp_downstream_cx_total{${tcp}}[${kWindow}]))`],
  ];
}

class Prometheus {
  init(options) {
    this.fetch = options.fetch;
  }

  async value(query) {
    const answer = await this.fetch('/api/v1/query', { params: { query } });
    const found = (await answer.json()).data?.result?.[0]?.value?.[1];
    return found === undefined ? NaN : Number(found);
  }

  async serviceRecentSummaryStats(datacenter, namespace, service) {
    const all = await Promise.all(queriesOf(service, datacenter).map(async ([label, desc, unit, query]) =>
      ({ label, desc, value: text(await this.value(query), unit) })));
    return { stats: all.filter(({ value }) => value !== null) };
  }
}

registerMetricsProvider('prometheus', () => new Prometheus());

let chosen;  // the provider of the configuration; null: none

function providerOf(app) {
  if (chosen !== undefined) return chosen;
  const { metrics_provider: name, metrics_provider_options: options, metrics_proxy_enabled: proxied } = app.config.UIConfig;
  const make = name && providers.get(name);
  // Ours asks through the agent alone.
  if (!make || (name === 'prometheus' && !proxied)) return (chosen = null);
  chosen = make();
  chosen.init({
    ...options,
    metrics_proxy_enabled: proxied,
    fetch: (path, { params, ...init } = {}) => {
      const token = app.secret();
      const query = params ? `?${new URLSearchParams(params)}` : '';
      return app.window.fetch(kProxy + path + query, { ...init, headers: { ...init.headers, ...(token && { 'X-Consul-Token': token }) } });
    },
  });
  return chosen;
}

/** [{label, desc, value}] of a service, or null where there is no provider. */
export async function summaryOf(app, datacenter, service, protocol) {
  const provider = providerOf(app);
  if (!provider?.serviceRecentSummaryStats) return null;
  return (await provider.serviceRecentSummaryStats(datacenter, 'default', service, protocol, {})).stats ?? [];
}

if (globalThis.window) {
  window.consul = { ...window.consul, registerMetricsProvider };
}
