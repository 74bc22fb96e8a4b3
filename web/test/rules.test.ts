// The rule list: every rule of the shipped list has its words, texts come back, states of gateways.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { JsonRuleItem, JsonRuleList, JsonRulesReport } from '../src/api';
import { words } from '../src/i18n/words';
import { keyOf, rulesDiff, rulesState, rulesText, sameValue, valueGood } from '../src/live/rules';

const shipped = (): [string, string][] => {
  let section = '';
  const out: [string, string][] = [];
  for (const line of readFileSync(new URL('../../deploy/etc/rules.conf', import.meta.url), 'utf8').split('\n')) {
    section = /^\[(\w+)\]$/.exec(line)?.[1] ?? section;
    const name = /^(\w+) = /.exec(line)?.[1];
    if (name && section !== 'list') out.push([section, name]);
  }
  return out;
};

const number = (name: string, over: Partial<JsonRuleItem> = {}): JsonRuleItem => ({ section: 'pause', name, type: 'decimal', value: '2', default: '2', min: '1.2', max: '9', means: '', ...over });
const list = (version: number, wallUs: number | null = 0): JsonRuleList => ({ version, hash: `hash-${version}`, author: 'li', reason: 'why', wall_us: wallUs, based_on: version - 1, back_to: null, values: {} });
const told = (over: Partial<JsonRulesReport> = {}): JsonRulesReport => ({ from: 'county', version: 3, hash: 'hash-3', county_version: 3, refused: '', own: false, ...over });

test('every rule of the shipped list has a name and every value one in both languages', () => {
  const all = shipped();
  expect(all.length).toBeGreaterThan(30);
  const known = new Set(Object.keys(words));
  for (const [section, name] of all) {
    expect(known.has(`rule.${section}`), section).toBe(true);
    expect(known.has(`rulefield.${section}.${name}`) || known.has(`rulefield.${name}`), `${section}.${name}`).toBe(true);
  }
});

test('the text has each section once, with the edits, and ends', () => {
  const items = [number('rr_s'), number('other'), number('rate', { section: 'run' })];
  expect(rulesText(items, { 'pause.other': '3' })).toBe('[list]\nversion = 1\n[pause]\nrr_s = 2\nother = 3\n[run]\nrate = 2\n[end]\n');
});

test('a value is good within its range, with three decimals at most, whole where it has to be', () => {
  for (const v of ['1.2', '9', '2.125']) expect(valueGood(number('x'), v), v).toBe(true);
  for (const v of ['', '1.1', '9.1', '2.1251', '-2', '1e1', ' 2', '２', 'NaN']) expect(valueGood(number('x'), v), v).toBe(false);
  expect(valueGood(number('x', { type: 'whole' }), '2.0')).toBe(false);
  expect(valueGood({ ...number('p'), type: 'priority', allowed: ['high', 'off'] }, 'low')).toBe(false);
});

test('a difference is one of values, not of how they are written', () => {
  expect(sameValue(number('x'), '2', '2.0')).toBe(true);
  expect(sameValue(number('x'), '2', '')).toBe(false);
  const items = [number('a'), number('b')];
  expect(rulesDiff(items, { 'pause.a': '2', 'pause.b': '3' }, { 'pause.a': '2.0', 'pause.b': '4' }).map((d) => [keyOf(d.item), d.from, d.to])).toEqual([['pause.b', '3', '4']]);
});

test('a gateway is in force, on its way, late, away, refused, ahead, of another program, with its own', () => {
  const now = 1e15;
  const state = (rules: JsonRulesReport | null, linked = true, newest = list(3, now - 1e6)): string => rulesState({ linked, rules }, newest, now);
  expect(state(told())).toBe('good');
  expect(state(told(), false)).toBe('good');
  expect(state(null)).toBe('unknown');
  expect(state(told({ version: 2, county_version: 2 }))).toBe('waiting');
  expect(state(told({ version: 2, county_version: 2 }), true, list(3, now - 200e6))).toBe('late');
  expect(state(told({ version: 2, county_version: 2 }), false)).toBe('away');
  expect(state(told({ version: 2, refused: 'line 4' }))).toBe('refused');
  expect(state(told({ hash: 'x' }))).toBe('program');
  expect(state(told({ county_version: 4, version: 4 }))).toBe('ahead');
  expect(state(told({ own: true, from: 'file' }))).toBe('own');
  expect(state(told({ from: 'defaults', version: 0, county_version: 0 }), true, list(0, null))).toBe('good');
});
