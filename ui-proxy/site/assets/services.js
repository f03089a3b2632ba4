// Services and their instances.
import { intentionTable } from './intentions.js';
import * as format from './format.js';
import { checkTable, choice, heading, healthBadges, metaTable, note, pairs, searchField, shown, tabBar, table, tags } from './parts.js';
import { topology } from './topology.js';
import { h } from './tree.js';

const kGateways = ['ingress-gateway', 'terminating-gateway', 'mesh-gateway', 'api-gateway'];

const kKinds = [
  ['', 'All kinds'],
  ['service', 'Services'],
  ['mesh', 'In the mesh'],
  ['gateway', 'Gateways'],
];

function isOfKind(service, kind) {
  if (kind === 'service') return !service.Kind;
  if (kind === 'mesh') return service.ConnectedWithProxy || service.ConnectNative || service.ConnectedWithGateway;
  return kind !== 'gateway' || kGateways.includes(service.Kind);
}

const what = (service) => [
  service.Kind || 'service',
  service.ConnectedWithProxy && ', with a proxy',
  service.ConnectNative && ', speaks the mesh itself',
  service.ConnectedWithGateway && ', behind a gateway',
  service.PeerName && `, of the peer ${service.PeerName}`,
];

function serviceList(page, services) {
  const status = page.ui.status ?? '';
  let rows = services.filter((one) => one.Kind !== 'connect-proxy' && isOfKind(one, page.ui.kind ?? ''));
  if (status) rows = rows.filter((one) => format.worstOfCounts(format.countsOfSummary(one)) === status);
  rows = format.search(rows, page.ui.search ?? '', (one) => [one.Name, one.Tags, one.Nodes, one.ExternalSources]);
  const order = page.ui.order === 'name' ? format.byName : format.byHealth((one) => format.worstOfCounts(format.countsOfSummary(one)));
  return table(page, [
    ['Service', (one) => h('a', { href: page.link('service', { name: one.Name }) }, one.Name)],
    ['State', (one) => healthBadges(format.countsOfSummary(one))],
    ['Instances', (one) => one.InstanceCount],
    ['Kind', what],
    ['Tags', (one) => tags(one.Tags)],
  ], rows.sort(order), { key: (one) => `${one.PeerName ?? ''} ${one.Name}`, empty: services.length ? 'No such service.' : 'There are no services.' });
}

const instanceStatus = (one) => format.worst(one.Checks.map((check) => check.Status));

function instanceList(page, instances) {
  const rows = format.search(instances, page.ui.search ?? '',
    ({ Service, Node }) => [Service.ID, Service.Tags, Node.Node, Service.Address, Node.Address]);
  return [
    searchField(page, 'Search instances'),
    table(page, [
      ['Instance', ({ Service, Node }) =>
        h('a', { href: page.link('instance', { name: page.params.name, node: Node.Node, id: Service.ID }) }, Service.ID)],
      ['State', (one) => healthBadges(format.counted(one.Checks))],
      ['Node', ({ Node }) => h('a', { href: page.link('node', { name: Node.Node }) }, Node.Node)],
      ['Address', ({ Service, Node }) => h('code', {}, `${Service.Address || Node.Address}:${Service.Port}`)],
      ['Tags', ({ Service }) => tags(Service.Tags)],
    ], rows.map((one) => ({ ...one, Name: one.Service.ID })).sort(format.byHealth(instanceStatus)),
    { key: ({ Service, Node }) => `${Node.Node} ${Service.ID}`, empty: 'There are no instances.' }),
  ];
}

function tagList(page, instances) {
  const counts = new Map();
  for (const { Service } of instances) for (const tag of Service.Tags ?? []) counts.set(tag, (counts.get(tag) ?? 0) + 1);
  return table(page, [['Tag', ([tag]) => tag], ['Instances', ([, count]) => count]],
    [...counts].sort(), { key: ([tag]) => tag, empty: 'There are no tags.' });
}

const kNodeKinds = { router: 'Router', splitter: 'Splitter', resolver: 'Resolver' };

/** Where requests to a service go: the discovery chain from its start, each step with those that it leads to. */
function chain(page, { Chain }) {
  const seen = new Set();
  const step = (name) => {
    const node = Chain.Nodes[name];
    if (!node || seen.has(name)) return h('li', {}, name);
    seen.add(name);
    const leads = [
      ...(node.Routes ?? []).map((route) => [route.NextNode, JSON.stringify(route.Definition?.Match ?? { HTTP: { PathPrefix: '/' } })]),
      ...(node.Splits ?? []).map((split) => [split.NextNode, `${split.Weight} %`]),
    ];
    const resolver = node.Resolver;
    const item = h('li', {},
      h('strong', {}, kNodeKinds[node.Type] ?? node.Type), ' ', node.Name.replace(/\.default\.default.*$/, ''),
      resolver?.Default && h('small', {}, ' by default'),
      resolver && h('ul', {},
        h('li', {}, 'target ', h('code', {}, resolver.Target), `, connects within ${resolver.ConnectTimeout}`),
        (resolver.Failover?.Targets ?? []).map((target) => h('li', {}, 'else ', h('code', {}, target)))),
      leads.length > 0 && h('ul', {}, leads.map(([next, label]) => h('li', {}, h('code', {}, label), h('ul', {}, step(next))))));
    seen.delete(name);
    return item;
  };
  return [
    pairs([['Protocol', Chain.Protocol], ['Start', h('code', {}, Chain.StartNode)], ['Default', Chain.Default ? 'yes, nothing is configured' : 'no']]),
    h('ul', { class: 'chain' }, step(Chain.StartNode)),
    table(page, [
      ['Target', (target) => h('code', {}, target.ID)],
      ['Service', (target) => h('a', { href: page.link('service', { name: target.Service }) }, target.Service)],
      ['Subset', (target) => target.ServiceSubset || '–'],
      ['Datacenter', (target) => target.Datacenter],
    ], Object.values(Chain.Targets ?? {}), { key: (target) => target.ID }),
  ];
}

function dashboard(page) {
  const template = page.app.config.UIConfig.dashboard_url_templates?.service;
  const url = template && format.dashboardUrl(template, {
    Datacenter: page.dc, Service: { Name: page.params.name, Namespace: 'default', Partition: 'default' },
  });
  return url && h('a', { class: 'button', href: url, target: '_blank', rel: 'noopener noreferrer' }, 'Dashboard ↗');
}

function tabsOf(instances) {
  const kind = instances?.[0]?.Service.Kind ?? '';
  const tabs = [['instances', 'Instances'], ['intentions', 'Intentions'], ['routing', 'Routing'], ['tags', 'Tags'], ['topology', 'Topology']];
  if (!kGateways.includes(kind)) return tabs;
  if (kind === 'mesh-gateway') return [tabs[0], tabs[3]];
  const rest = [tabs[0], ['services', 'Services'], tabs[1], tabs[3]];
  return kind === 'ingress-gateway' ? [...rest, tabs[4]] : rest;
}

const linkedServices = (page, services) => table(page, [
  ['Service', (one) => h('a', { href: page.link('service', { name: one.Name }) }, one.Name)],
  ['State', (one) => healthBadges(format.countsOfSummary(one))],
  ['Instances', (one) => one.InstanceCount],
  ['Addresses', (one) => tags(one.GatewayConfig?.Addresses)],
], services ?? [], { key: (one) => one.Name, empty: 'The gateway serves nothing.' });

/** Of Consul's tabs of gateways, which ours calls by one name. */
const tabOf = (page) => (page.params.tab === 'upstreams' ? 'services' : page.params.tab ?? 'instances');

/** A topology is asked for by the service's kind, which its instances tell. */
const kindOf = (page) => page.watched('instances').data?.[0]?.Service.Kind ?? '';

const services = {
  title: () => 'Services',
  watches: () => ({ services: ['/v1/internal/ui/services', {}] }),
  draw: (page) => [
    heading('Services', {
      about: h('div', { class: 'filters' },
        searchField(page, 'Search by name, tag or node'),
        choice(page, 'status', 'State', [['', 'All states'], ['critical', 'Critical'], ['warning', 'Warning'], ['passing', 'Passing'], ['none', 'No checks']]),
        choice(page, 'kind', 'Kind', kKinds),
        choice(page, 'order', 'Order', [['health', 'Unhealthy first'], ['name', 'By name']])),
    }),
    shown(page, 'services', (all) => serviceList(page, all)),
  ],
};

const service = {
  title: (page) => page.params.name,
  watches(page) {
    const name = encodeURIComponent(page.params.name);
    const tab = tabOf(page);
    return {
      instances: [`/v1/health/service/${name}`, {}],
      ...(tab === 'intentions' && { intentions: ['/v1/connect/intentions', {}] }),
      ...(tab === 'routing' && { chain: [`/v1/discovery-chain/${name}`, {}] }),
      ...(tab === 'services' && { linked: [`/v1/internal/ui/gateway-services-nodes/${name}`, {}] }),
      ...(tab === 'topology' && { topology: [`/v1/internal/ui/service-topology/${name}`, { kind: kindOf(page) }] }),
    };
  },
  draw(page) {
    const { name } = page.params;
    const tab = tabOf(page);
    const instances = page.watched('instances').data;
    if (tab === 'topology' && page.ui.kind !== kindOf(page)) {
      page.ui.kind = kindOf(page);
      page.rewatch();
    }
    return [
      heading(name, { back: ['Services', page.link('services')], actions: dashboard(page) }),
      tabBar(tabsOf(instances), tab, (to) => page.link('service', { name, tab: to })),
      ['instances', 'tags'].includes(tab) && shown(page, 'instances', (all) =>
        tab === 'tags' ? tagList(page, all) : instanceList(page, all)),
      tab === 'intentions' && shown(page, 'intentions', (all) =>
        intentionTable(page, all.filter((one) => [name, '*'].includes(one.SourceName) || [name, '*'].includes(one.DestinationName)))),
      tab === 'routing' && shown(page, 'chain', (found) => chain(page, found)),
      tab === 'services' && shown(page, 'linked', (linked) => linkedServices(page, linked)),
      tab === 'topology' && shown(page, 'topology', (found) => topology(page, found)),
    ];
  },
};

const kInstanceTabs = [
  ['health-checks', 'Checks'],
  ['addresses', 'Tagged addresses'],
  ['upstreams', 'Upstreams'],
  ['exposed-paths', 'Exposed paths'],
  ['metadata', 'Metadata'],
];

const upstreamList = (page, proxy) => table(page, [
  ['Destination', (one) => one.DestinationName],
  ['Type', (one) => one.DestinationType],
  ['Datacenter', (one) => one.Datacenter || '–'],
  ['Local address', (one) => (one.LocalBindSocketPath ? one.LocalBindSocketPath : one.LocalBindPort ? `${one.LocalBindAddress || '127.0.0.1'}:${one.LocalBindPort}` : '–')],
], proxy?.Upstreams ?? [], { key: (one) => `${one.DestinationType} ${one.DestinationName} ${one.LocalBindPort}`, empty: 'There are no upstreams.' });

const pathList = (page, proxy) => table(page, [
  ['Path', (one) => h('code', {}, one.Path)],
  ['Protocol', (one) => one.Protocol || 'http'],
  ['Listener', (one) => one.ListenerPort],
  ['Local port', (one) => one.LocalPathPort],
], proxy?.Expose?.Paths ?? [], { key: (one) => one.Path, empty: 'There are no exposed paths.' });

const instance = {
  title: (page) => page.params.id,
  watches: (page) => ({
    instances: [`/v1/health/service/${encodeURIComponent(page.params.name)}`, {}],
    proxies: [`/v1/health/connect/${encodeURIComponent(page.params.name)}`, {}],
  }),
  draw(page) {
    const { name, node, id, tab = 'health-checks' } = page.params;
    return [
      heading(id, { back: [name, page.link('service', { name, tab: 'instances' })] }),
      shown(page, 'instances', (all) => {
        const one = all.find(({ Service, Node }) => Service.ID === id && Node.Node === node);
        if (!one) return note('There is no such instance any more.');
        // The sidecar speaks of the instance that it stands for.
        const sidecar = (page.watched('proxies').data ?? []).find(({ Service, Node }) =>
          Node.Node === node && Service.Proxy?.DestinationServiceID === id);
        const proxy = one.Service.Kind ? one.Service.Proxy : sidecar?.Service.Proxy;
        const addresses = Object.entries(one.Service.TaggedAddresses ?? {});
        return [
          pairs([
            ['Service', h('a', { href: page.link('service', { name }) }, name)],
            ['Node', h('a', { href: page.link('node', { name: node }) }, node)],
            ['Address', h('code', {}, `${one.Service.Address || one.Node.Address}:${one.Service.Port}`)],
            ['State', healthBadges(format.counted(one.Checks))],
            ['Kind', one.Service.Kind],
            ['Proxy', sidecar && h('a', { href: page.link('instance', { name: sidecar.Service.Service, node, id: sidecar.Service.ID }) }, sidecar.Service.ID)],
            ['Tags', one.Service.Tags?.length ? tags(one.Service.Tags) : null],
          ]),
          tabBar(kInstanceTabs, tab, (to) => page.link('instance', { name, node, id, tab: to })),
          tab === 'health-checks' && checkTable(page, [...one.Checks, ...(sidecar?.Checks ?? []).filter((check) => check.ServiceID)]),
          tab === 'addresses' && table(page, [['Kind', ([kind]) => kind], ['Address', ([, at]) => h('code', {}, `${at.Address}:${at.Port}`)]],
            addresses, { key: ([kind]) => kind, empty: 'There are no tagged addresses.' }),
          tab === 'upstreams' && upstreamList(page, proxy),
          tab === 'exposed-paths' && pathList(page, proxy),
          tab === 'metadata' && metaTable(page, one.Service.Meta),
        ];
      }),
    ];
  },
};

export const views = { services, service, instance };
