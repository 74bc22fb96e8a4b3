// Why a rule list is refused: every sentence of the sources has its words on the Chinese page.
import { readFileSync } from 'node:fs';
import { expect, test, vi } from 'vitest';

// No page here: of its settings only the language counts.
const lang = vi.hoisted(() => ({ value: 'zh' }));
vi.mock('../src/state', () => ({ lang }));
import { refusalText } from '../src/live/refusal';

// The formats of refuse(…, "…") and of what a gateway writes into `why`, with something in their places.
const sentences = (): string[] => {
  const out: string[] = [];
  for (const file of ['dsp/ecg/rules_text.c', 'dsp/ecg/rules.c', 'gateway/edge/ruleset.c']) {
    const source = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
    for (const m of source.matchAll(/(?:return refuse\(|snprintf\(ret_why)([^;]*?)"((?:[^"\\]|\\.)*)"/gs)) out.push(m[2] ?? '');
  }
  return out.map((f) => f.replace('line %u: %s', 'line 3: this is not a text file').replace('%s.%s', 'pause.rr_s').replace(/allowed is %s/, 'allowed is 1.2 to 9').replace(/%s/g, 'abc').replace(/%(?:u|d|g)/g, '7'));
};

test('every sentence of the sources is said in Chinese', () => {
  lang.value = 'zh';
  const all = sentences();
  expect(all.length).toBeGreaterThan(18);
  for (const text of all) {
    const said = refusalText(text);
    expect(said, text).toMatch(/[一-龥]/);
    expect(said, text).not.toMatch(/\b(allowed|there is|longer|version of|ends|stands|whole|twice|missing)\b/);
  }
});

test('fields, values and versions have the names of the page', () => {
  lang.value = 'zh';
  expect(refusalText("version 9 of the county: line 4: tachycardia.rate_bpm: '999'; allowed is 100 to 250")).toMatch(/^县第 9 版：第 4 行：心?[一-龥 ]+：不能是“999”，应为 100 ~ 250$/);
  expect(refusalText('line 0: pause.rr_s: allowed is below asystole.silence_s (4)')).toMatch(/必须小于“[^.]+”（4）$/);
  expect(refusalText('asystole.priority: allowed is high, medium')).not.toMatch(/high|medium/);
  expect(refusalText('No such file or directory')).toBe('No such file or directory');
});

test('in English it is what the program said', () => {
  lang.value = 'en';
  expect(refusalText('line 4: x.y: there is no such field')).toBe('line 4: x.y: there is no such field');
});
