// Paths of the UI <-> what they show. They are those of Consul's own UI, so that bookmarks go on working.

// Name, and the path below the content path: ":x" is one segment, "*x" one or more. The first that fits counts.
const kRoutes = [
  ['settings', 'settings'],
  ['services', ':dc'],
  ['services', ':dc/services'],
  ['instance', ':dc/services/:name/instances/:node/:id'],
  ['instance', ':dc/services/:name/instances/:node/:id/:tab'],
  ['service', ':dc/services/:name'],
  ['service', ':dc/services/:name/:tab'],
  ['nodes', ':dc/nodes'],
  ['node', ':dc/nodes/:name'],
  ['node', ':dc/nodes/:name/:tab'],
  ['keys', ':dc/kv'],
  ['new-key', ':dc/kv/create'],
  ['new-key', ':dc/kv/*key/create'],
  ['key', ':dc/kv/*key/edit'],
  ['keys', ':dc/kv/*key'],
  ['intentions', ':dc/intentions'],
  ['new-intention', ':dc/intentions/create'],
  ['intention', ':dc/intentions/:id'],
  ['tokens', ':dc/acls'],
  ['tokens', ':dc/acls/tokens'],
  ['new-token', ':dc/acls/tokens/create'],
  ['token', ':dc/acls/tokens/:id'],
  ['policies', ':dc/acls/policies'],
  ['new-policy', ':dc/acls/policies/create'],
  ['policy', ':dc/acls/policies/:id'],
  ['roles', ':dc/acls/roles'],
  ['new-role', ':dc/acls/roles/create'],
  ['role', ':dc/acls/roles/:id'],
  ['auth-methods', ':dc/acls/auth-methods'],
  ['auth-method', ':dc/acls/auth-methods/:id'],
  ['auth-method', ':dc/acls/auth-methods/:id/:tab'],
  ['servers', ':dc/overview'],
  ['servers', ':dc/overview/server-status'],
].map(([name, pattern]) => ({ name, parts: pattern.split('/') }));

function matches(parts, segments) {
  const params = {};
  const wild = parts.findIndex((part) => part.startsWith('*'));
  if (wild < 0 ? parts.length !== segments.length : parts.length > segments.length) return null;
  const more = segments.length - parts.length;  // what the wildcard takes beyond one segment
  for (let i = 0; i < parts.length; ++i) {
    const part = parts[i];
    const at = wild >= 0 && i > wild ? i + more : i;
    if (part.startsWith('*')) {
      params[part.slice(1)] = segments.slice(i, i + more + 1).join('/');
    } else if (part.startsWith(':')) {
      params[part.slice(1)] = segments[at];
    } else if (part !== segments[at]) {
      return null;
    }
  }
  return params;
}

/** {name, params}, or null if the path is none of the UI's. `path` is as the address bar has it. */
export function parse(path, contentPath) {
  if (!path.startsWith(contentPath)) return path + '/' === contentPath ? { name: 'start', params: {} } : null;
  let segments;
  try {
    segments = path.slice(contentPath.length).split('/').filter(Boolean).map(decodeURIComponent);
  } catch {
    return null;  // a % that is none of an escape
  }
  if (!segments.length) return { name: 'start', params: {} };
  for (const route of kRoutes) {
    const params = matches(route.parts, segments);
    if (params) return { name: route.name, params };
  }
  return null;
}

/** Of what stands for several segments. What the browser or the server would tidy up stays one segment. */
function wildcard(text) {
  const segments = text.replace(/\/$/, '').split('/');
  const tidied = segments.some((segment) => segment === '' || segment === '.' || segment === '..');
  return segments.map(encodeURIComponent).join(tidied ? '%2F' : '/');
}

/** The path of a route; the last one of that name whose params are all given. */
export function build(name, params, contentPath) {
  const fits = (route) =>
    route.name === name && route.parts.every((part) => !/^[:*]/.test(part) || params[part.slice(1)] !== undefined);
  const route = kRoutes.findLast(fits);
  if (!route) throw new Error(`no path for ${name}`);
  const segment = (part) => {
    if (part.startsWith(':')) return encodeURIComponent(params[part.slice(1)]);
    return part.startsWith('*') ? wildcard(params[part.slice(1)]) : part;
  };
  return contentPath + route.parts.map(segment).join('/');
}

/** In which of the menu's places a route is. */
export function place(name) {
  if (/^(service|instance)/.test(name)) return 'services';
  if (/^node/.test(name)) return 'nodes';
  if (/key/.test(name)) return 'keys';
  if (/intention/.test(name)) return 'intentions';
  if (/token|polic|role|auth-method/.test(name)) return 'tokens';
  return name;
}
