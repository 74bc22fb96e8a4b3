import { describe, expect, it } from 'vitest';
import { captureWallUs, indexAtWallUs, trueRateHz, type AnchorLike } from '../src/base/anchor';
import { CountyClock, durationText } from '../src/base/clock';
import { RangeSet } from '../src/base/ranges';
import { Holes } from '../src/live/holes';

describe('range set', () => {
  it('agrees with a bit map through random changes', () => {
    let seed = 12345;
    const rnd = (n: number): number => {
      seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
      return seed % n;
    };
    const set = new RangeSet();
    const map = new Uint8Array(200);
    for (let k = 0; k < 3000; k++) {
      const a = rnd(200);
      const b = a + rnd(201 - a);
      if (rnd(3) > 0) {
        set.add(a, b);
        map.fill(1, a, b);
      } else {
        set.remove(a, b);
        map.fill(0, a, b);
      }
      const at = rnd(200);
      expect(set.has(at), `step ${k}`).toBe(map[at] === 1);
      const x = rnd(200);
      const y = x + rnd(201 - x);
      expect(set.covers(x, y)).toBe(map.subarray(x, y).every((v) => v === 1));
      const missing = set.missing(x, y).reduce((n, s) => n + s.end - s.first, 0);
      expect(missing).toBe(map.subarray(x, y).filter((v) => v === 0).length);
      for (let i = 1; i < set.spans.length; i++) expect(set.spans[i]!.first).toBeGreaterThan(set.spans[i - 1]!.end);
    }
    expect(set.total).toBe(map.reduce((n, v) => n + v, 0));
  });
});

describe('anchors', () => {
  const a: AnchorLike = { index: 1000, gatewayWallUs: 5_000_000, countyOffsetUs: 200_000, uncertaintyUs: 500, rateHz: 500.05 };
  it('place a sample by the true rate, in county time', () => {
    expect(captureWallUs(1000, 500, a)).toBe(5_200_000);
    expect(captureWallUs(1000 + 50005, 500, a)).toBeCloseTo(5_200_000 + 100e6, 3);
    expect(indexAtWallUs(captureWallUs(4321, 500, a), 500, a)).toBeCloseTo(4321, 6);
  });
  it('do not follow an absurd estimate', () => {
    expect(trueRateHz(500, { ...a, rateHz: 5000 })).toBe(500);
    expect(trueRateHz(500, { ...a, rateHz: 0 })).toBe(500);
    expect(trueRateHz(500, null)).toBe(500);
  });
  it('say nothing when there is none', () => {
    expect(captureWallUs(1, 500, null)).toBeNaN();
  });
});

describe('the county clock', () => {
  it('trusts the shortest way there and back', () => {
    const c = new CountyClock();
    expect(c.known).toBe(false);
    c.hint(0, 1_000_000);
    expect(c.known).toBe(false);
    expect(c.wallUs(0)).toBe(1_000_000);
    c.pong(100, 180, 1_000_000 + 170_000); // slow way back: 30 ms off
    c.pong(200, 204, 1_000_000 + 202_000);
    c.pong(300, 390, 1_000_000 + 300_000);
    expect(c.known).toBe(true);
    expect(c.wallUs(204)).toBeCloseTo(1_204_000, 6);
    expect(c.rttMs).toBe(4);
  });
  it('writes durations that count up', () => {
    expect([0, 12.9, 250, 3723].map(durationText)).toEqual(['0:00', '0:12', '4:10', '1:02:03']);
  });
});

describe('holes', () => {
  it('tell coming, fetching and lost apart', () => {
    const h = new Holes();
    const held = RangeSet.of([0, 100], [200, 300]);
    h.addKnown(0, 120);
    h.addKnown(200, 300);
    h.addGap(120, 150, 'device');
    expect(h.absent(held, 0, 320).map((s) => [s.first, s.end, s.state])).toEqual([
      [100, 120, 'fetching'], [120, 150, 'lost'], [150, 200, 'coming'], [300, 320, 'coming'],
    ]);
  });
  it('count what comes back, and close', () => {
    const h = new Holes();
    h.addKnown(0, 100);
    h.addKnown(400, 500);
    h.survey(0, 500, 1);
    expect(h.list.map((x) => [x.first, x.end])).toEqual([[100, 400]]);
    h.addKnown(100, 220);
    h.survey(0, 520, 2);
    const hole = h.list[0]!;
    expect(h.account(hole)).toEqual({ totalN: 300, backN: 120, lostN: 0, comingN: 180 });
    h.addGap(220, 250, 'spool_limit');
    h.addKnown(250, 520);
    h.survey(0, 520, 3);
    expect(h.account(hole)).toEqual({ totalN: 300, backN: 270, lostN: 30, comingN: 0 });
    expect(hole.closedMs).toBe(3);
  });
  it('are known of from the jump of the present, even if they heal before anybody looks', () => {
    const h = new Holes();
    h.addKnown(0, 100);
    h.opened(100, 900, 1);
    h.addKnown(900, 950);
    h.addKnown(100, 700);
    h.survey(0, 950, 2);
    expect(h.list.map((x) => [x.first, x.end])).toEqual([[100, 900]]);
    expect(h.account(h.list[0]!).backN).toBe(600);
  });
  it('that the county has are none: they are only fetched', () => {
    const h = new Holes();
    h.addKnown(0, 900);
    h.opened(100, 900, 1);
    expect(h.list).toEqual([]);
  });
  it('take a lost stretch beside a coming one as part of the same hole', () => {
    const h = new Holes();
    h.addKnown(0, 100);
    h.addGap(120, 150, 'device');
    h.addKnown(200, 300);
    h.survey(0, 300, 1);
    expect(h.list.map((x) => [x.first, x.end])).toEqual([[100, 200]]);
  });
  it('a gap gives way to samples, never the reverse', () => {
    const h = new Holes();
    h.addGap(10, 20, 'device');
    h.samplesCame(10, 20);
    expect(h.absent(new RangeSet(), 10, 20)[0]?.state).toBe('fetching');
  });
  it('nothing is missing before the first known sample', () => {
    const h = new Holes();
    h.addKnown(1000, 1100);
    expect(h.absent(RangeSet.of([1000, 1100]), 0, 1100)).toEqual([]);
  });
});
