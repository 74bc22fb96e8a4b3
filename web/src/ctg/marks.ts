// What is marked on CTG paper, from findings of the stream and from its FLAGS channel. Positions are
// sample indices. Nothing here changes a value: analysis marks, the trace stays as it came.

import type { Span } from '../base/ranges';
import type { Finding } from '../live/events';
import type { StreamModel } from '../live/stream';
import { movementSeen, zeroSet, type CtgChannels, type CtgRole } from './channels';

export interface CtgMark {
  at: number;
  what: 'movement' | 'zero' | 'button';
  code: string;
}
export interface CtgEpisode extends Span {
  role: CtgRole;
  what: 'mhr' | 'spike' | 'double' | 'half';
}
export interface CtgMarks {
  points: CtgMark[];
  episodes: CtgEpisode[];
}

const SAME_S = 1; // told by a record and by FLAGS: one mark
const ROLE = /^(FHR[123]|MHR|UC)_(.+)$/;
// Codes come with hyphens or underscores.
const codeOf = (f: Finding): string => f.code.toUpperCase().replace(/[\s-]+/g, '_');

function episodeOf(f: Finding, newest: number): CtgEpisode | null {
  const m = ROLE.exec(codeOf(f));
  if (!m) return null;
  const word = m[2] as string;
  const what = word === 'MHR' || word.startsWith('MATERNAL') ? 'mhr' : word === 'SPIKE' ? 'spike' : word.startsWith('DOUBL') ? 'double' : word.startsWith('HAL') ? 'half' : null;
  if (!what) return null;
  return { role: m[1] as CtgRole, what, first: f.first, end: f.end === 0 ? (what === 'mhr' ? Math.max(newest, f.first + 1) : f.first + 1) : f.end };
}

function pointOf(f: Finding): CtgMark {
  const code = codeOf(f);
  const what = /MOVEMENT/.test(code) ? 'movement' : /ZERO/.test(code) ? 'zero' : 'button';
  return { at: f.first, what, code };
}

export function ctgMarks(model: StreamModel, ch: CtgChannels, first: number, end: number): CtgMarks {
  const points: CtgMark[] = [];
  const episodes: CtgEpisode[] = [];
  const newest = model.ring.newest;
  for (const f of model.findings.others(first, end)) {
    if (f.kind === 'marker') {
      const p = pointOf(f);
      // The monitor's flag and the mother's button may tell of one movement.
      const twice = p.what !== 'button' && points.some((q) => q.what === p.what && Math.abs(q.at - p.at) <= SAME_S * model.rateHz);
      if (f.first >= first && !twice) points.push(p);
      continue;
    }
    if (f.kind !== 'quality' && f.kind !== 'noise') continue;
    const e = episodeOf(f, newest);
    if (e) episodes.push(e);
  }
  flagMarks(model, ch, first, end, points);
  points.sort((a, b) => a.at - b.at);
  return { points, episodes };
}

function flagMarks(model: StreamModel, ch: CtgChannels, first: number, end: number, points: CtgMark[]): void {
  if (ch.flags < 0) return;
  const raw = model.ring.raw[ch.flags];
  if (!raw) return;
  const mask = model.ring.capacity - 1;
  const near = SAME_S * model.rateHz;
  const add = (at: number, what: 'movement' | 'zero'): void => {
    if (!points.some((p) => p.what === what && Math.abs(p.at - at) <= near)) points.push({ at, what, code: what.toUpperCase() });
  };
  for (const s of model.ring.held.within(Math.max(first, model.ring.oldest), end)) {
    let before = 0;
    for (let i = s.first; i < s.end; i++) {
      const v = raw[i & mask] as number;
      if (v === ch.flagsInvalid) continue;
      if (movementSeen(v) && !movementSeen(before)) add(i, 'movement');
      if (zeroSet(v) && !zeroSet(before)) add(i, 'zero');
      before = v;
    }
  }
}

// Share of lost signal over the last ten minutes as the gateway measured it, 0 to 100; NaN = not told.
export function lossPercent(model: StreamModel, role: CtgRole, end: number): number {
  const code = `${role}_SIGNAL`;
  const f = model.findings.latest('measurement', (m) => codeOf(m) === code && m.first <= end && m.first > end - 180 * model.rateHz);
  const e = f?.evidence.find((x) => !x.threshold && /10_?min/.test(x.name.toLowerCase()));
  if (!e) return NaN;
  return e.unit === '1' ? e.value * 100 : e.value;
}

// Fetal channels that may show the mother's rate at a sample.
export function maternalAt(model: StreamModel, at: number): CtgRole[] {
  const out: CtgRole[] = [];
  for (const f of model.findings.others(at, at + 1, 'quality')) {
    const e = episodeOf(f, at + 1);
    if (e?.what === 'mhr' && (f.end === 0 || f.end > at)) out.push(e.role);
  }
  return out;
}
