// Sets of sample indices as sorted, disjoint, half-open intervals. Indices are below 2^53.

export interface Span {
  first: number;
  end: number;
}

export class RangeSet {
  readonly spans: Span[] = [];

  static of(...pairs: [number, number][]): RangeSet {
    const set = new RangeSet();
    for (const [first, end] of pairs) set.add(first, end);
    return set;
  }

  get empty(): boolean {
    return this.spans.length === 0;
  }

  get total(): number {
    let n = 0;
    for (const s of this.spans) n += s.end - s.first;
    return n;
  }

  // Index of the first span that ends after `at`.
  private find(at: number): number {
    let lo = 0;
    let hi = this.spans.length;
    while (lo < hi) {
      const mid = (lo + hi) >> 1;
      if ((this.spans[mid] as Span).end <= at) lo = mid + 1;
      else hi = mid;
    }
    return lo;
  }

  add(first: number, end: number): void {
    if (!(end > first)) return;
    const last = this.spans[this.spans.length - 1];
    if (last && last.end === first) {
      last.end = end; // the live case: the stream grows at its end
      return;
    }
    let i = this.find(first - 1);
    let from = first;
    let to = end;
    let j = i;
    while (j < this.spans.length && (this.spans[j] as Span).first <= to) {
      const s = this.spans[j] as Span;
      from = Math.min(from, s.first);
      to = Math.max(to, s.end);
      j++;
    }
    this.spans.splice(i, j - i, { first: from, end: to });
  }

  remove(first: number, end: number): void {
    if (!(end > first)) return;
    let i = this.find(first);
    while (i < this.spans.length) {
      const s = this.spans[i] as Span;
      if (s.first >= end) return;
      if (s.first < first && s.end > end) {
        this.spans.splice(i, 1, { first: s.first, end: first }, { first: end, end: s.end });
        return;
      }
      if (s.first < first) {
        s.end = first;
        i++;
      } else if (s.end > end) {
        s.first = end;
        return;
      } else {
        this.spans.splice(i, 1);
      }
    }
  }

  has(at: number): boolean {
    const s = this.spans[this.find(at)];
    return s !== undefined && s.first <= at;
  }

  spanAt(at: number): Span | null {
    const s = this.spans[this.find(at)];
    return s !== undefined && s.first <= at ? s : null;
  }

  covers(first: number, end: number): boolean {
    if (end <= first) return true;
    const s = this.spans[this.find(first)];
    return s !== undefined && s.first <= first && s.end >= end;
  }

  // Parts of [first, end) that are in the set.
  within(first: number, end: number): Span[] {
    const out: Span[] = [];
    for (let i = this.find(first); i < this.spans.length; i++) {
      const s = this.spans[i] as Span;
      if (s.first >= end) break;
      out.push({ first: Math.max(first, s.first), end: Math.min(end, s.end) });
    }
    return out;
  }

  // Parts of [first, end) that are not in the set.
  missing(first: number, end: number): Span[] {
    const out: Span[] = [];
    let at = first;
    for (const s of this.within(first, end)) {
      if (s.first > at) out.push({ first: at, end: s.first });
      at = s.end;
    }
    if (at < end) out.push({ first: at, end });
    return out;
  }

  clear(): void {
    this.spans.length = 0;
  }

  copy(): RangeSet {
    const set = new RangeSet();
    for (const s of this.spans) set.spans.push({ first: s.first, end: s.end });
    return set;
  }
}
