// Pieces that several views are made of.
import * as format from './format.js';
import { h } from './tree.js';

const kMostRows = 250;  // shown at once; there is a button for more

const kSigns = { passing: '✓', warning: '!', critical: '✗', none: '–' };

export const badge = (status, text = status) =>
  h('span', { class: `badge ${format.isStatus(status) ? status : 'none'}` }, `${kSigns[status] ?? kSigns.none} ${text}`);

export function healthBadges(counts) {
  const shown = ['critical', 'warning', 'passing'].filter((status) => counts[status] > 0);
  if (!shown.length) return badge('none', 'no checks');
  return shown.map((status) => h('span', { key: status, title: `${counts[status]} ${status}` }, badge(status, counts[status]), ' '));
}

export const tags = (list) => (list ?? []).map((tag, i) => h('span', { class: 'tag', key: `${tag} ${i}` }, tag));

/** The heading, what belongs to it, and buttons. */
export const heading = (title, { about, actions, back } = {}) => [
  back && h('p', { class: 'back' }, h('a', { href: back[1] }, `← ${back[0]}`)),
  h('div', { class: 'heading' }, h('h1', { tabindex: -1, id: 'title' }, title), about, h('div', { class: 'actions' }, actions)),
];

export const pairs = (rows) =>
  h('dl', {}, rows.filter(([, value]) => value !== undefined && value !== null && value !== '').map(([name, value]) =>
    h('div', { key: name }, h('dt', {}, name), h('dd', {}, value))));

export const note = (...text) => h('p', { class: 'note' }, ...text);

/** What went wrong, and if it was a refusal, why. */
export function trouble(error, app) {
  const why = error.status === 403 ? format.denialText(error.denial) : null;
  const title = error.status === 403 ? 'Permission denied' : error.status === 0 ? 'No answer' : 'That did not work';
  return h('section', { class: 'trouble', role: 'alert' },
    h('h2', {}, title),
    h('p', {}, error.message),
    why?.map((line, i) => h('p', { key: `why ${i}` }, line)),
    error.status === 403 || (error.status === 401 && !/ACL support disabled/.test(error.message))
      ? h('p', {}, h('a', { href: app.link('settings', {}) }, app.secret() ? 'Log in with another token' : 'Log in with a token'))
      : null,
    error.status === 0 && h('p', {}, 'It is asked again by itself.'));
}

/** `draw(data)` once the watched answer is there; before that, or beside old data, what is wrong. */
export function shown(page, name, draw) {
  const { data, error } = page.watched(name);
  return [
    error && !(error.status === 404 && data !== undefined) && h('div', { key: `trouble ${name}` }, trouble(error, page.app)),
    data !== undefined
      ? h('div', { key: `shown ${name}` }, draw(data))
      : !error && h('p', { class: 'loading', role: 'status', key: `loading ${name}` }, 'Loading…'),
  ];
}

/** A search field whose text is page.ui.search. */
export const searchField = (page, label) =>
  h('input', {
    type: 'search', class: 'search', placeholder: label, 'aria-label': label, value: page.ui.search ?? '', key: 'search',
    onInput: (event) => { page.ui.search = event.target.value; page.ui.more = 0; page.redraw(); },
  });

export const choice = (page, name, label, options) =>
  h('select', {
    'aria-label': label, value: page.ui[name] ?? options[0][0], key: name,
    onChange: (event) => { page.ui[name] = event.target.value; page.redraw(); },
  }, options.map(([value, text]) => h('option', { value, key: value }, text)));

/** columns: [heading, row => content]. The first column is the row's own heading. */
export function table(page, columns, rows, { key, empty = 'Nothing is here.', caption } = {}) {
  if (!rows.length) return note(empty);
  const most = kMostRows * ((page.ui.more ?? 0) + 1);
  return [
    h('table', { key: 'table' },
      caption && h('caption', {}, caption),
      h('thead', {}, h('tr', {}, columns.map(([name]) => h('th', { scope: 'col', key: name }, name)))),
      h('tbody', {}, rows.slice(0, most).map((row) =>
        h('tr', { key: key(row) }, columns.map(([name, draw], i) =>
          h(i ? 'td' : 'th', { key: name, scope: i ? null : 'row', 'data-label': i ? name : null }, draw(row))))))),
    rows.length > most && h('button', {
      key: 'more', type: 'button', onClick: () => { page.ui.more = (page.ui.more ?? 0) + 1; page.redraw(); },
    }, `Show more (${rows.length - most} are left)`),
  ];
}

/** tabs: [name, text]; `link(name)` leads there. */
export const tabBar = (tabs, current, link) =>
  h('nav', { class: 'tabs', 'aria-label': 'Parts of this page' }, tabs.map(([name, text]) =>
    h('a', { href: link(name), key: name, 'aria-current': name === current ? 'page' : null }, text)));

export const field = (label, control, hint) =>
  h('label', { class: 'field', key: label }, h('span', {}, label), control, hint && h('small', {}, hint));

export const checkTable = (page, checks) =>
  table(page, [
    ['Check', (check) => [check.Name || check.CheckID, check.ServiceName ? '' : h('small', {}, ' of the node')]],
    ['State', (check) => badge(check.Status)],
    ['Type', (check) => check.Type || '–'],
    ['Output', (check) => h('pre', { class: 'output' }, check.Output || check.Notes || '')],
  ], [...checks].sort((a, b) => format.byHealth((check) => check.Status)(a, b)),
  { key: (check) => `${check.Node} ${check.CheckID}`, empty: 'There are no checks.' });

export const metaTable = (page, meta) =>
  table(page, [['Name', ([name]) => name], ['Value', ([, value]) => h('code', {}, value)]],
    Object.entries(meta ?? {}).sort(), { key: ([name]) => name, empty: 'There is no metadata.' });

/** Asks before something is lost; true if it is to be done. */
export function confirmed(question, action) {
  return new Promise((resolve) => {
    const dialog = document.createElement('dialog');
    const text = document.createElement('p');
    text.textContent = question;
    const buttons = document.createElement('form');
    buttons.method = 'dialog';
    buttons.className = 'actions';
    for (const [value, label] of [['', 'Cancel'], ['yes', action]]) {
      const button = document.createElement('button');
      button.value = value;
      button.textContent = label;
      if (value) button.className = 'danger';
      // A form that the page's policy does not let go: the dialog is closed by hand.
      button.type = 'button';
      button.addEventListener('click', () => dialog.close(value));
      buttons.append(button);
    }
    dialog.append(text, buttons);
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(dialog.returnValue === 'yes');
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/**
 * What is edited stays what it was when editing began, whatever others do meanwhile; `draw(before)` the form for it. If
 * it has changed, that is said, and the newer one can be had.
 */
export function edited(page, data, draw) {
  page.ui.before ??= data;
  const changed = JSON.stringify(page.ui.before) !== JSON.stringify(data);
  const load = () => {
    page.ui.before = data;
    page.ui.typed = undefined;
    page.ui.version = (page.ui.version ?? 0) + 1;
    page.ui.problem = null;
    page.redraw();
  };
  return [
    changed && h('p', { class: 'note changed', role: 'status', key: 'changed' }, 'This has changed meanwhile. ',
      h('button', { type: 'button', onClick: load }, 'Show the newer one')),
    h('div', { key: `edited ${page.ui.version ?? 0}` }, draw(page.ui.before)),
  ];
}

/**
 * A form that does not lose what was typed: `save(fields)` gets the values by name and may throw what is then shown.
 * `remove` is the question and what to do, for the button that deletes.
 */
export function form(page, fields, { save, saveText = 'Save', remove, removeText = 'Delete', more, cancel }) {
  const attempt = async (work) => {
    page.ui.problem = null;
    page.ui.busy = true;
    page.redraw();
    try {
      await work();
    } catch (error) {
      page.ui.problem = error;
    }
    page.ui.busy = false;
    page.redraw();
  };
  const submit = (event) => {
    event.preventDefault();
    const element = event.target;
    if (!element.reportValidity()) return;
    const values = {};
    for (const control of element.elements) {
      if (!control.name || (control.type === 'radio' && !control.checked)) continue;
      values[control.name] = control.type === 'checkbox' ? control.checked : control.value;
    }
    attempt(() => save(values));
  };
  return h('form', { onSubmit: submit, key: 'form', autocomplete: 'off' },
    page.ui.problem && h('div', { key: 'problem' }, trouble(page.ui.problem, page.app)),
    fields,
    h('div', { class: 'actions', key: 'actions' },
      save && h('button', { type: 'submit', class: 'primary', disabled: !!page.ui.busy, key: 'save' }, saveText),
      more?.map(([text, work]) => h('button', { type: 'button', disabled: !!page.ui.busy, key: text, onClick: () => attempt(work) }, text)),
      cancel && h('a', { class: 'button', href: cancel, key: 'cancel' }, 'Cancel'),
      remove && h('button', {
        type: 'button', class: 'danger', disabled: !!page.ui.busy, key: 'remove',
        onClick: async () => { if (await confirmed(remove[0], removeText)) attempt(remove[1]); },
      }, removeText)));
}
