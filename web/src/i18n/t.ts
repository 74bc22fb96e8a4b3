// Words in the language of the display, and the names of codes that come from machines.

import { lang } from '../state';
import { words, type Key } from './words';

export function fill(text: string, values?: Record<string, string | number>): string {
  return values ? text.replace(/\{(\w+)\}/g, (_, k: string) => String(values[k] ?? '')) : text;
}

export function t(key: Key, values?: Record<string, string | number>): string {
  return fill(words[key][lang.value === 'zh' ? 0 : 1], values);
}

export function has(key: string): key is Key {
  return key in words;
}

// A key made of a prefix and a machine's word; the bare word when there is none.
export function tWord(prefix: string, word: string): string {
  const key = `${prefix}.${word.toLowerCase()}`;
  return has(key) ? t(key) : word;
}

// The codes that analysis gives to alarms, in the forms that occur.
const ALARM_WORDS: Record<string, Key> = {
  vf: 'alarm.vf', vfib: 'alarm.vf', ventricular_fibrillation: 'alarm.vf', asystole: 'alarm.asystole', pause: 'alarm.pause',
  brady: 'alarm.brady', extreme_brady: 'alarm.brady', bradycardia: 'alarm.brady', tachy: 'alarm.tachy', extreme_tachy: 'alarm.tachy',
  tachycardia: 'alarm.tachy', vt: 'alarm.vt', ventricular_tachycardia: 'alarm.vt', vrun: 'alarm.vrun', ventricular_run: 'alarm.vrun',
  couplet: 'alarm.couplet', bigeminy: 'alarm.bigeminy', trigeminy: 'alarm.trigeminy', af: 'alarm.af', afib: 'alarm.af',
  atrial_fibrillation: 'alarm.af', afl: 'alarm.afl', atrial_flutter: 'alarm.afl', svt: 'alarm.svt', avb2: 'alarm.avb2', avb3: 'alarm.avb3',
  paced: 'alarm.paced', normal: 'alarm.normal', st_elevation: 'alarm.ste', st_depression: 'alarm.std', cannot_see: 'alarm.cannotsee',
  lead_off: 'alarm.leadoff', leads_off: 'alarm.leadoff', noise: 'alarm.noise', arms_reversed: 'alarm.reversed', reversed: 'alarm.reversed',
};

export function alarmName(code: string): string {
  const key = ALARM_WORDS[code.toLowerCase().replace(/[\s-]+/g, '_')];
  return key ? t(key) : code;
}

export function valueName(name: string): string {
  const bare = name.toLowerCase().replace(/[\s-]+/g, '_');
  for (const k of [bare, bare.replace(/_(ms|s|bpm|n|uv|mv)$/, '')]) if (has(`value.${k}`)) return t(`value.${k}` as Key);
  return name;
}
