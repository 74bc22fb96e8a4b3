// The trend beside a value: one point for each reading at its time. What is watched all the time is
// joined where readings follow one another closely; what is measured now and then is points alone.

import type { ThemeName } from '../ecg/theme';
import { COLOURS } from '../ecg/theme';
import { CONTINUOUS } from './kinds';
import { trendOf, type Reading } from './readings';

export interface SparkView {
  readings: Reading[]; // oldest first
  fromUs: number;
  toUs: number;
  cursorUs: number | null;
  theme: ThemeName;
  least: number; // smallest span of the axis, so that noise does not fill it
}

export function drawSpark(canvas: HTMLCanvasElement, v: SparkView): void {
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
  c.fillStyle = v.theme === 'night' ? '#141A22' : '#FFFFFF';
  c.fillRect(0, 0, w, h);
  const x = (us: number): number => ((us - v.fromUs) / (v.toUs - v.fromUs)) * (w - 4 * dpr) + 2 * dpr;
  const values: { at: number; lo: number; hi: number; mid: number; joined: boolean }[] = [];
  for (const r of v.readings) {
    const mid = trendOf(r);
    if (mid === null) continue;
    values.push({ at: r.wallUs, mid, lo: r.parts.dia ?? mid, hi: r.parts.sys ?? mid, joined: r.continuous });
  }
  c.fillStyle = v.theme === 'night' ? '#263140' : '#E3E7EC';
  c.fillRect(0, h - Math.max(1, dpr), w, Math.max(1, dpr));
  if (values.length > 0) {
    let lo = Math.min(...values.map((p) => p.lo));
    let hi = Math.max(...values.map((p) => p.hi));
    if (hi - lo < v.least) {
      const mid = (hi + lo) / 2;
      lo = mid - v.least / 2;
      hi = mid + v.least / 2;
    }
    const y = (q: number): number => h - 4 * dpr - ((q - lo) / (hi - lo)) * (h - 8 * dpr);
    c.strokeStyle = col.dim;
    c.fillStyle = col.text;
    c.lineWidth = 1.2 * dpr;
    c.beginPath();
    let before: { at: number } | null = null;
    for (const p of values) {
      if (!p.joined) {
        before = null;
        continue;
      }
      if (before && p.at - before.at <= CONTINUOUS.greyS * 1e6) c.lineTo(x(p.at), y(p.mid));
      else c.moveTo(x(p.at), y(p.mid));
      before = p;
    }
    c.stroke();
    for (const p of values) {
      if (p.joined) continue;
      if (p.hi > p.lo) c.fillRect(x(p.at) - dpr * 0.75, y(p.hi), 1.5 * dpr, y(p.lo) - y(p.hi));
      c.beginPath();
      c.arc(x(p.at), y(p.mid), 2.2 * dpr, 0, 2 * Math.PI);
      c.fill();
    }
    const last = values[values.length - 1];
    if (last?.joined) {
      c.beginPath();
      c.arc(x(last.at), y(last.mid), 2.2 * dpr, 0, 2 * Math.PI);
      c.fill();
    }
  }
  if (v.cursorUs !== null && v.cursorUs >= v.fromUs && v.cursorUs <= v.toUs) {
    c.fillStyle = v.theme === 'night' ? '#6EA0F0' : '#1F5FBF';
    c.fillRect(Math.round(x(v.cursorUs)) - dpr, 0, 2 * dpr, h);
  }
}
