// The rule list of the fake county: items out of the shipped list (deploy/etc/rules.conf), versions in memory.
import { readFileSync } from 'node:fs';
import { createHash } from 'node:crypto';

const PRIORITIES = ['high', 'medium', 'low', 'technical', 'off'];

export function shippedItems() {
  const lines = readFileSync(new URL('../../../deploy/etc/rules.conf', import.meta.url), 'utf8').split('\n');
  const items = [];
  let section = '';
  lines.forEach((line, i) => {
    section = /^\[(\w+)\]$/.exec(line)?.[1] ?? section;
    const named = /^(\w+) = (\S+)$/.exec(line);
    const said = /^# (.*); default (\S+)$/.exec(lines[i - 1] ?? '');
    if (!named || section === 'list' || !said) return;
    const [, name] = named;
    const range = /^(\S+) to ([\d.]+)(, whole)?$/.exec(said[1]);
    const type = range ? (range[3] ? 'whole' : 'decimal') : 'priority';
    items.push({
      section, name, type, value: said[2], default: said[2], means: lines[i - 2].slice(2),
      ...(range ? { min: range[1], max: range[2] } : { allowed: PRIORITIES.filter((p) => said[1].split(', ').includes(p)) }),
    });
  });
  return items;
}

export class FakeRules {
  constructor(center) {
    this.center = center;
    this.items = shippedItems();
    this.lists = [];
  }

  get newest() {
    return this.lists.at(-1) ?? { version: 0, hash: 'd'.repeat(64), author: '', reason: '', wall_us: null, based_on: 0, back_to: null, values: this.defaults() };
  }
  defaults() {
    return Object.fromEntries(this.items.map((i) => [`${i.section}.${i.name}`, i.default]));
  }

  // Somebody saves; also used by tests as another editor.
  save(values, author, reason, backTo = null) {
    const version = this.newest.version + 1;
    const all = { ...this.newest.values, ...values };
    this.lists.push({ version, hash: createHash('sha256').update(`${version}${JSON.stringify(all)}`).digest('hex'), author, reason, wall_us: this.center.now(), based_on: version - 1, back_to: backTo, values: all });
    return this.newest;
  }

  // 0, or the first mistake.
  read(text) {
    const values = {};
    let section = '';
    for (const [n, line] of text.split('\n').entries()) {
      section = /^\[(\w+)\]$/.exec(line)?.[1] ?? section;
      const [, name, value] = /^(\w+) = (\S+)$/.exec(line) ?? [];
      const item = this.items.find((i) => i.section === section && i.name === name);
      if (!item) continue;
      if (item.type !== 'priority' && (Number(value) < Number(item.min) || Number(value) > Number(item.max))) return { line: n + 1, field: `${section}.${name}`, text: `${section}.${name}: '${value}'` };
      values[`${section}.${name}`] = value;
    }
    if (Number(values['tachycardia.end_bpm']) >= Number(values['tachycardia.rate_bpm'])) return { line: 40, field: 'tachycardia.end_bpm', text: `tachycardia.end_bpm: allowed is below tachycardia.rate_bpm (${values['tachycardia.rate_bpm']})` };
    return { values };
  }

  // As the gateways page is told; said: what a test wants of one gateway.
  told(gateway) {
    const list = gateway.rules ?? this.newest;
    return { from: list.version ? 'county' : 'defaults', version: list.version, hash: list.hash, county_version: list.version, refused: '', own: false, ...gateway.rulesSaid };
  }

  route(q, a, path, body, me, search) {
    const { center } = this;
    if (path === '/api/rules' && q.method === 'GET') return center.json(a, 200, { list: this.newest, items: this.items.map((i) => ({ ...i, value: this.newest.values[`${i.section}.${i.name}`] })), text: '' });
    if (path === '/api/rules/history') {
      const all = [...this.lists].reverse().filter((l) => !search.get('before') || l.version < Number(search.get('before')));
      return center.json(a, 200, { lists: all.slice(0, 25), next: all.length > 25 ? String(all[24].version) : null });
    }
    if (me.role !== 'admin') center.fail(403, 'forbidden');
    if (path === '/api/rules/check') {
      const r = this.read(body.text);
      return center.json(a, 200, { ok: !r.line, ...r });
    }
    if (body.based_on !== this.newest.version) return center.json(a, 409, { error: 'conflict', text: 'there is a newer version', list: this.newest });
    if (path === '/api/rules/back') return center.json(a, 200, this.save(this.lists.find((l) => l.version === body.version)?.values ?? this.defaults(), me.user, body.reason, body.version));
    const r = this.read(body.text);
    return r.line ? center.json(a, 400, { error: 'bad_request', ...r }) : center.json(a, 200, this.save(r.values, me.user, body.reason));
  }
}
