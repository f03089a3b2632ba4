// Access controls: tokens, policies, roles, and the methods to log in by.
import * as format from './format.js';
import { edited, field, form, heading, note, pairs, searchField, shown, tabBar, table, tags } from './parts.js';
import { h } from './tree.js';

const kTabs = [['tokens', 'Tokens'], ['policies', 'Policies'], ['roles', 'Roles'], ['auth-methods', 'Auth methods']];

const kAnonymous = '00000000-0000-0000-0000-000000000002';
const kManagement = '00000000-0000-0000-0000-000000000001';
const isBuiltin = (policy) => policy.ID === kManagement || policy.Name === 'builtin/global-read-only';

const bar = (page, current) => tabBar(kTabs, current, (to) => page.link(to));
const linkNames = (links) => (links ?? []).map((link) => link.Name ?? link.ID);

/** What grants rights besides policies, in words. */
const otherGrants = (one) => [
  ...(one.ServiceIdentities ?? []).map((identity) => `service ${identity.ServiceName}`),
  ...(one.NodeIdentities ?? []).map((identity) => `node ${identity.NodeName}`),
  ...(one.TemplatedPolicies ?? []).map((template) => template.TemplateName),
];

/** A page that lists. */
const listView = (name, title, path, singular, columns, wordsOf, { canCreate = true } = {}) => ({
  title: () => title,
  watches: () => ({ all: [path, {}] }),
  draw: (page) => [
    heading('Access controls', {
      about: searchField(page, `Search ${title.toLowerCase()}`),
      actions: canCreate && h('a', { class: 'button primary', href: page.link(`new-${singular}`) }, 'Create'),
    }),
    bar(page, name),
    page.app.config.ACLsEnabled ? null : note('Access controls are off on this agent (acl.enabled).'),
    shown(page, 'all', (all) => table(page, columns(page), format.search(all ?? [], page.ui.search ?? '', wordsOf), {
      key: (one) => one.AccessorID ?? one.ID ?? one.Name, empty: `There are no ${title.toLowerCase()}.`,
    })),
  ],
});

// Fields that tokens and roles share.
function grantFields(page, one) {
  const names = (watch) => (page.watched(watch).data ?? []).map((entry) => entry.Name);
  const hint = (watch) => (names(watch).length ? `One a line. There are: ${names(watch).slice(0, 20).join(', ')}${names(watch).length > 20 ? ', …' : ''}` : 'One a line.');
  return {
    policies: field('Policies', h('textarea', { name: 'policies', rows: 3, spellcheck: 'false', value: format.linksText(one.Policies) }), hint('policies')),
    roles: field('Roles', h('textarea', { name: 'roles', rows: 2, spellcheck: 'false', value: format.linksText(one.Roles) }), hint('roles')),
    services: field('Service identities', h('textarea', { name: 'services', rows: 2, spellcheck: 'false', value: format.serviceIdentitiesText(one.ServiceIdentities) }),
      'One a line: its name, and the datacenters if it is not all.'),
    nodes: field('Node identities', h('textarea', { name: 'nodes', rows: 2, spellcheck: 'false', value: format.nodeIdentitiesText(one.NodeIdentities) }),
      'One a line: its name and its datacenter.'),
    templates: field('Templated policies', h('textarea', {
      name: 'templates', rows: 2, spellcheck: 'false', value: one.TemplatedPolicies?.length ? JSON.stringify(one.TemplatedPolicies, null, 2) : '',
    }), 'JSON: [{"TemplateName": "builtin/service", "TemplateVariables": {"Name": "web"}}]'),
  };
}

/** The same as the API takes them; what the form does not know stays as it was. */
export function grantsFrom(values, datacenter) {
  const links = (text) => format.listFromText(text).map((Name) => ({ Name }));
  const templates = format.jsonFromText(values.templates, 'The templated policies', []);
  if (!Array.isArray(templates)) throw new Error('The templated policies are no list.');
  return {
    Policies: links(values.policies),
    ...(values.roles !== undefined && { Roles: links(values.roles) }),
    ServiceIdentities: format.serviceIdentitiesFromText(values.services),
    NodeIdentities: format.nodeIdentitiesFromText(values.nodes, datacenter),
    TemplatedPolicies: templates,
  };
}

const grantLists = { policies: ['/v1/acl/policies', {}], roles: ['/v1/acl/roles', {}] };

/** A view that creates, and one that edits, removes or shows what is there. `path` + ID is where it is. */
function editViews({ singular, list, title, path, watches = {}, fields, from, nameOf, fixed = () => null, details, more }) {
  const back = (page) => page.link(list);
  const entry = (page, one) => form(page, fields(page, one ?? {}, !one), {
    cancel: back(page),
    save: fixed(one ?? {}) === 'all' ? null : async (values) => {
      const body = { ...one, ...from(page, values, one) };
      await page.ask('PUT', one ? path + encodeURIComponent(page.params.id) : path.slice(0, -1), { body });
      page.app.go(back(page));
    },
    more: one && more?.(page, one),
    remove: one && !fixed(one) && [`Delete ${title.toLowerCase()} ${nameOf(one)}?`, async () => {
      await page.ask('DELETE', path + encodeURIComponent(page.params.id));
      page.app.go(back(page));
    }],
  });
  const backTo = (page) => ({ back: [kTabs.find(([name]) => name === list)[1], back(page)] });
  return {
    [`new-${singular}`]: {
      title: () => `New ${singular}`,
      watches: () => watches,
      draw: (page) => [heading(`New ${singular}`, backTo(page)), entry(page, null)],
    },
    [singular]: {
      title: () => title,
      watches: (page) => ({ one: [path + encodeURIComponent(page.params.id), {}], ...watches }),
      draw: (page) => [
        heading(`${title} ${page.watched('one').data ? nameOf(page.watched('one').data) : ''}`, backTo(page)),
        shown(page, 'one', (one) => [
          details(page, one),
          edited(page, one, (before) => entry(page, before)),
        ]),
      ],
    },
  };
}

function secretOf(page, token) {
  if (!token.SecretID || token.SecretID === '<hidden>') return 'hidden';
  return [
    h('code', {}, page.ui.reveal ? token.SecretID : format.maskSecret(token.SecretID)), ' ',
    h('button', { type: 'button', onClick: () => { page.ui.reveal = !page.ui.reveal; page.redraw(); } }, page.ui.reveal ? 'Hide' : 'Show'),
  ];
}

const tokenViews = editViews({
  singular: 'token', list: 'tokens', title: 'Token', path: '/v1/acl/token/', watches: grantLists,
  nameOf: (token) => token.Description || token.AccessorID,
  fixed: (token) => (token.AccessorID === kAnonymous ? 'name' : null),
  details: (page, token) => pairs([
    ['Accessor', h('code', {}, token.AccessorID)],
    ['Secret', secretOf(page, token)],
    ['Scope', token.Local ? `local to ${page.dc}` : 'global'],
    ['Auth method', token.AuthMethod && h('a', { href: page.link('auth-method', { id: token.AuthMethod }) }, token.AuthMethod)],
    ['Created', format.when(token.CreateTime)],
    ['Expires', format.when(token.ExpirationTime)],
  ]),
  fields(page, token, isNew) {
    const grants = grantFields(page, token);
    return [
      field('Description', h('input', { name: 'description', maxlength: 256, value: token.Description ?? '' })),
      grants.policies, grants.roles, grants.services, grants.nodes, grants.templates,
      isNew && field('Expires after', h('input', { name: 'ttl', placeholder: '24h', pattern: '([0-9.]+(ns|us|ms|s|m|h))*' }), 'Empty: never.'),
      isNew && h('label', { class: 'check', key: 'local' }, h('input', { type: 'checkbox', name: 'local' }), ' Only in this datacenter'),
    ];
  },
  from: (page, values, before) => ({
    Description: values.description, ...grantsFrom(values, page.dc),
    ...(!before && { Local: values.local, ...(values.ttl && { ExpirationTTL: values.ttl }) }),
  }),
  more: (page, token) => [
    token.SecretID && token.SecretID !== '<hidden>' && ['Use this token', async () => page.app.setLogin(token)],
    ['Duplicate', async () => {
      const copy = await page.ask('PUT', `/v1/acl/token/${token.AccessorID}/clone`, { body: { Description: `Copy of: ${token.Description}` } });
      page.app.go(page.link('token', { id: copy.AccessorID }));
    }],
  ].filter(Boolean),
});

const policyViews = editViews({
  singular: 'policy', list: 'policies', title: 'Policy', path: '/v1/acl/policy/',
  nameOf: (policy) => policy.Name,
  fixed: (policy) => (isBuiltin(policy) ? 'all' : null),
  details: (page, policy) => [
    pairs([['ID', h('code', {}, policy.ID)]]),
    isBuiltin(policy) && note('This policy is built in; it cannot be changed here.'),
  ],
  fields: (page, policy) => [
    field('Name', h('input', { name: 'name', required: true, maxlength: 128, pattern: '[A-Za-z0-9\\-_\\/]+', value: policy.Name ?? '' })),
    field('Description', h('input', { name: 'description', value: policy.Description ?? '' })),
    field('Rules', h('textarea', { name: 'rules', rows: 16, spellcheck: 'false', class: 'value', value: policy.Rules ?? '' }), 'HCL or JSON'),
    field('Datacenters', h('input', { name: 'datacenters', value: (policy.Datacenters ?? []).join(', ') }), 'Empty: all.'),
  ],
  from: (page, values) => ({
    Name: values.name, Description: values.description, Rules: values.rules, Datacenters: format.listFromText(values.datacenters),
  }),
});

const roleViews = editViews({
  singular: 'role', list: 'roles', title: 'Role', path: '/v1/acl/role/', watches: { policies: grantLists.policies },
  nameOf: (role) => role.Name,
  details: (page, role) => pairs([['ID', h('code', {}, role.ID)]]),
  fields(page, role) {
    const grants = grantFields(page, role);
    return [
      field('Name', h('input', { name: 'name', required: true, maxlength: 256, pattern: '[A-Za-z0-9\\-_]+', value: role.Name ?? '' })),
      field('Description', h('input', { name: 'description', value: role.Description ?? '' })),
      grants.policies, grants.services, grants.nodes, grants.templates,
    ];
  },
  from: (page, values) => ({ Name: values.name, Description: values.description, ...grantsFrom(values, page.dc) }),
});

const bindingRules = (page, rules) => table(page, [
  ['Rule', (rule) => [rule.Description || h('code', {}, rule.ID)]],
  ['Binds', (rule) => [rule.BindType, ' ', h('code', {}, rule.BindName)]],
  ['If', (rule) => h('code', {}, rule.Selector || 'always')],
], rules ?? [], { key: (rule) => rule.ID, empty: 'There are no binding rules.' });

export const views = {
  tokens: listView('tokens', 'Tokens', '/v1/acl/tokens', 'token', (page) => [
    ['Token', (token) => [
      h('a', { href: page.link('token', { id: token.AccessorID }) }, token.Description || token.AccessorID),
      page.app.login()?.AccessorID === token.AccessorID && ' ★ yours',
    ]],
    ['Accessor', (token) => h('code', {}, token.AccessorID)],
    ['Scope', (token) => (token.Local ? 'local' : 'global')],
    ['Policies', (token) => tags(linkNames(token.Policies))],
    ['Roles', (token) => tags(linkNames(token.Roles))],
    ['Also', (token) => tags(otherGrants(token))],
  ], (token) => [token.Description, token.AccessorID, linkNames(token.Policies), linkNames(token.Roles), otherGrants(token)]),
  policies: listView('policies', 'Policies', '/v1/acl/policies', 'policy', (page) => [
    ['Policy', (policy) => h('a', { href: page.link('policy', { id: policy.ID }) }, policy.Name)],
    ['Description', (policy) => policy.Description || '–'],
    ['Datacenters', (policy) => (policy.Datacenters?.length ? tags(policy.Datacenters) : 'all')],
  ], (policy) => [policy.Name, policy.Description, policy.Datacenters]),
  roles: listView('roles', 'Roles', '/v1/acl/roles', 'role', (page) => [
    ['Role', (role) => h('a', { href: page.link('role', { id: role.ID }) }, role.Name)],
    ['Description', (role) => role.Description || '–'],
    ['Policies', (role) => tags(linkNames(role.Policies))],
    ['Also', (role) => tags(otherGrants(role))],
  ], (role) => [role.Name, role.Description, linkNames(role.Policies), otherGrants(role)]),
  'auth-methods': listView('auth-methods', 'Auth methods', '/v1/acl/auth-methods', 'auth-method', (page) => [
    ['Method', (method) => h('a', { href: page.link('auth-method', { id: method.Name }) }, method.DisplayName || method.Name)],
    ['Type', (method) => method.Type],
    ['Description', (method) => method.Description || '–'],
    ['Tokens', (method) => method.TokenLocality || 'local'],
  ], (method) => [method.Name, method.DisplayName, method.Description, method.Type], { canCreate: false }),
  'auth-method': {
    title: (page) => page.params.id,
    watches: (page) => ({
      one: [`/v1/acl/auth-method/${encodeURIComponent(page.params.id)}`, {}],
      rules: ['/v1/acl/binding-rules', { authmethod: page.params.id }],
    }),
    draw(page) {
      const { id, tab = 'auth-method' } = page.params;
      return [
        heading(id, { back: ['Auth methods', page.link('auth-methods')] }),
        tabBar([['auth-method', 'General'], ['binding-rules', 'Binding rules']], tab, (to) => page.link('auth-method', { id, tab: to })),
        tab === 'binding-rules' ? shown(page, 'rules', (rules) => bindingRules(page, rules)) : shown(page, 'one', (method) => [
          pairs([['Type', method.Type], ['Display name', method.DisplayName], ['Description', method.Description],
            ['Tokens', method.TokenLocality || 'local'], ['Tokens live', method.MaxTokenTTL !== '0s' && method.MaxTokenTTL]]),
          h('h2', {}, 'Configuration'),
          h('pre', { class: 'output' }, JSON.stringify(method.Config, null, 2)),
        ]),
      ];
    },
  },
  ...tokenViews,
  ...policyViews,
  ...roleViews,
};
