// Small moving strips of a list: one rhythm lead each, swept, fitted in height. A sketch: not to
// scale, and said so in the list's head. One frame loop draws all of them.

import { monoMs } from '../base/clock';
import { live } from '../live/client';
import type { StreamModel } from '../live/stream';
import { makeBank } from '../filter/make';
import { rhythmLead } from './layout';
import { Playout } from './playout';
import { COLOURS, type ThemeName } from './theme';
import { HATCH_AFTER_MS, GREY_AFTER_MS } from '../trace/fresh';

export const STRIP_S = 5;
const KEEP_S = 20;

export class Strip {
  private model: StreamModel | null = null;
  private playout: Playout | null = null;
  private unwatch: () => void;
  private drawn = NaN;
  private lead = 0;
  private peakUv = 0;
  private grey = false;
  private theme: ThemeName | '' = '';

  constructor(
    private canvas: HTMLCanvasElement,
    id: string,
  ) {
    this.unwatch = live.watch(id, KEEP_S, (m) => {
      this.model = m;
      this.lead = rhythmLead(m.channels);
      m.ring.setBank(makeBank({ band: 'monitor', mainsHz: 50 }, m.nominalHz));
      this.playout = new Playout(m.rateHz);
      if (m.ring.newest > 0) this.playout.arrived(m.ring.newest, monoMs());
      m.onArrival = (end, at) => this.playout?.arrived(end, at);
    });
    strips.add(this);
    if (strips.size === 1) requestAnimationFrame(frame);
  }

  stop(): void {
    strips.delete(this);
    if (this.model) this.model.onArrival = null;
    this.unwatch();
  }

  draw(now: number, theme: ThemeName): void {
    const m = this.model;
    if (!m || !this.playout) return;
    const dpr = window.devicePixelRatio || 1;
    const w = Math.round(this.canvas.clientWidth * dpr);
    const h = Math.round(this.canvas.clientHeight * dpr);
    if (w < 10 || h < 10) return;
    const c = this.canvas.getContext('2d', { alpha: false });
    if (!c) return;
    const col = COLOURS[theme];
    const silent = now - m.lastGrowMs;
    const grey = silent > GREY_AFTER_MS;
    if (this.canvas.width !== w || this.canvas.height !== h || this.theme !== theme || grey !== this.grey) {
      this.canvas.width = w;
      this.canvas.height = h;
      this.theme = theme;
      this.grey = grey;
      this.drawn = NaN;
    }
    const pps = w / (STRIP_S * m.rateHz);
    this.playout.setRate(m.rateHz);
    const head = this.playout.head(now) - m.ring.delay;
    if (!(head > 0)) {
      // Nothing to show yet, or no longer: plain ground, never a picture of something.
      c.fillStyle = silent > HATCH_AFTER_MS ? col.hatchGround : col.ground;
      c.fillRect(0, 0, w, h);
      return;
    }
    const wipe = 8 * dpr;
    const stop = silent > HATCH_AFTER_MS ? Math.min(this.playout.lineAt(now), head + STRIP_S * 0.5 * m.rateHz) : head;
    const u1 = Math.max(head, stop) * pps;
    let u0 = this.drawn;
    if (!(u0 <= u1) || u1 - u0 > w - wipe) {
      u0 = u1 - w + wipe;
      c.fillStyle = col.ground;
      c.fillRect(0, 0, w, h);
    }
    this.drawn = u1;
    m.ring.ensureFiltered(Math.floor(u0 / pps) - 4, Math.ceil(head));
    const before = this.peakUv;
    const peak = this.peak(m, head);
    if (peak > before * 1.05 && before > 0) this.drawn = NaN; // one gain for the whole strip
    const k = (h * 0.45) / peak;
    const from = Math.floor(u0) - 2;
    const to = Math.ceil(u1 + wipe);
    for (let a = from; a < to; ) {
      const lap = Math.floor(a / w);
      const b = Math.min(to, (lap + 1) * w);
      c.save();
      c.beginPath();
      c.rect(a - lap * w, 0, b - a, h);
      c.clip();
      c.fillStyle = col.ground;
      c.fillRect(a - lap * w, 0, b - a, h);
      this.trace(c, m, lap * w, pps, Math.floor(a / pps) - 2, Math.min(Math.ceil(b / pps) + 2, Math.floor(head)), h, k, grey ? col.stale : col.trace, dpr);
      if (stop > head) {
        c.fillStyle = col.hatchGround;
        const x0 = Math.max(head * pps, a) - lap * w;
        c.fillRect(x0, 0, Math.min(u1, b) - lap * w - x0, h);
      }
      c.restore();
      a = b;
    }
  }

  // Largest deviation of the last seconds, held: the strip does not jump in size with each beat.
  private peak(m: StreamModel, head: number): number {
    const uv = m.ring.uv[this.lead] as Float32Array;
    const mask = m.ring.capacity - 1;
    let top = 0;
    const look = this.peakUv === 0 ? STRIP_S * m.rateHz : 40; // at first all that is held
    for (let i = Math.max(0, Math.floor(head - look)); i < head; i++) {
      const v = Math.abs(uv[i & mask] as number);
      if (v > top) top = v;
    }
    this.peakUv = Math.max(this.peakUv * 0.9995, Math.min(5000, top), 500);
    return this.peakUv;
  }

  private trace(
    c: CanvasRenderingContext2D, m: StreamModel, base: number, pps: number, first: number, end: number, h: number, k: number, colour: string, dpr: number,
  ): void {
    const uv = m.ring.uv[this.lead] as Float32Array;
    const mask = m.ring.capacity - 1;
    c.strokeStyle = colour;
    c.lineWidth = 1.1 * dpr;
    c.beginPath();
    for (const s of m.ring.held.within(Math.max(0, first), end)) {
      let pen = false;
      for (let i = s.first; i < s.end; i++) {
        const v = uv[i & mask] as number;
        if (v !== v) {
          pen = false;
          continue;
        }
        if (pen) c.lineTo(i * pps - base, h * 0.58 - v * k);
        else c.moveTo(i * pps - base, h * 0.58 - v * k);
        pen = true;
      }
    }
    c.stroke();
  }
}

const strips = new Set<Strip>();
let themeNow: () => ThemeName = () => 'paper';
export function stripTheme(get: () => ThemeName): void {
  themeNow = get;
}
function frame(): void {
  if (strips.size === 0) return;
  requestAnimationFrame(frame);
  const now = monoMs();
  const theme = themeNow();
  for (const s of strips) s.draw(now, theme);
}
