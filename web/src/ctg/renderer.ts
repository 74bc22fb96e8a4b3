// Draws one stretch of a fetal monitor's stream on one canvas. The paper moves a pixel every half
// second or less often, so it is drawn whole when something has changed. What is not known is never
// drawn: a sample without signal lifts the pen, a hole is hatched or outlined.

import { clockText } from '../base/clock';
import { COLOURS, type PaperColours, type ThemeName } from '../ecg/theme';
import { fontOf, hatchTile } from '../ecg/ground';
import type { StreamModel } from '../live/stream';
import { drawAbsent, wholeOf, type AbsentWords, type Box } from '../trace/absent';
import type { CtgChannel, CtgChannels, CtgRole } from './channels';
import { ctgChannels, ctgValue, qualityOf } from './channels';
import { drawCtgGround } from './ground';
import { ctgPps, fhrY, makeCtgLayout, ucY, UC_HI, FHR_HI, FHR_LO, type CtgLayout } from './layout';
import { ctgMarks, type CtgMarks } from './marks';
import { OFFSET_BPM, shortName, styleOf } from './style';

export type CmPerMin = 1 | 2 | 3;

export interface CtgOptions {
  cmPerMin: CmPerMin;
  theme: ThemeName;
  pxPerMm: number; // CSS pixels per millimetre
  demo: boolean;
  offset: boolean; // twins drawn apart
}

export interface CtgWords extends AbsentWords {
  demo: string;
  caption: (bpmPerCm: number, trueHeight: boolean) => string;
  mhr: string;
  double: string;
  half: string;
  zero: string;
  axis: { fhr: string; loss: string; uc: string };
  button: (code: string) => string;
}

export interface CtgView {
  end: number; // index at the right end of the paper, fractional
  newest: number; // one after the newest sample that may be drawn
  stale: boolean; // hatched from the newest sample on
  grey: boolean;
  cursor: number | null; // index that all panels look at
}

const BREAK_BPM = 25; // two neighbours further apart are not joined: a spike, or another heart
const LIGHT: Record<string, number> = { unknown: 1, good: 1, doubtful: 0.45, bad: 0.3 };
const LABEL_EVERY_CM = 8;

export class CtgRenderer {
  private ctx: CanvasRenderingContext2D;
  private layout: CtgLayout;
  private hatch: CanvasPattern | null = null;
  private mm = 1;
  private dpr = 1;
  readonly channels: CtgChannels;
  marks: CtgMarks = { points: [], episodes: [] };

  constructor(
    private canvas: HTMLCanvasElement,
    private header: StreamModel,
    private options: CtgOptions,
    private words: CtgWords,
  ) {
    const ctx = canvas.getContext('2d', { alpha: false });
    if (!ctx) throw new Error('canvas');
    this.ctx = ctx;
    this.channels = ctgChannels(header.header);
    this.layout = this.resize();
  }

  set(options: CtgOptions, words: CtgWords): void {
    this.options = options;
    this.words = words;
    this.layout = this.resize();
  }

  resize(): CtgLayout {
    const dpr = window.devicePixelRatio || 1;
    const width = Math.max(64, Math.round(this.canvas.clientWidth * dpr));
    const height = Math.max(64, Math.round(this.canvas.clientHeight * dpr));
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
    }
    this.dpr = dpr;
    this.mm = this.options.pxPerMm * dpr;
    this.hatch = this.ctx.createPattern(hatchTile(this.colours, dpr), 'repeat');
    this.layout = makeCtgLayout({ width, height, mm: this.mm, dpr, fhrN: this.channels.fhr.length, uc: this.channels.uc !== null });
    return this.layout;
  }

  private get colours(): PaperColours {
    return COLOURS[this.options.theme];
  }
  get pps(): number {
    return ctgPps(this.options.cmPerMin, this.mm, this.header.rateHz);
  }
  get windowN(): number {
    return this.layout.width / this.pps;
  }
  get geometry(): CtgLayout {
    return this.layout;
  }
  // Index under a point of the canvas, by CSS pixels from its left end.
  indexAt(cssX: number, end: number): number {
    return end - (this.layout.x0 + this.layout.width - cssX * this.dpr) / this.pps;
  }

  // model: the stream, or an earlier stretch of it.
  draw(model: StreamModel, v: CtgView): void {
    const c = this.ctx;
    const l = this.layout;
    const pps = this.pps;
    // The right end falls on a whole pixel, so that nothing shimmers.
    const end = Math.round(v.end * pps) / pps;
    const first = end - l.width / pps;
    const xOf = (i: number): number => l.x0 + l.width - (end - i) * pps;
    drawCtgGround(c, {
      layout: l, model, theme: this.options.theme, dpr: this.dpr, cmPerMin: this.options.cmPerMin, first, end, pps,
      demo: this.options.demo ? this.words.demo : '', caption: this.words.caption(Math.round(l.bpmPerCm), l.trueHeight), axis: this.words.axis,
    });
    c.save();
    c.beginPath();
    c.rect(l.x0, 0, l.width, l.times.y);
    c.clip();
    const lo = Math.max(0, Math.floor(first) - 4);
    const hi = Math.ceil(v.stale ? end : Math.min(end, v.newest));
    this.marks = ctgMarks(model, this.channels, lo, hi);
    this.drawEpisodes(c, xOf);
    this.drawHoles(c, model, xOf, lo, hi, first, end);
    const spans = model.ring.held.within(Math.max(lo, model.ring.oldest), Math.ceil(Math.min(end, v.newest)));
    for (const s of spans) {
      for (const ch of this.channels.fhr) this.drawRate(c, model, ch, s.first, s.end, xOf, v.grey);
      if (this.channels.mhr) this.drawRate(c, model, this.channels.mhr, s.first, s.end, xOf, v.grey);
      if (this.channels.uc) this.drawUc(c, model, this.channels.uc, s.first, s.end, xOf, v.grey);
      this.drawLoss(c, model, s.first, s.end, xOf);
    }
    this.drawNames(c, model, first, Math.min(end, v.newest), xOf);
    this.drawPoints(c, xOf);
    if (v.cursor !== null) this.drawCursor(c, model, v.cursor, xOf);
    c.restore();
  }

  private drawHoles(c: CanvasRenderingContext2D, model: StreamModel, xOf: (i: number) => number, lo: number, hi: number, first: number, end: number): void {
    const l = this.layout;
    const look = { colours: this.colours, hatch: this.hatch, dpr: this.dpr, words: this.words, upright: true };
    const boxes: Box[] = [{ x: l.x0, y: l.fhr.y, width: l.width, height: l.fhr.height }];
    if (l.uc.height > 0) boxes.push({ x: l.x0, y: l.uc.y, width: l.width, height: l.uc.height });
    for (const s of model.holes.absent(model.ring.held, lo, hi)) {
      const whole = wholeOf(model, s, first, end);
      for (const b of boxes) drawAbsent(c, model, s, whole, xOf, b, look);
    }
  }

  private shift(role: CtgRole): number {
    if (!this.options.offset || this.channels.fhr.length < 2) return 0;
    return role === 'FHR2' ? OFFSET_BPM : role === 'FHR3' ? -OFFSET_BPM : 0;
  }

  private drawRate(c: CanvasRenderingContext2D, model: StreamModel, ch: CtgChannel, first: number, end: number, xOf: (i: number) => number, grey: boolean): void {
    const raw = model.ring.raw[ch.index];
    if (!raw) return;
    const style = styleOf(ch.role, this.options.theme);
    const flags = this.channels.flags >= 0 ? model.ring.raw[this.channels.flags] : undefined;
    const mask = model.ring.capacity - 1;
    const up = this.shift(ch.role);
    const l = this.layout;
    const dotStep = Math.max(1, Math.round((3.2 * this.dpr) / this.pps));
    const beadStep = Math.max(1, Math.round((7 * this.mm) / this.pps));
    c.strokeStyle = grey ? this.colours.stale : style.colour;
    c.fillStyle = c.strokeStyle;
    c.lineWidth = style.width * this.dpr;
    c.lineJoin = 'round';
    c.lineCap = 'round';
    let light = 1;
    let before = NaN;
    const begin = (): void => {
      c.globalAlpha = light;
      c.beginPath();
    };
    begin();
    for (let i = first; i < end; i++) {
      const v = ctgValue(raw[i & mask] as number, ch);
      const q = flags ? (LIGHT[qualityOf(flags[i & mask] as number, ch.role)] as number) : 1;
      if (q !== light) {
        c.stroke();
        light = q;
        begin();
        before = NaN;
      }
      if (v !== v) {
        before = NaN;
        continue;
      }
      const shown = v + up;
      const x = xOf(i);
      if (shown > FHR_HI || shown < FHR_LO) {
        this.offScale(c, x, shown > FHR_HI ? l.fhr.y : l.fhr.y + l.fhr.height, shown > FHR_HI ? 1 : -1);
        before = NaN;
        continue;
      }
      const y = fhrY(l, shown);
      if (style.dots) {
        if (i % dotStep === 0) c.fillRect(x - this.dpr, y - this.dpr, 2 * this.dpr, 2 * this.dpr);
        continue;
      }
      if (before === before && Math.abs(v - before) <= BREAK_BPM) {
        c.lineTo(x, y);
      } else {
        c.moveTo(x, y);
        c.lineTo(x + 0.01, y);
      }
      before = v;
      if (style.beads && i % beadStep === 0) {
        c.moveTo(x + 3 * this.dpr, y);
        c.arc(x, y, 3 * this.dpr, 0, 2 * Math.PI);
        c.moveTo(x, y);
      }
    }
    c.stroke();
    c.globalAlpha = 1;
  }

  // A value beyond the axis: a small arrow at its edge, so that it does not just vanish.
  private offScale(c: CanvasRenderingContext2D, x: number, y: number, up: 1 | -1): void {
    const d = 4 * this.dpr;
    c.moveTo(x - d, y + up * 2 * d);
    c.lineTo(x, y + up * d);
    c.lineTo(x + d, y + up * 2 * d);
  }

  private drawUc(c: CanvasRenderingContext2D, model: StreamModel, ch: CtgChannel, first: number, end: number, xOf: (i: number) => number, grey: boolean): void {
    const raw = model.ring.raw[ch.index];
    if (!raw) return;
    const mask = model.ring.capacity - 1;
    c.strokeStyle = grey ? this.colours.stale : styleOf('UC', this.options.theme).colour;
    c.lineWidth = 1.4 * this.dpr;
    c.lineJoin = 'round';
    c.beginPath();
    let pen = false;
    for (let i = first; i < end; i++) {
      const v = ctgValue(raw[i & mask] as number, ch);
      if (v !== v) {
        pen = false;
        continue;
      }
      const y = ucY(this.layout, Math.min(UC_HI, Math.max(0, v)));
      if (pen) c.lineTo(xOf(i), y);
      else c.moveTo(xOf(i), y);
      pen = true;
    }
    c.stroke();
  }

  // One row a fetal channel: filled where the monitor says that there is no signal.
  private drawLoss(c: CanvasRenderingContext2D, model: StreamModel, first: number, end: number, xOf: (i: number) => number): void {
    const l = this.layout;
    const mask = model.ring.capacity - 1;
    c.fillStyle = this.colours.dim;
    this.channels.fhr.forEach((ch, row) => {
      const raw = model.ring.raw[ch.index] as Int32Array;
      const y = l.loss.y + row * l.loss.row + this.dpr;
      let from = -1;
      for (let i = first; i <= end; i++) {
        const lost = i < end && Number.isNaN(ctgValue(raw[i & mask] as number, ch));
        if (lost && from < 0) from = i;
        if (!lost && from >= 0) {
          c.fillRect(xOf(from), y, Math.max(this.dpr, xOf(i) - xOf(from)), l.loss.row - 2 * this.dpr);
          from = -1;
        }
      }
    });
  }

  private drawEpisodes(c: CanvasRenderingContext2D, xOf: (i: number) => number): void {
    const l = this.layout;
    const rowOf = (role: CtgRole): number => Math.max(0, this.channels.fhr.findIndex((f) => f.role === role));
    for (const e of this.marks.episodes) {
      const x0 = xOf(e.first);
      const x1 = Math.max(x0 + 3 * this.dpr, xOf(e.end));
      if (e.what === 'mhr') {
        const y = l.fhr.y + (2 + rowOf(e.role) * 18) * this.dpr;
        c.fillStyle = this.colours.technical;
        c.fillRect(x0, y, x1 - x0, 3 * this.dpr);
        this.word(c, `${this.roleTag(e.role)}${this.words.mhr}`, x0, y + 11 * this.dpr, this.colours.technical);
      } else if (e.what === 'spike') {
        c.fillStyle = this.colours.dim;
        c.fillRect(x0, l.loss.y - 4 * this.dpr, x1 - x0, 3 * this.dpr);
      } else {
        const y = l.fhr.y + l.fhr.height - 10 * this.dpr;
        this.word(c, `${this.roleTag(e.role)}${e.what === 'double' ? this.words.double : this.words.half}`, x0, y, this.colours.text);
      }
    }
  }

  private roleTag(role: CtgRole): string {
    return this.channels.fhr.length > 1 ? `${role} ` : '';
  }

  private word(c: CanvasRenderingContext2D, text: string, x: number, y: number, colour: string): void {
    const l = this.layout;
    c.font = fontOf(this.dpr, 12, 'bold');
    c.textAlign = 'left';
    c.textBaseline = 'middle';
    const w = c.measureText(text).width + 6 * this.dpr;
    const at = Math.min(Math.max(x, l.x0 + 2 * this.dpr), l.x0 + l.width - w);
    c.fillStyle = this.colours.ground;
    c.fillRect(at, y - 8 * this.dpr, w, 16 * this.dpr);
    c.fillStyle = colour;
    c.fillText(text, at + 3 * this.dpr, y);
  }

  // Which line is whose, every few centimetres and at the newest value; an offset is told each time.
  private drawNames(c: CanvasRenderingContext2D, model: StreamModel, first: number, newest: number, xOf: (i: number) => number): void {
    const all = this.channels.mhr ? [...this.channels.fhr, this.channels.mhr] : this.channels.fhr;
    if (all.length < 2) return;
    const every = (LABEL_EVERY_CM * 10 * this.mm) / this.pps;
    const mask = model.ring.capacity - 1;
    c.textBaseline = 'alphabetic';
    c.textAlign = 'left';
    c.font = fontOf(this.dpr, 12, 'bold');
    all.forEach((ch, k) => {
      const raw = model.ring.raw[ch.index] as Int32Array;
      const up = this.shift(ch.role);
      const text = up === 0 ? shortName(ch.role) : `${shortName(ch.role)} ${up > 0 ? '+' : '−'}${Math.abs(up)}`;
      const style = styleOf(ch.role, this.options.theme);
      // Places are tied to the paper, not to the screen: a name does not run along the trace.
      for (let at = Math.ceil(first / every) * every + (k * every) / 4; at < newest; at += every) {
        const i = Math.floor(at);
        const w = c.measureText(text).width;
        const top = this.topNear(model, ch, raw, i, Math.ceil(w / this.pps), mask) + up;
        if (!(top >= FHR_LO && top <= FHR_HI)) continue;
        // Above the line, with a rim instead of a box: a name hides no signal.
        const y = Math.max(this.layout.fhr.y + 12 * this.dpr, fhrY(this.layout, top) - 6 * this.dpr);
        c.strokeStyle = this.colours.ground;
        c.lineWidth = 3 * this.dpr;
        c.lineJoin = 'round';
        c.strokeText(text, xOf(i), y);
        c.fillStyle = style.colour;
        c.fillText(text, xOf(i), y);
      }
    });
  }

  // Highest value of a stretch, NaN where there is none.
  private topNear(model: StreamModel, ch: CtgChannel, raw: Int32Array, first: number, count: number, mask: number): number {
    let top = NaN;
    for (let i = first; i < first + count; i++) {
      if (!model.ring.held.has(i)) continue;
      const v = ctgValue(raw[i & mask] as number, ch);
      if (!(v <= top) && !Number.isNaN(v)) top = v;
    }
    return top;
  }

  private drawPoints(c: CanvasRenderingContext2D, xOf: (i: number) => number): void {
    const l = this.layout;
    const y = l.marks.y + l.marks.height / 2;
    let busy = -Infinity; // words of neighbours do not lie on one another
    c.textBaseline = 'middle';
    c.textAlign = 'left';
    c.font = fontOf(this.dpr, 12);
    for (const p of this.marks.points) {
      const x = xOf(p.at);
      c.fillStyle = this.colours.text;
      if (p.what === 'movement') {
        c.beginPath();
        c.moveTo(x, l.marks.y + 2 * this.dpr);
        c.lineTo(x - 4 * this.dpr, l.marks.y + l.marks.height - 3 * this.dpr);
        c.lineTo(x + 4 * this.dpr, l.marks.y + l.marks.height - 3 * this.dpr);
        c.fill();
        continue;
      }
      c.fillRect(x - this.dpr, l.marks.y, 2 * this.dpr, l.marks.height);
      const text = p.what === 'zero' ? this.words.zero : this.words.button(p.code);
      if (x < busy) continue;
      busy = x + c.measureText(text).width + 8 * this.dpr;
      c.fillStyle = this.colours.dim;
      c.fillText(text, x + 4 * this.dpr, y);
    }
  }

  private drawCursor(c: CanvasRenderingContext2D, model: StreamModel, index: number, xOf: (i: number) => number): void {
    const l = this.layout;
    const x = Math.round(xOf(index));
    c.fillStyle = this.options.theme === 'night' ? '#6EA0F0' : '#1F5FBF';
    c.fillRect(x - Math.round(this.dpr / 2), l.fhr.y, Math.max(2, Math.round(2 * this.dpr)), l.times.y - l.fhr.y);
    const text = clockText(model.wallUs(index));
    c.font = fontOf(this.dpr, 12, 'bold');
    const w = c.measureText(text).width + 8 * this.dpr;
    const at = Math.min(Math.max(l.x0, x - w / 2), l.x0 + l.width - w);
    c.fillRect(at, l.marks.y, w, l.marks.height);
    c.fillStyle = this.colours.ground;
    c.textAlign = 'left';
    c.textBaseline = 'middle';
    c.fillText(text, at + 4 * this.dpr, l.marks.y + l.marks.height / 2);
  }
}
