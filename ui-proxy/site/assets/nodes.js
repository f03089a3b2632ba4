// Nodes: what runs on them, how they are, which sessions they hold, and how far they are from others.
import * as format from './format.js';
import { checkTable, confirmed, healthBadges, heading, metaTable, note, pairs, searchField, shown, tabBar, table, tags } from './parts.js';
import { h } from './tree.js';

const statusOf = (node) => format.worst((node.Checks ?? []).map((check) => check.Status));

const kTabs = [
  ['health-checks', 'Checks'],
  ['service-instances', 'Services'],
  ['rtt', 'Round-trip times'],
  ['lock-sessions', 'Sessions'],
  ['metadata', 'Metadata'],
];

function roundTrips(page, coordinates) {
  const mine = coordinates.find((one) => one.Node === page.params.name);
  if (!mine) return note('This node has no network coordinates.');
  const rows = coordinates
    .filter((one) => one.Node !== mine.Node && (one.Segment ?? '') === (mine.Segment ?? ''))
    .map((one) => ({ Name: one.Node, time: format.roundTrip(mine.Coord, one.Coord) }))
    .filter((row) => row.time !== null)
    .sort((a, b) => a.time - b.time);
  if (!rows.length) return note('There is no other node.');
  const times = rows.map((row) => row.time);
  const longest = times[times.length - 1];
  return [
    pairs([['Minimum', format.milliseconds(times[0])], ['Median', format.milliseconds(format.quantile(times, 0.5))],
      ['Maximum', format.milliseconds(longest)]]),
    table(page, [
      ['To', (row) => h('a', { href: page.link('node', { name: row.Name, tab: 'rtt' }) }, row.Name)],
      ['Time', (row) => format.milliseconds(row.time)],
      ['', (row) => h('meter', { min: 0, max: longest, value: row.time, 'aria-hidden': 'true' })],
    ], rows, { key: (row) => row.Name }),
  ];
}

async function invalidate(page, session) {
  if (!(await confirmed(`Invalidate the session ${session.Name || session.ID}? Locks that it holds are released.`, 'Invalidate'))) return;
  try {
    await page.ask('PUT', `/v1/session/destroy/${session.ID}`);
    page.ui.problem = null;
  } catch (error) {
    page.ui.problem = error;
  }
  page.redraw();
}

const sessionList = (page, sessions) => [
  page.ui.problem && h('p', { class: 'trouble', role: 'alert' }, page.ui.problem.message),
  table(page, [
    ['Session', (session) => [session.Name || '(no name)', ' ', h('small', {}, h('code', {}, session.ID))]],
    ['Behavior', (session) => session.Behavior],
    ['TTL', (session) => session.TTL || '–'],
    ['Lock delay', (session) => format.goDuration(session.LockDelay)],
    ['Checks', (session) => tags([...(session.NodeChecks ?? []), ...(session.ServiceChecks ?? []).map((check) => check.ID)])],
    ['', (session) => h('button', { type: 'button', class: 'danger', onClick: () => invalidate(page, session) }, 'Invalidate')],
  ], sessions, { key: (session) => session.ID, empty: 'There are no sessions.' }),
];

const instanceList = (page, node) => table(page, [
  ['Service', (one) => h('a', { href: page.link('instance', { name: one.Service, node: node.Node, id: one.ID }) }, one.ID)],
  ['State', (one) => healthBadges(format.counted(node.Checks.filter((check) => check.ServiceID === one.ID)))],
  ['Port', (one) => one.Port || '–'],
  ['Kind', (one) => one.Kind || 'service'],
  ['Tags', (one) => tags(one.Tags)],
], [...(node.Services ?? [])].sort((a, b) => (a.ID < b.ID ? -1 : 1)), { key: (one) => one.ID, empty: 'No service runs here.' });

export const views = {
  nodes: {
    title: () => 'Nodes',
    watches: () => ({ nodes: ['/v1/internal/ui/nodes', {}], leader: ['/v1/status/leader', {}] }),
    draw: (page) => [
      heading('Nodes', { about: searchField(page, 'Search nodes') }),
      shown(page, 'nodes', (nodes) => {
        // Where the leader is reached for raft; its node is the one of that address that runs `consul`.
        const leader = (page.watched('leader').data ?? '').replace(/:\d+$/, '');
        const leads = (node) => node.Address === leader && (node.Services ?? []).some((one) => one.Service === 'consul');
        const rows = format.search(nodes.map((node) => ({ ...node, Name: node.Node })), page.ui.search ?? '',
          (node) => [node.Node, node.Address, node.ID, Object.entries(node.Meta ?? {}).map((pair) => pair.join('='))]);
        return table(page, [
          ['Node', (node) => [h('a', { href: page.link('node', { name: node.Node }) }, node.Node), leads(node) && ' ★ leader']],
          ['State', (node) => healthBadges(format.counted(node.Checks))],
          ['Address', (node) => h('code', {}, node.Address)],
          ['Services', (node) => (node.Services ?? []).length],
          ['Version', (node) => node.Meta?.['consul-version'] ?? '–'],
        ], rows.sort(format.byHealth(statusOf)), { key: (node) => `${node.PeerName ?? ''} ${node.Node}`, empty: 'No such node.' });
      }),
    ],
  },
  node: {
    title: (page) => page.params.name,
    watches(page) {
      const { name, tab } = page.params;
      return {
        node: [`/v1/internal/ui/node/${encodeURIComponent(name)}`, {}],
        ...(tab === 'rtt' && { coordinates: ['/v1/coordinate/nodes', {}] }),
        ...(tab === 'lock-sessions' && { sessions: [`/v1/session/node/${encodeURIComponent(name)}`, {}] }),
      };
    },
    draw(page) {
      const { name, tab = 'health-checks' } = page.params;
      return [
        heading(name, { back: ['Nodes', page.link('nodes')] }),
        shown(page, 'node', (node) => [
          pairs([
            ['Address', h('code', {}, node.Address)], ['ID', node.ID && h('code', {}, node.ID)],
            ['State', healthBadges(format.counted(node.Checks))],
            ...Object.entries(node.TaggedAddresses ?? {}).map(([kind, address]) => [kind, h('code', {}, address)]),
          ]),
          tabBar(kTabs, tab, (to) => page.link('node', { name, tab: to })),
          tab === 'health-checks' && checkTable(page, node.Checks ?? []),
          tab === 'service-instances' && instanceList(page, node),
          tab === 'metadata' && metaTable(page, node.Meta),
        ]),
        tab === 'rtt' && shown(page, 'coordinates', (all) => roundTrips(page, all)),
        tab === 'lock-sessions' && shown(page, 'sessions', (sessions) => sessionList(page, sessions ?? [])),
      ];
    },
  },
};
