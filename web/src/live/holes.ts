// What of a stretch of time is here, what is on its way, what is lost. Keeps an account of each hole:
// how long it was at first and how much of it has come back since.

import { RangeSet, type Span } from '../base/ranges';
import type { GapWord } from '../wire/words';

export type SpanState = 'held' | 'fetching' | 'coming' | 'lost';

export interface StateSpan extends Span {
  state: SpanState;
  reason: GapWord;
}

export interface Hole extends Span {
  sinceMs: number;
  closedMs: number; // NaN while open
}

export interface HoleAccount {
  totalN: number;
  backN: number; // come back as samples
  lostN: number; // settled as lost
  comingN: number;
}

export class Holes {
  readonly known = new RangeSet(); // blocks or gaps are at the county
  readonly gaps: { first: number; end: number; reason: GapWord }[] = [];
  readonly lost = new RangeSet();
  list: Hole[] = [];

  // Nothing is missing before the first sample that the county knows of.
  get start(): number {
    return this.known.spans[0]?.first ?? 0;
  }

  addKnown(first: number, end: number): void {
    this.known.add(first, end);
  }

  addGap(first: number, end: number, reason: GapWord): void {
    this.known.add(first, end);
    if (this.lost.covers(first, end)) return;
    this.lost.add(first, end);
    this.gaps.push({ first, end, reason });
  }

  // A gap may later be replaced by samples, never the reverse.
  samplesCame(first: number, end: number): void {
    this.known.add(first, end);
    if (this.lost.within(first, end).length > 0) this.lost.remove(first, end);
  }

  // The present went on at `end`, and [first, end) is not here: known of at once, however soon it heals.
  opened(first: number, end: number, nowMs: number): void {
    if (this.known.covers(first, end)) return;
    if (this.list.some((h) => h.first < end && first < h.end)) return;
    this.list.push({ first, end, sinceMs: nowMs, closedMs: NaN });
  }

  // Looks for new holes in [first, newest), and for closed ones.
  survey(first: number, newest: number, nowMs: number): void {
    for (const coming of this.known.missing(first, newest)) {
      const miss = this.withLost(coming, first, newest);
      const seen = this.list.find((h) => h.first < miss.end && miss.first < h.end);
      if (!seen) {
        this.list.push({ ...miss, sinceMs: nowMs, closedMs: NaN });
      } else {
        seen.first = Math.min(seen.first, miss.first);
        seen.end = Math.max(seen.end, miss.end);
        seen.closedMs = NaN;
      }
    }
    for (const h of this.list) {
      if (Number.isNaN(h.closedMs) && this.known.covers(h.first, h.end)) h.closedMs = nowMs;
    }
    this.list = this.list.filter((h) => h.end > first && !(nowMs - h.closedMs > 60_000));
  }

  // A stretch that is coming, with what is lost or coming right beside it: one hole to the eye.
  private withLost(span: Span, first: number, newest: number): Span {
    const s = { ...span };
    for (;;) {
      const after = this.lost.spanAt(s.end) ?? this.known.missing(s.end, Math.min(newest, s.end + 1))[0];
      if (after && s.end < newest) {
        s.end = this.lost.spanAt(s.end)?.end ?? this.known.missing(s.end, newest)[0]?.end ?? s.end;
        continue;
      }
      const before = s.first > first ? this.lost.spanAt(s.first - 1) : null;
      if (!before || before.first >= s.first) return s;
      s.first = before.first;
    }
  }

  account(h: Hole): HoleAccount {
    const sum = (spans: Span[]): number => spans.reduce((n, s) => n + s.end - s.first, 0);
    const totalN = h.end - h.first;
    const comingN = sum(this.known.missing(h.first, h.end));
    const lostN = sum(this.lost.within(h.first, h.end));
    return { totalN, comingN, lostN, backN: totalN - comingN - lostN };
  }

  reasonAt(first: number, end: number): GapWord {
    for (let i = this.gaps.length - 1; i >= 0; i--) {
      const g = this.gaps[i] as { first: number; end: number; reason: GapWord };
      if (g.first < end && first < g.end) return g.reason;
    }
    return 'unspecified';
  }

  // Everything of [first, end) that is not held, in order.
  absent(held: RangeSet, first: number, end: number): StateSpan[] {
    const out: StateSpan[] = [];
    for (const miss of held.missing(Math.max(first, this.start), end)) {
      let at = miss.first;
      const lost = this.lost.within(miss.first, miss.end);
      const push = (a: number, b: number): void => {
        for (const s of this.known.missing(a, b)) out.push({ ...s, state: 'coming', reason: 'unspecified' });
        for (const s of this.known.within(a, b)) out.push({ ...s, state: 'fetching', reason: 'unspecified' });
      };
      for (const l of lost) {
        if (l.first > at) push(at, l.first);
        out.push({ ...l, state: 'lost', reason: this.reasonAt(l.first, l.end) });
        at = l.end;
      }
      if (at < miss.end) push(at, miss.end);
    }
    return out.sort((a, b) => a.first - b.first);
  }
}
