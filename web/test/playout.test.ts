import { describe, expect, it } from 'vitest';
import { Playout } from '../src/ecg/playout';

// Blocks of 40 ms at 500/s, each arriving `late(k)` ms after its last sample was taken; frames at 60/s.
function run(seconds: number, late: (k: number) => number, rate = 500): { still: number; heads: number[]; p: Playout; delays: number[] } {
  const p = new Playout(500);
  const heads: number[] = [];
  const delays: number[] = [];
  let still = 0;
  let k = 0;
  let last = NaN;
  const due: { at: number; end: number }[] = [];
  for (let f = 0; f < seconds * 60; f++) {
    const now = (f * 1000) / 60;
    while ((k + 1) * 40 <= now + 2000) {
      due.push({ at: (k + 1) * 40 * (500 / rate) + late(k), end: (k + 1) * 20 });
      k++;
    }
    due.sort((a, b) => a.at - b.at);
    while (due[0] && due[0].at <= now) {
      const d = due.shift()!;
      p.arrived(d.end, d.at);
    }
    const h = p.head(now);
    heads.push(h);
    if (f > 120) {
      if (h === last) still++;
      delays.push(now - (h / rate) * 1000);
    }
    last = h;
  }
  return { still, heads, p, delays };
}

describe('playout', () => {
  it('moves every frame and never back when blocks come evenly', () => {
    const r = run(20, () => 10);
    expect(r.still).toBe(0);
    for (let i = 1; i < r.heads.length; i++) if (r.heads[i - 1]! >= 0) expect(r.heads[i]!).toBeGreaterThanOrEqual(r.heads[i - 1]!);
    expect(r.p.underruns).toBe(0);
  });
  it('adds no more than a block and a margin', () => {
    const r = run(20, () => 10);
    const mean = r.delays.reduce((a, b) => a + b, 0) / r.delays.length;
    expect(mean).toBeLessThan(40 + 10 + 15);
  });
  it('grows with jitter, and then does not wait again', () => {
    let seed = 7;
    const r = run(60, () => {
      seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
      return 5 + (seed % 30);
    });
    expect(r.p.underruns).toBeLessThanOrEqual(1);
    const worst = Math.max(...r.delays.slice(600));
    expect(worst).toBeLessThan(130);
  });
  it('one late block is one underrun', () => {
    const r = run(10, (k) => (k === 150 ? 120 : 5));
    expect(r.p.underruns).toBe(1);
  });
  it('a stopped stream is no underrun; afterwards it shows the present at once', () => {
    const p = new Playout(500);
    let end = 0;
    for (let t = 0; t <= 4000; t += 40) p.arrived((end += 20), t);
    for (let t = 2000; t <= 4000; t += 16) p.head(t);
    for (let t = 4000; t < 14_000; t += 16) p.head(t);
    expect(p.head(14_000)).toBe(end);
    p.arrived(end + 5000, 14_040);
    const h = p.head(14_050);
    expect(h).toBeGreaterThan(end + 4900);
    expect(p.underruns).toBe(0);
  });
  it('follows a device whose clock runs 0.3 % fast', () => {
    const r = run(120, () => 8, 501.5);
    expect(r.p.underruns).toBeLessThanOrEqual(2);
    expect(Math.max(...r.delays.slice(-600))).toBeLessThan(130);
  });
});
