// Keys and their values.
import { keyPath } from './api.js';
import * as format from './format.js';
import { confirmed, edited, field, form, heading, note, pairs, searchField, shown, table } from './parts.js';
import { h } from './tree.js';

const folderOf = (key) => (key && !key.endsWith('/') ? `${key}/` : key ?? '');

/** The folder that holds a key or a folder: "a/b/" of "a/b/c" and of "a/b/c/". */
export function parentOf(key) {
  return key.slice(0, key.replace(/\/$/, '').lastIndexOf('/') + 1);
}

export const leafOf = (key) => key.slice(parentOf(key).length);

const folderLink = (page, folder) => page.link('keys', folder ? { key: folder } : {});

/** The way from the root: one link for each folder. */
function way(page, folder) {
  const steps = [];
  for (let at = folder; at; at = parentOf(at)) steps.unshift(at);
  return h('nav', { class: 'way', 'aria-label': 'Folders' }, h('a', { href: folderLink(page, ''), key: '/' }, 'Key/Value'),
    steps.map((step) => [' / ', h('a', { key: step, href: folderLink(page, step) }, leafOf(step).replace(/\/$/, '') || '(empty)')]));
}

async function removeFolder(page, folder) {
  if (!(await confirmed(`Delete the folder ${folder} with all keys in it?`, 'Delete'))) return;
  try {
    await page.ask('DELETE', keyPath(folder), { query: { recurse: '' } });
    page.ui.problem = null;
  } catch (error) {
    page.ui.problem = error;
  }
  page.redraw();
}

function keyList(page, folder, keys) {
  // The folder may be a key, too; it is no entry of its own.
  const inside = keys.filter((key) => key !== folder);
  const rows = format.search(inside, page.ui.search ?? '', (key) => [leafOf(key)])
    .map((key) => ({ Name: key, folder: key.endsWith('/') }))
    .sort((a, b) => b.folder - a.folder || format.byName(a, b));
  return table(page, [
    ['Key', ({ Name, folder: isFolder }) => h('a', { href: isFolder ? folderLink(page, Name) : page.link('key', { key: Name }) },
      isFolder ? '📁 ' : '', leafOf(Name) || '(empty name)')],
    ['', ({ Name, folder: isFolder }) => isFolder && h('button', { type: 'button', class: 'danger', onClick: () => removeFolder(page, Name) }, 'Delete')],
  ], rows, { key: ({ Name }) => Name, empty: 'There are no keys here.' });
}

/** What a value becomes: bytes, from the field that is shown. */
export function valueFrom(text, binary) {
  if (!binary) return format.bytesFromText(text);
  try {
    return format.bytesFromBase64(text.replace(/\s/g, ''));
  } catch {
    throw new Error('The value is not base64.');
  }
}

/** The field for a value: text where it is some, else base64; page.ui.binary is what was chosen. */
function valueField(page, stored) {
  const bytes = page.ui.typed ?? stored;
  const text = format.textFromBytes(bytes);
  const binary = page.ui.binary ?? text === null;
  const shownValue = binary ? format.base64FromBytes(bytes).replace(/.{76}/g, '$&\n') : text;
  const change = (event) => {
    try {
      page.ui.typed = valueFrom(event.target.form.elements.value.value, binary);
      page.ui.binary = !binary;
      page.ui.problem = null;
    } catch (error) {
      page.ui.problem = error;
    }
    page.redraw();
  };
  return [
    field(binary ? 'Value, as base64' : 'Value', h('textarea', {
      name: 'value', rows: 14, spellcheck: 'false', class: 'value', value: shownValue, key: `value ${binary}`,
      onKeydown: (event) => {
        if (event.key === 's' && (event.ctrlKey || event.metaKey)) {
          event.preventDefault();
          event.target.form.requestSubmit();
        }
      },
    }), `${format.size(stored.length)} now${text === null ? '; it is no text' : ''}`),
    text !== null && h('button', {
      type: 'button', key: 'binary', onClick: change,
    }, binary ? 'Edit as text' : 'Edit as base64'),
  ];
}

const kConflict = 'Somebody else has changed or deleted this key meanwhile. Nothing was saved.';

function keyForm(page, row) {
  const back = folderLink(page, parentOf(row.Key));
  const cas = row.ModifyIndex;
  const stored = format.bytesFromBase64(row.Value);
  return form(page, valueField(page, stored), {
    cancel: back,
    async save({ value }) {
      const body = valueFrom(value, page.ui.binary ?? format.textFromBytes(stored) === null);
      if (!(await page.ask('PUT', keyPath(row.Key), { query: { cas, flags: row.Flags }, body }))) throw new Error(kConflict);
      page.app.go(back);
    },
    remove: [`Delete the key ${row.Key}?`, async () => {
      if (!(await page.ask('DELETE', keyPath(row.Key), { query: { cas } }))) throw new Error(kConflict);
      page.app.go(back);
    }],
  });
}

function holder(page, session) {
  if (!session) return note('The session is not there any more.');
  return pairs([
    ['Lock holder', h('a', { href: page.link('node', { name: session.Node, tab: 'lock-sessions' }) }, session.Node)],
    ['Session', [session.Name, ' ', h('code', {}, session.ID)]],
    ['Behavior', session.Behavior],
    ['TTL', session.TTL],
    ['Lock delay', format.goDuration(session.LockDelay)],
    ['', h('button', { type: 'button', class: 'danger', onClick: async () => {
      if (!(await confirmed('Invalidate the session? Its locks are released.', 'Invalidate'))) return;
      await page.ask('PUT', `/v1/session/destroy/${session.ID}`).catch((error) => { page.ui.problem = error; });
      page.redraw();
    } }, 'Invalidate the session')],
  ]);
}

export const views = {
  keys: {
    title: (page) => folderOf(page.params.key) || 'Key/Value',
    watches: (page) => ({ keys: [keyPath(folderOf(page.params.key)), { keys: '', separator: '/' }] }),
    draw(page) {
      const folder = folderOf(page.params.key);
      const { error } = page.watched('keys');
      return [
        way(page, folder),
        heading(folder || 'Key/Value', {
          about: searchField(page, 'Search in this folder'),
          actions: h('a', { class: 'button primary', href: page.link('new-key', folder ? { key: folder } : {}) }, 'Create'),
        }),
        page.ui.problem && h('p', { class: 'trouble', role: 'alert' }, page.ui.problem.message),
        // No key at all is 404, as of a folder that is gone.
        error?.status === 404 ? keyList(page, folder, []) : shown(page, 'keys', (keys) => keyList(page, folder, keys ?? [])),
      ];
    },
  },
  'new-key': {
    title: () => 'New key',
    draw(page) {
      const folder = folderOf(page.params.key);
      const back = folderLink(page, folder);
      return [
        way(page, folder),
        heading('New key or folder', {}),
        form(page, [
          field('Key', h('input', { name: 'key', required: true, spellcheck: 'false' }), `Below ${folder || 'the root'}; with / at its end it is a folder.`),
          valueField(page, new Uint8Array()),
        ], {
          cancel: back,
          async save({ key, value }) {
            const name = folder + key;
            // A folder is a key without a value.
            const body = key.endsWith('/') ? new Uint8Array() : valueFrom(value, page.ui.binary ?? false);
            if (!(await page.ask('PUT', keyPath(name), { query: { cas: 0 }, body }))) throw new Error('There is such a key already.');
            page.app.go(folderLink(page, parentOf(name)));
          },
        }),
      ];
    },
  },
  key: {
    title: (page) => page.params.key,
    watches(page) {
      const session = page.watched('row').data?.[0]?.Session;
      return {
        row: [keyPath(page.params.key), {}],
        ...(session && { session: [`/v1/session/info/${session}`, {}] }),
      };
    },
    draw(page) {
      const { key } = page.params;
      const session = page.watched('row').data?.[0]?.Session;
      if (session !== page.ui.session) {
        page.ui.session = session;
        page.rewatch();
      }
      return [
        way(page, parentOf(key)),
        heading(leafOf(key), {}),
        shown(page, 'row', ([row]) => [
          pairs([['Key', h('code', {}, row.Key)], ['Flags', row.Flags], ['Changed at index', row.ModifyIndex], ['Locked so far', row.LockIndex]]),
          edited(page, { ...row, Session: undefined, LockIndex: undefined }, (before) => keyForm(page, before)),
          row.Session && shown(page, 'session', ([one]) => holder(page, one)),
        ]),
      ];
    },
  },
};
