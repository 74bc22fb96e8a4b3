import { describe, expect, it } from 'vitest';
import { CONTINUOUS, meaningOf, numberText, SPOT, VITAL_KINDS } from '../src/vitals/kinds';
import { Readings, trendOf, type Observation } from '../src/vitals/readings';
import { stateOf } from '../src/vitals/state';

let n = 0;
const obs = (o: Partial<Observation>): Observation => ({
  id: `o${n++}`, attachment: 'a', code: '59408-5', mdc: 0, value: 97, unit: '%', wallUs: 1e12, source: '', group: '', absent: null, reported: '', continuous: true, demo: false, ...o,
});

describe('what an observation is', () => {
  it('tells a pulse rate from a heart rate by its MDC code, else by how it was measured', () => {
    expect(meaningOf({ code: '8867-4', mdc: 147842, source: '' })?.kind).toBe('hr');
    expect(meaningOf({ code: '8867-4', mdc: 149530, source: '' })?.kind).toBe('pr');
    expect(meaningOf({ code: '8867-4', mdc: 0, source: 'spo2' })?.kind).toBe('pr');
    expect(meaningOf({ code: '8867-4', mdc: 0, source: 'ecg' })?.kind).toBe('hr');
    expect(meaningOf({ code: '150456', mdc: 0, source: '' })?.kind).toBe('spo2');
    expect(meaningOf({ code: '1234-5', mdc: 0, source: '' })).toBeNull();
  });
  it('three values of one cuff are one reading, in any order', () => {
    const r = new Readings();
    for (const [code, value] of [['8478-0', 93], ['8480-6', 120], ['8462-4', 80]] as const) r.put(obs({ code, value, unit: 'mm[Hg]', group: 'g1', continuous: false }));
    r.put(obs({ code: '8480-6', value: 131, unit: 'mm[Hg]', group: 'g2', wallUs: 2e12, continuous: false }));
    expect(r.at('nibp', 1.5e12)?.parts).toEqual({ mean: 93, sys: 120, dia: 80 });
    expect(r.at('nibp', 3e12)?.parts).toEqual({ sys: 131 });
    expect(trendOf(r.at('nibp', 1.5e12)!)).toBe(93);
  });
  it('a repeated observation is kept once', () => {
    const r = new Readings();
    const o = obs({});
    expect([r.put(o), r.put(o)]).toEqual([true, false]);
    expect(r.within('spo2', 0, 2e12)).toHaveLength(1);
  });
});

describe('no value', () => {
  it('a sentinel has no number, is never on the trend, and the last number is told apart', () => {
    const r = new Readings();
    r.put(obs({ value: 98, wallUs: 1e12 }));
    r.put(obs({ value: null, absent: 'sentinel', reported: '127', wallUs: 1e12 + 1e6 }));
    const now = r.at('spo2', 2e12)!;
    expect(now.absent).toBe('sentinel');
    expect(now.parts).toEqual({});
    expect(trendOf(now)).toBeNull();
    expect(r.numberAt('spo2', 2e12)?.parts.value).toBe(98);
  });
  it('a value that comes along with a reason for its absence is not taken', () => {
    const r = new Readings();
    r.put(obs({ value: 127, absent: 'impossible' }));
    expect(r.at('spo2', 2e12)?.parts).toEqual({});
    r.put(obs({ value: Number.NaN, wallUs: 1e12 + 5 }));
    expect(r.at('spo2', 2e12)?.absent).toBe('not_number');
  });
});

describe('age', () => {
  const reading = (kind: 'spo2' | 'nibp', continuous: boolean) => {
    const r = new Readings();
    r.put(kind === 'spo2' ? obs({ continuous }) : obs({ code: '8480-6', value: 120, group: 'g', continuous }));
    return r.at(kind, 2e12);
  };
  it('what is watched all the time is old after 10 s and grey after a minute', () => {
    const r = reading('spo2', true);
    expect(CONTINUOUS).toEqual({ oldS: 10, greyS: 60 });
    expect([10, 10.1, 60, 60.1].map((s) => stateOf(r, 1e12 + s * 1e6))).toEqual(['fresh', 'old', 'old', 'grey']);
  });
  it('a cuff reading is old after half an hour', () => {
    const r = reading('nibp', false);
    expect([29, 31, 241].map((m) => stateOf(r, 1e12 + m * 60e6))).toEqual(['fresh', 'old', 'grey']);
  });
  it('never measured is not the same as absent', () => {
    expect(stateOf(null, 1e12)).toBe('never');
    expect(VITAL_KINDS.every((k) => SPOT[k].oldS < SPOT[k].greyS)).toBe(true);
  });
  it('numbers have the decimals of their kind', () => {
    expect([numberText('temp', 36.84), numberText('glucose', 5), numberText('spo2', 97.4)]).toEqual(['36.8', '5.0', '97']);
  });
});
