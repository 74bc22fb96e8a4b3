// Sample index <-> county time of one stream over hours: straight lines between the anchors that are
// known, beyond them the rate of the nearest.

import { api, type JsonAnchor, type JsonStream } from '../api';
import { live } from '../live/client';

interface Point {
  index: number;
  wallUs: number;
  rateHz: number;
}

const NEAR_S = 30; // anchors come every 10 s: between two that are no farther apart nothing more is to be learnt
const KEPT = 2000;

export class TimeBook {
  private points: Point[] = []; // by index
  readonly nominalHz: number;

  constructor(readonly id: string, rate: { num: number; den: number }, newest: number, newestWallUs: number) {
    this.nominalHz = rate.den > 0 && rate.num > 0 ? rate.num / rate.den : 1;
    if (newest > 0 && newestWallUs > 0) this.points.push({ index: newest, wallUs: newestWallUs, rateHz: 0 });
  }

  static of(s: JsonStream): TimeBook {
    return new TimeBook(s.id, s.rate, s.newest, s.newest_wall_us);
  }

  private rate(p: Point): number {
    return p.rateHz > this.nominalHz * 0.9 && p.rateHz < this.nominalHz * 1.1 ? p.rateHz : this.nominalHz;
  }

  // gatewayOffsetUs: county - gateway, for anchors that do not say.
  add(a: JsonAnchor | null, gatewayOffsetUs: number | null): void {
    if (!a || a.gateway_wall_us <= 0) return;
    const offset = a.county_offset_us ?? gatewayOffsetUs;
    if (offset === null) return;
    const p: Point = { index: a.index, wallUs: a.gateway_wall_us + offset, rateHz: a.rate_hz };
    this.points = this.points.filter((x) => x.rateHz !== 0 && x.index !== p.index); // a true anchor replaces what was only told of the newest sample
    const at = this.points.findIndex((x) => x.index > p.index);
    this.points.splice(at < 0 ? this.points.length : at, 0, p);
    if (this.points.length > KEPT) this.points.shift();
  }

  get known(): boolean {
    return this.points.length > 0;
  }

  wallUs(index: number): number {
    return this.line(index, (p) => p.index, (p, d) => p.wallUs + (d / this.rate(p)) * 1e6, (p) => p.wallUs);
  }

  index(wallUs: number): number {
    return this.line(wallUs, (p) => p.wallUs, (p, d) => p.index + (d / 1e6) * this.rate(p), (p) => p.index);
  }

  private line(x: number, from: (p: Point) => number, beyond: (p: Point, d: number) => number, to: (p: Point) => number): number {
    const n = this.points.length;
    if (n === 0) return NaN;
    const next = this.points.findIndex((p) => from(p) > x);
    const b = next < 0 ? undefined : this.points[next];
    const a = next < 0 ? this.points[n - 1] : this.points[next - 1];
    if (a && b) return to(a) + ((x - from(a)) / (from(b) - from(a))) * (to(b) - to(a));
    const p = (a ?? b) as Point;
    return beyond(p, x - from(p));
  }

  // Whether anchors near the moment are known.
  private near(wallUs: number): boolean {
    const next = this.points.findIndex((p) => p.wallUs > wallUs);
    const a = next < 0 ? this.points[this.points.length - 1] : this.points[next - 1];
    const b = next < 0 ? undefined : this.points[next];
    if (a && a.rateHz > 0 && wallUs - a.wallUs < NEAR_S * 1e6) return true;
    return !!a && !!b && b.wallUs - a.wallUs < NEAR_S * 1e6;
  }

  // Asks the county for the anchors around the moment; failures leave the best that is known.
  async refine(wallUs: number, gateway: string): Promise<void> {
    for (let round = 0; round < 2 && this.known && !this.near(wallUs); round++) {
      const at = Math.max(0, Math.round(this.index(wallUs)));
      const got = await api.anchors(this.id, at).catch(() => null);
      if (!got) return;
      const g = live.gateways.get(gateway);
      const offset = g?.linked ? -g.clock_offset_us : null;
      this.add(got.before, offset);
      this.add(got.after, offset);
    }
  }
}

// The stream of several (a device that started anew has more than one) that holds the moment; for live
// the one that grows.
export function streamAt(streams: readonly JsonStream[], wallUs: number | null): JsonStream | null {
  const byEnd = [...streams].sort((a, b) => b.newest_wall_us - a.newest_wall_us);
  if (wallUs === null) return byEnd.find((s) => s.live) ?? byEnd[0] ?? null;
  for (const s of byEnd) {
    const hz = s.rate.den > 0 ? s.rate.num / s.rate.den : 1;
    const start = s.newest_wall_us - (s.newest / hz) * 1e6;
    if (wallUs >= start - 1e6) return s;
  }
  return byEnd[byEnd.length - 1] ?? null;
}
