// The median beat of all leads to scale: where each lead stands (pure, in mm) and its drawing on the
// ground of the paper, with the global fiducials.

import { drawGround, fontOf, type PaperOptions, type PaperWords } from '../ecg/ground';
import type { Layout } from '../ecg/layout';
import type { ChannelInfo } from '../ecg/samples';
import { COLOURS } from '../ecg/theme';
import { tracePath, type TraceSource } from '../ecg/trace';
import { MARKS, type Median } from './parse';

export const MEDIAN_MM_PER_MV = 10;
const BOX_MM = 5;
const LEFT_MM = 10; // calibration pulse, 25 mm/s
const LEFT_50_MM = 15;
const TOP_MM = 10; // names of the fiducials
const FOOT_MM = 5; // caption
const BEFORE_MS = 60;
const AFTER_MS = 100;

export interface MedianPlan {
  fromMs: number; // of the median beat: where each column begins
  toMs: number;
  leftMm: number;
  columnMm: number;
  columns: number[][]; // places in Median.leads, row by row
  baselinesMm: number[]; // of each row, from the top
  heightMm: number;
}

const up = (v: number, step: number): number => Math.ceil(v / step - 1e-9) * step;

// As many columns as have room: 4, 3, 2 or 1. Rows are as high as their highest wave, in whole boxes.
export function planMedian(m: Median, widthMm: number, mmPerS: 25 | 50): MedianPlan {
  const n = Math.max(0, ...m.leads.map((l) => l.uv.length));
  const lastMs = (n / m.rateHz) * 1000;
  const firstMark = m.marksMs['p_on'] ?? (m.marksMs['qrs_on'] ?? 250) - 190;
  const fromMs = Math.max(0, Math.min(firstMark, m.marksMs['qrs_on'] ?? lastMs) - BEFORE_MS);
  const leftMm = mmPerS === 50 ? LEFT_50_MM : LEFT_MM;
  const wantedMs = Math.min(lastMs, (m.marksMs['t_off'] ?? lastMs) + AFTER_MS) - fromMs;
  const columnMm = Math.max(BOX_MM, up((wantedMs / 1000) * mmPerS, BOX_MM / 2));
  const columnsN = [4, 3, 2].find((k) => leftMm + k * columnMm <= widthMm && k <= m.leads.length) ?? 1;
  const rowsN = Math.max(1, Math.ceil(m.leads.length / columnsN));
  const columns = Array.from({ length: Math.ceil(m.leads.length / rowsN) }, (_, k) => m.leads.map((_l, i) => i).slice(k * rowsN, (k + 1) * rowsN));
  const from = Math.floor((fromMs / 1000) * m.rateHz);
  const baselinesMm: number[] = [];
  let y = TOP_MM;
  for (let r = 0; r < rowsN; r++) {
    let high = 0;
    let low = 0;
    for (const col of columns) {
      for (const v of m.leads[col[r] ?? -1]?.uv.subarray(from) ?? []) {
        if (v > high) high = v;
        if (v < low) low = v;
      }
    }
    y += Math.max(2 * BOX_MM, up((high / 1000) * MEDIAN_MM_PER_MV + 1, BOX_MM));
    baselinesMm.push(y);
    y += Math.max(BOX_MM, up((-low / 1000) * MEDIAN_MM_PER_MV, BOX_MM));
  }
  return { fromMs, toMs: fromMs + (columnMm / mmPerS) * 1000, leftMm, columnMm, columns, baselinesMm, heightMm: y + FOOT_MM };
}

const LEVEL = { p_on: 0, p_off: 1, qrs_on: 2, qrs_off: 0, t_off: 1 } as const;

export interface MedianLook {
  options: PaperOptions;
  words: PaperWords;
  markName: (mark: (typeof MARKS)[number]) => string;
}

// A source as the paper's traces want it: capacity a power of two.
function sourceOf(m: Median): TraceSource {
  const n = Math.max(1, ...m.leads.map((l) => l.uv.length));
  const capacity = 2 ** Math.ceil(Math.log2(n));
  return { capacity, uv: m.leads.map((l) => {
    const row = new Float32Array(capacity).fill(NaN);
    row.set(l.uv);
    return row;
  }) };
}

export function drawMedian(canvas: HTMLCanvasElement, m: Median, look: MedianLook): void {
  const dpr = window.devicePixelRatio || 1;
  const { options } = look;
  const mm = options.pxPerMm * dpr;
  const plan = planMedian(m, canvas.clientWidth / options.pxPerMm, options.mmPerS);
  canvas.style.height = `${Math.round(plan.heightMm * options.pxPerMm)}px`;
  canvas.width = Math.max(64, Math.round(canvas.clientWidth * dpr));
  canvas.height = Math.round(plan.heightMm * mm);
  const layout: Layout = {
    name: 'rows',
    columns: plan.columns.map((leads, k) => ({
      x: Math.round((plan.leftMm + k * plan.columnMm) * mm), width: Math.round(plan.columnMm * mm), y: 0, height: canvas.height, rhythm: false,
      cells: leads.map((channel, r) => ({ channel, baseline: Math.round((plan.baselinesMm[r] as number) * mm) })),
    })),
    calibration: plan.baselinesMm.map((b) => ({ x: 0, baseline: b * mm })),
  };
  const channels = m.leads.map((l) => ({ code: l.name }) as ChannelInfo);
  drawGround(canvas, { layout, channels, options, words: look.words, mm, dpr, leadsOff: 0 });
  const c = canvas.getContext('2d');
  if (!c) return;
  drawMarks(c, m, plan, layout, look, mm, dpr);
  const col = COLOURS[options.theme];
  const source = sourceOf(m);
  const pps = (options.mmPerS * mm) / m.rateHz;
  const first = Math.floor((plan.fromMs / 1000) * m.rateHz);
  c.strokeStyle = col.trace;
  c.lineWidth = (options.theme === 'night' ? 1.4 : 1.25) * dpr;
  c.lineJoin = 'round';
  for (const column of layout.columns) {
    const end = Math.min(source.capacity, Math.floor(first + column.width / pps));
    c.beginPath();
    for (const cell of column.cells) {
      tracePath(c, source, cell.channel, first, end, { x0: column.x - (plan.fromMs / 1000) * m.rateHz * pps, pps, zero: cell.baseline, pxPerUv: 1e-3 * MEDIAN_MM_PER_MV * mm });
    }
    c.stroke();
  }
}

function drawMarks(c: CanvasRenderingContext2D, m: Median, plan: MedianPlan, layout: Layout, look: MedianLook, mm: number, dpr: number): void {
  const col = COLOURS[look.options.theme];
  const foot = c.canvas.height - FOOT_MM * mm;
  c.save();
  c.strokeStyle = col.technical;
  c.lineWidth = dpr;
  c.font = fontOf(dpr, 11);
  c.textAlign = 'center';
  c.textBaseline = 'top';
  const names: { name: string; x: number; top: number }[] = [];
  c.setLineDash([3 * dpr, 3 * dpr]);
  layout.columns.forEach((column, k) => {
    for (const mark of MARKS) {
      const ms = m.marksMs[mark];
      if (ms === null || ms === undefined || ms < plan.fromMs || ms > plan.toMs) continue;
      const x = Math.round(column.x + ((ms - plan.fromMs) / 1000) * look.options.mmPerS * mm) + 0.5;
      const top = (LEVEL[mark] * 12 + 14) * dpr;
      c.beginPath();
      c.moveTo(x, k === 0 ? top : TOP_MM * mm);
      c.lineTo(x, foot);
      c.stroke();
      if (k === 0) names.push({ name: look.markName(mark), x, top });
    }
  });
  // Over the lines of their neighbours.
  for (const { name, x, top } of names) {
    const w = c.measureText(name).width + 2 * dpr;
    c.fillStyle = col.ground;
    c.fillRect(x - w / 2, top - 13 * dpr, w, 13 * dpr);
    c.fillStyle = col.technical;
    c.fillText(name, x, top - 12 * dpr);
  }
  c.restore();
}
