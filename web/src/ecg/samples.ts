// Raw samples of one stream, as received, in a ring per channel; and beside each its filtered value
// in µV for drawing. Index i of the stream lives at slot i mod capacity.
// Policy when full: the oldest samples are forgotten; they can be fetched again by range.

import { RangeSet } from '../base/ranges';
import type { FilterBank, FilterState } from '../filter/bank';

export interface ChannelInfo {
  code: string;
  label: string;
  unit: string;
  uvPerCount: number; // 0 when the unit is not a voltage
  baseline: number;
  invalid: number | null;
}

export class SampleRing {
  readonly capacity: number;
  readonly raw: Int32Array[];
  readonly uv: Float32Array[];
  readonly held = new RangeSet();
  newest = 0; // one after the newest sample ever put
  private filtered = new RangeSet();
  private bank: FilterBank;
  private tail: { next: number; state: FilterState } | null = null;
  private scratchIn: Float64Array = new Float64Array(4096);
  private scratchOut: Float64Array = new Float64Array(4096);

  constructor(
    readonly channels: ChannelInfo[],
    readonly rateHz: number,
    keepS: number,
    bank: FilterBank,
  ) {
    let n = 4096;
    while (n < keepS * rateHz) n *= 2;
    this.capacity = n;
    this.raw = channels.map(() => new Int32Array(n));
    this.uv = channels.map(() => new Float32Array(n));
    this.bank = bank;
  }

  get oldest(): number {
    return Math.max(0, this.newest - this.capacity + 1);
  }

  // One after the newest sample that can be drawn: filters that look ahead hold some back.
  get drawable(): number {
    return Math.max(0, this.newest - this.bank.delay);
  }

  get delay(): number {
    return this.bank.delay;
  }

  setBank(bank: FilterBank): void {
    this.bank = bank;
    this.filtered.clear();
    this.tail = null;
  }

  // x: channels x count, channel-major. Samples too old for the ring are left out.
  put(first: number, count: number, x: Int32Array): void {
    const behind = first < this.newest;
    if (first + count > this.newest) {
      this.newest = first + count;
      const cut = this.oldest;
      this.held.remove(0, cut);
      this.filtered.remove(0, cut);
    }
    const from = Math.max(first, this.oldest);
    if (from >= first + count) return;
    const mask = this.capacity - 1;
    for (let ch = 0; ch < this.channels.length; ch++) {
      const ring = this.raw[ch] as Int32Array;
      const base = ch * count - first;
      for (let i = from; i < first + count; i++) ring[i & mask] = x[base + i] as number;
    }
    this.held.add(from, first + count);
    // What lies after a healed hole was filtered from a cold start; it is done again from here.
    if (behind) {
      this.filtered.remove(from, this.newest + 1);
      this.tail = null;
    }
  }

  private voltage(ch: number, first: number, end: number, out: Float64Array): void {
    const info = this.channels[ch] as ChannelInfo;
    const ring = this.raw[ch] as Int32Array;
    const mask = this.capacity - 1;
    const scale = info.uvPerCount || 1;
    for (let i = first, o = 0; i < end; i++, o++) {
      const v = ring[i & mask] as number;
      out[o] = info.invalid !== null && v === info.invalid ? NaN : (v - info.baseline) * scale;
    }
  }

  // Makes uv[] true for every held sample of [first, end) that can be drawn.
  ensureFiltered(first: number, end: number): void {
    const lo = Math.max(first, this.oldest);
    const hi = Math.min(end, this.drawable);
    for (const need of this.filtered.missing(lo, hi)) {
      for (const seg of this.held.within(need.first, need.end)) this.filterSpan(seg.first, seg.end);
      this.filtered.add(need.first, need.end);
    }
  }

  // [first, end) lies within one held segment. Goes on from where the last call stopped when it can;
  // otherwise the filter is warmed up on what is held before.
  private filterSpan(first: number, end: number): void {
    const delay = this.bank.delay;
    const segment = this.held.spanAt(first) ?? { first, end };
    const inEnd = Math.min(end + delay, segment.end);
    const pad = end + delay - inEnd; // before a hole: the last value stands for what would follow
    let from: number;
    let state: FilterState;
    let outFrom = first;
    const tail = this.tail;
    if (tail && tail.next >= segment.first && tail.next - delay <= first && tail.next <= inEnd) {
      from = tail.next;
      state = tail.state;
      outFrom = Math.min(first, tail.next - delay);
    } else {
      from = Math.max(segment.first, this.oldest, first - this.bank.warmup);
      state = this.bank.open(this.channels.length);
    }
    const count = inEnd - from;
    const run = count + pad;
    if (run <= 0) return;
    if (this.scratchIn.length < run) {
      this.scratchIn = new Float64Array(run + 4096);
      this.scratchOut = new Float64Array(run + 4096);
    }
    const mask = this.capacity - 1;
    for (let ch = 0; ch < this.channels.length; ch++) {
      this.voltage(ch, from, inEnd, this.scratchIn);
      this.scratchIn.fill(count > 0 ? (this.scratchIn[count - 1] as number) : 0, count, run);
      state.run(ch, this.scratchIn, run, this.scratchOut);
      const uv = this.uv[ch] as Float32Array;
      const raw = this.raw[ch] as Int32Array;
      const invalid = (this.channels[ch] as ChannelInfo).invalid;
      for (let o = Math.max(0, outFrom - from + delay); o < run; o++) {
        const at = (from + o - delay) & mask;
        uv[at] = invalid !== null && raw[at] === invalid ? NaN : (this.scratchOut[o] as number);
      }
    }
    this.tail = pad > 0 ? null : { next: inEnd, state };
  }
}
