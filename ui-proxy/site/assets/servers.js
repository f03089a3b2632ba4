// How the servers are: autopilot's opinion, and the raft group.
import * as format from './format.js';
import { badge, heading, pairs, shown, table, tags } from './parts.js';
import { h } from './tree.js';

function serverList(page, state) {
  const servers = Object.values(state.Servers ?? {}).sort((a, b) => (a.Name < b.Name ? -1 : 1));
  return table(page, [
    ['Server', (server) => h('a', { href: page.link('node', { name: server.Name }) }, server.Name)],
    ['Health', (server) => badge(server.Healthy ? 'passing' : 'critical', server.Healthy ? 'healthy' : 'unhealthy')],
    ['Role', (server) => server.Status],
    ['Gossip', (server) => server.NodeStatus],
    ['Address', (server) => h('code', {}, server.Address)],
    ['Version', (server) => server.Version],
    ['Last contact', (server) => (server.Status === 'leader' ? '–' : server.LastContact)],
    ['Last index', (server) => server.LastIndex],
    ['Stable since', (server) => format.when(server.StableSince)],
  ], servers, { key: (server) => server.ID, caption: 'Servers' });
}

const peerList = (page, raft) => table(page, [
  ['Peer', (peer) => peer.Node],
  ['ID', (peer) => h('code', {}, peer.ID)],
  ['Address', (peer) => h('code', {}, peer.Address)],
  ['Role', (peer) => [peer.Leader ? 'leader' : 'follower', peer.Voter ? ', votes' : ', does not vote']],
  ['Protocol', (peer) => peer.ProtocolVersion],
], raft.Servers ?? [], { key: (peer) => peer.ID, caption: 'Raft peers' });

export const views = {
  servers: {
    title: () => 'Overview',
    watches: () => ({
      state: ['/v1/operator/autopilot/state', {}],
      raft: ['/v1/operator/raft/configuration', {}],
      overview: ['/v1/internal/ui/catalog-overview', {}],
    }),
    draw: (page) => [
      heading('Server status'),
      shown(page, 'state', (state) => [
        pairs([
          ['Cluster', badge(state.Healthy ? 'passing' : 'critical', state.Healthy ? 'healthy' : 'unhealthy')],
          ['Leader', state.Servers?.[state.Leader]?.Name ?? state.Leader],
          ['Failure tolerance', `${format.plural(state.FailureTolerance, 'server')} may be lost`],
          ['Voters', tags((state.Voters ?? []).map((id) => state.Servers?.[id]?.Name ?? id))],
        ]),
        serverList(page, state),
      ]),
      shown(page, 'raft', (raft) => peerList(page, raft)),
      shown(page, 'overview', (overview) => pairs(['Nodes', 'Services', 'Checks'].map((kind) => {
        const sum = (overview[kind] ?? []).reduce((all, one) =>
          ({ passing: all.passing + one.Passing, warning: all.warning + one.Warning, critical: all.critical + one.Critical }),
        { passing: 0, warning: 0, critical: 0 });
        return [kind, `${sum.passing} passing, ${sum.warning} warning, ${sum.critical} critical`];
      }))),
    ],
  },
};
