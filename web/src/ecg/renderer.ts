// Draws one stream on one canvas, frame by frame, and only what is new: the write head wipes a bar
// before it and draws behind it. Everything is placed by an unwrapped pixel position u = index x
// pixels per sample, so that a partial repaint lands exactly on what was drawn before.
//
// Modes: sweep (the head runs over the paper and wraps), scroll (a ring beside the screen, copied so
// that the newest sample stays at the right), paused (the window stands still and is redrawn whole).

import { COLOURS, type PaperColours } from './theme';
import { drawBench, drawGround, fontOf, hatchTile, type LabelBox, type PaperOptions, type PaperWords } from './ground';
import { makeLayout, type Column, type Layout } from './layout';
import { tracePath } from './trace';
import type { StreamModel } from '../live/stream';
import type { StateSpan } from '../live/holes';
import { clockText } from '../base/clock';
import { drawAbsent, wholeOf } from '../trace/absent';

export interface Marks {
  beats: { index: number; letter: string }[];
  lit: { first: number; end: number; beat: boolean }[];
  litLeads: number; // mask of channels; 0 = whatever is lit is lit in all of them
}

const WIPE_MM = 3;
const STALE_SHARE = 0.5; // the hatch of a stopped stream covers at most this share of a window

export class EcgRenderer {
  private ctx: CanvasRenderingContext2D;
  private ground: HTMLCanvasElement; // grid, labels, calibration: what wiping brings back
  private ring: HTMLCanvasElement | null = null; // scroll mode: traces alone
  private ringCtx: CanvasRenderingContext2D | null = null;
  private layout: Layout = { name: 'rows', columns: [], calibration: [] };
  private hatch: CanvasPattern | null = null;
  private mm = 1; // device pixels per millimetre
  private pps = 1; // device pixels per sample
  private dpr = 1;
  private drawnEnd: number[] = []; // per column: u up to which it is drawn
  private fresh = true;
  private greyed = false;
  private leadsOff = 0;
  private hatched = false; // something absent has been drawn since the last fresh start
  private labels: LabelBox[] = [];
  private lastRateHz = 0;
  end = NaN; // fractional index at the head as last drawn
  marks: Marks = { beats: [], lit: [], litLeads: 0 };

  constructor(
    private canvas: HTMLCanvasElement,
    private model: StreamModel,
    private options: PaperOptions,
    private words: PaperWords,
  ) {
    const ctx = canvas.getContext('2d', { alpha: false });
    if (!ctx) throw new Error('canvas');
    this.ctx = ctx;
    this.ground = document.createElement('canvas');
    this.resize();
  }

  get colours(): PaperColours {
    return COLOURS[this.options.theme];
  }

  get columns(): readonly Column[] {
    return this.layout.columns;
  }

  get scale(): { mm: number; pps: number; dpr: number } {
    return { mm: this.mm, pps: this.pps, dpr: this.dpr };
  }

  // Samples that the longest column shows.
  get windowN(): number {
    return Math.max(1, ...this.layout.columns.map((c) => c.width / this.pps));
  }

  set(options: PaperOptions, words: PaperWords): void {
    this.options = options;
    this.words = words;
    this.resize();
  }

  setLeadsOff(mask: number): void {
    if (mask === this.leadsOff) return;
    this.leadsOff = mask;
    this.drawGround();
    this.fresh = true;
  }

  invalidate(): void {
    this.fresh = true;
  }

  resize(): void {
    const dpr = window.devicePixelRatio || 1;
    const width = Math.max(64, Math.round(this.canvas.clientWidth * dpr));
    const height = Math.max(64, Math.round(this.canvas.clientHeight * dpr));
    this.dpr = dpr;
    this.mm = this.options.pxPerMm * dpr;
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
    }
    this.ground.width = width;
    this.ground.height = height;
    this.layout = makeLayout(this.options.layout, this.model.channels, {
      width, height, pxPerMm: this.mm, mmPerS: this.options.mmPerS, foot: 26 * dpr,
    });
    this.setScale();
    if (this.options.mode === 'scroll') {
      this.ring ??= document.createElement('canvas');
      this.ring.width = width;
      this.ring.height = height;
      this.ringCtx = this.ring.getContext('2d');
    } else {
      this.ring = null;
      this.ringCtx = null;
    }
    this.makeHatch();
    this.drawGround();
    this.fresh = true;
  }

  private setScale(): void {
    this.lastRateHz = this.model.rateHz;
    this.pps = (this.options.mmPerS * this.mm) / this.lastRateHz;
  }

  private makeHatch(): void {
    this.hatch = this.ctx.createPattern(hatchTile(this.colours, this.dpr), 'repeat');
  }

  private font(px: number, weight = ''): string {
    return fontOf(this.dpr, px, weight);
  }

  private drawGround(): void {
    this.labels = drawGround(this.ground, {
      layout: this.layout, channels: this.model.channels, options: this.options, words: this.words, mm: this.mm, dpr: this.dpr, leadsOff: this.leadsOff,
    });
  }

  // ---- frames ----

  // head: fractional index up to which samples are to be drawn; line: where the head would be if
  // nothing had stopped (hatched between the two when stale).
  drawLive(head: number, stale: boolean, line: number, grey: boolean): void {
    if (!(head > 0)) {
      this.paintEmpty();
      return;
    }
    if (Math.abs(this.model.rateHz / this.lastRateHz - 1) > 1e-3) this.setScaleAgain();
    if (grey !== this.greyed) {
      this.greyed = grey;
      this.fresh = true;
    }
    this.end = head;
    const scroll = this.options.mode === 'scroll' && this.ringCtx !== null;
    const target = scroll ? (this.ringCtx as CanvasRenderingContext2D) : this.ctx;
    this.model.ring.ensureFiltered(Math.floor(head - this.windowN) - 8, Math.ceil(head) + 1);
    if (this.fresh) this.hatched = false;
    if (this.fresh && !scroll) this.ctx.drawImage(this.ground, 0, 0);
    if (this.fresh && scroll) target.clearRect(0, 0, target.canvas.width, target.canvas.height);
    this.layout.columns.forEach((col, k) => {
      const win = col.width / this.pps;
      const to = stale ? Math.max(head, Math.min(line, head + win * STALE_SHARE)) : head;
      const u = to * this.pps;
      const wipe = scroll ? 0 : Math.min(WIPE_MM * this.mm, col.width / 8);
      let from = this.drawnEnd[k] ?? -Infinity;
      if (this.fresh || u - from > col.width - wipe || from > u + 4) from = u - col.width + wipe;
      this.paint(target, col, Math.floor(from) - 3, Math.ceil(u), to, wipe);
      this.drawnEnd[k] = u;
    });
    for (const change of this.takeChanges()) {
      this.layout.columns.forEach((col, k) => {
        const u1 = this.drawnEnd[k] ?? 0;
        const u0 = u1 - col.width + (scroll ? 0 : Math.min(WIPE_MM * this.mm, col.width / 8));
        const a = Math.max(u0, change.first * this.pps - 3);
        const b = Math.min(u1, change.end * this.pps + 3);
        if (b > a) this.paint(target, col, Math.floor(a), Math.ceil(b), u1 / this.pps, 0);
      });
    }
    this.fresh = false;
    if (scroll) this.compose();
    if (this.options.bench) drawBench(this.ctx, head, this.dpr);
  }

  private takeChanges(): { first: number; end: number }[] {
    const c = this.model.changes;
    if (c.length === 0) return c;
    this.model.changes = [];
    return c;
  }

  repaint(first: number, end: number): void {
    this.model.changes.push({ first, end });
  }

  private setScaleAgain(): void {
    this.setScale();
    this.drawnEnd = [];
    this.fresh = true;
  }

  // A window that stands still and ends at `end`.
  drawStill(end: number): void {
    this.end = end;
    this.greyed = false;
    this.model.ring.ensureFiltered(Math.floor(end - this.windowN) - 8, Math.ceil(end) + 1);
    this.takeChanges();
    this.ctx.drawImage(this.ground, 0, 0);
    for (const col of this.layout.columns) {
      const base = Math.round(end * this.pps) - col.width;
      this.paintPart(this.ctx, col, base, base + col.width, base, end, false);
    }
    this.fresh = true; // whatever comes next starts anew
    this.drawnEnd = [];
    if (this.options.bench) drawBench(this.ctx, end, this.dpr);
  }

  private paintEmpty(): void {
    if (!this.fresh) return;
    this.ctx.drawImage(this.ground, 0, 0);
    this.fresh = true;
  }

  // Scroll mode: both halves of the ring, so that the newest sample stands at the right end.
  private compose(): void {
    const ring = this.ring as HTMLCanvasElement;
    this.ctx.drawImage(this.ground, 0, 0);
    this.layout.columns.forEach((col, k) => {
      const u = Math.round(this.drawnEnd[k] ?? 0);
      const cut = ((u % col.width) + col.width) % col.width;
      const rest = col.width - cut;
      if (rest > 0) this.ctx.drawImage(ring, col.x + cut, col.y, rest, col.height, col.x, col.y, rest, col.height);
      if (cut > 0) this.ctx.drawImage(ring, col.x, col.y, cut, col.height, col.x + rest, col.y, cut, col.height);
      if (this.hatched) this.drawLabelsAgain(0, this.canvas.width, col);
    });
  }

  // Paints [uA, uB) of a column that wraps every col.width pixels, and wipes `wipe` more.
  private paint(c: CanvasRenderingContext2D, col: Column, uA: number, uB: number, to: number, wipe: number): void {
    const wiped = uB + Math.ceil(wipe);
    for (let a = uA; a < wiped; ) {
      const lap = Math.floor(a / col.width);
      const b = Math.min(wiped, (lap + 1) * col.width);
      this.paintPart(c, col, a, b, lap * col.width, to, true);
      a = b;
    }
  }

  // One piece without a wrap: u in [a, b), x = col.x + u - base. Content ends at index `to`.
  private paintPart(
    c: CanvasRenderingContext2D, col: Column, a: number, b: number, base: number, to: number, wipe: boolean,
  ): void {
    const x = col.x + a - base;
    const w = b - a;
    c.save();
    c.beginPath();
    c.rect(x, col.y, w, col.height);
    c.clip();
    if (wipe) {
      if (c === this.ctx) c.drawImage(this.ground, x, col.y, w, col.height, x, col.y, w, col.height);
      else c.clearRect(x, col.y, w, col.height);
    }
    const first = Math.max(0, Math.floor(a / this.pps) - 3);
    const end = Math.min(Math.ceil(to), Math.ceil(b / this.pps) + 3);
    if (end > first) {
      this.drawLit(c, col, base, first, end);
      const absent = this.model.holes.absent(this.model.ring.held, first, end);
      for (const s of absent) this.drawAbsent(c, col, base, s, to);
      if (absent.length > 0) this.hatched = true;
      if (absent.length > 0 && c === this.ctx) this.drawLabelsAgain(x, w, col);
      this.drawTraces(c, col, base, first, Math.min(end, this.model.ring.drawable));
      if (col.rhythm) this.drawMarks(c, col, base, first, end);
    }
    c.restore();
  }

  // A hatch must not hide which lead it is.
  private drawLabelsAgain(x: number, w: number, col: Column): void {
    for (const l of this.labels) {
      if (l.x + l.w < x || l.x > x + w || l.y < col.y - l.h || l.y > col.y + col.height) continue;
      this.ctx.drawImage(this.ground, l.x, l.y, l.w, l.h, l.x, l.y, l.w, l.h);
    }
  }

  private drawLit(c: CanvasRenderingContext2D, col: Column, base: number, first: number, end: number): void {
    if (this.marks.lit.length === 0) return;
    c.fillStyle = this.colours.lit;
    for (const l of this.marks.lit) {
      if (l.end <= first || l.first >= end) continue;
      const x = col.x + l.first * this.pps - base;
      const w = Math.max(2, (l.end - l.first) * this.pps);
      if (l.beat) {
        this.fillBeat(c, col, x, w);
      } else {
        c.fillRect(x, col.y, w, 5 * this.dpr); // a whole episode: framed, the trace stays clear
        c.fillRect(x, col.y + col.height - 5 * this.dpr, w, 5 * this.dpr);
      }
    }
  }

  // Down the whole column, or in the rows of the leads that are meant; a strip of one lead shows the
  // rhythm and is lit in any case.
  private fillBeat(c: CanvasRenderingContext2D, col: Column, x: number, w: number): void {
    const mask = this.marks.litLeads;
    if (mask === 0 || col.cells.length === 1) {
      c.fillRect(x, col.y, w, col.height);
      return;
    }
    const row = col.height / col.cells.length;
    for (const cell of col.cells) {
      if (((mask >>> cell.channel) & 1) === 0) continue;
      const top = Math.max(col.y, cell.baseline - 0.6 * row);
      c.fillRect(x, top, w, Math.min(row, col.y + col.height - top));
    }
  }

  private drawAbsent(c: CanvasRenderingContext2D, col: Column, base: number, s: StateSpan, to: number): void {
    const whole = wholeOf(this.model, s, to - col.width / this.pps, to);
    drawAbsent(c, this.model, s, whole, (i) => col.x + i * this.pps - base, col, {
      colours: this.colours, hatch: this.hatch, dpr: this.dpr, words: this.words,
    });
  }

  private drawTraces(c: CanvasRenderingContext2D, col: Column, base: number, first: number, end: number): void {
    if (end <= first) return;
    const ring = this.model.ring;
    const spans = ring.held.within(Math.max(first, ring.oldest), end);
    if (spans.length === 0) return;
    c.lineWidth = (this.options.theme === 'night' ? 1.4 : 1.25) * this.dpr;
    const pxPerUv = 1e-3 * this.options.mmPerMv * this.mm;
    c.lineJoin = 'round';
    c.lineCap = 'round';
    for (const off of [false, true]) {
      c.beginPath();
      let any = false;
      for (const cell of col.cells) {
        if (((this.leadsOff >>> cell.channel) & 1) === 1 !== off) continue;
        any = true;
        for (const s of spans) tracePath(c, ring, cell.channel, s.first, s.end, { x0: col.x - base, pps: this.pps, zero: cell.baseline, pxPerUv });
      }
      if (!any) continue;
      c.strokeStyle = off || this.greyed ? this.colours.stale : this.colours.trace;
      c.stroke();
    }
  }

  private drawMarks(c: CanvasRenderingContext2D, col: Column, base: number, first: number, end: number): void {
    const lookN = Math.ceil((40 * this.dpr) / this.pps);
    c.textAlign = 'center';
    c.textBaseline = 'top';
    for (const b of this.marks.beats) {
      if (b.index < first - lookN) continue;
      if (b.index > end + lookN) break;
      const plain = b.letter === 'N';
      c.font = this.font(12, plain ? '' : 'bold');
      c.fillStyle = plain ? this.colours.dim : this.colours.text;
      const x = col.x + b.index * this.pps - base;
      c.fillRect(Math.round(x), col.y + 18 * this.dpr, this.dpr, 5 * this.dpr);
      // A tall beat may run through its own letter.
      c.lineWidth = 3 * this.dpr;
      c.strokeStyle = this.colours.ground;
      c.strokeText(b.letter, x, col.y + 4 * this.dpr);
      c.fillText(b.letter, x, col.y + 4 * this.dpr);
    }
    this.drawTimes(c, col, base, first - lookN, end + lookN);
  }

  // A tick each second, the time of day each five.
  private drawTimes(c: CanvasRenderingContext2D, col: Column, base: number, first: number, end: number): void {
    const hz = this.model.rateHz;
    const w0 = this.model.wallUs(first);
    if (!Number.isFinite(w0)) return;
    c.fillStyle = this.colours.dim;
    c.font = this.font(11);
    c.textAlign = 'left';
    c.textBaseline = 'bottom';
    const bottom = col.y + col.height - 34 * this.dpr;
    for (let s = Math.ceil(w0 / 1e6); ; s++) {
      const i = first + ((s * 1e6 - w0) / 1e6) * hz;
      if (i >= end) break;
      const x = Math.round(col.x + i * this.pps - base);
      const five = s % 5 === 0;
      c.fillRect(x, bottom, this.dpr, (five ? 7 : 4) * this.dpr);
      if (!five) continue;
      // A time that would be cut at either edge of the strip is not written.
      const text = clockText(s * 1e6);
      const from = x + 3 * this.dpr;
      if (from >= col.x && from + c.measureText(text).width <= col.x + col.width) c.fillText(text, from, bottom + 8 * this.dpr);
    }
  }
}
