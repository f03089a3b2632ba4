// What a page should look like, as plain objects, and the way from what it looks like now to that: the smallest change,
// so that focus, typed text and scroll positions outlive an update. Text is only ever set as text.

/** h('a', {href: '/'}, 'text', [children], null). Props: attributes, `onClick` and the like, and `key` among siblings. */
export function h(tag, props, ...children) {
  return { tag, props: props ?? {}, key: props?.key, children: nodes(children) };
}

function nodes(children) {
  const out = [];
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false || child === true) continue;
    out.push(typeof child === 'object' ? child : { text: String(child) });
  }
  return out;
}

// What people change themselves: set when the page's own idea of it changes, never because of what they did.
const kProperties = new Set(['value', 'checked', 'selected', 'disabled', 'open']);
const kAddress = /^(https?:\/\/|[/#?]|\.{1,2}\/)/i;

function setProp(element, name, value, before) {
  if (name === 'key' || value === before) return;
  if (name.startsWith('on')) {
    const event = name.slice(2).toLowerCase();
    element.listeners_ ??= {};
    if (!(event in element.listeners_)) element.addEventListener(event, (e) => element.listeners_[event]?.(e));
    element.listeners_[event] = value ?? null;
  } else if (kProperties.has(name)) {
    element[name] = value ?? (name === 'value' ? '' : false);
  } else if (value === null || value === undefined || value === false) {
    element.removeAttribute(name);
  } else if (name === 'href' && !kAddress.test(value)) {
    element.removeAttribute(name);  // "javascript:" and the like
  } else {
    element.setAttribute(name, value === true ? '' : String(value));
  }
}

function create(node, document) {
  if (node.text !== undefined) return (node.dom = document.createTextNode(node.text));
  const element = (node.dom = document.createElement(node.tag));
  const late = [];  // a select has no value before its options
  for (const [name, value] of Object.entries(node.props)) {
    if (kProperties.has(name)) late.push([name, value]);
    else setProp(element, name, value, undefined);
  }
  render(element, node.children, document);
  for (const [name, value] of late) setProp(element, name, value, undefined);
  return element;
}

function update(before, node, document) {
  const dom = (node.dom = before.dom);
  if (node.text !== undefined) {
    if (node.text !== before.text) dom.data = node.text;
    return dom;
  }
  render(dom, node.children, document);
  for (const name of Object.keys(before.props)) {
    if (!(name in node.props)) setProp(dom, name, undefined, before.props[name]);
  }
  for (const [name, value] of Object.entries(node.props)) setProp(dom, name, value, before.props[name]);
  return dom;
}

/** Names children so that the same one is found again: by their key, else by their place among those of their kind. */
export function identities(children) {
  const seen = new Map();
  return children.map((child) => {
    const kind = child.tag ?? '#text';
    const own = child.key === undefined ? `${kind} ` : `${kind}=${child.key} `;
    const nth = seen.get(own) ?? 0;
    seen.set(own, nth + 1);
    return own + nth;
  });
}

/** Makes `parent` hold what `children` say. Nobody else may change its children. */
export function render(parent, children, document = globalThis.document) {
  children = nodes(children);
  const old = new Map();
  const before = parent.nodes_ ?? [];
  identities(before).forEach((id, i) => old.set(id, before[i]));
  const ids = identities(children);
  const stay = new Set(ids);
  for (const [id, node] of old) {
    if (!stay.has(id)) parent.removeChild(node.dom);
  }
  let cursor = parent.firstChild;
  children.forEach((child, i) => {
    const known = old.get(ids[i]);
    const dom = known ? update(known, child, document) : create(child, document);
    if (dom === cursor) cursor = cursor.nextSibling;
    else parent.insertBefore(dom, cursor);
  });
  parent.nodes_ = children;
}
