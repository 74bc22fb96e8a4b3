// Why a rule list is refused, in the words of the page. The county and the gateways say it in English (dsp/ecg/rules_text.c,
// rules.c, gateway/edge/ruleset.c); a test reads those sources, so that no sentence of theirs is without its words here.

import { has, t, tWord } from '../i18n/t';
import type { Key } from '../i18n/words';
import { lang } from '../state';

export function ruleFieldName(section: string, name: string): string {
  const own = `rulefield.${section}.${name}`;
  return has(own) ? t(own) : tWord('rulefield', name);
}

// "pause.rr_s" as the table of the page has it; what it does not know stays as it is.
function named(field: string): string {
  const [section = '', name = ''] = field.split('.');
  return section === 'list' || !has(`rule.${section}`) ? field : `${tWord('rule', section)} ${ruleFieldName(section, name)}`;
}

// "0.5 to 9, whole", or the priorities.
function allowed(text: string): string {
  const range = /^(\S+) to (\S+?)(, whole)?$/.exec(text);
  if (range) return t(range[3] ? 'rules.bad.whole' : 'rules.bad', { min: range[1] ?? '', max: range[2] ?? '' });
  return t('refusal.one', { what: text.split(', ').map((p) => tWord('priority', p)).join(t('refusal.or')) });
}

type Made = (m: RegExpExecArray) => string;
const words = (key: Key, ...names: string[]): Made => (m) => t(key, Object.fromEntries(names.map((name, i) => [name, m[i + 1] ?? ''])));
const fieldSays = (what: Made): Made => (m) => t('rules.named', { name: named(m[1] ?? ''), what: what(m) });
const pair = (key: Key): Made => fieldSays((m) => t(key, { other: named(m[2] ?? ''), n: m[3] ?? '' }));

const F = '([\\w.]+)'; // a field
const SENTENCES: [RegExp, Made][] = [
  [/^version (\d+) of the county: (.*)$/s, (m) => t('rules.named', { name: t('rules.in.list.county', { n: m[1] ?? '' }), what: sentence(m[2] ?? '') })],
  [/^line 0: (.*)$/s, (m) => sentence(m[1] ?? '')],
  [/^line (\d+): (.*)$/s, (m) => t('refusal.line', { n: m[1] ?? '', what: sentence(m[2] ?? '') })],
  [new RegExp(`^${F}: is set twice, first in line (\\d+)$`), fieldSays((m) => t('refusal.twice.line', { n: m[2] ?? '' }))],
  [new RegExp(`^${F}: is set twice$`), fieldSays(() => t('refusal.twice'))],
  [/^(.+): there is no such field$/, (m) => t('refusal.field', { name: m[1] ?? '' })],
  [new RegExp(`^${F}: is missing; allowed is (.+)$`), fieldSays((m) => t('refusal.missing', { what: allowed(m[2] ?? '') }))],
  [new RegExp(`^${F}: '(.*)'; allowed is (.+)$`), fieldSays((m) => t('refusal.value', { v: m[2] ?? '', what: allowed(m[3] ?? '') }))],
  [new RegExp(`^${F}: allowed is above ${F} \\((.+)\\)$`), pair('refusal.above')],
  [new RegExp(`^${F}: allowed is below ${F} \\((.+)\\)$`), pair('refusal.below')],
  [new RegExp(`^${F}: allowed is up to ${F} \\((.+)\\)$`), pair('refusal.upto')],
  [new RegExp(`^${F}: allowed is (.+)$`), fieldSays((m) => allowed(m[2] ?? ''))],
  [/^there is no section '(.*)'$/, words('refusal.section', 'name')],
  [/^'(.*)' stands behind \[end\]$/, words('refusal.behind', 'what')],
  [/^'(.*)' stands before any \[section\]$/, words('refusal.before', 'what')],
  [/^'(.*)': wanted name = value, \[section\] or a comment$/, words('refusal.form', 'what')],
  [/^the line is longer than (\d+) bytes$/, words('refusal.longline', 'n')],
  [/^the list is longer than (\d+) bytes$/, words('refusal.longlist', 'n')],
  [/^this is not a text file$/, words('refusal.binary')],
  [/^the list ends without \[end\]: it was cut off$/, words('refusal.cut')],
  [/^the text is not the one of its SHA-256$/, words('refusal.hash')],
  [/^list\.version: (\d+) in the text of version (\d+)$/, words('refusal.number', 'a', 'b')],
  [/^text: the rule list is needed$/, words('refusal.none')],
  [/^reason: why, 1 to (\d+) bytes in one line$/, words('refusal.reason', 'n')],
];

function sentence(text: string): string {
  for (const [pattern, make] of SENTENCES) {
    const m = pattern.exec(text);
    if (m) return make(m);
  }
  return text; // the operating system's, mostly
}

// In English as the program said it.
export function refusalText(text: string): string {
  return lang.value === 'en' ? text : sentence(text);
}
