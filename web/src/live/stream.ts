// One watched stream in the browser: header, anchor, samples, what is missing, findings. Knows
// nothing of sockets or pages; the client feeds it, the viewer draws it.

import { monoMs } from '../base/clock';
import type { AnchorLike } from '../base/anchor';
import { captureWallUs, trueRateHz } from '../base/anchor';
import { crc32cOfSamples } from '../base/crc32c';
import { uuidText } from '../base/hex';
import { SampleRing, type ChannelInfo } from '../ecg/samples';
import { LevelBank, type FilterBank } from '../filter/bank';
import type { Anchor, Block, Gap, LiveStream, StreamHeader } from '../generated/xw.js';
import { BadBlock, decodeCoding0 } from '../wire/coding0';
import { gapWord } from '../wire/words';
import { FindingStore } from './events';
import { Holes } from './holes';

// Samples from..to of each channel.
function part(x: Int32Array, channels: number, count: number, from: number, to: number): Int32Array {
  if (from === 0 && to === count) return x;
  const out = new Int32Array(channels * (to - from));
  for (let ch = 0; ch < channels; ch++) out.set(x.subarray(ch * count + from, ch * count + to), ch * (to - from));
  return out;
}

const UV_PER_UNIT: Record<string, number> = { uV: 1, mV: 1000, V: 1e6, nV: 0.001 };

export function channelsOf(header: StreamHeader): ChannelInfo[] {
  return header.channels.map((c) => {
    const gain = c.gain && c.gain.den > 0 && c.gain.num !== 0 ? c.gain.num / c.gain.den : 0;
    const unit = UV_PER_UNIT[c.unit] ?? 0;
    return {
      code: c.code,
      label: c.label || c.code,
      unit: c.unit,
      uvPerCount: gain ? unit / gain : 0,
      baseline: c.baseline,
      invalid: c.has_invalid ? c.invalid : null,
    };
  });
}

export function anchorOf(a: Anchor | undefined): AnchorLike | null {
  if (!a || a.gateway_wall_us === 0) return null;
  return {
    index: a.index,
    gatewayWallUs: a.gateway_wall_us,
    countyOffsetUs: a.county_offset_known ? a.county_offset_us : null,
    uncertaintyUs: a.uncertainty_us,
    rateHz: a.rate_hz,
  };
}

// What changed since the viewer last looked.
export interface Change {
  first: number;
  end: number;
}

export class StreamModel {
  readonly id: string;
  readonly nominalHz: number;
  readonly channels: ChannelInfo[];
  readonly ring: SampleRing;
  readonly holes = new Holes();
  readonly findings = new FindingStore();
  anchor: AnchorLike | null = null;
  gatewayOffsetUs: number | null = null; // county - gateway as the county sees it, where the anchor does not say
  liveFirst = 0;
  lastGrowMs = NaN; // monotonic time at which the newest index grew
  lastGrowWallUs = NaN; // the same in county time, for "since"
  badBlocks = 0;
  duplicateSamples = 0;
  changes: Change[] = []; // painted areas that are out of date; bounded by the viewer's frame
  wanted: Change[] = []; // dropped by a slow socket: to be fetched
  onArrival: ((end: number, atMs: number) => void) | null = null;

  constructor(
    readonly header: StreamHeader,
    keepS = 630,
    bank?: FilterBank,
  ) {
    this.id = uuidText(header.stream_id);
    const rate = header.rate ?? { num: 0, den: 0 };
    this.nominalHz = rate.den > 0 && rate.num > 0 ? rate.num / rate.den : 1;
    this.channels = channelsOf(header);
    this.ring = new SampleRing(this.channels, this.nominalHz, keepS, bank ?? new LevelBank(this.nominalHz));
  }

  get rateHz(): number {
    return trueRateHz(this.nominalHz, this.anchor);
  }

  wallUs(index: number): number {
    const a = this.anchor;
    const offset = a && a.countyOffsetUs === null ? (this.gatewayOffsetUs ?? 0) : 0;
    return captureWallUs(index, this.nominalHz, a) + offset;
  }

  // Whether capture times are in the county's time.
  get timed(): boolean {
    return this.anchor !== null && (this.anchor.countyOffsetUs !== null || this.gatewayOffsetUs !== null);
  }

  // What the county says of the stream when it is watched, again after each reconnect.
  opened(m: LiveStream): void {
    this.anchorCame(anchorOf(m.anchor));
    this.liveFirst = m.live_first;
    for (const r of m.known) this.holes.addKnown(r.first, r.first + r.count);
  }

  anchorCame(a: AnchorLike | null): void {
    if (a && (!this.anchor || a.index >= this.anchor.index)) this.anchor = a;
  }

  private touched(first: number, end: number): void {
    const last = this.changes[this.changes.length - 1];
    if (last && first <= last.end && end >= last.first) {
      last.first = Math.min(last.first, first);
      last.end = Math.max(last.end, end);
    } else {
      this.changes.push({ first, end });
      if (this.changes.length > 64) this.changes = [{ first: 0, end: Infinity }];
    }
  }

  // live: the block came by the socket as new; otherwise it fills the past.
  block(b: Block, live: boolean, wallUs: number, atMs: number = monoMs()): void {
    const n = this.channels.length;
    let x: Int32Array;
    try {
      if (b.coding !== 0 || !b.data) throw new BadBlock('coding');
      x = decodeCoding0(b.data, n, b.count);
      if (crc32cOfSamples(x, n, b.count) !== b.crc32c >>> 0) throw new BadBlock('crc');
    } catch (e) {
      if (!(e instanceof BadBlock)) throw e;
      this.badBlocks++;
      return;
    }
    const end = b.first + b.count;
    const grew = end > this.ring.newest;
    if (this.ring.held.covers(b.first, end)) {
      this.duplicateSamples += b.count;
      return;
    }
    const behind = b.first < this.ring.newest;
    if (live && this.ring.newest > 0 && b.first > this.ring.newest) this.holes.opened(this.ring.newest, b.first, atMs);
    // What is here already stays as it is drawn.
    for (const m of this.ring.held.missing(b.first, end)) this.ring.put(m.first, m.end - m.first, part(x, n, b.count, m.first - b.first, m.end - b.first));
    this.holes.samplesCame(b.first, end);
    if (grew) {
      this.lastGrowMs = atMs;
      this.lastGrowWallUs = wallUs;
      if (live) this.onArrival?.(end, atMs);
    }
    if (behind) this.touched(b.first, end);
  }

  gap(g: Gap): void {
    this.holes.addGap(g.first, g.first + g.count, gapWord(g.reason));
    this.touched(g.first, g.first + g.count);
  }

  healed(first: number, end: number): void {
    this.holes.addKnown(first, end);
    this.touched(first, end);
  }

  markAll(): void {
    this.changes = [{ first: 0, end: Infinity }];
  }
}
