import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, vi } from 'vitest';

// No page here: of its settings only the language counts.
const lang = vi.hoisted(() => ({ value: 'zh' }));
vi.mock('../src/state', () => ({ lang }));
import { alarmName, valueName } from '../src/i18n/t';

const read = (path: string): string => readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8');
const zh = /[\u4e00-\u9fff]/;

describe('names of machine findings', () => {
  // What the gateway can say of an ECG: rhythms, alarms, what cannot be seen. Beats are letters, values have names of their own.
  const codes = [...read('gateway/edge/words.c').matchAll(/\[XW_ECG_(?:RHYTHM|FINDING|QUALITY)_\w+\] = "(\w+)"/g)].map((m) => m[1] as string);
  const values = [...read('dsp/ecg/event.c').matchAll(/\[XW_ECG_VALUE_(\w+)\] = \{"([^"]+)"/g)].map((m) => [m[1], m[2]] as [string, string]);
  // Of the five-minute summaries: shown as trends, never as evidence.
  const summary = /^(NN_MEAN_MS|SDNN_MS|RMSSD_MS|PNN50|LF_MS2|HF_MS2|SEEN_S|AF_BURDEN|V_BEATS_N|S_BEATS_N|NN_CLEAN|NONE)$/;

  it('are all known, in Chinese and in English', () => {
    expect(codes.length).toBeGreaterThan(20);
    for (const code of codes) {
      lang.value = 'zh';
      expect(alarmName(code), code).toMatch(zh);
      lang.value = 'en';
      expect(alarmName(code), code).not.toMatch(zh);
      expect(alarmName(code), code).not.toBe(code);
    }
  });
  it('and so are the values that they rest on', () => {
    expect(values.length).toBeGreaterThan(30);
    for (const [id, name] of values.filter(([id]) => !summary.test(id))) {
      lang.value = 'zh';
      expect(valueName(name), id).toMatch(zh);
      lang.value = 'en';
      expect(valueName(name), id).not.toBe(name);
    }
    lang.value = 'zh';
  });
});
