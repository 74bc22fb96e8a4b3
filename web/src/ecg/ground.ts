// What lies under the traces: grid, mark of demonstration data, calibration pulses, lead names, caption.
// Also the hatch, and the code that benches read from pixels.

import { COLOURS, FONT, type PaperColours, type ThemeName } from './theme';
import { leadName, type Layout, type LayoutName } from './layout';
import type { ChannelInfo } from './samples';
import type { AbsentWords } from '../trace/absent';

export interface PaperOptions {
  layout: LayoutName;
  mmPerS: 25 | 50;
  mmPerMv: 5 | 10 | 20;
  mode: 'sweep' | 'scroll';
  theme: ThemeName;
  pxPerMm: number; // CSS pixels per millimetre
  demo: boolean;
  bench: boolean;
}

// Words come from outside, so that the renderer knows no language.
export interface PaperWords extends AbsentWords {
  demo: string;
  caption: string; // speed, gain, filter: printed on the paper
  leadOff: string;
}

export interface LabelBox {
  x: number;
  y: number;
  w: number;
  h: number;
}

export interface GroundParts {
  layout: Layout;
  channels: ChannelInfo[];
  options: PaperOptions;
  words: PaperWords;
  mm: number; // device pixels per millimetre
  dpr: number;
  leadsOff: number;
}

export function fontOf(dpr: number, px: number, weight = ''): string {
  return `${weight} ${Math.round(px * dpr)}px ${FONT}`.trim();
}

export function hatchTile(colours: PaperColours, dpr: number): HTMLCanvasElement {
  const tile = document.createElement('canvas');
  const n = Math.round(8 * dpr);
  tile.width = n;
  tile.height = n;
  const c = tile.getContext('2d') as CanvasRenderingContext2D;
  c.fillStyle = colours.hatchGround;
  c.fillRect(0, 0, n, n);
  c.strokeStyle = colours.hatch;
  c.lineWidth = 1.4 * dpr;
  c.beginPath();
  for (const k of [-n, 0, n]) {
    c.moveTo(k - 2, n + 2);
    c.lineTo(k + n + 2, -2);
  }
  c.stroke();
  return tile;
}

// Returns where words stand, so that they can be put back over a hatch.
export function drawGround(canvas: HTMLCanvasElement, g: GroundParts): LabelBox[] {
  const c = canvas.getContext('2d', { alpha: false }) as CanvasRenderingContext2D;
  const { width, height } = canvas;
  const col = COLOURS[g.options.theme];
  c.fillStyle = col.ground;
  c.fillRect(0, 0, width, height);
  const line = Math.max(1, Math.round(g.dpr));
  for (const [step, colour] of [[1, col.minor], [5, col.major]] as [number, string][]) {
    if (step === 1 && g.mm < 2.2) continue; // 1 mm lines would run into one another
    c.fillStyle = colour;
    for (let k = 0; k * step * g.mm < width; k++) c.fillRect(Math.round(k * step * g.mm), 0, line, height);
    for (let k = 0; k * step * g.mm < height; k++) c.fillRect(0, Math.round(k * step * g.mm), width, line);
  }
  if (g.options.demo) drawDemoMark(c, g, col);
  drawCalibration(c, g, col);
  return [...drawLeadNames(c, g, col), drawCaption(c, g, col)];
}

function drawDemoMark(c: CanvasRenderingContext2D, g: GroundParts, col: PaperColours): void {
  c.save();
  c.fillStyle = col.mark;
  c.font = fontOf(g.dpr, 34, 'bold');
  c.textAlign = 'center';
  c.textBaseline = 'middle';
  const { width, height } = c.canvas;
  const stepX = 420 * g.dpr;
  const stepY = 210 * g.dpr;
  for (let y = stepY / 2, r = 0; y < height; y += stepY, r++) {
    for (let x = stepX / 2 + (r % 2) * (stepX / 2); x < width + stepX / 2; x += stepX) {
      c.save();
      c.translate(x, y);
      c.rotate(-0.3);
      c.fillText(g.words.demo, 0, 0);
      c.restore();
    }
  }
  c.restore();
}

// 1 mV for 200 ms.
function drawCalibration(c: CanvasRenderingContext2D, g: GroundParts, col: PaperColours): void {
  const h = g.options.mmPerMv * g.mm;
  const w = 0.2 * g.options.mmPerS * g.mm;
  const lead = 1.5 * g.mm;
  c.strokeStyle = col.trace;
  c.lineWidth = 1.25 * g.dpr;
  c.lineJoin = 'miter';
  for (const p of g.layout.calibration) {
    const y = Math.round(p.baseline) + 0.5;
    const x = p.x + g.mm;
    c.beginPath();
    c.moveTo(x, y);
    c.lineTo(x + lead, y);
    c.lineTo(x + lead, y - h);
    c.lineTo(x + lead + w, y - h);
    c.lineTo(x + lead + w, y);
    c.lineTo(x + 2 * lead + w, y);
    c.stroke();
  }
}

function drawLeadNames(c: CanvasRenderingContext2D, g: GroundParts, col: PaperColours): LabelBox[] {
  const { dpr } = g;
  const boxes: LabelBox[] = [];
  c.textBaseline = 'alphabetic';
  c.textAlign = 'left';
  for (const column of g.layout.columns) {
    const room = column.height / column.cells.length;
    for (const cell of column.cells) {
      const info = g.channels[cell.channel];
      if (!info) continue;
      const y = Math.round(Math.max(15 * dpr, cell.baseline - Math.min(room * 0.38, 9 * g.mm)));
      const text = leadName(info.code);
      c.font = fontOf(dpr, 14, 'bold');
      const width = Math.ceil(c.measureText(text).width + 6 * dpr);
      const box = { x: column.x + Math.round(2 * dpr), y: y - Math.round(13 * dpr), w: width, h: Math.round(17 * dpr) };
      boxes.push(box);
      c.fillStyle = col.ground;
      c.fillRect(box.x, box.y, width, box.h);
      c.fillStyle = col.text;
      c.fillText(text, column.x + 5 * dpr, y);
      if (((g.leadsOff >>> cell.channel) & 1) === 0) continue;
      c.font = fontOf(dpr, 12, 'bold');
      const w = Math.ceil(c.measureText(g.words.leadOff).width + 8 * dpr);
      c.fillStyle = col.technical;
      c.fillRect(box.x + width + 4 * dpr, box.y, w, box.h);
      c.fillStyle = col.ground;
      c.fillText(g.words.leadOff, box.x + width + 8 * dpr, y);
      box.w += w + Math.round(4 * dpr);
    }
  }
  return boxes;
}

function drawCaption(c: CanvasRenderingContext2D, g: GroundParts, col: PaperColours): LabelBox {
  const { dpr } = g;
  c.font = fontOf(dpr, 12);
  const w = c.measureText(g.words.caption).width;
  const y = c.canvas.height - 6 * dpr;
  const box = { x: Math.round(4 * dpr), y: Math.round(y - 12 * dpr), w: Math.ceil(w + 8 * dpr), h: Math.round(16 * dpr) };
  c.fillStyle = col.ground;
  c.fillRect(box.x, box.y, box.w, box.h);
  c.fillStyle = col.dim;
  c.fillText(g.words.caption, 8 * dpr, y);
  return box;
}

// For benches: the low 16 bits of the newest drawn index, readable from pixels. 20 cells of 8 x 8 CSS
// pixels at the upper right: white, black, 16 bits from the highest on, parity, white.
export function drawBench(c: CanvasRenderingContext2D, head: number, dpr: number): void {
  const n = Math.floor(head) & 0xffff;
  const cell = Math.round(8 * dpr);
  const x0 = c.canvas.width - 20 * cell;
  let parity = 0;
  const bits: number[] = [1, 0];
  for (let k = 15; k >= 0; k--) {
    const bit = (n >>> k) & 1;
    parity ^= bit;
    bits.push(bit);
  }
  bits.push(parity, 1);
  bits.forEach((bit, k) => {
    c.fillStyle = bit ? '#FFFFFF' : '#000000';
    c.fillRect(x0 + k * cell, 0, cell, cell);
  });
}
