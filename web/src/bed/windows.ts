// Five minutes of beats at a time, as the gateway's analysis summed them up, and hours made of them.
// An hour is folded here from what is stored, so that it is right after any restart.

import { api, type JsonBed } from '../api';
import { findingFromJson, type Finding } from '../live/events';
import { isEcg, streamsOf } from './bardata';
import { TimeBook } from './timebook';

export interface Hrv {
  nn: number; // mean NN, ms
  sdnn: number;
  rmssd: number;
  pnn50: number; // %
  lf: number; // ms²
  hf: number;
}
export interface BeatWindow {
  stream: string;
  first: number;
  fromUs: number;
  toUs: number;
  seenS: number;
  af: number; // % of the time seen
  beats: number;
  v: number;
  s: number;
  clean: number; // % of the window that is NN
  hrv: Hrv | null; // null: not enough of it
}

export const WINDOW_S = 300;
const PAGES = 6;

// Pure: events of one stream to windows, oldest first.
export function windowsOf(findings: readonly Finding[], wallUs: (index: number) => number): BeatWindow[] {
  const out = new Map<number, BeatWindow>();
  const hrvs = new Map<number, Hrv>();
  for (const f of findings) {
    if (f.kind !== 'summary' || f.withdrawn || !(f.end > f.first)) continue;
    const value = (name: string): number => f.evidence.find((e) => e.name === name && !e.threshold)?.value ?? NaN;
    if (f.code === 'HRV') {
      hrvs.set(f.first, { nn: value('nn-mean'), sdnn: value('sdnn'), rmssd: value('rmssd'), pnn50: value('pnn50'), lf: value('lf'), hf: value('hf') });
    } else if (f.code === 'BURDEN') {
      out.set(f.first, {
        stream: f.stream, first: f.first, fromUs: wallUs(f.first), toUs: wallUs(f.end), seenS: value('seen'), af: value('af-burden'),
        beats: value('beats'), v: value('v-beats'), s: value('s-beats'), clean: value('nn-clean'), hrv: null,
      });
    }
  }
  for (const [first, w] of out) w.hrv = hrvs.get(first) ?? null;
  return [...out.values()].filter((w) => Number.isFinite(w.toUs) && w.seenS > 0).sort((a, b) => a.fromUs - b.fromUs);
}

export interface Hour {
  fromUs: number;
  seenS: number;
  af: number; // % of the time seen
  beats: number;
  v: number;
  s: number;
  bpm: number; // beats over the time seen
  sdnn: number | null; // mean of the windows that have it (SDNN index)
  rmssd: number | null;
  lfhf: number | null;
}

const mean = (x: number[]): number | null => (x.length > 0 ? x.reduce((a, b) => a + b, 0) / x.length : null);

// A window belongs to the hour that its middle lies in. Newest first; hours of which nothing was seen are not there.
export function hoursOf(windows: readonly BeatWindow[]): Hour[] {
  const by = new Map<number, BeatWindow[]>();
  for (const w of windows) {
    const d = new Date((w.fromUs + w.toUs) / 2000);
    const at = d.setMinutes(0, 0, 0) * 1000;
    by.set(at, [...(by.get(at) ?? []), w]);
  }
  return [...by].sort((a, b) => b[0] - a[0]).map(([fromUs, list]) => {
    const sum = (of: (w: BeatWindow) => number): number => list.reduce((n, w) => n + of(w), 0);
    const hrv = list.flatMap((w) => (w.hrv ? [w.hrv] : []));
    const seenS = sum((w) => w.seenS);
    const hf = mean(hrv.map((h) => h.hf));
    const lf = mean(hrv.map((h) => h.lf));
    return {
      fromUs, seenS, af: sum((w) => w.af * w.seenS) / seenS, beats: sum((w) => w.beats), v: sum((w) => w.v), s: sum((w) => w.s),
      bpm: (sum((w) => w.beats) / seenS) * 60, sdnn: mean(hrv.map((h) => h.sdnn)), rmssd: mean(hrv.map((h) => h.rmssd)),
      lfhf: lf !== null && hf !== null && hf > 0 ? lf / hf : null,
    };
  });
}

export async function loadWindows(bed: JsonBed, fromUs: number, toUs: number): Promise<BeatWindow[]> {
  const streams = streamsOf(bed, isEcg).filter((s) => s.newest > 0 && s.newest_wall_us > fromUs);
  const all = await Promise.all(streams.map(async (s) => {
    const book = TimeBook.of(s);
    await book.refine(Math.min(toUs, s.newest_wall_us), s.gateway);
    let at = Math.max(0, Math.floor(book.index(fromUs)));
    // The window may have been said after the page learned how far the stream goes.
    const end = Math.max(at + 1, Math.ceil(book.index(toUs)));
    const found: Finding[] = [];
    for (let page = 0; page < PAGES && at < end; page++) {
      const got = await api.events(s.id, at, end - at, 'summary');
      const list = got.events.map(findingFromJson);
      found.push(...list);
      const last = list.reduce((n, f) => Math.max(n, f.first), at);
      if (!got.more || list.length === 0) break;
      at = last > at ? last : last + 1;
    }
    return windowsOf(found, (i) => book.wallUs(i));
  }));
  return all.flat().sort((a, b) => a.fromUs - b.fromUs);
}

// The one that holds the moment; live (null) the newest.
export function windowAt(windows: readonly BeatWindow[], wallUs: number | null): BeatWindow | null {
  if (wallUs === null) return windows[windows.length - 1] ?? null;
  return windows.find((w) => wallUs >= w.fromUs && wallUs < w.toUs) ?? null;
}

// A window is said a minute after its end: the next one is due six minutes later.
export const isOld = (w: BeatWindow, nowUs: number): boolean => nowUs - w.toUs > (WINDOW_S + 60 + 60) * 1e6;
