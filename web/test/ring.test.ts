import { describe, expect, it } from 'vitest';
import { SampleRing, type ChannelInfo } from '../src/ecg/samples';
import { LevelBank } from '../src/filter/bank';
import { DisplayBank, DisplayFilter, design } from '../src/filter/display';

const channel = (invalid: number | null = null): ChannelInfo => ({ code: 'II', label: 'II', unit: 'uV', uvPerCount: 1, baseline: 0, invalid });
const wave = (i: number): number => Math.round(800 * Math.exp(-0.5 * (((i % 400) - 200) / 6) ** 2) + 100 * Math.sin(i / 300));
const span = (first: number, count: number): Int32Array => Int32Array.from({ length: count }, (_, k) => wave(first + k));

describe('sample ring', () => {
  it('keeps the newest samples in place when it wraps', () => {
    const ring = new SampleRing([channel()], 100, 40, new LevelBank(100));
    for (let i = 0; i < 20_000; i += 50) ring.put(i, 50, span(i, 50));
    expect(ring.capacity).toBe(4096);
    for (let i = ring.oldest; i < 20_000; i += 37) expect(ring.raw[0]![i & (ring.capacity - 1)]).toBe(wave(i));
    expect(ring.held.covers(ring.oldest, 20_000)).toBe(true);
    expect(ring.held.has(ring.oldest - 1)).toBe(false);
  });

  it('takes nothing that is too old, and the rest of a block that is partly', () => {
    const ring = new SampleRing([channel()], 100, 40, new LevelBank(100));
    ring.put(10_000, 100, span(10_000, 100));
    ring.put(0, 100, span(0, 100));
    expect(ring.held.total).toBe(100);
    ring.put(ring.oldest - 50, 100, span(ring.oldest - 50, 100));
    expect(ring.held.within(0, 10_000)).toEqual([{ first: ring.oldest, end: ring.oldest + 50 }]);
  });

  it('filters live blocks to the same values as the whole at once', () => {
    const whole = new DisplayFilter(design(500, 0.05, 150, 50));
    const ring = new SampleRing([channel()], 500, 20, new DisplayBank(500, 0.05, 150, 50));
    const want: number[] = [];
    const n = 5000;
    for (let i = 0; i < n; i++) want.push(whole.process(wave(i)));
    for (let i = 0; i < n; i += 20) {
      ring.put(i, 20, span(i, 20));
      ring.ensureFiltered(0, i + 20);
    }
    expect(ring.delay).toBe(5);
    expect(ring.drawable).toBe(n - 5);
    for (let i = 0; i < n - 5; i++) expect(ring.uv[0]![i]).toBeCloseTo(want[i + 5]!, 2);
  });

  it('a healed hole gives what would have been drawn without it', () => {
    const bank = new DisplayBank(500, 0.5, 40, 50);
    const a = new SampleRing([channel()], 500, 60, bank);
    const b = new SampleRing([channel()], 500, 60, bank);
    const n = 20_000;
    a.put(0, n, span(0, n));
    b.put(0, 9000, span(0, 9000));
    b.ensureFiltered(0, 9000);
    b.put(12_000, n - 12_000, span(12_000, n - 12_000));
    b.ensureFiltered(0, n);
    for (let i = 9000; i < 12_000; i += 500) {
      b.put(i, 500, span(i, 500));
      b.ensureFiltered(0, n);
    }
    a.ensureFiltered(0, n);
    let worst = 0;
    for (let i = 0; i < n - 5; i++) worst = Math.max(worst, Math.abs(a.uv[0]![i]! - b.uv[0]![i]!));
    expect(worst).toBeLessThan(1);
  });

  it('blocks that fill the past in any order are all drawn', () => {
    const ring = new SampleRing([channel()], 500, 60, new DisplayBank(500, 0.5, 40, 0));
    ring.put(10_000, 1000, span(10_000, 1000));
    ring.ensureFiltered(0, 11_000);
    for (const i of [6000, 7000, 8000, 9000]) ring.put(i, 1000, span(i, 1000));
    ring.ensureFiltered(6000, 11_000);
    let moved = 0;
    for (let i = 6001; i < 11_000; i++) if (ring.uv[0]![i] !== 0) moved++;
    expect(moved).toBeGreaterThan(4900);
  });

  it('draws nothing where the device has no value', () => {
    const ring = new SampleRing([channel(-32768)], 500, 20, new DisplayBank(500, 0.05, 150, 50));
    const x = span(0, 1000);
    x.fill(-32768, 400, 500);
    ring.put(0, 1000, x);
    ring.ensureFiltered(0, 1000);
    for (let i = 400; i < 500; i++) expect(ring.uv[0]![i]).toBeNaN();
    expect(ring.uv[0]![600]).not.toBeNaN();
    expect(ring.uv[0]![300]).not.toBeNaN();
  });
});
