// What the timeline of one patient shows: per signal what is held, lost and still coming; recordings;
// alarms, markers and single measurements. All times are county wall µs.

import { api, type JsonBed, type JsonClip, type JsonRanges, type JsonStream } from '../api';
import { RangeSet } from '../base/ranges';
import { findingFromJson } from '../live/events';
import { gapWord, modalityWord, type GapWord, type KindWord, type PriorityWord } from '../wire/words';
import { TimeBook } from './timebook';

export interface TimeSpan {
  fromUs: number;
  toUs: number;
}
export interface Lane {
  held: TimeSpan[];
  lost: (TimeSpan & { reason: GapWord })[];
  coming: TimeSpan[];
}
export interface Mark extends TimeSpan {
  kind: KindWord;
  code: string;
  priority: PriorityWord;
  acked: boolean;
}
export interface BarData {
  ecg: Lane | null;
  ctg: Lane | null;
  spots: { wallUs: number; code: string }[] | null; // null: no monitor at this bed
  clips: JsonClip[] | null; // null: no picture source
  marks: Mark[];
}
export const NO_DATA: BarData = { ecg: null, ctg: null, spots: null, clips: null, marks: [] };

// Measured now and then: a cuff, a thermometer, a drop of blood. What is watched all the time is a line elsewhere.
const SPOT_CODES = ['8480-6', '8310-5', '2339-0', '15074-8'];
const MARK_PAGES = 3;
const TAIL_S = 5;

export const isEcg = (s: JsonStream): boolean => ['ecg', 'holter'].includes(modalityWord(s.modality));
export const isCtg = (s: JsonStream): boolean => modalityWord(s.modality) === 'ctg';
export const streamsOf = (bed: JsonBed, test: (s: JsonStream) => boolean): JsonStream[] => bed.attachments.flatMap((a) => a.streams).filter(test);

// Pure: one stream's ranges as times within [fromUs, toUs].
export function laneOf(r: JsonRanges, book: TimeBook, fromUs: number, toUs: number): Lane {
  const lo = Math.max(0, Math.floor(book.index(fromUs)));
  const hi = Math.min(r.newest, Math.ceil(book.index(toUs)));
  const lane: Lane = { held: [], lost: [], coming: [] };
  if (!(hi > lo)) return lane;
  const known = new RangeSet();
  for (const k of r.known) known.add(k.first, k.first + k.count);
  const lost = new RangeSet();
  const time = (first: number, end: number): TimeSpan => ({ fromUs: book.wallUs(first), toUs: book.wallUs(end) });
  for (const g of r.gaps) {
    lost.add(g.first, g.first + g.count);
    const first = Math.max(lo, g.first);
    const end = Math.min(hi, g.first + g.count);
    if (end > first) lane.lost.push({ ...time(first, end), reason: gapWord(g.reason) });
  }
  for (const k of known.within(lo, hi)) for (const s of lost.missing(k.first, k.end)) lane.held.push(time(s.first, s.end));
  const start = known.spans[0]?.first ?? hi;
  for (const s of known.missing(Math.max(lo, start), hi)) {
    // What came just now is being written: that is no hole.
    if (s.end === r.newest && s.end - s.first < TAIL_S * book.nominalHz) lane.held.push(time(s.first, s.end));
    else lane.coming.push(time(s.first, s.end));
  }
  return lane;
}

export function joinLanes(all: Lane[]): Lane {
  return { held: all.flatMap((l) => l.held), lost: all.flatMap((l) => l.lost), coming: all.flatMap((l) => l.coming) };
}

// Streams that end before the window need not be asked about.
const within = (s: JsonStream, fromUs: number): boolean => s.newest > 0 && s.newest_wall_us > fromUs;

async function streamPart(s: JsonStream, fromUs: number, toUs: number): Promise<{ lane: Lane; marks: Mark[] }> {
  const book = TimeBook.of(s);
  await book.refine(Math.min(toUs, s.newest_wall_us), s.gateway);
  const ranges = await api.ranges(s.id);
  const lane = laneOf(ranges, book, fromUs, toUs);
  const marks: Mark[] = [];
  let at = Math.max(0, Math.floor(book.index(fromUs)));
  const end = Math.max(at + 1, ranges.newest);
  for (let page = 0; page < MARK_PAGES && at < end; page++) {
    const got = await api.events(s.id, at, end - at, 'alarm,marker');
    let last = at;
    for (const e of got.events) {
      const f = findingFromJson(e);
      last = Math.max(last, f.first);
      if (f.withdrawn) continue;
      marks.push({
        fromUs: f.wallUs || book.wallUs(f.first), toUs: f.end > 0 ? book.wallUs(f.end) : f.kind === 'alarm' ? Infinity : book.wallUs(f.first),
        kind: f.kind, code: f.code, priority: f.priority, acked: f.ackedBy !== '',
      });
    }
    if (!got.more || got.events.length === 0) break;
    at = last > at ? last : last + 1;
  }
  return { lane, marks };
}

export async function loadBar(bed: JsonBed, fromUs: number, toUs: number): Promise<BarData> {
  const ecg = streamsOf(bed, isEcg);
  const ctg = streamsOf(bed, isCtg);
  const monitors = bed.attachments.filter((a) => a.kind === 'monitor');
  const pictures = bed.attachments.filter((a) => a.kind === 'video');
  const part = (list: JsonStream[]) => Promise.all(list.filter((s) => within(s, fromUs)).map((s) => streamPart(s, fromUs, toUs)));
  const [e, c, o, v] = await Promise.all([
    part(ecg), part(ctg),
    Promise.all(monitors.map((a) => api.observations(a.id, fromUs, toUs, SPOT_CODES))),
    Promise.all(pictures.map((a) => api.clips(a.id))),
  ]);
  return {
    ecg: ecg.length > 0 ? joinLanes(e.map((x) => x.lane)) : null,
    ctg: ctg.length > 0 ? joinLanes(c.map((x) => x.lane)) : null,
    spots: monitors.length > 0 ? o.flatMap((x) => x.observations).filter((x) => x.absent === null).map((x) => ({ wallUs: x.wall_us, code: x.code })) : null,
    clips: pictures.length > 0 ? v.flat() : null,
    marks: [...e, ...c].flatMap((x) => x.marks),
  };
}
