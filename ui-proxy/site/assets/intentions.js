// Intentions: who may connect to whom.
import * as format from './format.js';
import { badge, edited, field, form, heading, note, searchField, shown, table } from './parts.js';
import { h } from './tree.js';

const kExact = '/v1/connect/intentions/exact';

const kActions = [
  ['allow', 'Allow'],
  ['deny', 'Deny'],
  ['', 'By request: the permissions below'],
];

const actionBadge = (one) =>
  one.Permissions?.length ? badge('warning', 'by request') : badge(one.Action === 'allow' ? 'passing' : 'critical', one.Action);

const nameOf = (name) => (name === '*' ? 'all services (*)' : name);

export const intentionTable = (page, intentions) => table(page, [
  ['Source', (one) => [
    h('a', { href: page.link('intention', { id: format.intentionId(one) }) }, nameOf(one.SourceName)),
    one.SourcePeer && h('small', {}, ` of the peer ${one.SourcePeer}`),
  ]],
  ['', (one) => actionBadge(one)],
  ['Destination', (one) => nameOf(one.DestinationName)],
  ['Precedence', (one) => one.Precedence],
  ['Description', (one) => one.Description || '–'],
], intentions, {
  key: (one) => `${one.SourcePeer ?? ''} ${one.SourceName} ${one.DestinationName}`,
  empty: 'There are no intentions.',
});

/** What an intention becomes by a form. */
export function intentionFrom(values, before = {}) {
  const permissions = format.jsonFromText(values.permissions, 'The permissions', []);
  if (!Array.isArray(permissions)) throw new Error('The permissions are no list.');
  const byRequest = values.action === '';
  if (byRequest && !permissions.length) throw new Error('An intention by request needs permissions.');
  if (!byRequest && permissions.length) throw new Error('With permissions the action is "by request".');
  const intention = { SourceType: before.SourceType ?? 'consul', Description: values.description };
  if (before.Meta) intention.Meta = before.Meta;
  if (before.SourcePeer) intention.SourcePeer = before.SourcePeer;
  return byRequest ? { ...intention, Permissions: permissions } : { ...intention, Action: values.action };
}

/** `before`: what is edited, or null; `ends`: of one that is to be made. */
function intentionForm(page, before, ends = {}) {
  const exact = ({ SourceName, DestinationName }) => ({ source: SourceName, destination: DestinationName });
  const back = page.link('intentions');
  const save = async (values) => {
    const between = before ?? { SourceName: values.source.trim(), DestinationName: values.destination.trim() };
    if (!before) {
      // The same request would change one that is there already.
      const all = await page.ask('GET', '/v1/connect/intentions');
      if (all.some((one) => one.SourceName === between.SourceName && one.DestinationName === between.DestinationName && !one.SourcePeer)) {
        throw new Error('There is an intention between these two already.');
      }
    }
    await page.ask('PUT', kExact, { query: exact(between), body: intentionFrom(values, before ?? {}) });
    page.app.go(back);
  };
  const services = page.watched('services').data ?? [];
  return form(page, [
    !before && field('Source', h('input', { name: 'source', required: true, list: 'services', value: ends.SourceName ?? '' }), 'A service, or * for all'),
    !before && field('Destination', h('input', { name: 'destination', required: true, list: 'services', value: ends.DestinationName ?? '' }), 'A service, or * for all'),
    !before && h('datalist', { id: 'services', key: 'services' }, services.filter((one) => one.Kind !== 'connect-proxy').map((one) =>
      h('option', { value: one.Name, key: one.Name }))),
    field('Action', h('select', { name: 'action', value: before?.Permissions?.length ? '' : before?.Action ?? 'allow' },
      kActions.map(([value, text]) => h('option', { value, key: value }, text)))),
    field('Permissions', h('textarea', {
      name: 'permissions', rows: 8, spellcheck: 'false', value: before?.Permissions?.length ? JSON.stringify(before.Permissions, null, 2) : '',
    }), 'JSON; the first that fits a request decides: [{"Action": "allow", "HTTP": {"PathPrefix": "/v1", "Methods": ["GET"]}}]'),
    field('Description', h('input', { name: 'description', maxlength: 512, value: before?.Description ?? '' })),
  ], {
    save, cancel: back,
    remove: before && [`Delete the intention from ${nameOf(before.SourceName)} to ${nameOf(before.DestinationName)}?`, async () => {
      await page.ask('DELETE', kExact, { query: exact(before) });
      page.app.go(back);
    }],
  });
}

export const views = {
  intentions: {
    title: () => 'Intentions',
    watches: () => ({ intentions: ['/v1/connect/intentions', {}] }),
    draw: (page) => [
      heading('Intentions', {
        about: searchField(page, 'Search intentions'),
        actions: h('a', { class: 'button primary', href: page.link('new-intention') }, 'Create'),
      }),
      shown(page, 'intentions', (all) => intentionTable(page, format.search(all ?? [], page.ui.search ?? '',
        (one) => [one.SourceName, one.DestinationName, one.Description, one.Action]))),
    ],
  },
  'new-intention': {
    title: () => 'New intention',
    watches: () => ({ services: ['/v1/internal/ui/services', {}] }),
    draw: (page) => [heading('New intention', { back: ['Intentions', page.link('intentions')] }), intentionForm(page, null)],
  },
  intention: {
    title: () => 'Intention',
    watches(page) {
      const ends = format.intentionFromId(page.params.id);
      return ends ? { intention: [kExact, { source: ends.SourceName, destination: ends.DestinationName }] } : {};
    },
    draw(page) {
      const ends = format.intentionFromId(page.params.id);
      const title = ends ? `${nameOf(ends.SourceName)} → ${nameOf(ends.DestinationName)}` : 'Intention';
      return [
        heading(title, { back: ['Intentions', page.link('intentions')] }),
        !ends ? note('The address names no intention.') : page.watched('intention').error?.status === 404 ? [
          note('There is no intention between these two.'),
          intentionForm(page, null, ends),
        ] : shown(page, 'intention', (one) => edited(page, one, (before) => intentionForm(page, before))),
      ];
    },
  },
};
