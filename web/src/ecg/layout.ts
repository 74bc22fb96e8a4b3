// Which lead goes where on the paper. All lengths are device pixels; the scale comes in as device
// pixels per millimetre.

import type { ChannelInfo } from './samples';

export type LayoutName = '3x4+1R' | '6x2' | '12x1' | '2R'; // 2R: one or two leads, as there is room; not offered, used beside other signals
export const LAYOUTS: LayoutName[] = ['3x4+1R', '6x2', '12x1'];

export interface Cell {
  channel: number;
  baseline: number; // y of 0 mV
}
export interface Column {
  x: number;
  width: number;
  y: number;
  height: number;
  cells: Cell[];
  rhythm: boolean; // carries beat marks and times
}
export interface Layout {
  name: LayoutName | 'rows';
  columns: Column[];
  calibration: { x: number; baseline: number }[]; // where the pulses stand
}

const STANDARD = ['I', 'II', 'III', 'aVR', 'aVL', 'aVF', 'V1', 'V2', 'V3', 'V4', 'V5', 'V6'];

export function leadName(code: string): string {
  const hit = STANDARD.find((s) => s.toUpperCase() === code.toUpperCase());
  return hit ?? code;
}

// Channel index of each of the twelve leads, or null if one is missing.
export function standardLeads(channels: ChannelInfo[]): number[] | null {
  const at = STANDARD.map((s) => channels.findIndex((c) => c.code.toUpperCase() === s.toUpperCase()));
  return at.some((i) => i < 0) ? null : at;
}

// The lead for rhythm strips: II, or what serves as II, or the first.
export function rhythmLead(channels: ChannelInfo[]): number {
  for (const name of ['II', 'MLII', 'ML2', 'I', 'V1', 'V5']) {
    const i = channels.findIndex((c) => c.code.toUpperCase() === name);
    if (i >= 0) return i;
  }
  return 0;
}

// The rhythm lead and one that sees it from elsewhere.
export function compactLeads(channels: ChannelInfo[]): number[] {
  const first = rhythmLead(channels);
  for (const name of ['V1', 'V2', 'V5', 'I', 'II']) {
    const i = channels.findIndex((c) => c.code.toUpperCase() === name);
    if (i >= 0 && i !== first) return [first, i];
  }
  const other = channels.findIndex((_, i) => i !== first);
  return other >= 0 ? [first, other] : [first];
}

export function layoutsFor(channels: ChannelInfo[]): LayoutName[] {
  return standardLeads(channels) ? LAYOUTS : [];
}

interface Box {
  width: number;
  height: number;
  pxPerMm: number;
  mmPerS: number;
  foot: number; // kept free at the bottom for times and the caption
}

const ROW_MM = 18; // lower than that two leads run into each other
const CAL_MM = { 25: 10, 50: 15 } as Record<number, number>;

// Columns are a multiple of 2.5 mm wide (0.1 s at 25 mm/s); baselines lie on the 5 mm lines of the grid
// where there is room.
export function makeLayout(wanted: LayoutName, channels: ChannelInfo[], box: Box): Layout {
  const mm = box.pxPerMm;
  const left = Math.round((CAL_MM[box.mmPerS] ?? 10) * mm);
  const boxMm = 5 * mm;
  const usable = Math.max(boxMm, box.width - left);
  const leads = standardLeads(channels);
  const columns: Column[] = [];

  const snap = (y: number, room: number): number => (room > 3 * boxMm ? Math.round(y / boxMm) * boxMm : y);
  const addColumns = (groups: number[][], top: number, height: number, rhythm: boolean): void => {
    const rows = Math.max(...groups.map((g) => g.length));
    const foot = top + height >= box.height ? Math.min(box.foot, height / 6) : 0;
    const rowHeight = (height - foot) / rows;
    // All columns are equally wide to the pixel: their write heads stand at the same place.
    const width = groups.length === 1 ? Math.floor(usable) : Math.round(Math.max(1, Math.floor((usable / groups.length / boxMm) * 2)) * (boxMm / 2));
    const at = rowHeight > 3 * boxMm ? 0.55 : 0.66;
    groups.forEach((g, k) => {
      columns.push({
        x: left + k * width, width, y: Math.round(top), height: Math.round(height), rhythm,
        cells: g.map((channel, r) => ({ channel, baseline: snap(top + (r + at) * rowHeight, rowHeight) })),
      });
    });
  };

  let name: Layout['name'] = wanted;
  if (wanted === '2R') {
    const two = compactLeads(channels);
    addColumns([box.height - box.foot < ROW_MM * 2 * mm ? two.slice(0, 1) : two], 0, box.height, true);
  } else if (!leads) {
    name = 'rows';
    const all = channels.map((_, i) => i);
    if (all.length > 9) {
      const half = Math.ceil(all.length / 2);
      addColumns([all.slice(0, half), all.slice(half)], 0, box.height, true);
    } else {
      addColumns([all], 0, box.height, true);
    }
  } else if (wanted === '12x1') {
    const extra = channels.map((_, i) => i).filter((i) => !leads.includes(i));
    addColumns([[...leads, ...extra]], 0, box.height, true);
  } else if (wanted === '6x2') {
    addColumns([leads.slice(0, 6), leads.slice(6)], 0, box.height, false);
    for (const c of columns) c.rhythm = true;
  } else {
    const rhythmHeight = Math.round(box.height * 0.25);
    const upper = box.height - rhythmHeight;
    addColumns([0, 3, 6, 9].map((k) => leads.slice(k, k + 3)), 0, upper, false);
    // The strip is as long as the four columns together, so that the eye can compare.
    addColumns([[rhythmLead(channels)]], upper, rhythmHeight, true);
    const strip = columns[4] as Column;
    const fourth = columns[3] as Column;
    strip.width = fourth.x + fourth.width - strip.x;
  }
  const first = columns[0] as Column;
  // Where rows are close a pulse on each would run into the next: one in the middle says it all.
  const apart = first.cells.length > 1 ? (first.cells[1] as Cell).baseline - (first.cells[0] as Cell).baseline : first.height;
  const close = apart < 12 * mm;
  const marked = close ? first.cells.slice(first.cells.length >> 1, (first.cells.length >> 1) + 1) : first.cells;
  const calibration = marked.map((c) => ({ x: 0, baseline: c.baseline }));
  if (name === '3x4+1R') calibration.push({ x: 0, baseline: ((columns[4] as Column).cells[0] as Cell).baseline });
  return { name, columns, calibration };
}
