// CTG paper: ground, grid that runs with the time, axis, clock, caption.

import { clockText } from '../base/clock';
import { COLOURS, type ThemeName } from '../ecg/theme';
import { fontOf } from '../ecg/ground';
import type { StreamModel } from '../live/stream';
import { FHR_HI, FHR_LO, fhrY, UC_HI, ucY, type CtgLayout } from './layout';

export interface CtgGround {
  layout: CtgLayout;
  model: StreamModel;
  theme: ThemeName;
  dpr: number;
  cmPerMin: number;
  first: number; // index at the left end, fractional
  end: number;
  pps: number;
  demo: string; // mark of demonstration data; empty = none
  caption: string;
  axis: { fhr: string; loss: string; uc: string };
}

const NORMAL: Record<ThemeName, string> = { paper: 'rgba(43,106,63,0.06)', night: 'rgba(124,199,149,0.07)' };
const TEN_MINUTES: Record<ThemeName, string> = { paper: '#C8756D', night: '#41536B' };
const NORMAL_LO = 110;
const NORMAL_HI = 160;

export function drawCtgGround(c: CanvasRenderingContext2D, g: CtgGround): void {
  const { layout: l } = g;
  const col = COLOURS[g.theme];
  const { width, height } = c.canvas;
  c.fillStyle = col.ground;
  c.fillRect(0, 0, width, height);
  c.save();
  c.beginPath();
  c.rect(l.x0, 0, l.width, height);
  c.clip();
  c.fillStyle = NORMAL[g.theme];
  c.fillRect(l.x0, fhrY(l, NORMAL_HI), l.width, fhrY(l, NORMAL_LO) - fhrY(l, NORMAL_HI));
  drawTimeLines(c, g);
  drawLevels(c, g);
  if (g.demo) drawDemo(c, g);
  drawClock(c, g);
  c.restore();
  drawAxis(c, g);
  drawCaption(c, g);
}

// x of a wall time, by the indices at both ends.
function timeTicks(g: CtgGround, stepUs: number): { x: number; us: number }[] {
  const w0 = g.model.wallUs(g.first);
  if (!Number.isFinite(w0)) return [];
  const hz = g.model.rateHz;
  const out: { x: number; us: number }[] = [];
  const w1 = g.model.wallUs(g.end);
  for (let us = Math.ceil(w0 / stepUs) * stepUs; us <= w1; us += stepUs) {
    out.push({ x: Math.round(g.layout.x0 + ((us - w0) / 1e6) * hz * g.pps), us });
  }
  return out;
}

function drawTimeLines(c: CanvasRenderingContext2D, g: CtgGround): void {
  const { layout: l, dpr } = g;
  const col = COLOURS[g.theme];
  const line = Math.max(1, Math.round(dpr));
  const cmUs = 60e6 / g.cmPerMin;
  const lines = (stepUs: number, colour: string, w: number): void => {
    c.fillStyle = colour;
    for (const t of timeTicks(g, stepUs)) {
      c.fillRect(t.x, l.fhr.y, w, l.fhr.height);
      if (l.uc.height > 0) c.fillRect(t.x, l.uc.y, w, l.uc.height);
    }
  };
  lines(cmUs / 2, col.minor, line);
  lines(cmUs, col.major, line);
  if (g.cmPerMin > 1) lines(60e6, col.major, line * 2);
  c.fillStyle = TEN_MINUTES[g.theme];
  for (const t of timeTicks(g, 600e6)) c.fillRect(t.x, l.fhr.y, line * 2, l.times.y - l.fhr.y);
}

function drawLevels(c: CanvasRenderingContext2D, g: CtgGround): void {
  const { layout: l, dpr } = g;
  const col = COLOURS[g.theme];
  const line = Math.max(1, Math.round(dpr));
  const step = l.bpmPerCm > 24 ? 30 : 20;
  const half = step / 2;
  for (let bpm = FHR_LO; bpm <= FHR_HI; bpm += half) {
    const major = (bpm - 60) % step === 0;
    c.fillStyle = major ? col.major : col.minor;
    c.fillRect(l.x0, Math.round(fhrY(l, bpm)), l.width, line);
  }
  if (!(l.uc.height > 0)) return;
  const fine = l.uc.height / dpr > 100 ? 12.5 : l.uc.height / dpr > 60 ? 25 : 50;
  for (let v = 0; v <= UC_HI; v += fine) {
    c.fillStyle = v % (2 * fine) === 0 ? col.major : col.minor;
    c.fillRect(l.x0, Math.round(ucY(l, v)), l.width, line);
  }
}

function drawDemo(c: CanvasRenderingContext2D, g: CtgGround): void {
  const { layout: l, dpr } = g;
  c.fillStyle = COLOURS[g.theme].mark;
  c.font = fontOf(dpr, 30, 'bold');
  c.textAlign = 'center';
  c.textBaseline = 'middle';
  for (let x = l.x0 + 200 * dpr; x < l.x0 + l.width + 200 * dpr; x += 420 * dpr) {
    c.save();
    c.translate(x, l.fhr.y + l.fhr.height * 0.5);
    c.rotate(-0.2);
    c.fillText(g.demo, 0, 0);
    c.restore();
  }
}

function drawClock(c: CanvasRenderingContext2D, g: CtgGround): void {
  const { layout: l, dpr } = g;
  const col = COLOURS[g.theme];
  const line = Math.max(1, Math.round(dpr));
  const minutePx = 60 * g.model.rateHz * g.pps;
  const each = minutePx / dpr >= 64 ? 1 : 5;
  c.textBaseline = 'middle';
  c.textAlign = 'left';
  for (const t of timeTicks(g, 60e6)) {
    const minute = Math.round(t.us / 60e6);
    const ten = minute % 10 === 0;
    c.fillStyle = ten ? col.text : col.dim;
    c.fillRect(t.x, l.times.y, ten ? line * 2 : line, (ten ? 12 : 5) * dpr);
    if (minute % each !== 0) continue;
    c.font = fontOf(dpr, 12, ten ? 'bold' : '');
    c.fillText(clockText(t.us).slice(0, 5), t.x + 4 * dpr, l.times.y + 9 * dpr);
  }
}

function drawAxis(c: CanvasRenderingContext2D, g: CtgGround): void {
  const { layout: l, dpr } = g;
  const col = COLOURS[g.theme];
  c.fillStyle = col.dim;
  c.font = fontOf(dpr, 12);
  c.textAlign = 'right';
  c.textBaseline = 'middle';
  const x = l.x0 - 5 * dpr;
  const step = l.bpmPerCm > 24 ? 30 : 20;
  for (let bpm = 60; bpm <= FHR_HI; bpm += step) if (fhrY(l, bpm) > l.fhr.y + 13 * dpr) c.fillText(String(bpm), x, fhrY(l, bpm));
  if (l.uc.height > 0) {
    const ucStep = l.uc.height / dpr > 90 ? 25 : l.uc.height / dpr > 40 ? 50 : 100;
    for (let v = 0; v < UC_HI; v += ucStep) c.fillText(String(v), x, Math.min(ucY(l, v), l.uc.y + l.uc.height - 5 * dpr));
  }
  c.font = fontOf(dpr, 11, 'bold');
  c.fillText(g.axis.fhr, x, l.fhr.y + 5 * dpr);
  c.fillText(g.axis.loss, x, l.loss.y + l.loss.height / 2);
  if (l.uc.height > 0) c.fillText(g.axis.uc, x, l.marks.y + l.marks.height / 2);
  c.fillStyle = col.major;
  c.fillRect(l.x0 - Math.round(dpr), l.fhr.y, Math.round(dpr), l.times.y - l.fhr.y);
}

function drawCaption(c: CanvasRenderingContext2D, g: CtgGround): void {
  const { layout: l, dpr } = g;
  c.fillStyle = COLOURS[g.theme].dim;
  c.font = fontOf(dpr, 12);
  c.textAlign = 'left';
  c.textBaseline = 'middle';
  c.fillText(g.caption, l.x0 + 4 * dpr, l.caption.y + l.caption.height / 2);
}
