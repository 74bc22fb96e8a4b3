// The county's rule list as pages know it, and how a gateway stands to it.

import { signal } from '@preact/signals';
import { api, type JsonGateway, type JsonRuleItem, type JsonRuleList, type JsonRulesReport } from '../api';

export const LATE_MS = 120_000; // an older list in force for so long after a save is worth a mark

export type RulesState = 'good' | 'waiting' | 'late' | 'refused' | 'own' | 'program' | 'ahead' | 'away' | 'unknown';

export const newestRules = signal<JsonRuleList | null>(null);

export function loadNewestRules(): void {
  api.rules().then((r) => { newestRules.value = r.list; }).catch(() => {}); // the next time, then
}

// What a gateway told, beside the newest version of the county.
export function rulesState(g: Pick<JsonGateway, 'linked' | 'rules'>, newest: JsonRuleList, nowWallUs: number): RulesState {
  const r = g.rules;
  if (!r) return 'unknown';
  if (r.own) return 'own';
  if (r.county_version > newest.version) return 'ahead';
  if (r.refused && r.county_version === newest.version) return g.linked ? 'refused' : 'away';
  const same = newest.version === 0 ? r.from !== 'county' : r.from === 'county' && r.version === newest.version;
  if (same) return newest.version === 0 || r.hash === newest.hash ? 'good' : 'program';
  if (!g.linked) return 'away';
  return newest.wall_us !== null && nowWallUs - newest.wall_us > LATE_MS * 1000 ? 'late' : 'waiting';
}

export const keyOf = (i: Pick<JsonRuleItem, 'section' | 'name'>): string => `${i.section}.${i.name}`;

// The text that the county and the gateways read. The county gives it its number.
export function rulesText(items: readonly JsonRuleItem[], values: Readonly<Record<string, string>>): string {
  let section = '';
  let text = '[list]\nversion = 1\n';
  for (const i of items) {
    if (i.section !== section) text += `[${i.section}]\n`;
    section = i.section;
    text += `${i.name} = ${values[keyOf(i)] ?? i.value}\n`;
  }
  return `${text}[end]\n`;
}

// Is this what may stand there? The county looks at it again, and at how values go together.
export function valueGood(i: JsonRuleItem, value: string): boolean {
  if (i.type === 'priority') return i.allowed?.includes(value) ?? false;
  if (!(i.type === 'whole' ? /^\d{1,9}$/ : /^\d{1,9}(\.\d{1,3})?$/).test(value)) return false;
  const v = Number(value);
  return v >= Number(i.min) && v <= Number(i.max);
}

// Of equal value however it is written: 120, 120.0.
export function sameValue(i: Pick<JsonRuleItem, 'type'>, a: string, b: string): boolean {
  return a === b || (i.type !== 'priority' && a.trim() !== '' && b.trim() !== '' && Number(a) === Number(b));
}

// Every value that differs, in the order of the list.
export function rulesDiff(items: readonly JsonRuleItem[], from: Readonly<Record<string, string>>, to: Readonly<Record<string, string>>): { item: JsonRuleItem; from: string; to: string }[] {
  return items
    .map((item) => ({ item, from: from[keyOf(item)] ?? item.default, to: to[keyOf(item)] ?? item.default }))
    .filter((d) => !sameValue(d.item, d.from, d.to));
}

export type { JsonRulesReport };
