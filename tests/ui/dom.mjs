// A stand-in for a browser's document: as much of it as the web UI uses, so that its pages can be looked at and used
// without a browser.

class Target {
  #listeners = new Map();

  addEventListener(kind, listener) {
    this.#listeners.set(kind, [...(this.#listeners.get(kind) ?? []), listener]);
  }

  /** To this node and those that hold it; what the listeners return is waited for. */
  async dispatch(event) {
    event.target ??= this;
    event.preventDefault ??= () => { event.defaultPrevented = true; };
    for (let at = this; at; at = at.parentNode) {
      for (const listener of at.#listeners.get(event.type) ?? []) await listener(event);
    }
    return event;
  }
}

class Node extends Target {
  childNodes = [];
  parentNode = null;

  get firstChild() { return this.childNodes[0] ?? null; }
  get nextSibling() {
    const all = this.parentNode.childNodes;
    return all[all.indexOf(this) + 1] ?? null;
  }

  removeChild(child) {
    const at = this.childNodes.indexOf(child);
    if (at < 0) throw new Error('no such child');
    this.childNodes.splice(at, 1);
    child.parentNode = null;
  }

  insertBefore(child, before) {
    child.parentNode?.removeChild(child);
    const at = before ? this.childNodes.indexOf(before) : this.childNodes.length;
    if (at < 0) throw new Error('no such sibling');
    this.childNodes.splice(at, 0, child);
    child.parentNode = this;
    this.moves = (this.moves ?? 0) + 1;
  }

  append(...children) { for (const child of children) this.insertBefore(child, null); }
  remove() { this.parentNode?.removeChild(this); }
  get textContent() { return this.childNodes.map((child) => child.textContent).join(''); }
}

class Text extends Node {
  constructor(data) { super(); this.data = data; }
  get textContent() { return this.data; }
}

class Element extends Node {
  constructor(document, tag) {
    super();
    this.ownerDocument = document;
    this.localName = tag;
    this.attributes = new Map();
    this.value = '';
    this.checked = false;
    this.disabled = false;
  }

  set textContent(text) { this.childNodes = []; this.append(new Text(text)); }
  get textContent() { return super.textContent; }
  set innerHTML(_) { throw new Error('pages are made of nodes, never of markup'); }

  setAttribute(name, value) {
    if (/^on|^style$/.test(name)) throw new Error(`the page's policy forbids the attribute ${name}`);
    this.attributes.set(name, value);
  }
  removeAttribute(name) { this.attributes.delete(name); }
  hasAttribute(name) { return this.attributes.has(name); }
  getAttribute(name) { return this.attributes.get(name) ?? null; }
  get name() { return this.getAttribute('name') ?? ''; }
  get href() { return this.getAttribute('href') ?? ''; }
  get type() { return this.getAttribute('type') ?? ''; }
  set type(value) { this.setAttribute('type', value); }
  get elements() { return this.all(['input', 'select', 'textarea', 'button']); }

  closest() {
    for (let at = this; at; at = at.parentNode) if (at.localName === 'a' && at.hasAttribute('href')) return at;
    return null;
  }
  focus() { this.ownerDocument.activeElement = this; }
  reportValidity() { return this.elements.every((one) => !one.hasAttribute('required') || one.value !== ''); }

  // A dialog is answered by the test's document.
  showModal() {
    this.returnValue = '';
    queueMicrotask(() => this.close(this.ownerDocument.answer));
  }
  close(value) {
    this.returnValue = value;
    this.dispatch({ type: 'close' });
  }

  /** All elements of these names below this one, in order. */
  all(tags) {
    return this.childNodes.flatMap((child) =>
      (child instanceof Element ? [...(tags.includes(child.localName) ? [child] : []), ...child.all(tags)] : []));
  }
  /** The first element of that name whose text or name has `text`. */
  find(tag, text = '') {
    return this.all([tag]).find((one) => one.textContent.includes(text) || one.name === text || one.getAttribute('aria-label') === text);
  }
}

export class Document extends Target {
  title = '';
  answer = 'yes';  // to every dialog
  activeElement = null;
  body = new Element(this, 'body');

  createElement(tag) { return new Element(this, tag); }
  createTextNode(text) { return new Text(text); }
  getElementById(id) {
    const seek = (at) => (at.getAttribute?.('id') === id ? at : at.childNodes.reduce((found, child) => found ?? seek(child), null));
    return seek(this.body);
  }
}

export class Window extends Target {
  document = new Document();
  origin;

  /** `origin`: of the agent, "http://127.0.0.1:8500". */
  constructor(origin) {
    super();
    this.origin = origin;
    this.location = { origin, pathname: '/', href: `${origin}/` };
    const place = new Map();
    this.localStorage = {
      getItem: (name) => place.get(name) ?? null,
      setItem: (name, value) => place.set(name, value),
      removeItem: (name) => place.delete(name),
    };
    const go = (_, __, path) => {
      this.location.pathname = path;
      this.location.href = origin + path;
    };
    this.history = { pushState: go, replaceState: go };
    this.asked = [];
  }

  fetch(path, options) {
    this.asked.push(`${options.method ?? 'GET'} ${path}`);
    return fetch(this.origin + path, options);
  }
  scrollTo() {}
}
