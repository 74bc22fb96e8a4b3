// Readings of this page since it was opened, to hold a new one against an earlier one of the same stream.
// Nothing is kept beyond the page; signing out forgets them.

import type { Num, Previous, Reading } from './parse';

const STREAMS_MAX = 16;
const EACH_MAX = 8;
const kept = new Map<string, Reading[]>();

export function remember(stream: string, r: Reading): void {
  const had = kept.get(stream) ?? [];
  kept.delete(stream); // the newest used stands last
  kept.set(stream, [...had.filter((x) => x.first !== r.first), r].slice(-EACH_MAX));
  for (const oldest of kept.keys()) {
    if (kept.size <= STREAMS_MAX) break;
    kept.delete(oldest);
  }
}
export function forgetReadings(): void {
  kept.clear();
}

// The latest ten seconds before these that could be measured and share no sample with them.
export function earlier(stream: string, r: Reading): Reading | null {
  const fit = (kept.get(stream) ?? []).filter((x) => x.first + x.samples <= r.first && x.verdict !== 'unacceptable');
  return fit.reduce<Reading | null>((best, x) => (best && best.first > x.first ? best : x), null);
}

export interface Change {
  name: string;
  before: Num;
  now: Num;
  by: Num; // null where either is not known
}
const change = (name: string, before: Num | undefined, now: Num | undefined, turn = false): Change => {
  const a = before ?? null;
  const b = now ?? null;
  let by = a === null || b === null ? null : b - a;
  if (by !== null && turn) by -= 360 * Math.round(by / 360); // an axis goes the short way round
  return { name, before: a, now: b, by };
};

export const COMPARED = ['hr_bpm', 'pr_ms', 'qrs_ms', 'qt_ms', 'qtc_bazett_ms', 'qtc_fridericia_ms', 'p_axis_deg', 'qrs_axis_deg', 't_axis_deg', 'rv5_sv1_mv'] as const;

export function changesOf(before: Reading, now: Reading): { measured: Change[]; st60: Change[] } {
  const measured = COMPARED.map((n) => change(n, before.measured[n], now.measured[n], n.endsWith('_deg')));
  const st60 = now.leads.map((l) => {
    const was = before.leads.find((x) => x.lead === l.lead);
    return change(l.lead, was?.usable ? was.values['st_60_uv'] : null, l.usable ? l.values['st_60_uv'] : null);
  });
  return { measured, st60 };
}

// How many figures lie beyond their uncertainty.
export function beyondOf(p: Previous): number {
  return [...Object.values(p.measured), ...p.leads.flatMap((l) => Object.values(l.values))].filter((x) => x?.beyond).length;
}
