// The frame around the views: where we are, who asks, what is watched, and the page's repainting.
import { Api, Watch } from './api.js';
import * as routes from './routes.js';
import { h, render } from './tree.js';
import { heading, note, trouble } from './parts.js';

const kTokenPlace = 'proconsul:token';  // of localStorage: {SecretID, AccessorID, Name}

const kDatacentersLast = 60_000;

const kMenu = [
  ['servers', 'Overview'],
  ['services', 'Services'],
  ['nodes', 'Nodes'],
  ['keys', 'Key/Value'],
  ['intentions', 'Intentions'],
  ['tokens', 'Access controls'],
];

/** What is shown now. `ui` is the view's own: what is searched for, a form's problem. */
class Page {
  constructor(app, route, view) {
    this.app = app;
    this.route = route;
    this.view = view;
    this.params = route.params;
    this.dc = route.params.dc ?? app.config.LocalDatacenter;
    this.ui = {};
    this.gone = false;
  }

  redraw() {
    if (!this.gone) this.app.redraw();
  }

  /** {data, error} of one of the view's watches. */
  watched(name) {
    return this.app.watches.get(this.keys?.[name])?.state ?? {};
  }

  link(name, params = {}) {
    return this.app.link(name, { dc: this.dc, ...params });
  }

  /** A request in this page's datacenter. */
  async ask(method, path, { query, body } = {}) {
    return (await this.app.api.ask(method, path, { query: { dc: this.dc, ...query }, body })).data;
  }

  /** Another watch from now on, or another question: after something the view's watches depend on has changed. */
  rewatch() {
    if (!this.gone) this.app.watchFor(this);
  }
}

export class App {
  /** `views`: by the names of routes. `root`: the element that holds everything. */
  constructor({ config, views, root, window = globalThis.window }) {
    Object.assign(this, { config, views, root, window });
    this.api = new Api({ token: () => this.secret(), fetch: (...args) => window.fetch(...args) });
    this.watches = new Map();  // by path and query: {watch, state}
    this.datacenters = [config.LocalDatacenter];
    this.page = null;
    this.drawing = false;
  }

  start() {
    this.window.addEventListener('popstate', () => this.show());
    this.window.document.addEventListener('click', (event) => this.clicked(event));
    this.window.addEventListener('storage', (event) => {
      if (event.key === kTokenPlace) this.renew();  // another tab logged in or out
    });
    const { document } = this.window;
    document.addEventListener('visibilitychange', () => (document.hidden ? this.rest() : this.wake()));
    this.show();
  }

  /** The menu's datacenters, which change seldom: asked with a new page, once a minute at most. */
  askDatacenters() {
    if (Date.now() - (this.askedDatacenters ?? 0) < kDatacentersLast) return;
    this.askedDatacenters = Date.now();
    this.api.ask('GET', '/v1/catalog/datacenters').then(({ data }) => {
      this.datacenters = data;
      this.redraw();
    }, () => { this.askedDatacenters = 0; });
  }

  // The token.
  login() {
    try {
      return JSON.parse(this.window.localStorage.getItem(kTokenPlace));
    } catch {
      return null;
    }
  }

  secret() {
    return this.login()?.SecretID ?? '';
  }

  setLogin(token) {
    if (token) {
      const { SecretID, AccessorID, Description } = token;
      this.window.localStorage.setItem(kTokenPlace, JSON.stringify({ SecretID, AccessorID, Name: Description ?? '' }));
    } else {
      this.window.localStorage.removeItem(kTokenPlace);
    }
    this.renew();
  }

  /** Asks all anew: as somebody else. */
  renew() {
    for (const { watch } of this.watches.values()) watch.stop();
    this.watches.clear();
    if (this.page) this.watchFor(this.page);
    this.redraw();
  }

  // Places.
  link(name, params) {
    return routes.build(name, params, this.config.ContentPath);
  }

  go(path, { replace = false } = {}) {
    this.window.history[replace ? 'replaceState' : 'pushState'](null, '', path);
    this.show();
  }

  clicked(event) {
    if (event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    const anchor = event.target.closest?.('a[href]');
    if (!anchor || anchor.target || anchor.hasAttribute('download')) return;
    const url = new URL(anchor.href, this.window.location.href);
    if (url.origin !== this.window.location.origin || !routes.parse(url.pathname, this.config.ContentPath)) return;
    if (url.hash && url.pathname === this.window.location.pathname) return;
    event.preventDefault();
    this.arrives = true;
    this.go(url.pathname);
  }

  show() {
    const route = routes.parse(this.window.location.pathname, this.config.ContentPath) ?? { name: 'unknown', params: {} };
    if (route.name === 'start') return this.go(this.link('services', { dc: this.config.LocalDatacenter }), { replace: true });
    const before = this.page;
    if (before) before.gone = true;
    this.page = new Page(this, route, this.views[route.name] ?? kUnknown);
    this.watchFor(this.page);
    this.askDatacenters();
    this.redraw();
  }

  /** Has exactly the page's watches running; those that the page before had, too, go on. */
  watchFor(page) {
    const wanted = page.view.watches?.(page) ?? {};
    page.keys = {};
    const stay = new Set();
    for (const [name, [path, query]] of Object.entries(wanted)) {
      const full = { dc: page.dc, ...query };
      const key = `${path} ${JSON.stringify(full)}`;
      page.keys[name] = key;
      stay.add(key);
      if (this.watches.has(key)) continue;
      const entry = { state: {}, path, query: full };
      this.watches.set(key, entry);
      this.follow(entry);
    }
    for (const [key, { watch }] of this.watches) {
      if (stay.has(key)) continue;
      watch.stop();
      this.watches.delete(key);
    }
  }

  follow(entry) {
    entry.watch = new Watch(this.api, entry.path, entry.query, {
      onData: (data) => {
        entry.state = { data };
        this.redraw();
      },
      onError: (error) => {
        // While nobody answers, what is known stays.
        entry.state = { data: error.status === 0 || error.status >= 500 ? entry.state.data : undefined, error };
        this.redraw();
      },
    }).start();
  }

  /** A browser has few connections for all tabs of an agent: one that nobody looks at keeps none. */
  rest() {
    for (const { watch } of this.watches.values()) watch.stop();
  }

  wake() {
    for (const entry of this.watches.values()) this.follow(entry);
  }

  // Painting: once for all that changed meanwhile.
  redraw() {
    if (this.drawing) return;
    this.drawing = true;
    queueMicrotask(() => {
      this.drawing = false;
      this.draw();
    });
  }

  draw() {
    const page = this.page;
    if (!page) return;
    let content;
    let title = 'Proconsul';
    try {
      title = page.view.title(page);
      content = page.view.draw(page);
    } catch (error) {
      content = trouble(error, this);
      console.error(error);
    }
    this.window.document.title = `${title} – ${page.dc}`;
    render(this.root, [this.frame(page), h('main', { id: 'main', key: page.route.name + JSON.stringify(page.params) }, content)],
      this.window.document);
    if (this.arrives) {
      this.arrives = false;
      this.window.scrollTo(0, 0);
      // A screen reader says where it is now, and the next Tab begins there.
      this.window.document.getElementById('title')?.focus({ preventScroll: true });
    }
  }

  frame(page) {
    const here = routes.place(page.route.name);
    const login = this.login();
    const switchTo = (dc) => {
      const top = kMenu.some(([name]) => name === here) ? here : 'services';
      this.go(this.link(top, { dc }));
    };
    return h('header', { key: 'header' },
      h('a', { class: 'skip', href: '#main' }, 'Skip to the content'),
      h('a', { class: 'brand', href: this.link('services', { dc: page.dc }) }, 'Proconsul'),
      h('select', { 'aria-label': 'Datacenter', value: page.dc, onChange: (event) => switchTo(event.target.value) },
        [...new Set([...this.datacenters, page.dc])].map((dc) =>
          h('option', { value: dc, key: dc }, dc === this.config.LocalDatacenter ? `${dc} (local)` : dc))),
      h('nav', { 'aria-label': 'Main' }, kMenu.map(([name, text]) =>
        h('a', { key: name, href: this.link(name, { dc: page.dc }), 'aria-current': here === name ? 'page' : null }, text))),
      h('a', { class: 'who', href: this.link('settings', {}), 'aria-current': here === 'settings' ? 'page' : null },
        login ? `Token: ${login.Name || login.AccessorID?.slice(0, 8) || 'set'}` : this.config.ACLsEnabled ? 'Log in' : 'Settings'));
  }
}

const kUnknown = {
  title: () => 'Not found',
  draw: (page) => [heading('Nothing is here'), note('The address leads nowhere. ', h('a', { href: page.link('services') }, 'To the services'))],
};
