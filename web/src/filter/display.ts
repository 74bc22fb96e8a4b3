// The display filters of dsp/ecg/display.h: mains removal, high pass, low pass; plain double
// arithmetic in the order written there, so that browser and print agree within 1 µV. The
// coefficients come from tables.json, made by xw-filter-tables; a rate that is not in it is designed
// here by the same formulas.

import type { FilterBank, FilterState } from './bank';
import tables from './tables.json';

type Section = [number, number, number, number, number]; // b0 b1 b2 a1 a2
interface Mains {
  period: number;
  half: number;
  back: number; // whole samples in one period of the mains
  backWeight: number[]; // of the four samples around one period ago: the period need not be whole
  gain: number;
  turnRe: number;
  turnIm: number;
  step: number;
}
interface RateTable {
  highPass: Record<string, number>;
  lowPass: Record<string, Section[]>;
  mains: Record<string, Mains>;
}

export interface Design {
  decay: number; // 0: no high pass
  sections: Section[];
  mains: Mains | null;
}

const STRAIGHT_UV = tables.straightUv;
const LMS_TIME_S = 0.04;
export const MAINS_RATE_LEAST = 4; // times the mains frequency: below it nothing is removed
const RING = 64; // a power of two, more than two periods and a half of the slowest mains at 1000/s
const rates = tables.rates as unknown as Record<string, RateTable>;

function makeSection(k: number, q: number): Section {
  const n = 1 / (1 + k / q + k * k);
  const b0 = k * k * n;
  return [b0, 2 * b0, b0, 2 * (k * k - 1) * n, (1 - k / q + k * k) * n];
}

function makeMains(rateHz: number, hz: number): Mains {
  const w = (2 * Math.PI * hz) / rateHz;
  const period = Math.round(rateHz / hz);
  const half = period >> 1;
  let sum = 1;
  for (let k = 1; k <= half; k++) sum += (period % 2 === 0 && k === half ? 1 : 2) * Math.cos(w * k);
  const exact = rateHz / hz;
  const r = exact - Math.floor(exact);
  const backWeight = [(-r * (r - 1) * (r - 2)) / 6, ((r + 1) * (r - 1) * (r - 2)) / 2, (-(r + 1) * r * (r - 2)) / 2, ((r + 1) * r * (r - 1)) / 6];
  return { period, half, back: Math.floor(exact), backWeight, gain: 1 / (1 - sum / period), turnRe: Math.cos(w), turnIm: Math.sin(w), step: 2 / (LMS_TIME_S * rateHz) };
}

export function designByFormula(rateHz: number, highHz: number, lowHz: number, mainsHz: number): Design {
  const sections: Section[] = [];
  if (lowHz > 0 && lowHz < 0.45 * rateHz) {
    const k = Math.tan((Math.PI * lowHz) / rateHz);
    sections.push(makeSection(k, 1 / (2 * Math.cos(Math.PI / 8))), makeSection(k, 1 / (2 * Math.cos((3 * Math.PI) / 8))));
  }
  return {
    decay: highHz > 0 ? Math.exp((-2 * Math.PI * highHz) / rateHz) : 0,
    sections,
    mains: mainsHz > 0 && rateHz >= MAINS_RATE_LEAST * mainsHz ? makeMains(rateHz, mainsHz) : null,
  };
}

export function design(rateHz: number, highHz: number, lowHz: number, mainsHz: number): Design {
  const t = rates[String(rateHz)];
  const byFormula = designByFormula(rateHz, highHz, lowHz, mainsHz);
  if (!t) return byFormula;
  return {
    decay: highHz > 0 ? (t.highPass[String(highHz)] ?? byFormula.decay) : 0,
    sections: lowHz > 0 ? (t.lowPass[String(lowHz)] ?? byFormula.sections) : [],
    mains: mainsHz > 0 ? (t.mains[String(mainsHz)] ?? byFormula.mains) : null,
  };
}

// One lead.
export class DisplayFilter {
  private started = false;
  private last = 0;
  private level = 0;
  private z1: Float64Array;
  private z2: Float64Array;
  private at = 0;
  private x = new Float64Array(RING);
  private re = 0;
  private im = 0;
  private cosine = 1;
  private sine = 0;

  constructor(private d: Design) {
    this.z1 = new Float64Array(d.sections.length);
    this.z2 = new Float64Array(d.sections.length);
  }

  reset(): void {
    this.started = false;
    this.re = this.im = this.sine = 0;
    this.cosine = 1;
    this.at = 0;
  }

  private start(x: number): void {
    this.x.fill(x);
    this.last = x;
    this.level = 0;
    const y = this.d.decay > 0 ? 0 : x; // what the low pass sees first
    this.d.sections.forEach((s, i) => {
      this.z1[i] = (1 - s[0]) * y;
      this.z2[i] = (s[2] - s[4]) * y;
    });
    this.started = true;
  }

  private removeMains(g: Mains): number {
    const x = this.x;
    const at = this.at + RING;
    const last = 2 * g.half;
    const ends = g.period % 2 === 0 ? 0.5 : 1;
    let sum = 0;
    let low = Infinity;
    let high = -Infinity;
    const [b0, b1, b2, b3] = g.backWeight as [number, number, number, number];
    for (let i = last; i >= 0; i--) {
      const v = x[(at - i) % RING] as number;
      const ago = at - i - g.back;
      const difference = v - (b0 * (x[(ago + 1) % RING] as number) + b1 * (x[ago % RING] as number) +
        b2 * (x[(ago - 1) % RING] as number) + b3 * (x[(ago - 2) % RING] as number));
      if (difference < low) low = difference;
      if (difference > high) high = difference;
      sum += (i === 0 || i === last ? ends : 1) * v;
    }
    const centre = x[(at - g.half) % RING] as number;
    const found = centre - sum / g.period;
    const model = this.re * this.cosine - this.im * this.sine;
    let out: number;
    if (high - low < STRAIGHT_UV) {
      const s = g.step * (found - model);
      this.re += s * this.cosine;
      this.im -= s * this.sine;
      out = centre - g.gain * found;
    } else {
      out = centre - g.gain * model;
    }
    const c = this.cosine * g.turnRe - this.sine * g.turnIm;
    const s = this.cosine * g.turnIm + this.sine * g.turnRe;
    const fix = 1.5 - 0.5 * (c * c + s * s);
    this.cosine = c * fix;
    this.sine = s * fix;
    return out;
  }

  process(xUv: number): number {
    const d = this.d;
    let y = xUv;
    if (!this.started) this.start(xUv);
    if (d.mains) {
      this.at = (this.at + 1) % RING;
      this.x[this.at] = xUv;
      y = this.removeMains(d.mains);
    }
    if (d.decay > 0) {
      this.level = d.decay * (this.level + y - this.last);
      this.last = y;
      y = this.level;
    }
    for (let i = 0; i < d.sections.length; i++) {
      const s = d.sections[i] as Section;
      const x = y;
      y = s[0] * x + (this.z1[i] as number);
      this.z1[i] = s[1] * x - s[3] * y + (this.z2[i] as number);
      this.z2[i] = s[2] * x - s[4] * y;
    }
    return y;
  }
}

const WARMUP_S = 12; // four time constants of the slowest high pass

export class DisplayBank implements FilterBank {
  readonly delay: number;
  readonly warmup: number;
  private d: Design;

  constructor(rateHz: number, highHz: number, lowHz: number, mainsHz: number) {
    this.d = design(rateHz, highHz, lowHz, mainsHz);
    this.delay = this.d.mains?.half ?? 0;
    this.warmup = Math.round(WARMUP_S * rateHz);
  }

  open(channels: number): FilterState {
    const leads = Array.from({ length: channels }, () => new DisplayFilter(this.d));
    return {
      run(ch, x, count, y) {
        const f = leads[ch] as DisplayFilter;
        for (let i = 0; i < count; i++) {
          const v = x[i] as number;
          if (v !== v) {
            f.reset();
            y[i] = NaN;
          } else {
            y[i] = f.process(v);
          }
        }
      },
    };
  }
}
