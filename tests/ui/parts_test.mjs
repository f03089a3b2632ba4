// The parts of the web UI that need neither a browser nor an agent.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Document } from './dom.mjs';

const assets = process.env.UI_ASSETS;
const { Api, ApiError, Watch, address, backOff, keyPath, nextIndex } = await import(`${assets}/api.js`);
const format = await import(`${assets}/format.js`);
const { build, parse, place } = await import(`${assets}/routes.js`);
const { h, identities, render } = await import(`${assets}/tree.js`);
const { intentionFrom } = await import(`${assets}/intentions.js`);
const { grantsFrom } = await import(`${assets}/acls.js`);
const { leafOf, parentOf, valueFrom } = await import(`${assets}/keys.js`);
const { queriesOf, registerMetricsProvider } = await import(`${assets}/metrics.js`);
const { topology, verdict } = await import(`${assets}/topology.js`);

test('paths of Consul\'s UI lead where they led', () => {
  const rows = [
    ['/ui/', 'start', {}],
    ['/ui', 'start', {}],
    ['/ui/dc1/services', 'services', { dc: 'dc1' }],
    ['/ui/dc1/services/web/topology', 'service', { dc: 'dc1', name: 'web', tab: 'topology' }],
    ['/ui/dc1/services/web/instances', 'service', { dc: 'dc1', name: 'web', tab: 'instances' }],
    ['/ui/dc1/services/web/instances/n1/web-1', 'instance', { dc: 'dc1', name: 'web', node: 'n1', id: 'web-1' }],
    ['/ui/dc1/services/web/instances/n1/web-1/metadata', 'instance', { dc: 'dc1', name: 'web', node: 'n1', id: 'web-1', tab: 'metadata' }],
    ['/ui/dc1/nodes/n1/rtt', 'node', { dc: 'dc1', name: 'n1', tab: 'rtt' }],
    ['/ui/dc1/kv', 'keys', { dc: 'dc1' }],
    ['/ui/dc1/kv/create', 'new-key', { dc: 'dc1' }],
    ['/ui/dc1/kv/a/b/', 'keys', { dc: 'dc1', key: 'a/b' }],
    ['/ui/dc1/kv/a/b/create', 'new-key', { dc: 'dc1', key: 'a/b' }],
    ['/ui/dc1/kv/a%20b/c%2Fd/edit', 'key', { dc: 'dc1', key: 'a b/c/d' }],
    ['/ui/dc1/intentions/default:default:a:default:default:b', 'intention', { dc: 'dc1', id: 'default:default:a:default:default:b' }],
    ['/ui/dc1/acls/auth-methods/jwt/binding-rules', 'auth-method', { dc: 'dc1', id: 'jwt', tab: 'binding-rules' }],
    ['/ui/dc1/overview/server-status', 'servers', { dc: 'dc1' }],
    ['/ui/settings', 'settings', {}],
  ];
  for (const [path, name, params] of rows) assert.deepEqual(parse(path, '/ui/'), { name, params }, path);
  for (const path of ['/ui/dc1/none', '/v1/kv/a', '/ui/dc1/kv/%zz/edit']) assert.equal(parse(path, '/ui/'), null, path);
});

test('every path that is built is read back', () => {
  const keys = ['a', 'a/b', 'a//b', '/a', 'a/./b', 'a/../b', 'ä%/?#', 'a/edit'];
  for (const key of keys) {
    for (const name of ['keys', 'key', 'new-key']) {
      const path = build(name, { dc: 'd/c', key }, '/x/y/');
      // What neither the browser nor the server changes on its way.
      assert.ok(!path.includes('//') && !/\/\.{1,2}(\/|$)/.test(path), path);
      if (name === 'keys' && key === 'a/edit') continue;  // as in Consul's UI, it is taken for the key "a"
      assert.deepEqual(parse(path, '/x/y/'), { name, params: { dc: 'd/c', key } }, path);
    }
  }
  assert.equal(build('service', { dc: 'dc1', name: 'web' }, '/ui/'), '/ui/dc1/services/web');
  assert.equal(build('services', { dc: 'dc1' }, '/ui/'), '/ui/dc1/services');
  assert.equal(place('instance'), 'services');
  assert.equal(place('new-role'), 'tokens');
  assert.equal(place('new-key'), 'keys');
});

test('values of keys are text only if nothing of them is lost', () => {
  const round = (text) => format.textFromBytes(format.bytesFromBase64(format.base64FromBytes(format.bytesFromText(text))));
  for (const text of ['', 'a\nb\tc', 'ünïcode 🦀', '\ufeffmark']) assert.equal(round(text), text);
  for (const bytes of [[0xff], [0], [0xc3], [0x41, 0x0d, 0x0a]]) assert.equal(format.textFromBytes(Uint8Array.from(bytes)), null, bytes);
  assert.equal(format.base64FromBytes(new Uint8Array(100_000)).length, 133336);
  assert.deepEqual(valueFrom('AP8=\n', true), Uint8Array.from([0, 255]));
  assert.throws(() => valueFrom('?', true), /not base64/);
});

test('folders of keys', () => {
  assert.deepEqual(['a', 'a/', 'a/b', 'a/b/', 'a//'].map(parentOf), ['', '', 'a/', 'a/', 'a/']);
  assert.deepEqual(['a', 'a/b', 'a/b/', 'a//'].map(leafOf), ['a', 'b', 'b/', '/']);
  assert.equal(keyPath('a b/c?'), '/v1/kv/a%20b/c%3F');
});

test('health, search and order', () => {
  const rows = [{ Name: 'b', s: 'passing' }, { Name: 'a', s: 'passing' }, { Name: 'c', s: 'critical' }, { Name: 'd', s: 'none' }];
  assert.deepEqual(rows.sort(format.byHealth((row) => row.s)).map((row) => row.Name), ['d', 'c', 'a', 'b'].sort((x, y) => 'cabd'.indexOf(x) - 'cabd'.indexOf(y)));
  assert.equal(format.worst(['passing', 'critical', 'warning']), 'critical');
  assert.equal(format.worst([]), 'none');
  assert.deepEqual(format.counted([{ Status: 'passing' }, { Status: 'passing' }]), { passing: 2, warning: 0, critical: 0 });
  assert.deepEqual(format.search([['Web', ['v1']], ['db', null]], 'V1 we', (row) => row), [['Web', ['v1']]]);
});

test('round-trip times are serf\'s', () => {
  const at = (Vec, Height = 0, Adjustment = 0) => ({ Vec, Height, Adjustment });
  assert.equal(format.roundTrip(at([0, 0]), at([3, 4])), 5);
  assert.equal(format.roundTrip(at([0, 0], 1), at([3, 4], 2, -1)), 7);
  assert.equal(format.roundTrip(at([0, 0], 0, -9), at([3, 4])), 5);
  assert.equal(format.roundTrip(at([0]), at([3, 4])), null);
  assert.equal(format.milliseconds(0.0012345), '1.23 ms');
  assert.equal(format.quantile([1, 2, 9], 0.5), 2);
  assert.deepEqual([0, 15e9, 90e9, 3600e9].map(format.goDuration), ['0s', '15s', '1m30s', '1h0m0s']);
});

test('identities and policies as lines of text', () => {
  const values = { policies: 'a\n b ,c', roles: '', services: 'web\napi dc1 dc2\n', nodes: 'n1 dc9\nn2', templates: '' };
  const grants = grantsFrom(values, 'dc1');
  assert.deepEqual(grants.Policies, [{ Name: 'a' }, { Name: 'b' }, { Name: 'c' }]);
  assert.deepEqual(grants.ServiceIdentities, [{ ServiceName: 'web' }, { ServiceName: 'api', Datacenters: ['dc1', 'dc2'] }]);
  assert.deepEqual(grants.NodeIdentities, [{ NodeName: 'n1', Datacenter: 'dc9' }, { NodeName: 'n2', Datacenter: 'dc1' }]);
  assert.equal(format.serviceIdentitiesText(grants.ServiceIdentities), 'web\napi dc1 dc2');
  assert.equal(format.nodeIdentitiesText(grants.NodeIdentities), 'n1 dc9\nn2 dc1');
  assert.throws(() => grantsFrom({ ...values, templates: '{}' }, 'dc1'), /no list/);
  assert.throws(() => grantsFrom({ ...values, templates: '{' }, 'dc1'), /not JSON/);
});

test('intentions from a form', () => {
  const l7 = '[{"Action":"allow","HTTP":{"PathPrefix":"/"}}]';
  assert.deepEqual(intentionFrom({ action: 'deny', permissions: '', description: 'd' }), { SourceType: 'consul', Description: 'd', Action: 'deny' });
  assert.deepEqual(intentionFrom({ action: '', permissions: l7, description: '' }, { Meta: { a: 'b' } }),
    { SourceType: 'consul', Description: '', Meta: { a: 'b' }, Permissions: JSON.parse(l7) });
  assert.throws(() => intentionFrom({ action: '', permissions: '', description: '' }), /needs permissions/);
  assert.throws(() => intentionFrom({ action: 'allow', permissions: l7, description: '' }), /by request/);
  const ends = { SourceName: '*', DestinationName: 'db' };
  assert.deepEqual(format.intentionFromId(format.intentionId(ends)), ends);
  assert.deepEqual(format.intentionFromId('default:*:default:db'), ends);
  assert.equal(format.intentionFromId('x'), null);
  assert.deepEqual(verdict({ Allowed: true, HasPermissions: true }), ['warning', 'depends on the request']);
});

test('addresses of dashboards', () => {
  const variables = { Datacenter: 'dc1', Service: { Name: 'a&b' } };
  assert.equal(format.dashboardUrl('https://g/{{ Service.Name }}?dc={{Datacenter}}&n={{Service.None}}', variables), 'https://g/a%26b?dc=dc1&n=');
  assert.equal(format.dashboardUrl('javascript:alert(1)', variables), null);
});

test('a denial is told in words', () => {
  const text = format.denialText({ AccessorID: 'x', TokenSource: 'header', Permission: 'key:write', Name: 'a', Rule: 'key "a"', Grants: 'read', Policy: 'p' }).join(' ');
  assert.match(text, /logged in with \(accessor x\)\. It lacks key:write on "a"\. The rule key "a" of the policy p decided: it grants read\./);
  assert.match(format.denialText({ TokenSource: 'none', Permission: 'key:read', Default: 'deny' }).join(' '), /no token.*default policy decided: deny/s);
  assert.equal(format.denialText(null), null);
});

test('names go into PromQL as texts', () => {
  for (const [, , , query] of queriesOf('a"} or vector(1) or {x="', 'dc1')) assert.ok(query.includes('"a\\"} or vector(1) or {x=\\""'), query);
});

// The tree.
const page = () => {
  const document = new Document();
  const root = document.createElement('div');
  return { root, draw: (...children) => render(root, children, document) };
};

test('markup in data stays text, and addresses that run are dropped', () => {
  const { root, draw } = page();
  draw(h('a', { href: 'javascript:alert(1)' }, '<img src=x>'), h('a', { href: '/ui/' }), h('a', { href: 'https://x/' }));
  const [bad, own, other] = root.all(['a']);
  assert.equal(bad.textContent, '<img src=x>');
  assert.equal(bad.hasAttribute('href'), false);
  assert.equal(own.href, '/ui/');
  assert.equal(other.href, 'https://x/');
});

test('an update touches only what has changed', () => {
  const { root, draw } = page();
  const rows = (names) => h('ul', {}, names.map((name) => h('li', { key: name }, name)));
  draw(rows(['a', 'b', 'c']));
  const list = root.find('ul');
  const [a, b, c] = list.childNodes;
  const moves = list.moves;
  draw(rows(['a', 'c', 'd']));
  assert.deepEqual(list.childNodes.slice(0, 2), [a, c]);
  assert.equal(list.moves, moves + 1, 'only the new row was put in');
  assert.equal(b.parentNode, null);
  draw(rows(['d', 'c', 'a']));
  assert.equal(list.textContent, 'dca');
  assert.equal(list.childNodes[2], a);
  assert.deepEqual(identities([h('li', { key: 1 }), h('li', { key: 1 }), h('li'), { text: 'x' }]).length, 4);
  assert.equal(new Set(identities([h('li', { key: 1 }), h('li', { key: 1 }), h('li')])).size, 3);
});

test('what was typed outlives an update', async () => {
  const { root, draw } = page();
  let heard = '';
  const field = (value, extra) => h('input', { name: 'x', value, 'aria-label': extra, onInput: () => { heard += extra; } });
  draw(field('old', 'one'));
  const input = root.find('input');
  input.value = 'typed';
  draw(field('old', 'two'));
  assert.equal(input.value, 'typed');
  await input.dispatch({ type: 'input' });
  assert.equal(heard, 'two', 'the newest listener alone');
  draw(field('newer', 'two'));
  assert.equal(input.value, 'newer', 'the page itself wants another value');
});

test('a topology, and the figures of a provider of the user\'s own', async () => {
  const { root, draw } = page();
  const asked = [];
  registerMetricsProvider('mine', () => ({
    init(options) { asked.push(options.metrics_proxy_enabled, options.key); },
    async serviceRecentSummaryStats(...args) { asked.push(...args); return { stats: [{ label: 'RPS', desc: 'requests', value: '7' }] }; },
  }));
  const app = { config: { UIConfig: { metrics_provider: 'mine', metrics_provider_options: { key: 'k' }, metrics_proxy_enabled: false } } };
  const link = (name, params) => build(name, { dc: 'dc1', ...params }, '/ui/');
  const shownPage = { app, dc: 'dc1', params: { name: 'web' }, ui: {}, link, redraw: () => {} };
  const one = (Name, Source, Intention) => ({ Name, Datacenter: 'dc1', ChecksPassing: 2, Source, Intention });
  const found = {
    Protocol: 'http', TransparentProxy: false, FilteredByACLs: true, Downstreams: [],
    Upstreams: [one('db', 'proxy-registration', { Allowed: false, HasExact: true }), one('api', 'specific-intention', { Allowed: true, HasPermissions: true })],
  };
  draw(topology(shownPage, found));
  await new Promise((resolve) => setTimeout(resolve, 5));
  draw(topology(shownPage, found));
  for (const text of ['Nobody that is known', 'db', '✗ denied', 'depends on the request', 'by an intention', 'does not show all', 'RPS']) {
    assert.ok(root.textContent.includes(text), `${text}: ${root.textContent}`);
  }
  assert.deepEqual(asked, [false, 'k', 'dc1', 'default', 'web', 'http', {}]);
  const [edit, create] = root.all(['a']).filter((a) => a.textContent.includes('intention')).map((a) => a.href);
  assert.equal(edit, '/ui/dc1/intentions/default%3Adefault%3Aweb%3Adefault%3Adefault%3Adb');
  assert.match(create, /api$/);
});

// The API.
const answers = (...list) => {
  const asked = [];
  const fetch = async (path, options) => {
    asked.push({ path, ...options });
    const next = list.shift();
    if (next instanceof Error) throw next;
    if (!next) return new Promise((_, reject) => options.signal?.addEventListener('abort', () => reject(Object.assign(new Error('stop'), { name: 'AbortError' }))));
    return new Response(next.body ?? '[]', { status: next.status ?? 200, headers: { 'X-Consul-Index': String(next.index ?? 0), ...next.headers } });
  };
  return { asked, api: new Api({ token: () => 'secret', fetch }) };
};

test('requests carry the token, and errors what the answer says', async () => {
  const denial = { Permission: 'key:read', TokenSource: 'header' };
  const { api, asked } = answers({ body: '{"a":1}', index: 7 }, { status: 403, body: 'Permission denied', headers: { 'X-Proconsul-Denial': JSON.stringify(denial) } }, new Error('gone'));
  assert.deepEqual(await api.ask('GET', '/v1/x', { query: { dc: 'd&1', keys: '', none: undefined } }), { data: { a: 1 }, index: 7 });
  assert.equal(asked[0].path, '/v1/x?dc=d%261&keys');
  assert.equal(asked[0].headers['X-Consul-Token'], 'secret');
  await assert.rejects(api.ask('GET', '/v1/x'), (error) => error instanceof ApiError && error.status === 403 && error.denial.Permission === 'key:read');
  await assert.rejects(api.ask('GET', '/v1/x'), (error) => error.status === 0);
  assert.equal(address('/v1/y', {}), '/v1/y');
});

test('a watch follows the index, says only what is new, and backs off', async () => {
  const { api, asked } = answers({ index: 5, body: '1' }, { index: 5, body: '1' }, { status: 500, body: 'No cluster leader' }, new Error('gone'), { index: 3, body: '2' });
  const seen = [];
  const slept = [];
  const finished = new Promise((resolve) => {
    const watch = new Watch(api, '/v1/x', { dc: 'dc1' }, {
      onData(data) { seen.push(data); if (data === 2) setTimeout(() => { watch.stop(); resolve(watch.ended); }, 5); },
      onError(error) { seen.push(error.status); },
      sleep: async (time) => { slept.push(time); },
    }).start();
  });
  await finished;
  assert.deepEqual(seen, [1, 500, 0, 2]);
  assert.deepEqual(asked.map((one) => one.path.replace('/v1/x?dc=dc1', '')), ['', '&index=5&wait=60s', '&index=5&wait=60s', '', '', '&index=3&wait=60s']);
  assert.ok(slept[2] >= 750 && slept[2] <= 1000 && slept[3] >= 1500 && slept[3] <= 2000, String(slept));
  assert.equal(backOff(50, () => 1), 30_000);
  assert.deepEqual([nextIndex(5, 9), nextIndex(9, 5), nextIndex(0, 1)], [9, 0, 1]);
});

test('what is not there yet is waited for', async () => {
  const { api, asked } = answers({ status: 404, index: 8, body: '' }, { index: 9, body: '"there"' });
  const seen = [];
  await new Promise((resolve) => {
    const watch = new Watch(api, '/v1/kv/a', {}, {
      onData(data) { seen.push(data); setTimeout(() => { watch.stop(); resolve(watch.ended); }, 5); },
      onError(error) { seen.push(error.status); },
      sleep: async () => {},
    }).start();
  });
  assert.deepEqual(seen, [404, 'there']);
  assert.equal(asked[1].path, '/v1/kv/a?index=8&wait=60s');
});
