// Machine findings of one stream: beats in order, episodes and alarms by key. The state of a key is
// its highest revision.

import { eventKey, uuidText } from '../base/hex';
import type { Event as WireEvent } from '../generated/xw.js';
import { kindWord, priorityWord, type KindWord, type PriorityWord } from '../wire/words';

export interface Evidence {
  name: string;
  value: number;
  unit: string;
  threshold: boolean;
}

export interface Finding {
  key: string;
  stream: string;
  revision: number;
  kind: KindWord;
  stage: string;
  first: number;
  end: number; // 0 = a beat, or still open
  code: string;
  priority: PriorityWord;
  late: boolean;
  rateBpm: number;
  rrSamples: number;
  leads: number;
  rule: string;
  ruleVersion: string;
  evidence: Evidence[];
  confidence: number;
  beats: number[];
  wallUs: number;
  ackedBy: string;
  ackedWallUs: number;
  withdrawn: boolean; // was said before, is not so
}

const STAGES = ['final', 'provisional', 'revised'];

export function findingFromWire(e: WireEvent, revision: number, wallUs: number): Finding | null {
  if (!e.stream_id || e.stream_id.length !== 16) return null;
  return {
    key: eventKey(e.stream_id, e.run_id ?? new Uint8Array(16), e.seq),
    stream: uuidText(e.stream_id),
    revision,
    kind: kindWord(e.kind),
    stage: STAGES[e.stage] ?? 'final',
    first: e.first,
    end: e.end,
    code: e.code,
    priority: priorityWord(e.priority),
    late: e.late,
    rateBpm: e.rate_bpm,
    rrSamples: e.rr_samples,
    leads: e.leads,
    rule: e.rule,
    ruleVersion: e.rule_version,
    evidence: e.evidence,
    confidence: e.confidence,
    beats: e.beats,
    wallUs,
    ackedBy: '',
    ackedWallUs: 0,
    withdrawn: (e as { withdrawn?: boolean }).withdrawn ?? false,
  };
}

export interface JsonEvent {
  key: string;
  stream: string;
  revision?: number;
  kind: string | number;
  stage?: string | number;
  first: number;
  end: number | null;
  code: string;
  priority: string | number;
  late?: boolean;
  rate_bpm?: number | null;
  rr_samples?: number | null;
  leads?: number;
  rule?: string;
  rule_version?: string;
  evidence?: Evidence[];
  confidence?: number;
  beats?: number[];
  wall_us?: number;
  acked_by?: string | null;
  acked_wall_us?: number | null;
  withdrawn?: boolean;
}

export function findingFromJson(e: JsonEvent): Finding {
  return {
    key: e.key.toLowerCase(),
    stream: e.stream,
    revision: e.revision ?? 1,
    kind: kindWord(e.kind),
    stage: typeof e.stage === 'number' ? (STAGES[e.stage] ?? 'final') : (e.stage ?? 'final'),
    first: e.first,
    end: e.end ?? 0,
    code: e.code,
    priority: priorityWord(e.priority),
    late: e.late ?? false,
    rateBpm: e.rate_bpm ?? 0,
    rrSamples: e.rr_samples ?? 0,
    leads: e.leads ?? 0,
    rule: e.rule ?? '',
    ruleVersion: e.rule_version ?? '',
    evidence: e.evidence ?? [],
    confidence: e.confidence ?? 0,
    beats: e.beats ?? [],
    wallUs: e.wall_us ?? 0,
    ackedBy: e.acked_by ?? '',
    ackedWallUs: e.acked_wall_us ?? 0,
    withdrawn: e.withdrawn ?? false,
  };
}


const BEATS_KEPT = 4000; // 10 minutes at 300/min and some
const OTHERS_KEPT = 4000;

export class FindingStore {
  private beatList: Finding[] = []; // by sample index
  private byKey = new Map<string, Finding>();
  version = 0;

  // Returns the finding when it says something new.
  put(f: Finding): Finding | null {
    const old = this.byKey.get(f.key);
    // A beat of the first moment has revision 0, and so has its taking back.
    if (old && (old.revision > f.revision || (old.revision === f.revision && !f.withdrawn))) return null;
    if (old && !f.ackedBy) {
      f.ackedBy = old.ackedBy;
      f.ackedWallUs = old.ackedWallUs;
    }
    this.byKey.set(f.key, f);
    if (f.kind === 'beat') {
      if (old) this.beatList = this.beatList.filter((b) => b.key !== f.key);
      if (!f.withdrawn) {
        let i = this.beatList.length;
        while (i > 0 && (this.beatList[i - 1] as Finding).first > f.first) i--;
        this.beatList.splice(i, 0, f);
      }
      if (this.beatList.length > BEATS_KEPT) {
        for (const b of this.beatList.splice(0, this.beatList.length - BEATS_KEPT)) this.byKey.delete(b.key);
      }
    } else if (this.byKey.size > BEATS_KEPT + OTHERS_KEPT) {
      for (const [key, g] of this.byKey) {
        if (g.kind !== 'beat') {
          this.byKey.delete(key);
          break;
        }
      }
    }
    this.version++;
    return f;
  }

  acked(key: string, by: string, wallUs: number): void {
    const f = this.byKey.get(key);
    if (!f) return;
    f.ackedBy = by;
    f.ackedWallUs = wallUs;
    this.version++;
  }

  get(key: string): Finding | undefined {
    return this.byKey.get(key);
  }

  beats(first: number, end: number): Finding[] {
    let lo = 0;
    let hi = this.beatList.length;
    while (lo < hi) {
      const mid = (lo + hi) >> 1;
      if ((this.beatList[mid] as Finding).first < first) lo = mid + 1;
      else hi = mid;
    }
    const out: Finding[] = [];
    for (let i = lo; i < this.beatList.length; i++) {
      const b = this.beatList[i] as Finding;
      if (b.first >= end) break;
      out.push(b);
    }
    return out;
  }

  get lastBeat(): Finding | undefined {
    return this.beatList[this.beatList.length - 1];
  }

  // Everything but beats that touches [first, end), oldest first.
  others(first: number, end: number, kind?: KindWord): Finding[] {
    const out: Finding[] = [];
    for (const f of this.byKey.values()) {
      if (f.kind === 'beat' || (kind && f.kind !== kind) || f.withdrawn) continue;
      const to = f.end === 0 ? Infinity : f.end;
      if (f.first < end && (to > first || f.first >= first)) out.push(f);
    }
    return out.sort((a, b) => a.first - b.first);
  }

  latest(kind: KindWord, test?: (f: Finding) => boolean): Finding | undefined {
    let best: Finding | undefined;
    for (const f of this.byKey.values()) {
      if (f.kind === kind && !f.withdrawn && (!test || test(f)) && (!best || f.first > best.first)) best = f;
    }
    return best;
  }
}
