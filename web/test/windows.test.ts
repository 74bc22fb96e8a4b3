import { describe, expect, it } from 'vitest';
import { hoursOf, isOld, windowAt, windowsOf, type BeatWindow } from '../src/bed/windows';
import { findingFromJson, type Evidence } from '../src/live/events';

const HZ = 500;
const W = 300 * HZ;
const T0 = new Date(2026, 0, 5, 10, 0, 0).getTime() * 1000;
const wall = (i: number): number => T0 + (i / HZ) * 1e6;
const e = (name: string, value: number, threshold = false): Evidence => ({ name, value, unit: '', threshold });
const burden = (n: number, af: number, v: number, seen = 300) => findingFromJson({
  key: `b${n}`, stream: 's', kind: 'summary', first: n * W, end: (n + 1) * W, code: 'BURDEN', priority: 'none',
  evidence: [e('seen', seen), e('af-burden', af), e('beats', seen), e('v-beats', v), e('s-beats', 1), e('nn-clean', 93), e('nn-clean', 85, true)],
});
const hrv = (n: number, sdnn: number) => findingFromJson({
  key: `h${n}`, stream: 's', kind: 'summary', first: n * W, end: (n + 1) * W, code: 'HRV', priority: 'none',
  evidence: [e('nn-mean', 1000), e('sdnn', sdnn), e('rmssd', 20), e('pnn50', 3), e('lf', 200), e('hf', 100)],
});

describe('five-minute windows', () => {
  it('are a burden and, where there was enough, its variability; a threshold is no value', () => {
    const w = windowsOf([hrv(1, 40), burden(1, 0, 2), burden(0, 25, 0)], wall);
    expect(w.map((x) => [x.fromUs, x.toUs, x.af, x.v, x.clean, x.hrv?.sdnn])).toEqual([
      [T0, T0 + 300e6, 25, 0, 93, undefined], [T0 + 300e6, T0 + 600e6, 0, 2, 93, 40],
    ]);
  });
  it('the same window twice is one; other events are none', () => {
    expect(windowsOf([burden(0, 0, 1), burden(0, 0, 1)], wall)).toHaveLength(1);
    expect(windowsOf([{ ...burden(0, 0, 1), kind: 'measurement' }], wall)).toEqual([]);
    expect(windowsOf([{ ...burden(0, 0, 1), withdrawn: true }], wall)).toEqual([]);
  });
  it('the one shown holds the moment, live it is the newest, and it grows old when the next is overdue', () => {
    const w = windowsOf([burden(0, 0, 1), burden(1, 0, 2), burden(3, 0, 3)], wall);
    expect(windowAt(w, null)?.v).toBe(3);
    expect(windowAt(w, T0 + 300e6)?.v).toBe(2);
    expect(windowAt(w, T0 + 700e6)).toBeNull();
    const last = w[2] as BeatWindow;
    expect(isOld(last, last.toUs + 361e6)).toBe(false);
    expect(isOld(last, last.toUs + 421e6)).toBe(true);
  });
  it('an hour weighs fibrillation by the time seen, adds the beats and takes the mean of what there is', () => {
    const w = windowsOf([burden(0, 100, 4, 100), burden(1, 0, 2), hrv(1, 40), burden(2, 0, 0), hrv(2, 60), burden(12, 50, 7)], wall);
    const hours = hoursOf(w);
    expect(hours.map((h) => h.fromUs)).toEqual([T0 + 3600e6, T0]);
    const first = hours[1];
    expect(first?.seenS).toBe(700);
    expect(first?.af).toBeCloseTo(100 / 7, 6);
    expect(first?.v).toBe(6);
    expect(first?.sdnn).toBe(50);
    expect(first?.lfhf).toBe(2);
    expect(first?.bpm).toBeCloseTo(60, 6);
    expect(hours[0]?.sdnn).toBeNull();
  });
});
