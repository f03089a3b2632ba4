// Consul's HTTP API: single requests, and watches that follow an answer by blocking queries.

export class ApiError extends Error {
  /** status 0: no answer at all. `denial`: what X-Proconsul-Denial says, or null. */
  constructor(status, text, denial = null) {
    super(text || `status ${status}`);
    this.status = status;
    this.denial = denial;
  }
}

/** "/v1/kv/a", {dc: 'dc1', keys: '', index: 7, none: undefined} -> "/v1/kv/a?dc=dc1&keys&index=7" */
export function address(path, query = {}) {
  const parts = Object.entries(query)
    .filter(([, value]) => value !== undefined && value !== null)
    .map(([name, value]) => (value === '' ? encodeURIComponent(name) : `${encodeURIComponent(name)}=${encodeURIComponent(value)}`));
  return parts.length ? `${path}?${parts.join('&')}` : path;
}

/** A path of the API from its segments; a key's slashes stay. */
export const keyPath = (key) => `/v1/kv/${key.split('/').map(encodeURIComponent).join('/')}`;

function denialOf(headers) {
  try {
    return JSON.parse(headers.get('X-Proconsul-Denial'));
  } catch {
    return null;
  }
}

export class Api {
  /** `token` is asked at each request: the secret, or nothing. */
  constructor({ token, fetch = (...args) => globalThis.fetch(...args) }) {
    this.token = token;
    this.fetch = fetch;
  }

  /** {data, index}; index 0 if the answer has none. Throws ApiError, or an AbortError if `signal` says so. */
  async ask(method, path, { query, body, signal } = {}) {
    const headers = {};
    const token = this.token();
    if (token) headers['X-Consul-Token'] = token;
    if (body !== undefined && !(body instanceof Uint8Array)) {
      headers['Content-Type'] = 'application/json';
      body = JSON.stringify(body);
    }
    let answer, text;
    try {
      answer = await this.fetch(address(path, query), { method, headers, body, signal, cache: 'no-store' });
      text = await answer.text();
    } catch (error) {
      if (error.name === 'AbortError') throw error;
      throw new ApiError(0, `No answer from the agent: ${error.message}`);
    }
    const index = Number(answer.headers.get('X-Consul-Index') ?? 0);
    if (!answer.ok) {
      const error = new ApiError(answer.status, text.trim(), denialOf(answer.headers));
      error.index = index;
      throw error;
    }
    try {
      return { data: text ? JSON.parse(text) : null, index };
    } catch {
      return { data: text, index };
    }
  }
}

const kWait = '60s';
const kPoll = 10_000;      // of what cannot be waited for
const kLeastPause = 250;   // between two answers: a busy table must not keep the page busy
const kFirstPause = 1000;  // after an error; then twice as long each time
const kLongestPause = 30_000;

/** How long to wait after `failures` errors in a row: doubled each time, up to half a minute, spread by a quarter. */
export function backOff(failures, random = Math.random) {
  return Math.min(kLongestPause, kFirstPause * 2 ** (failures - 1)) * (0.75 + random() / 4);
}

/** The index for the next question: never one that goes back (servers were restored), never 0 once there is one. */
export function nextIndex(before, index) {
  return index < before ? 0 : index;
}

function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** Follows an answer until it is stopped. */
export class Watch {
  /** onData(data) and onError(error) are called whenever there is news; a lost connection is asked again by itself. */
  constructor(api, path, query, { onData, onError, sleep = pause }) {
    Object.assign(this, { api, path, query, onData, onError, sleep });
    this.stopped = new AbortController();
  }

  start() {
    this.ended = this.run();
    return this;
  }

  stop() {
    this.stopped.abort();
  }

  async run() {
    const { signal } = this.stopped;
    let index = 0;
    let failures = 0;
    while (!signal.aborted) {
      try {
        const query = index ? { ...this.query, index, wait: kWait } : this.query;
        const answer = await this.api.ask('GET', this.path, { query, signal });
        if (signal.aborted) return;
        const known = index && answer.index === index;  // the time is over, nothing has changed
        index = nextIndex(index, answer.index);
        failures = 0;
        if (!known) this.onData(answer.data);
        await this.sleep(answer.index ? kLeastPause : kPoll, signal);
      } catch (error) {
        if (signal.aborted) return;
        this.onError(error);
        if (error.status === 404 && error.index) {  // what is not there yet may be waited for, too
          index = nextIndex(index, error.index);
          await this.sleep(kLeastPause, signal);
        } else {
          index = 0;
          await this.sleep(backOff(++failures), signal);
        }
      }
    }
  }
}
