// Display filters: what is done to raw samples between the store and the paper. A bank holds one
// cascade for one rate; a state runs it over the channels of one stream. The same cascade, from the
// same table, runs in C for print.

export interface FilterState {
  // x: count values of channel ch in µV, NaN where the device says "no value"; y: the filtered
  // values, `delay` samples old. Calls follow one another without a gap.
  run(ch: number, x: Float64Array, count: number, y: Float64Array): void;
}

export interface FilterBank {
  readonly delay: number; // samples by which the output is behind the input
  readonly warmup: number; // samples after which the start no longer shows
  open(channels: number): FilterState;
}

const RELEVEL_UV = 2000;

// Passes the signal, less the level that its first second lies at. The level stays when the samples
// are gone over again, so that nothing shifts on the paper, unless they have left it by far.
export class LevelBank implements FilterBank {
  readonly delay = 0;
  readonly warmup: number;
  private kept: number[] = [];
  constructor(rateHz: number) {
    this.warmup = Math.round(10 * rateHz);
  }
  open(channels: number): FilterState {
    const level = new Float64Array(channels).fill(NaN);
    const look = Math.max(1, Math.round(this.warmup / 10));
    const kept = this.kept;
    return {
      run(ch, x, count, y) {
        if (Number.isNaN(level[ch])) {
          const found = medianOf(x, Math.min(count, look));
          const before = kept[ch];
          level[ch] = before !== undefined && !(Math.abs(found - before) > RELEVEL_UV) ? before : found;
          if (!Number.isNaN(level[ch])) kept[ch] = level[ch] as number;
        }
        const l = Number.isNaN(level[ch]) ? 0 : (level[ch] as number);
        for (let i = 0; i < count; i++) y[i] = (x[i] as number) - l;
      },
    };
  }
}

export function medianOf(x: Float64Array, count: number): number {
  const v: number[] = [];
  for (let i = 0; i < count; i++) if (!Number.isNaN(x[i])) v.push(x[i] as number);
  if (v.length === 0) return NaN;
  v.sort((a, b) => a - b);
  return v[v.length >> 1] as number;
}
