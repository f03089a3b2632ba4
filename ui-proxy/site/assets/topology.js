// Who calls a service, and whom it calls.
import * as format from './format.js';
import { summaryOf } from './metrics.js';
import { badge, healthBadges, note, pairs } from './parts.js';
import { h } from './tree.js';

const kSources = {
  'proxy-registration': 'registered at the proxy',
  'specific-intention': 'by an intention',
  'wildcard-intention': 'by an intention about all',
  'default-allow': 'as the default allows it',
  'routing-config': 'by the routing configuration',
};

/** What the intentions say of one connection; `exact` names both ends. */
export function verdict(intention) {
  if (!intention) return ['none', 'not decided'];
  if (intention.HasPermissions) return ['warning', 'depends on the request'];
  return intention.Allowed ? ['passing', 'allowed'] : ['critical', 'denied'];
}

function neighbours(page, title, list, pathOf) {
  return h('section', {},
    h('h2', {}, title),
    list.length === 0 && note('Nobody that is known.'),
    h('ul', { class: 'cards' }, list.map((one) => {
      const { source, destination } = pathOf(one);
      const [status, text] = verdict(one.Intention);
      const id = format.intentionId({ SourceName: source, DestinationName: destination });
      return h('li', { key: `${one.Datacenter} ${one.Name}` },
        h('a', { href: page.link('service', { name: one.Name, dc: one.Datacenter || page.dc, tab: 'topology' }) }, one.Name),
        one.Datacenter && one.Datacenter !== page.dc && h('small', {}, ` in ${one.Datacenter}`),
        h('div', {}, healthBadges(format.countsOfSummary(one))),
        h('div', {}, badge(status, text), ' ', h('small', {}, kSources[one.Source] ?? one.Source)),
        one.Intention && h('a', { href: page.link('intention', { id }) }, one.Intention.HasExact ? 'Edit the intention' : 'Create an intention'));
    })));
}

/** Figures are asked for once a page, and again with every change of the topology. */
function figures(page, found) {
  if (page.ui.figuresOf !== found) {
    page.ui.figuresOf = found;
    summaryOf(page.app, page.dc, page.params.name, found.Protocol).then(
      (stats) => { page.ui.figures = stats; page.redraw(); },
      (error) => { page.ui.figures = [{ label: 'Metrics', value: error.message }]; page.redraw(); });
  }
  return page.ui.figures && pairs(page.ui.figures.map(({ label, desc, value }) => [h('abbr', { title: desc }, label), value]));
}

export function topology(page, found) {
  const { name } = page.params;
  return [
    found.FilteredByACLs && note('Your token does not show all services.'),
    h('div', { class: 'topology' },
      neighbours(page, 'Downstreams', found.Downstreams ?? [], (one) => ({ source: one.Name, destination: name })),
      h('section', {},
        h('h2', {}, name),
        pairs([['Protocol', found.Protocol], ['Transparent proxy', found.TransparentProxy ? 'yes' : 'no']]),
        figures(page, found)),
      neighbours(page, 'Upstreams', found.Upstreams ?? [], (one) => ({ source: name, destination: one.Name }))),
  ];
}
