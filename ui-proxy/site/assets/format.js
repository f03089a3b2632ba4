// Pure functions between what the API says and what people read or write.

export const plural = (count, one, many = one + 's') => `${count} ${count === 1 ? one : many}`;

// Base64 <-> bytes <-> text. Values of keys are any bytes; text only if they are valid UTF-8 without control characters.
export function bytesFromBase64(base64) {
  return Uint8Array.from(atob(base64 ?? ''), (c) => c.charCodeAt(0));
}

export function base64FromBytes(bytes) {
  let out = '';
  for (let at = 0; at < bytes.length; at += 8192) out += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(out);
}

export function textFromBytes(bytes) {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    // A text area would change a lone carriage return; what is no text is shown as what it is.
    return /[\u0000-\u0008\u000b-\u001f\u007f]/.test(text) ? null : text;
  } catch {
    return null;
  }
}

export const bytesFromText = (text) => new TextEncoder().encode(text);

export function size(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1024 * 1024 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}

// Checks and health.
const kWorstFirst = ['critical', 'warning', 'passing'];

export const isStatus = (status) => kWorstFirst.includes(status);

export function worst(statuses) {
  return kWorstFirst.find((status) => statuses.includes(status)) ?? 'none';
}

export function counted(checks) {
  const counts = { passing: 0, warning: 0, critical: 0 };
  for (const check of checks ?? []) counts[check.Status] = (counts[check.Status] ?? 0) + 1;
  return counts;
}

export const countsOfSummary = (summary) => ({
  passing: summary.ChecksPassing ?? 0,
  warning: summary.ChecksWarning ?? 0,
  critical: summary.ChecksCritical ?? 0,
});

export function worstOfCounts(counts) {
  return kWorstFirst.find((status) => counts[status] > 0) ?? 'none';
}

// Rows whose words have every word of the search, without regard to case.
export function search(rows, wanted, wordsOf) {
  const words = wanted.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return rows;
  return rows.filter((row) => {
    const text = wordsOf(row).flat().filter(Boolean).join('\n').toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

export const byName = (a, b) => (a.Name < b.Name ? -1 : a.Name > b.Name ? 1 : 0);

/** Those with trouble first, then by name. */
export function byHealth(statusOf) {
  const rank = (row) => (kWorstFirst.indexOf(statusOf(row)) + 4) % 4;
  return (a, b) => rank(a) - rank(b) || byName(a, b);
}

// Network coordinates: seconds between two nodes (Vivaldi, as serf computes it).
export function roundTrip(a, b) {
  if (!a || !b || a.Vec.length !== b.Vec.length) return null;
  let square = 0;
  for (let i = 0; i < a.Vec.length; ++i) square += (a.Vec[i] - b.Vec[i]) ** 2;
  const plain = Math.sqrt(square) + a.Height + b.Height;
  const adjusted = plain + a.Adjustment + b.Adjustment;
  return adjusted > 0 ? adjusted : plain;
}

export const milliseconds = (seconds) => `${(seconds * 1000).toFixed(2)} ms`;

export function quantile(sorted, part) {
  if (!sorted.length) return null;
  return sorted[Math.min(sorted.length - 1, Math.round(part * (sorted.length - 1)))];
}

/** Of a duration in nanoseconds, as Go writes the bigger ones: "1h30m0s". */
export function goDuration(nanoseconds) {
  let seconds = Math.round(nanoseconds / 1e6) / 1000;
  if (seconds < 60) return `${seconds}s`;
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  seconds = Math.round((seconds % 60) * 1000) / 1000;
  return `${hours ? `${hours}h` : ''}${minutes}m${seconds}s`;
}

export function when(text) {
  const time = new Date(text);
  return Number.isNaN(time.getTime()) || time.getUTCFullYear() < 1970 ? '' : time.toISOString().replace('T', ' ').slice(0, 19) + 'Z';
}

// Lists in text fields: one a line, or separated by commas.
export const listFromText = (text) => text.split(/[\n,]/).map((item) => item.trim()).filter(Boolean);

const linesFromText = (text) => text.split('\n').map((line) => line.trim()).filter(Boolean);

/** "web" or "web dc1 dc2", one a line. */
export function serviceIdentitiesFromText(text) {
  return linesFromText(text).map((line) => {
    const [ServiceName, ...Datacenters] = line.split(/[\s,]+/);
    return Datacenters.length ? { ServiceName, Datacenters } : { ServiceName };
  });
}

export const serviceIdentitiesText = (identities) =>
  (identities ?? []).map((one) => [one.ServiceName, ...(one.Datacenters ?? [])].join(' ')).join('\n');

/** "node dc1", one a line. */
export function nodeIdentitiesFromText(text, datacenter) {
  return linesFromText(text).map((line) => {
    const [NodeName, Datacenter = datacenter] = line.split(/[\s,]+/);
    return { NodeName, Datacenter };
  });
}

export const nodeIdentitiesText = (identities) =>
  (identities ?? []).map((one) => `${one.NodeName} ${one.Datacenter}`).join('\n');

export const linksText = (links) => (links ?? []).map((link) => link.Name).join('\n');

/** JSON of a text field: what is empty is `otherwise`; throws with what is wrong. */
export function jsonFromText(text, what, otherwise) {
  if (!text.trim()) return otherwise;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`${what} is not JSON: ${error.message}`);
  }
}

// Intentions in paths: partition, namespace and name of both ends, as Consul's UI writes them.
export const intentionId = (one) => `default:default:${one.SourceName}:default:default:${one.DestinationName}`;

export function intentionFromId(id) {
  const parts = id.split(':');
  if (parts.length === 6) return { SourceName: parts[2], DestinationName: parts[5] };
  if (parts.length === 4) return { SourceName: parts[1], DestinationName: parts[3] };
  return null;
}

/** A template of ui_config.dashboard_url_templates with its variables filled in; null if that is no web address. */
export function dashboardUrl(template, variables) {
  const url = template.replace(/\{\{\s*([\w.]+)\s*\}\}/g, (_, path) => {
    const value = path.split('.').reduce((at, name) => at?.[name], variables);
    return encodeURIComponent(value ?? '');
  });
  return /^https?:\/\//i.test(url) ? url : null;
}

/** The denial's header as sentences; null if it says nothing. */
export function denialText(denial) {
  if (!denial) return null;
  const sent = {
    query: 'the token in the address',
    header: 'the token that you are logged in with',
    bearer: "the bearer's token",
    agent: "the agent's default token",
    none: 'no token at all',
  }[denial.TokenSource] ?? denial.TokenSource;
  const lines = [`The request came with ${sent}${denial.AccessorID ? ` (accessor ${denial.AccessorID})` : ''}.`];
  if (denial.Permission) lines.push(`It lacks ${denial.Permission}${denial.Name ? ` on "${denial.Name}"` : ''}.`);
  if (denial.Rule) {
    const policy = denial.Policy ? ` of the policy ${denial.Policy}` : '';
    lines.push(`The rule ${denial.Rule}${policy} decided: it grants ${denial.Grants || 'nothing'}.`);
  } else if (denial.Default) {
    lines.push(`No rule is about it, so the default policy decided: ${denial.Default}.`);
  }
  return lines;
}

export const maskSecret = (secret) => (secret ? `${secret.slice(0, 4)}…` : '');
