// Readings of one kind, made of observations: a cuff's three values are one reading. Knows nothing of
// requests or pages.

import { CONTINUOUS, meaningOf, type Part, type VitalKind } from './kinds';

export type AbsentWord = 'sentinel' | 'impossible' | 'unit' | 'not_number' | 'status';

export interface Observation {
  id: string;
  attachment: string;
  code: string;
  mdc: number;
  value: number | null;
  unit: string;
  wallUs: number; // county time at which it was true
  source: string;
  group: string;
  absent: AbsentWord | null;
  reported: string;
  continuous: boolean;
  demo: boolean;
}

export interface Reading {
  kind: VitalKind;
  key: string; // group of a cuff reading, or the observation
  attachment: string;
  wallUs: number;
  parts: Partial<Record<Part, number>>; // empty when absent
  unit: string;
  source: string;
  absent: AbsentWord | null;
  reported: string;
  continuous: boolean;
}

const KEPT = 6000; // of one kind: three hours each two seconds
const ONE_CUFF_US = 5e6; // parts without a group that belong together

export class Readings {
  private byKind = new Map<VitalKind, Reading[]>(); // oldest first
  private ids = new Set<string>();
  version = 0;

  // Returns whether it was new.
  put(o: Observation): boolean {
    if (this.ids.has(o.id)) return false;
    const m = meaningOf(o);
    if (!m || !(o.wallUs > 0)) return false;
    this.ids.add(o.id);
    this.version++;
    const list = this.byKind.get(m.kind) ?? [];
    this.byKind.set(m.kind, list);
    const number = o.absent === null && o.value !== null && Number.isFinite(o.value) ? o.value : null;
    if (m.part !== 'value') {
      const mine = list.find((r) => r.attachment === o.attachment && (o.group !== '' ? r.key === o.group : r.key.startsWith('~') && Math.abs(r.wallUs - o.wallUs) < ONE_CUFF_US && !(m.part in r.parts)));
      if (mine) {
        if (number !== null) {
          mine.parts[m.part] = number;
          mine.absent = null;
        }
        return true;
      }
    }
    const r: Reading = {
      kind: m.kind, key: o.group || `~${o.id}`, attachment: o.attachment, wallUs: o.wallUs, parts: number === null ? {} : { [m.part]: number }, unit: o.unit, source: o.source,
      absent: number === null ? (o.absent ?? 'not_number') : null, reported: o.reported, continuous: o.continuous,
    };
    let i = list.length;
    while (i > 0 && (list[i - 1] as Reading).wallUs > r.wallUs) i--;
    list.splice(i, 0, r);
    if (list.length > KEPT) list.splice(0, list.length - KEPT);
    if (this.ids.size > 16 * KEPT) this.ids = new Set();
    return true;
  }

  // The newest at or before a moment.
  at(kind: VitalKind, wallUs: number): Reading | null {
    const list = this.byKind.get(kind) ?? [];
    for (let i = list.length - 1; i >= 0; i--) if ((list[i] as Reading).wallUs <= wallUs) return list[i] as Reading;
    return null;
  }

  // What is to be shown: the newest, but a pulse that is watched goes before one that a cuff counted
  // in passing.
  shown(kind: VitalKind, wallUs: number): Reading | null {
    const newest = this.at(kind, wallUs);
    if (!newest || newest.continuous) return newest;
    const list = this.byKind.get(kind) ?? [];
    for (let i = list.length - 1; i >= 0; i--) {
      const r = list[i] as Reading;
      if (r.wallUs > wallUs) continue;
      if (wallUs - r.wallUs > CONTINUOUS.oldS * 1e6) break;
      if (r.continuous) return r;
    }
    return newest;
  }

  // The newest with a number at or before a moment: said beside an absent one.
  numberAt(kind: VitalKind, wallUs: number): Reading | null {
    const list = this.byKind.get(kind) ?? [];
    for (let i = list.length - 1; i >= 0; i--) {
      const r = list[i] as Reading;
      if (r.wallUs <= wallUs && r.absent === null) return r;
    }
    return null;
  }

  within(kind: VitalKind, fromUs: number, toUs: number): Reading[] {
    return (this.byKind.get(kind) ?? []).filter((r) => r.wallUs >= fromUs && r.wallUs <= toUs);
  }

  newestUs(): number {
    let best = NaN;
    for (const list of this.byKind.values()) {
      const r = list[list.length - 1];
      if (r && !(r.wallUs <= best)) best = r.wallUs;
    }
    return best;
  }
}

// What a reading shows as one number on a trend: of a cuff the mean, or what stands for it.
export function trendOf(r: Reading): number | null {
  const p = r.parts;
  if (r.kind !== 'nibp') return p.value ?? null;
  if (p.mean !== undefined) return p.mean;
  return p.sys !== undefined && p.dia !== undefined ? p.dia + (p.sys - p.dia) / 3 : (p.sys ?? null);
}

