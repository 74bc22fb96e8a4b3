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
  VF: 'alarm.vf', ASYSTOLE: 'alarm.asystole', PAUSE: 'alarm.pause', BRADY: 'alarm.brady', TACHY: 'alarm.tachy', VT: 'alarm.vt',
  VRUN: 'alarm.vrun', COUPLET: 'alarm.couplet', BIGEMINY: 'alarm.bigeminy', TRIGEMINY: 'alarm.trigeminy', AFIB: 'alarm.af',
  AFL: 'alarm.afl', SVT: 'alarm.svt', AVB2: 'alarm.avb2', AVB3: 'alarm.avb3', R_ON_T: 'alarm.ront', PACED: 'alarm.paced', NORMAL: 'alarm.normal', NO_FINDING: 'alarm.normal', ELECTRODES_OFF: 'alarm.leadoff',
  ST_ELEVATION: 'alarm.ste', ST_DEPRESSION: 'alarm.std', CANNOT_SEE: 'alarm.cannotsee', ALARM_DENIED: 'alarm.denied', LEAD_OFF: 'alarm.leadoff',
  LEADS_OFF: 'alarm.leadoff', NOISE: 'alarm.noise', ARMS_REVERSED: 'alarm.reversed',
  FHR1_SIGNAL_LOSS: 'alarm.fhr1loss', FHR2_SIGNAL_LOSS: 'alarm.fhr2loss', FHR3_SIGNAL_LOSS: 'alarm.fhr3loss',
};

export function alarmName(code: string): string {
  const key = ALARM_WORDS[code.toUpperCase().replace(/[\s-]+/g, '_')];
  return key ? t(key) : code;
}

export function valueName(name: string): string {
  const bare = name.toLowerCase().replace(/[\s-]+/g, '_');
  for (const k of [bare, bare.replace(/_(ms|s|bpm|n|uv|mv)$/, '')]) if (has(`value.${k}`)) return t(`value.${k}` as Key);
  return name;
}
