// Counters of a process, out of its /metrics.
export async function metrics(port) {
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`, { signal: AbortSignal.timeout(5000) });
  if (!answer.ok) throw new Error(`/metrics at ${port}: ${answer.status}`);
  return parseMetrics(await answer.text());
}

export function parseMetrics(text) {
  const entries = [];
  for (const line of text.split('\n')) {
    const found = line.match(/^([a-zA-Z_:][\w:]*)(?:\{([^}]*)\})? (\S+)$/);
    if (found) entries.push({ name: found[1], labels: found[2] ?? '', value: Number(found[3]) });
  }
  return entries;
}

// Sum over all series whose name (and labels) match.
export const total = (entries, name, labels = /(?:)/) =>
  entries
    .filter((entry) => (name instanceof RegExp ? name.test(entry.name) : entry.name === name) && labels.test(entry.labels))
    .reduce((sum, entry) => sum + entry.value, 0);

// A killed process counts from 0 again: this adds up what each life reached, read now and then.
export class Tally {
  constructor() {
    this.lives = new Map();
  }

  // who: the process; life: which start of it.
  note(who, life, value) {
    const key = `${who}#${life}`;
    this.lives.set(key, Math.max(this.lives.get(key) ?? 0, value));
  }

  get sum() {
    return [...this.lives.values()].reduce((a, b) => a + b, 0);
  }
}
