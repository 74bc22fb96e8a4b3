// Draws the timeline: a lane per signal, marks above, the cursor through all.

import { clockText } from '../base/clock';
import { COLOURS, FONT, type ThemeName } from '../ecg/theme';
import { clipEndUs, clipHeld } from '../video/clips';
import type { PriorityWord } from '../wire/words';
import { PRIORITY_STARS } from '../wire/words';
import type { BarData, Lane } from './bardata';

const ALARM: Record<PriorityWord, string> = { none: '#5B6472', low: '#E6A700', medium: '#E6A700', high: '#D11A2A', technical: '#0E9AA7' };
export const LABEL_PX = 44; // at the left, for the names of the lanes
const TIMES_PX = 16;
const EVENTS_MORE = 0.5;

export interface BarView {
  theme: ThemeName;
  fromUs: number;
  toUs: number;
  nowUs: number;
  cursorUs: number | null;
  names: { events: string; ecg: string; ctg: string; vitals: string; clips: string };
}

interface Area {
  c: CanvasRenderingContext2D;
  w: number;
  dpr: number;
  x: (us: number) => number;
}

export function drawBar(canvas: HTMLCanvasElement, d: BarData, v: BarView): void {
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
  const night = v.theme === 'night';
  const left = LABEL_PX * dpr;
  const a: Area = { c, w, dpr, x: (us) => left + ((us - v.fromUs) / (v.toUs - v.fromUs)) * (w - left) };
  c.fillStyle = night ? '#141A22' : '#FFFFFF';
  c.fillRect(0, 0, w, h);
  drawTimes(a, h, v, night ? '#263140' : '#E3E7EC', col.dim);
  const lanes: [string, (y: number, lh: number) => void][] = [[v.names.events, (y, lh) => drawMarks(a, d, v, y, lh, col.text)]];
  const ink = night ? '#5F7BA8' : '#8FA7CC';
  if (d.ecg) lanes.push([v.names.ecg, (y, lh) => drawLane(a, d.ecg as Lane, y, lh, ink, col)]);
  if (d.ctg) lanes.push([v.names.ctg, (y, lh) => drawLane(a, d.ctg as Lane, y, lh, ink, col)]);
  if (d.spots) lanes.push([v.names.vitals, (y, lh) => drawSpots(a, d, y, lh, col.text)]);
  if (d.clips) lanes.push([v.names.clips, (y, lh) => drawClips(a, d, v, y, lh, ink, col)]);
  // The lane of events is a little higher: it holds stars above its bars.
  const unit = (h - TIMES_PX * dpr) / (lanes.length + EVENTS_MORE);
  let y = 0;
  lanes.forEach(([name, draw], k) => {
    const lh = k === 0 ? unit * (1 + EVENTS_MORE) : unit;
    c.save();
    c.beginPath();
    c.rect(left, 0, w - left, h);
    c.clip();
    draw(y, lh);
    c.restore();
    c.fillStyle = col.dim;
    c.font = `${Math.round(11 * dpr)}px ${FONT}`;
    c.textAlign = 'left';
    c.textBaseline = 'middle';
    c.fillText(name, 4 * dpr, y + lh / 2, left - 6 * dpr);
    y += lh;
  });
  // Now, and the cursor.
  c.fillStyle = col.dim;
  c.fillRect(Math.round(a.x(v.nowUs)), 0, Math.max(1, dpr), h - TIMES_PX * dpr);
  if (v.cursorUs !== null) {
    const x = Math.round(a.x(v.cursorUs));
    c.fillStyle = '#1F5FBF';
    c.fillRect(x - dpr, 0, 2 * dpr, h);
    c.beginPath();
    c.moveTo(x - 6 * dpr, 0);
    c.lineTo(x + 6 * dpr, 0);
    c.lineTo(x, 8 * dpr);
    c.fill();
  }
}

// The step between marked times, so that they do not run into each other.
export function timeStepS(spanS: number, widthPx: number): number {
  const steps = [10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 14400];
  return steps.find((s) => (widthPx * s) / spanS >= 76) ?? 21600;
}

function drawTimes(a: Area, h: number, v: BarView, line: string, dim: string): void {
  const { c, dpr } = a;
  const step = timeStepS((v.toUs - v.fromUs) / 1e6, (a.w - LABEL_PX * dpr) / dpr) * 1e6;
  const zone = new Date(v.toUs / 1000).getTimezoneOffset() * 60e6; // steps of hours fall on hours of this place
  c.font = `${Math.round(11 * dpr)}px ${FONT}`;
  c.textAlign = 'center';
  c.textBaseline = 'bottom';
  for (let us = Math.ceil((v.fromUs - zone) / step) * step + zone; us <= v.toUs; us += step) {
    const x = Math.round(a.x(us));
    c.fillStyle = line;
    c.fillRect(x, 0, Math.max(1, Math.round(dpr)), h - 14 * dpr);
    const text = step >= 60e6 ? clockText(us).slice(0, 5) : clockText(us);
    const half = c.measureText(text).width / 2;
    c.fillStyle = dim;
    c.fillText(text, Math.min(a.w - half - 2 * dpr, Math.max(LABEL_PX * dpr + half, x)), h - 1 * dpr);
  }
}

type Colours = (typeof COLOURS)[ThemeName];

function hatch(a: Area, x0: number, x1: number, y: number, h: number, col: Colours): void {
  const { c, dpr } = a;
  c.fillStyle = col.hatchGround;
  c.fillRect(x0, y, x1 - x0, h);
  c.strokeStyle = col.hatch;
  c.lineWidth = dpr;
  c.save();
  c.beginPath();
  c.rect(x0, y, x1 - x0, h);
  c.clip();
  c.beginPath();
  for (let x = x0 - h; x < x1; x += 5 * dpr) {
    c.moveTo(x, y + h);
    c.lineTo(x + h, y);
  }
  c.stroke();
  c.restore();
}

function drawLane(a: Area, lane: Lane, y: number, lh: number, ink: string, col: Colours): void {
  const { c, dpr } = a;
  const top = y + lh * 0.25;
  const h = lh * 0.5;
  c.fillStyle = ink;
  for (const s of lane.held) c.fillRect(a.x(s.fromUs), top, Math.max(dpr, a.x(s.toUs) - a.x(s.fromUs)), h);
  for (const s of lane.coming) hatch(a, a.x(s.fromUs), Math.max(a.x(s.fromUs) + 2 * dpr, a.x(s.toUs)), top, h, col);
  c.strokeStyle = col.lost;
  c.lineWidth = 1.5 * dpr;
  for (const s of lane.lost) {
    const x = a.x(s.fromUs);
    const w = Math.max(4 * dpr, a.x(s.toUs) - x);
    c.fillStyle = col.lostGround;
    c.fillRect(x, top, w, h);
    c.strokeRect(x + dpr, top + dpr, w - 2 * dpr, h - 2 * dpr);
  }
}

function drawSpots(a: Area, d: BarData, y: number, lh: number, ink: string): void {
  a.c.fillStyle = ink;
  for (const s of d.spots ?? []) {
    a.c.beginPath();
    a.c.arc(a.x(s.wallUs), y + lh / 2, Math.min(3 * a.dpr, lh * 0.2), 0, 7);
    a.c.fill();
  }
}

// Held: full. On its way: a frame, filled as far as it is here. Running: open at the right.
function drawClips(a: Area, d: BarData, v: BarView, y: number, lh: number, ink: string, col: Colours): void {
  const { c, dpr } = a;
  const top = y + lh * 0.15;
  const h = lh * 0.7;
  for (const clip of d.clips ?? []) {
    const x0 = a.x(clip.start_wall_us);
    const w = Math.max(3 * dpr, a.x(clipEndUs(clip, v.nowUs)) - x0);
    c.fillStyle = ink;
    if (clipHeld(clip)) {
      c.fillRect(x0, top, w, h);
      continue;
    }
    if (clip.sha256 && clip.size > 0) c.fillRect(x0, top, (w * clip.held) / clip.size, h);
    c.strokeStyle = col.text;
    c.lineWidth = dpr;
    c.setLineDash(clip.sha256 ? [4 * dpr, 3 * dpr] : []);
    c.strokeRect(x0 + dpr / 2, top, w - dpr, h);
    c.setLineDash([]);
  }
}

function drawMarks(a: Area, d: BarData, v: BarView, y: number, lh: number, ink: string): void {
  const { c, dpr } = a;
  const rank: PriorityWord[] = ['none', 'technical', 'low', 'medium', 'high'];
  for (const m of [...d.marks].sort((p, q) => rank.indexOf(p.priority) - rank.indexOf(q.priority))) {
    const x = a.x(m.fromUs);
    if (m.kind === 'marker' || m.priority === 'none') {
      c.fillStyle = ink;
      c.fillRect(x, y + lh * 0.3, 1.5 * dpr, lh * 0.6);
      continue;
    }
    c.fillStyle = ALARM[m.priority];
    c.fillRect(x, y + lh * 0.62, Math.max(4 * dpr, a.x(Math.min(m.toUs, v.nowUs)) - x), lh * 0.33);
    c.fillStyle = ink;
    c.font = `bold ${Math.round(11 * dpr)}px ${FONT}`;
    c.textAlign = 'left';
    c.textBaseline = 'middle';
    c.fillText(PRIORITY_STARS[m.priority], x, y + lh * 0.4);
  }
}
