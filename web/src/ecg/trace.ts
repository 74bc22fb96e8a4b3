// The path of one lead over a stretch of samples that are all here.

// What a path is drawn of: the ring of a stream, or a few samples that stand by themselves.
export interface TraceSource {
  uv: readonly Float32Array[]; // per lead; NaN = nothing
  capacity: number; // a power of two, length of each
}

const DENSE = 0.34; // below so many pixels per sample, a pixel column has three samples or more
const SHORT_N = 64; // what a frame adds is drawn point by point

export interface TracePlace {
  x0: number; // x of sample 0
  pps: number; // pixels per sample
  zero: number; // y of 0 mV
  pxPerUv: number;
}

export function tracePath(c: CanvasRenderingContext2D, ring: TraceSource, ch: number, first: number, end: number, p: TracePlace): void {
  const uv = ring.uv[ch] as Float32Array;
  const mask = ring.capacity - 1;
  const { x0, pps, zero, pxPerUv } = p;
  let pen = false;
  if (pps >= DENSE || end - first < SHORT_N) {
    for (let i = first; i < end; i++) {
      const v = uv[i & mask] as number;
      if (v !== v) {
        pen = false;
        continue;
      }
      if (pen) c.lineTo(x0 + i * pps, zero - v * pxPerUv);
      else c.moveTo(x0 + i * pps, zero - v * pxPerUv);
      pen = true;
    }
    return;
  }
  // Many samples a pixel: first, lowest, highest, last of each pixel column keep every peak.
  for (let i = first; i < end; ) {
    const px = Math.floor(i * pps);
    const stop = Math.min(end, Math.max(i + 1, Math.ceil((px + 1) / pps)));
    let lo = Infinity;
    let hi = -Infinity;
    let v0 = NaN;
    let v1 = NaN;
    for (; i < stop; i++) {
      const v = uv[i & mask] as number;
      if (v !== v) continue;
      if (v0 !== v0) v0 = v;
      v1 = v;
      if (v < lo) lo = v;
      if (v > hi) hi = v;
    }
    if (v0 !== v0) {
      pen = false;
      continue;
    }
    const x = x0 + px + 0.5;
    if (pen) c.lineTo(x, zero - v0 * pxPerUv);
    else c.moveTo(x, zero - v0 * pxPerUv);
    c.lineTo(x, zero - lo * pxPerUv);
    c.lineTo(x, zero - hi * pxPerUv);
    c.lineTo(x, zero - v1 * pxPerUv);
    pen = true;
  }
}
