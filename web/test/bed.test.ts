import { describe, expect, it } from 'vitest';
import type { JsonClip, JsonRanges, JsonStream } from '../src/api';
import { laneOf } from '../src/bed/bardata';
import { timeStepS } from '../src/bed/bardraw';
import { streamAt, TimeBook } from '../src/bed/timebook';
import { clipAt, clipHeld } from '../src/video/clips';
import { placePicture } from '../src/video/place';

const anchor = (index: number, gateway: number, offset: number | null, hz: number) => ({ index, gateway_wall_us: gateway, county_offset_us: offset, uncertainty_us: 0, rate_hz: hz });

describe('sample index and county time over hours', () => {
  it('lies on straight lines between anchors, whatever the nominal rate', () => {
    const b = new TimeBook('x', { num: 500, den: 1 }, 0, 0);
    b.add(anchor(0, 1_000_000, 5, 500), null);
    b.add(anchor(5001, 11_000_000, 5, 500), null); // a little fast
    expect(b.wallUs(0)).toBe(1_000_005);
    expect(b.wallUs(5001)).toBe(11_000_005);
    expect(b.wallUs(2500.5)).toBeCloseTo(6_000_005, 3);
    for (const i of [-100, 0, 17, 2500, 5001, 90_000]) expect(b.index(b.wallUs(i))).toBeCloseTo(i, 4);
  });
  it('goes on beyond them by the true rate, and by the nominal one where that is absurd', () => {
    const b = new TimeBook('x', { num: 4, den: 1 }, 0, 0);
    b.add(anchor(40, 10_000_000, 0, 4.0002), null);
    expect(b.index(20_000_000)).toBeCloseTo(80.002, 6);
    const c = new TimeBook('x', { num: 4, den: 1 }, 0, 0);
    c.add(anchor(40, 10_000_000, 0, 17), null);
    expect(c.index(20_000_000)).toBe(80);
  });
  it('begins with what is told of the newest sample, and forgets it for an anchor', () => {
    const b = new TimeBook('x', { num: 500, den: 1 }, 5000, 20_000_000);
    expect(b.index(19_000_000)).toBe(4500);
    b.add(anchor(4000, 18_100_000, 0, 500), null);
    expect(b.index(18_100_000)).toBe(4000);
    expect(b.index(20_100_000)).toBe(5000);
  });
  it('takes the gateway clock as the county knows it where the anchor does not say, and nothing where nobody does', () => {
    const b = new TimeBook('x', { num: 500, den: 1 }, 0, 0);
    b.add(anchor(0, 1_000_000, null, 500), null);
    expect(b.known).toBe(false);
    expect(b.index(5)).toBeNaN();
    b.add(anchor(0, 1_000_000, null, 500), -300);
    expect(b.wallUs(0)).toBe(999_700);
  });
});

const stream = (id: string, newest: number, newestWallUs: number, live: boolean): JsonStream =>
  ({ id, rate: { num: 500, den: 1 }, newest, newest_wall_us: newestWallUs, live } as JsonStream);

describe('the stream of a moment', () => {
  const old = stream('old', 500 * 100, 200e6, false); // from 100 to 200 s
  const now = stream('now', 500 * 50, 300e6, true); // from 250 s on
  it('is the one that grows for live, else the newest that began before', () => {
    expect(streamAt([old, now], null)?.id).toBe('now');
    expect(streamAt([old, now], 260e6)?.id).toBe('now');
    expect(streamAt([old, now], 249.5e6)?.id).toBe('now'); // a second of grace
    expect(streamAt([old, now], 150e6)?.id).toBe('old');
    expect(streamAt([old, now], 220e6)?.id).toBe('old');
    expect(streamAt([old, now], 1e6)?.id).toBe('old');
    expect(streamAt([], 1e6)).toBeNull();
  });
});

describe('lanes of the timeline', () => {
  it('tell held, lost and coming apart, cut to the window', () => {
    const b = new TimeBook('x', { num: 1, den: 1 }, 0, 0);
    b.add(anchor(0, 1e6, 0, 1), null); // sample i is of second i + 1
    const r: JsonRanges = { known: [{ first: 10, count: 20 }, { first: 40, count: 10 }], gaps: [{ first: 15, count: 5, reason: 'spool_limit' }], newest: 60 };
    const lane = laneOf(r, b, 13e6, 100e6);
    expect(lane.held).toEqual([{ fromUs: 13e6, toUs: 16e6 }, { fromUs: 21e6, toUs: 31e6 }, { fromUs: 41e6, toUs: 51e6 }]);
    expect(lane.lost).toEqual([{ fromUs: 16e6, toUs: 21e6, reason: 'spool_limit' }]);
    expect(lane.coming).toEqual([{ fromUs: 31e6, toUs: 41e6 }, { fromUs: 51e6, toUs: 61e6 }]);
  });
  it('are empty where the window lies outside, and nothing is missing before the first sample', () => {
    const b = new TimeBook('x', { num: 1, den: 1 }, 0, 0);
    b.add(anchor(0, 1e6, 0, 1), null);
    const r: JsonRanges = { known: [{ first: 10, count: 5 }], gaps: [], newest: 15 };
    expect(laneOf(r, b, 50e6, 60e6)).toEqual({ held: [], lost: [], coming: [] });
    expect(laneOf(r, b, 1e6, 60e6).coming).toEqual([]);
  });
  it('have time marks that do not run into each other', () => {
    for (const span of [600, 3600, 21600, 86400]) {
      for (const px of [500, 1000, 1800]) {
        const step = timeStepS(span, px);
        expect((px * step) / span).toBeGreaterThanOrEqual(76);
        expect(span / step).toBeGreaterThanOrEqual(2);
      }
    }
  });
});

const clip = (id: string, start: number, end: number | null, more: Partial<JsonClip> = {}): JsonClip =>
  ({ id, start_wall_us: start, end_wall_us: end, sha256: 'x', size: 10, held: 10, ...more } as JsonClip);

describe('recordings', () => {
  it('the one that covers the moment; a running one up to now; of two the later', () => {
    const all = [clip('c', 50e6, null), clip('b', 25e6, 40e6), clip('a', 10e6, 30e6)];
    const at = (s: number) => clipAt(all, s * 1e6, 70e6)?.id ?? null;
    expect([5, 10, 26, 35, 45, 50, 69, 71].map(at)).toEqual([null, 'a', 'b', 'b', null, 'c', 'c', null]);
  });
  it('are held only whole and with a hash', () => {
    expect(clipHeld(clip('a', 0, 1))).toBe(true);
    expect(clipHeld(clip('a', 0, 1, { held: 9 }))).toBe(false);
    expect(clipHeld(clip('a', 0, null, { sha256: null }))).toBe(false);
    expect(clipHeld(clip('a', 0, 1, { size: 0, held: 0 }))).toBe(false);
  });
});

describe('where a picture goes', () => {
  it('whole multiples of its pixels where there is room, else smaller; on device pixels, in the middle', () => {
    expect(placePicture(1000, 700, 640, 480, 1)).toEqual({ left: 180, top: 110, width: 640, height: 480, scale: 1 });
    expect(placePicture(1400, 1000, 640, 480, 1)).toMatchObject({ width: 1280, height: 960, scale: 2 });
    expect(placePicture(480, 480, 640, 480, 1)).toMatchObject({ width: 480, height: 360, scale: 0.75 });
    expect(placePicture(1000, 700, 640, 480, 1, true)).toMatchObject({ width: 933, height: 700 });
    const p = placePicture(501, 401, 640, 480, 1.5);
    expect(p.scale).toBe(1);
    for (const v of [p.left, p.top, p.width, p.height]) expect(v * 1.5).toBeCloseTo(Math.round(v * 1.5), 9);
  });
  it('nowhere while its size is not known', () => {
    expect(placePicture(500, 400, 0, 0, 1)).toMatchObject({ left: 0, top: 0, width: 500, height: 400 });
  });
});
