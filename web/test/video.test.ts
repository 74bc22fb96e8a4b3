import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { avcConfig, lengthCoded, nalsOf } from '../src/video/annexb';
import { fragment, initSegment } from '../src/video/fmp4';
import { judge, type Facts } from '../src/video/judge';
import type { Frame } from '../src/video/player';
import { Rates } from '../src/video/rates';
import { Sequence } from '../src/video/sequence';

const bytes = (...v: number[]): Uint8Array => new Uint8Array(v);
const SPS = [0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x00];
const PPS = [0x68, 0xce, 0x3c, 0x80];
const KEY = bytes(0, 0, 0, 1, 9, 0xf0, 0, 0, 0, 1, ...SPS, 0x55, 0, 0, 1, ...PPS, 0, 0, 1, 0x65, 1, 2, 3, 0, 0, 3, 1, 0xff);

describe('H.264 in Annex B', () => {
  it('finds units behind start codes of three and four bytes, without the zeros that belong to none', () => {
    const n = nalsOf(KEY);
    expect(n.map((x) => x.type)).toEqual([9, 7, 8, 5]);
    expect([...KEY.subarray(n[2]!.start, n[2]!.end)]).toEqual(PPS);
    expect([...KEY.subarray(n[3]!.start, n[3]!.end)]).toEqual([0x65, 1, 2, 3, 0, 0, 3, 1, 0xff]); // an emulation byte is not a start code
  });
  it('takes nothing from nothing, from no start code and from a start code at the end', () => {
    expect(nalsOf(bytes())).toEqual([]);
    expect(nalsOf(bytes(1, 2, 3, 4, 5))).toEqual([]);
    expect(nalsOf(bytes(0, 0, 1))).toEqual([]);
    expect(nalsOf(bytes(0, 0, 0, 0, 0, 0))).toEqual([]);
  });
  it('makes the configuration from the parameter sets, and none where one is missing', () => {
    expect([...avcConfig(KEY)!]).toEqual([1, 0x42, 0xc0, 0x1e, 0xff, 0xe1, 0, 7, ...SPS, 0x55, 1, 0, 4, ...PPS]);
    expect(avcConfig(bytes(0, 0, 1, ...PPS, 0, 0, 1, 0x65, 1))).toBeNull();
    const high = [...KEY];
    high[high.indexOf(0x67) + 1] = 100;
    expect([...avcConfig(new Uint8Array(high))!].slice(-4)).toEqual([0xfd, 0xf8, 0xf8, 0]);
  });
  it('puts lengths in the place of start codes and leaves parameter sets out', () => {
    expect([...lengthCoded(KEY)]).toEqual([0, 0, 0, 9, 0x65, 1, 2, 3, 0, 0, 3, 1, 0xff]);
  });
  it('finds the same units however they are cut: seeded pictures of units', () => {
    let seed = 7;
    const random = (n: number): number => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      return seed % n;
    };
    for (let round = 0; round < 200; round++) {
      const units = Array.from({ length: 1 + random(6) }, () => [[1, 5, 6, 7, 8][random(5)] as number, ...Array.from({ length: 1 + random(40) }, () => 2 + random(254)), 0x80]);
      const stream = units.flatMap((u) => [...(random(2) ? [0] : []), 0, 0, 1, ...u]);
      const found = nalsOf(new Uint8Array(stream));
      expect(found.map((n) => stream.slice(n.start, n.end)), `round ${round}`).toEqual(units);
    }
  });
});

// Boxes of one level: type, offset of the content, end.
function boxes(b: Uint8Array, from = 0, end = b.length): { type: string; at: number; end: number }[] {
  const out = [];
  const view = new DataView(b.buffer, b.byteOffset);
  for (let i = from; i < end; ) {
    const size = view.getUint32(i);
    expect(size).toBeGreaterThanOrEqual(8);
    out.push({ type: String.fromCharCode(...b.subarray(i + 4, i + 8)), at: i + 8, end: i + size });
    i += size;
  }
  expect(out[out.length - 1]?.end).toBe(end);
  return out;
}

describe('fragmented MP4', () => {
  it('has a head whose boxes fill each other exactly and that carries size and configuration', () => {
    const b = initSegment(avcConfig(KEY)!, 640, 480);
    const top = boxes(b);
    expect(top.map((x) => x.type)).toEqual(['ftyp', 'moov']);
    const moov = boxes(b, top[1]!.at, top[1]!.end);
    expect(moov.map((x) => x.type)).toEqual(['mvhd', 'trak', 'mvex']);
    const trak = boxes(b, moov[1]!.at, moov[1]!.end);
    const mdia = boxes(b, trak[1]!.at, trak[1]!.end);
    const minf = boxes(b, mdia[2]!.at, mdia[2]!.end);
    const stbl = boxes(b, minf[2]!.at, minf[2]!.end);
    expect([trak, mdia, minf, stbl].map((l) => l.map((x) => x.type).join(' '))).toEqual(['tkhd mdia', 'mdhd hdlr minf', 'vmhd dinf stbl', 'stsd stts stsc stsz stco']);
    const [avc1] = boxes(b, stbl[0]!.at + 8, stbl[0]!.end);
    const view = new DataView(b.buffer);
    expect([view.getUint16(avc1!.at + 24), view.getUint16(avc1!.at + 26)]).toEqual([640, 480]);
    expect(boxes(b, avc1!.at + 78, avc1!.end).map((x) => x.type)).toEqual(['avcC']);
  });
  it('has fragments that point at their sample, with time and key flag', () => {
    const sample = bytes(0, 0, 0, 2, 0x65, 9);
    const b = fragment(3, 2 ** 33 + 5, 40_000, true, sample);
    const [moof, mdat] = boxes(b);
    expect([...b.subarray(mdat!.at, mdat!.end)]).toEqual([...sample]);
    const traf = boxes(b, moof!.at, moof!.end)[1]!;
    const [, tfdt, trun] = boxes(b, traf.at, traf.end);
    const view = new DataView(b.buffer);
    expect(Number(view.getBigUint64(tfdt!.at + 4))).toBe(2 ** 33 + 5);
    expect(view.getUint32(trun!.at + 8)).toBe(mdat!.at); // counted from the moof, which is first
    expect([view.getUint32(trun!.at + 12), view.getUint32(trun!.at + 16), view.getUint32(trun!.at + 20)]).toEqual([40_000, sample.length, 0x02000000]);
  });
});

describe('which frames can be decoded', () => {
  const f = (frame: number, key = false, run = 'a') => ({ run, frame, key });
  it('begins with a key frame and goes on without a hole', () => {
    const s = new Sequence();
    expect([f(4), f(5, true), f(6), f(7)].map((x) => s.take(x))).toEqual(['skip', 'feed', 'feed', 'feed']);
  });
  it('gives up at a hole, once, until the next key frame', () => {
    const s = new Sequence();
    expect([f(0, true), f(1), f(3), f(4), f(5), f(9, true), f(10)].map((x) => s.take(x))).toEqual(['feed', 'feed', 'hole', 'skip', 'skip', 'feed', 'feed']);
    expect(s.missed).toBeGreaterThanOrEqual(1);
  });
  it('takes nothing twice and nothing old', () => {
    const s = new Sequence();
    expect([f(5, true), f(6), f(6), f(5, true), f(2), f(7)].map((x) => s.take(x))).toEqual(['feed', 'feed', 'skip', 'skip', 'skip', 'feed']);
  });
  it('waits for a key frame of another run, whose numbers begin anew', () => {
    const s = new Sequence();
    expect([f(500, true), f(1, false, 'b'), f(2, false, 'b'), f(3, true, 'b'), f(4, false, 'b')].map((x) => s.take(x))).toEqual(['feed', 'hole', 'skip', 'feed', 'feed']);
  });
  it('after a lost decoder feeds nothing before a key frame', () => {
    const s = new Sequence();
    s.take(f(0, true));
    s.lost();
    expect([f(1), f(2), f(3, true)].map((x) => s.take(x))).toEqual(['skip', 'skip', 'feed']);
  });
});

describe('what a picture is worth', () => {
  const good: Facts = { linkOpen: true, gatewayLinked: true, status: { state: 3, yielded: false }, askedMs: 9000, pictureMs: 30, delayMs: 140, noDecoder: '', waitingKey: false };
  const of = (p: Partial<Facts>) => Object.values(judge({ ...good, ...p })).join(' ').trim();
  it('is live, late above one second, stalled after one, frozen after five', () => {
    expect(of({})).toBe('live');
    expect(of({ delayMs: 1001 })).toBe('late');
    expect(of({ delayMs: NaN })).toBe('live');
    expect(of({ pictureMs: 1001 })).toBe('stalled waiting');
    expect(of({ pictureMs: 5001 })).toBe('frozen waiting');
    expect(of({ pictureMs: NaN })).toBe('none waiting');
  });
  it('says the nearest cause: the browser, its link, the gateway, the source, the uplink', () => {
    const still = { pictureMs: 2000 };
    expect(of({ ...still, noDecoder: 'unsupported', linkOpen: false })).toBe('stalled unsupported');
    expect(of({ ...still, linkOpen: false, gatewayLinked: false })).toBe('stalled link');
    expect(of({ ...still, gatewayLinked: false, status: null })).toBe('stalled gateway');
    expect(of({ ...still, status: { state: 4, yielded: true } })).toBe('stalled nosignal');
    expect(of({ ...still, status: { state: 5, yielded: false } })).toBe('stalled failed');
    expect(of({ ...still, status: { state: 1, yielded: false } })).toBe('stalled idle');
    expect(of({ ...still, status: { state: 2, yielded: false } })).toBe('stalled starting');
    expect(of({ ...still, status: { state: 3, yielded: true } })).toBe('stalled yielded');
    expect(of({ ...still, waitingKey: true })).toBe('stalled key');
    expect(of({ ...still, status: null })).toBe('stalled nostatus');
    expect(of({ ...still, status: null, askedMs: 500 })).toBe('stalled waiting');
  });
  it('while it moves says only what the eye cannot see', () => {
    expect(of({ status: { state: 3, yielded: true } })).toBe('live yielded');
    expect(of({ status: { state: 3, yielded: false, lowered: true } })).toBe('live lowered');
    expect(of({ status: { state: 3, yielded: true, lowered: true } })).toBe('live yielded');
    expect(of({ waitingKey: true })).toBe('live key');
    expect(of({ status: null })).toBe('live');
  });
});

describe('the figures', () => {
  it('count frames and bits of the last two seconds and fall to nothing when they stop', () => {
    const r = new Rates();
    for (let k = 0; k <= 100; k++) {
      r.arrived(k * 40, 20_000);
      r.drawn(k * 40, 100 + (k % 3));
    }
    expect(r.fps(4000)).toBeCloseTo(25, 0);
    expect(r.kbitPerS(4000)).toBeGreaterThan(3800);
    expect(r.kbitPerS(4000)).toBeLessThan(4200);
    expect(r.delayMs(4000)).toBe(101);
    expect(r.fps(5500)).toBeLessThan(10);
    expect(r.fps(7000)).toBe(0);
    expect(r.kbitPerS(7000)).toBe(0);
    expect(r.delayMs(7000)).toBeNaN();
  });
});

describe('the WebCodecs player', () => {
  // A decoder that keeps `hold` frames back, or is `slow`.
  class FakeDecoder {
    static all: FakeDecoder[] = [];
    static hold = 0;
    static slow = false;
    state = 'unconfigured';
    decodeQueueSize = 0;
    config: Record<string, unknown> = {};
    inside: number[] = [];
    constructor(private init: { output: (f: unknown) => void; error: (e: Error) => void }) {
      FakeDecoder.all.push(this);
    }
    configure(c: Record<string, unknown>): void {
      this.config = c;
      this.state = 'configured';
    }
    decode(c: { timestamp: number }): void {
      this.inside.push(c.timestamp);
      if (FakeDecoder.slow) this.decodeQueueSize = this.inside.length;
      else while (this.inside.length > (this.config['hardwareAcceleration'] === 'prefer-software' ? 0 : FakeDecoder.hold)) this.out();
    }
    out(): void {
      const timestamp = this.inside.shift();
      this.init.output({ timestamp, displayWidth: 64, displayHeight: 48, close: () => {} });
    }
    fail(): void {
      this.state = 'closed';
      this.init.error(new Error('broken'));
    }
    close(): void {
      this.state = 'closed';
    }
  }
  beforeEach(() => {
    FakeDecoder.all = [];
    FakeDecoder.hold = 0;
    FakeDecoder.slow = false;
    vi.stubGlobal('VideoDecoder', FakeDecoder);
    vi.stubGlobal('EncodedVideoChunk', class { constructor(init: object) { Object.assign(this, init); } });
  });
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.restoreAllMocks();
  });
  const frame = (n: number, key = n === 0, atMs = n * 40): Frame => ({ frame: n, key, codec: 'avc1.42C01E', width: 64, height: 48, captureWallUs: n * 40_000 + 1, atMs, data: KEY });
  const make = async () => {
    const { WebCodecsPlayer } = await import('../src/video/webcodecs');
    const seen: number[] = [];
    const lost: string[] = [];
    return { player: new WebCodecsPlayer({ picture: (p) => seen.push(p.frame), lost: (why) => lost.push(why) }), seen, lost };
  };

  it('asks for the least delay without a description and tells which frame a picture is', async () => {
    const { player, seen } = await make();
    for (let n = 0; n < 5; n++) player.push(frame(n));
    expect(seen).toEqual([0, 1, 2, 3, 4]);
    expect(FakeDecoder.all[0]!.config).toMatchObject({ codec: 'avc1.42C01E', optimizeForLatency: true, hardwareAcceleration: 'no-preference' });
    expect(FakeDecoder.all[0]!.config['description']).toBeUndefined();
    expect(player.held).toBe(0);
  });
  it('gives up a decoder that keeps more than two frames back for one in software', async () => {
    FakeDecoder.hold = 5;
    const { player, seen, lost } = await make();
    let n = 0;
    for (; n < 60 && lost.length === 0; n++) player.push(frame(n));
    expect(lost).toEqual(['hardware']);
    player.push(frame(n, true));
    player.push(frame(n + 1));
    expect(player.software).toBe(true);
    expect(seen.slice(-2)).toEqual([n, n + 1]);
  });
  it('bears with one that keeps two back', async () => {
    FakeDecoder.hold = 2;
    const { player, lost } = await make();
    for (let n = 0; n < 200; n++) player.push(frame(n));
    expect(lost).toEqual([]);
  });
  it('goes on at a key frame when the computer is too slow, and drops what waited', async () => {
    FakeDecoder.slow = true;
    const { player, seen, lost } = await make();
    vi.spyOn(performance, 'now').mockImplementation(() => now);
    let now = 0;
    let n = 0;
    for (; n < 40 && lost.length === 0; n++) {
      now = n * 40;
      player.push(frame(n, n === 0, now));
    }
    expect(lost).toEqual(['slow']);
    expect(n).toBeLessThan(14);
    FakeDecoder.slow = false;
    player.push(frame(n, true, now));
    expect(seen).toEqual([n]);
  });
  it('after an error of the decoder makes a new one at the next key frame', async () => {
    const { player, seen, lost } = await make();
    player.push(frame(0));
    FakeDecoder.all[0]!.fail();
    expect(lost).toEqual(['error']);
    player.push(frame(1));
    player.push(frame(2, true));
    expect(seen).toEqual([0, 2]);
    expect(FakeDecoder.all.length).toBe(2);
  });
});
