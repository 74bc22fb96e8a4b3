// The strip of the last ten minutes: heart rate, findings, holes, and the window that is on the paper.

import { COLOURS, FONT, type ThemeName } from './theme';
import type { StreamModel } from '../live/stream';
import type { PriorityWord } from '../wire/words';
import { PRIORITY_STARS } from '../wire/words';

export const OVERVIEW_S = 600;
const ALARM: Record<PriorityWord, string> = { none: '#5B6472', low: '#E6A700', medium: '#E6A700', high: '#D11A2A', technical: '#0E9AA7' };

export interface OverviewView {
  theme: ThemeName;
  newest: number;
  windowFirst: number;
  windowEnd: number;
  paused: boolean;
  rateLabel: string;
}

export function overviewSpan(model: StreamModel, newest: number): { first: number; end: number } {
  return { first: newest - OVERVIEW_S * model.rateHz, end: newest };
}

export function drawOverview(canvas: HTMLCanvasElement, model: StreamModel, v: OverviewView): void {
  const dpr = window.devicePixelRatio || 1;
  const w = Math.max(1, Math.round(canvas.clientWidth * dpr));
  const h = Math.max(1, Math.round(canvas.clientHeight * dpr));
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
  }
  const c = canvas.getContext('2d', { alpha: false });
  if (!c) return;
  const col = COLOURS[v.theme];
  const { first, end } = overviewSpan(model, v.newest);
  const x = (i: number): number => ((i - first) / (end - first)) * w;
  c.fillStyle = v.theme === 'night' ? '#141A22' : '#FFFFFF';
  c.fillRect(0, 0, w, h);

  const minute = 60 * model.rateHz;
  c.fillStyle = v.theme === 'night' ? '#263140' : '#E3E7EC';
  for (let k = 0; k <= 10; k++) c.fillRect(Math.round(x(end - k * minute)) - 1, 0, 1, h);

  // Holes.
  const start = Math.max(first, model.holes.start);
  for (const s of model.holes.known.missing(start, end)) {
    c.fillStyle = col.hatchGround;
    c.fillRect(x(s.first), 0, Math.max(2 * dpr, x(s.end) - x(s.first)), h);
    c.strokeStyle = col.hatch;
    c.lineWidth = dpr;
    c.beginPath();
    for (let px = x(s.first) - h; px < x(s.end); px += 5 * dpr) {
      const a = Math.max(px, x(s.first));
      const b = Math.min(px + h, x(s.end));
      if (b > a) {
        c.moveTo(a, h - (a - px));
        c.lineTo(b, h - (b - px));
      }
    }
    c.stroke();
  }
  for (const s of model.holes.lost.within(start, end)) {
    c.strokeStyle = col.lost;
    c.lineWidth = 1.5 * dpr;
    c.strokeRect(x(s.first), 2 * dpr, Math.max(3 * dpr, x(s.end) - x(s.first)), h - 4 * dpr);
  }

  // Heart rate, 35 to 180 on a logarithmic axis, so that slow rates have room.
  const y = (bpm: number): number => h - 4 * dpr - (Math.log(Math.min(180, Math.max(35, bpm)) / 35) / Math.log(180 / 35)) * (h - 12 * dpr);
  c.strokeStyle = col.trace;
  c.lineWidth = 1.25 * dpr;
  c.beginPath();
  let pen = -Infinity;
  for (const b of model.findings.beats(first, end)) {
    const bpm = b.rateBpm > 0 ? b.rateBpm : b.rrSamples > 0 ? (60 * model.rateHz) / b.rrSamples : 0;
    if (bpm <= 0) continue;
    if (b.first - pen > 5 * model.rateHz) c.moveTo(x(b.first), y(bpm));
    else c.lineTo(x(b.first), y(bpm));
    pen = b.first;
  }
  c.stroke();
  c.fillStyle = col.dim;
  c.font = `${Math.round(11 * dpr)}px ${FONT}`;
  c.textBaseline = 'middle';
  c.textAlign = 'left';
  for (const bpm of [60, 120]) {
    const text = String(bpm);
    const width = c.measureText(text).width + 4 * dpr;
    c.fillStyle = v.theme === 'night' ? '#141A22' : '#FFFFFF';
    c.fillRect(0, y(bpm) - 7 * dpr, width + 4 * dpr, 14 * dpr);
    c.fillStyle = col.dim;
    c.fillText(text, 2 * dpr, y(bpm));
    c.fillRect(width, y(bpm), 4 * dpr, dpr);
  }

  // Episodes with a priority.
  c.textBaseline = 'top';
  for (const f of model.findings.others(first, end, 'alarm')) {
    if (f.priority === 'none') continue;
    const a = x(f.first);
    const b = Math.max(a + 3 * dpr, x(f.end === 0 ? end : f.end));
    c.fillStyle = ALARM[f.priority];
    c.fillRect(a, 0, b - a, 5 * dpr);
    c.fillStyle = col.text;
    c.fillText(PRIORITY_STARS[f.priority], a, 6 * dpr);
  }

  // The window on the paper.
  const wa = x(v.windowFirst);
  const wb = x(v.windowEnd);
  c.strokeStyle = '#1F5FBF';
  c.lineWidth = 2 * dpr;
  c.strokeRect(wa + dpr, dpr, Math.max(4 * dpr, wb - wa - 2 * dpr), h - 2 * dpr);
  if (v.paused) {
    c.fillStyle = 'rgba(31,95,191,0.15)';
    c.fillRect(wa, 0, wb - wa, h);
  }
}
