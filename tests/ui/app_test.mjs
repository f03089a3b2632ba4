// The web UI in use: its own modules in a stand-in for a browser, against an agent that has ACLs (ui_test.py starts it).
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { Window } from './dom.mjs';

const { UI_ASSETS: assets, UI_AGENT: origin, UI_TOKEN: management } = process.env;

const window = new Window(origin);
const { document } = window;
Object.assign(globalThis, { window, document });

const root = document.createElement('div');
root.setAttribute('id', 'app');
document.body.append(root);

/** What the agent says, to compare with what the page shows. */
async function ask(method, path, body, token = management) {
  const answer = await fetch(origin + path, { method, body: typeof body === 'object' ? JSON.stringify(body) : body, headers: { 'X-Consul-Token': token } });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return text ? JSON.parse(text) : null;
}

async function eventually(what, holds) {
  const end = Date.now() + 60_000;
  for (;;) {
    const found = holds();
    if (found) return found;
    if (Date.now() > end) throw new Error(`not within 60 s: ${what}\n${window.location.pathname}\n${root.textContent}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const shows = (text) => eventually(`the page shows "${text}"`, () => root.textContent.includes(text));
const is = (path) => eventually(`we are at ${path}`, () => window.location.pathname === path);
const part = (tag, text) => eventually(`there is a ${tag} "${text}"`, () => root.find(tag, text));
const click = async (tag, text) => {
  const event = { type: 'click', button: 0 };
  const element = await part(tag, text);
  event.target = element;
  await element.dispatch(event);
  if (!event.defaultPrevented) await document.dispatch({ ...event });
};
const type = async (name, text) => {
  for (const tag of ['input', 'textarea', 'select']) {
    const field = root.find(tag, name);
    if (!field) continue;
    field.value = text;
    await field.dispatch({ type: 'input', target: field });
    await field.dispatch({ type: 'change', target: field });
    return;
  }
  throw new Error(`no field ${name}:\n${root.textContent}`);
};
const submit = async () => {
  const form = await part('form', '');
  await form.dispatch({ type: 'submit', target: form });
};
let app;
const open = async (path) => {
  app.go(path);
  await eventually('painted', () => root.find('main'));
};

before(async () => {
  const page = await (await fetch(`${origin}/ui/`)).text();
  const config = JSON.parse(/<script type="application\/json"[^>]*>([^]*?)<\/script>/.exec(page)[1]);
  const { App } = await import(`${assets}/app.js`);
  const modules = await Promise.all(['acls', 'intentions', 'keys', 'nodes', 'servers', 'services', 'settings'].map((name) => import(`${assets}/${name}.js`)));
  window.location.pathname = '/ui/';
  app = new App({ config, views: Object.assign({}, ...modules.map((module) => module.views)), root, window });
  await ask('PUT', '/v1/agent/service/register', {
    Name: 'web', ID: 'web-1', Port: 80, Tags: ['<b>bold</b>'], Meta: { team: 'x' }, Check: { TTL: '1h', Status: 'warning', CheckID: 'beat', Name: 'heartbeat' },
  });
  app.start();
});

after(() => {
  for (const { watch } of app.watches.values()) watch.stop();
});

test('without a token it says what is missing, and a token is tried before it is kept', async () => {
  await is('/ui/dc1/services');
  await open('/ui/dc1/kv/secret/edit');
  await shows('Permission denied');
  await shows('It lacks key:read on "secret"');
  await open('/ui/settings');
  await type('secret', 'wrong');
  await submit();
  await shows('ACL not found');
  assert.equal(app.secret(), '');
  await type('secret', management);
  await submit();
  await is('/ui/dc1/services');
  assert.equal(app.secret(), management);
});

test('services come and go by themselves', async () => {
  await open('/ui/dc1/services');
  await shows('web');
  await shows('<b>bold</b>');
  await ask('PUT', '/v1/agent/service/register', { Name: 'later', Port: 81 });
  await part('a', 'later');
  await type('Search by name, tag or node', 'lat');
  await eventually('only what was searched for', () => !root.find('a', 'web'));
  await ask('PUT', '/v1/agent/service/deregister/later');
  await shows('No such service.');
});

test('a service, its instance and its checks', async () => {
  await open('/ui/dc1/services');
  await click('a', 'web');
  await is('/ui/dc1/services/web');
  await eventually('the new page has the focus', () => document.activeElement?.textContent === 'web' && document.activeElement.localName === 'h1');
  await click('a', 'web-1');
  await is('/ui/dc1/services/web/instances/n1/web-1');
  await shows('heartbeat');
  await shows('! warning');
  await ask('PUT', '/v1/agent/check/pass/beat?note=all-is-well');
  await shows('all-is-well');
  await click('a', 'Metadata');
  await shows('team');
  await open('/ui/dc1/services/web/routing');
  await shows('Resolver');
  await open('/ui/dc1/services/web/tags');
  await part('th', '<b>bold</b>');
});

test('nodes', async () => {
  await open('/ui/dc1/nodes');
  await shows('★ leader');
  await click('a', 'n1');
  await shows('Serf Health Status');
  await click('a', 'Services');
  const session = (await ask('PUT', '/v1/session/create', { Name: 'of-the-test', TTL: '600s' })).ID;
  await open('/ui/dc1/nodes/n1/lock-sessions');
  await shows('of-the-test');
  await click('button', 'Invalidate');
  await shows('There are no sessions.');
  assert.deepEqual(await ask('GET', `/v1/session/info/${session}`), []);
  await open('/ui/dc1/nodes/n1/rtt');
  await eventually('round-trip times', () => /no other node|no network coordinates/.test(root.textContent));
});

test('keys and folders', async () => {
  await open('/ui/dc1/kv');
  await click('a', 'Create');
  await is('/ui/dc1/kv/create');
  await type('key', 'app/colour');
  await type('value', 'blue\nand ünïcode');
  await submit();
  await is('/ui/dc1/kv/app');
  await click('a', 'colour');
  await is('/ui/dc1/kv/app/colour/edit');
  await part('textarea', 'value');
  assert.equal(root.find('textarea', 'value').value, 'blue\nand ünïcode');

  // Somebody else is faster.
  await type('value', 'mine');
  await ask('PUT', '/v1/kv/app/colour', 'theirs');
  await shows('This has changed meanwhile');
  assert.equal(root.find('textarea', 'value').value, 'mine', 'what was typed is still there');
  await submit();
  await shows('Nothing was saved');
  await click('button', 'Show the newer one');
  await eventually('the newer value', () => root.find('textarea', 'value')?.value === 'theirs');
  await type('value', 'mine now');
  await submit();
  await is('/ui/dc1/kv/app');
  assert.equal(atob((await ask('GET', '/v1/kv/app/colour'))[0].Value), 'mine now');

  await ask('PUT', '/v1/kv/app/bytes', Uint8Array.from([0, 255]));
  await open('/ui/dc1/kv/app/colour/edit');
  const session = (await ask('PUT', '/v1/session/create', { Name: 'holder' })).ID;
  await ask('PUT', `/v1/kv/app/colour?acquire=${session}`, 'locked');
  await shows('Lock holder');
  await click('button', 'Invalidate the session');
  await eventually('the lock is released', () => !root.textContent.includes('Lock holder'));
  await click('button', 'Show the newer one');
  await click('button', 'Delete');
  await is('/ui/dc1/kv/app');
  await shows('bytes');
  await open('/ui/dc1/kv');
  await click('button', 'Delete');
  await shows('There are no keys here.');
});

test('intentions', async () => {
  await open('/ui/dc1/intentions/create');
  await type('source', 'web');
  await type('destination', 'db');
  await type('action', 'deny');
  await submit();
  await is('/ui/dc1/intentions');
  await click('a', 'web');
  await is('/ui/dc1/intentions/default%3Adefault%3Aweb%3Adefault%3Adefault%3Adb');
  await part('textarea', 'permissions');
  await type('action', '');
  await type('permissions', '[{"Action":"allow","HTTP":{"PathPrefix":"/"}}]');
  await submit();
  // The destination speaks no HTTP: the agent's own words.
  await shows('protocol');
  await type('action', 'allow');
  await type('permissions', '');
  await type('description', 'by the test');
  await submit();
  await is('/ui/dc1/intentions');
  await shows('by the test');
  await open('/ui/dc1/services/web/intentions');
  await click('a', 'web');
  await eventually('its form', () => root.find('button', 'Delete'));
  await click('button', 'Delete');
  await is('/ui/dc1/intentions');
  await shows('There are no intentions.');
  await open('/ui/dc1/intentions/default:default:web:default:default:db');
  await shows('There is no intention between these two.');
  assert.equal(root.find('input', 'destination').value, 'db');
});

test('policies, roles and tokens', async () => {
  await open('/ui/dc1/acls/policies/create');
  await type('name', 'readers');
  await type('rules', 'key_prefix "app/" { policy = "read" }');
  await submit();
  await is('/ui/dc1/acls/policies');
  await click('a', 'readers');
  await eventually('its form', () => root.find('button', 'Save'));
  await type('rules', 'key_prefix "app/" { policy = "rubbish" }');
  await submit();
  await shows('That did not work');
  await type('rules', 'key_prefix "app" { policy = "read" }');
  await submit();
  await is('/ui/dc1/acls/policies');

  await open('/ui/dc1/acls/roles/create');
  await type('name', 'reading');
  await type('policies', 'readers');
  await type('services', 'web');
  await submit();
  await is('/ui/dc1/acls/roles');

  await open('/ui/dc1/acls/tokens/create');
  await type('description', 'of a reader');
  await type('roles', 'reading');
  await type('ttl', '1h');
  await submit();
  await is('/ui/dc1/acls/tokens');
  await click('a', 'of a reader');
  await shows('Expires');
  await eventually('its form', () => root.find('button', 'Save'));
  await type('description', 'of the reader');
  await submit();
  await is('/ui/dc1/acls/tokens');
  const token = (await ask('GET', '/v1/acl/tokens')).find((one) => one.Description === 'of the reader');
  assert.deepEqual(token.Roles.map((role) => role.Name), ['reading']);

  // As somebody who may less.
  await click('a', 'of the reader');
  await click('button', 'Use this token');
  await eventually('logged in', () => app.secret() === token.SecretID);
  await open('/ui/dc1/kv/app/create');
  await type('key', 'x');
  await submit();
  await shows('It lacks key:write on "app/x"');
  await shows('The rule key_prefix "app"');
  app.setLogin({ SecretID: management });

  await open(`/ui/dc1/acls/tokens/${token.AccessorID}`);
  await click('button', 'Duplicate');
  await shows('Copy of: of the reader');
  for (const description of ['Copy of: of the reader', 'of the reader']) {
    await open('/ui/dc1/acls/tokens');
    await click('a', description);
    await eventually('its form', () => root.find('button', 'Delete'));
    await click('button', 'Delete');
    await is('/ui/dc1/acls/tokens');
  }
  for (const [list, name] of [['roles', 'reading'], ['policies', 'readers']]) {
    await open(`/ui/dc1/acls/${list}`);
    await click('a', name);
    await eventually('its form', () => root.find('button', 'Delete'));
    await click('button', 'Delete');
    await is(`/ui/dc1/acls/${list}`);
  }
  assert.equal((await ask('GET', '/v1/acl/policies')).some((one) => one.Name === 'readers'), false);
  await open('/ui/dc1/acls/auth-methods');
  await shows('There are no auth methods.');
  await open('/ui/dc1/acls/policies');
  await click('a', 'global-management');
  await shows('This policy is built in');
  assert.equal(root.find('button', 'Save'), undefined);
});

test('the servers', async () => {
  await open('/ui/dc1/overview/server-status');
  await shows('Raft peers');
  await shows('leader, votes');
  await shows('✓ healthy');
});

test('another datacenter, and addresses that lead nowhere', async () => {
  await open('/ui/dc9/services');
  await shows('No path to datacenter');
  assert.ok(window.asked.some((one) => one.includes('/v1/internal/ui/services?dc=dc9')));
  await open('/ui/dc1/services');
  window.location.pathname = '/ui/dc1/none';
  await window.dispatch({ type: 'popstate' });
  await shows('Nothing is here');
});

test('a tab that nobody looks at asks nothing', async () => {
  await open('/ui/dc1/services');
  await shows('web');
  document.hidden = true;
  await document.dispatch({ type: 'visibilitychange' });
  await ask('PUT', '/v1/agent/service/register', { Name: 'unseen' });
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.equal(root.find('a', 'unseen'), undefined);
  document.hidden = false;
  await document.dispatch({ type: 'visibilitychange' });
  await part('a', 'unseen');
});

test('watches end with their page', async () => {
  await open('/ui/dc1/services');
  await shows('web');
  assert.deepEqual([...app.watches.keys()], ['/v1/internal/ui/services {"dc":"dc1"}']);
});
