// A day of clocks that run up to 100 ppm apart (tests/unit/edge/clocks_day_test.c): from the anchors
// that the gateways wrote around each hour, the pages' own code must find the moments of samples, and
// samples of one moment together.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { captureWallUs, indexAtWallUs, type AnchorLike } from '../src/base/anchor';
import { TimeBook } from '../src/bed/timebook';

const file = process.env['XW_CLOCKS'] ?? fileURLToPath(new URL('../../tests/golden/clocks/day.txt', import.meta.url));
const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter((l) => l && !l.startsWith('#')).map((l) => l.split(' ')) : [];
const hz = new Map(lines.filter(([w]) => w === 'stream').map(([, k, r]) => [Number(k), Number(r)]));
const anchors = (k: number): AnchorLike[] => lines.filter(([w, n]) => w === 'anchor' && Number(n) === k).map(([, , index, wall, offset, doubt, rate]) => ({
  index: Number(index), gatewayWallUs: Number(wall), countyOffsetUs: Number(offset), uncertaintyUs: Number(doubt), rateHz: Number(rate),
}));
const samples = lines.filter(([w]) => w === 'sample').map(([, k, index, wall]) => ({ k: Number(k), index: Number(index), wallUs: Number(wall) }));

const AGREE_US = 20_000;

// Samples of one moment follow one another, by stream.
const moments: (typeof samples)[] = [];
for (const [i, s] of samples.entries()) {
  if (i === 0 || s.k <= (samples[i - 1]?.k ?? 0)) moments.push([]);
  moments.at(-1)?.push(s);
}
const worst = (wallUs: (k: number, index: number) => number): { off: number; apart: number } => {
  let off = 0;
  let apart = 0;
  for (const m of moments) {
    const errors = m.map((s) => wallUs(s.k, s.index) - s.wallUs);
    off = Math.max(off, ...errors.map(Math.abs));
    apart = Math.max(apart, Math.max(...errors) - Math.min(...errors));
  }
  return { off, apart };
};

describe.skipIf(lines.length === 0)('times of one patient’s streams over a day', () => {
  it('agree within 20 ms by the anchors around them (looking back)', () => {
    const books = new Map([...hz].map(([k, rate]) => {
      const book = new TimeBook(String(k), { num: Math.round(rate * 1000), den: 1000 }, 0, 0);
      for (const a of anchors(k)) book.add({ index: a.index, gateway_wall_us: a.gatewayWallUs, county_offset_us: a.countyOffsetUs, uncertainty_us: a.uncertaintyUs, rate_hz: a.rateHz }, null);
      return [k, book];
    }));
    const w = worst((k, index) => books.get(k)?.wallUs(index) ?? NaN);
    expect(samples.length).toBeGreaterThan(60);
    expect(w.apart).toBeLessThanOrEqual(AGREE_US);
    expect(w.off).toBeLessThanOrEqual(AGREE_US);
  });
  it('agree within 20 ms by the newest anchor alone (live), and back', () => {
    const before = (k: number, index: number): AnchorLike | null => anchors(k).filter((a) => a.index <= index).at(-1) ?? anchors(k)[0] ?? null;
    const w = worst((k, index) => captureWallUs(index, hz.get(k) ?? 1, before(k, index)));
    expect(w.apart).toBeLessThanOrEqual(AGREE_US);
    for (const s of samples) {
      const a = before(s.k, s.index);
      const rate = hz.get(s.k) ?? 1;
      expect(indexAtWallUs(captureWallUs(s.index, rate, a), rate, a)).toBeCloseTo(s.index, 3);
    }
  });
});
