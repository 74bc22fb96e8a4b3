// What the frames cost and how even they are; read by benches as window.xwStats.

const KEPT = 40_000; // frames remembered: eleven minutes at 60/s

export interface FrameLog {
  tMs: Float64Array; // performance.now() when the frame's drawing was done
  head: Float64Array; // one after the newest sample on the canvas
  n: number; // frames ever; frame k lies at k mod tMs.length
}

export class FrameStats {
  frames = 0;
  missed = 0;
  underruns = 0;
  stream = '';
  playoutDelayMs = NaN;
  heldBackMs = NaN;
  ageS = NaN;
  newest = 0; // samples arrived
  drawn = 0; // samples on the canvas
  offsetUs = NaN; // county wall = performance.now() * 1000 + offsetUs
  rttMs = NaN;
  badBlocks = 0;
  reconnects = 0;
  readonly log: FrameLog = { tMs: new Float64Array(KEPT), head: new Float64Array(KEPT), n: 0 };
  readonly arrivals: FrameLog = { tMs: new Float64Array(KEPT), head: new Float64Array(KEPT), n: 0 };
  private cost = new Float32Array(1024);
  private scriptCost = new Float32Array(1024);
  private costs = 0;
  private lastMs = NaN;
  private intervalMs = 1000 / 60;
  private channel = new MessageChannel();
  private startedMs = NaN;
  hiddenFrames = 0;

  constructor() {
    // A message posted from a frame callback is handled after style, layout and paint of that frame.
    this.channel.port1.onmessage = () => {
      if (Number.isNaN(this.startedMs)) return;
      this.cost[this.costs % this.cost.length] = performance.now() - this.startedMs;
      this.costs++;
      this.startedMs = NaN;
    };
  }

  reset(): void {
    this.frames = 0;
    this.missed = 0;
    this.underruns = 0;
    this.costs = 0;
    this.log.n = 0;
    this.arrivals.n = 0;
    this.lastMs = NaN;
  }

  begin(frameMs: number): void {
    if (!Number.isNaN(this.lastMs)) {
      const dt = frameMs - this.lastMs;
      if (dt < 1000) {
        if (dt > this.intervalMs * 0.5 && dt < this.intervalMs * 1.3) this.intervalMs += (dt - this.intervalMs) * 0.01;
        this.missed += Math.max(0, Math.round(dt / this.intervalMs) - 1);
      } else {
        this.hiddenFrames++;
      }
    }
    this.lastMs = frameMs;
    this.frames++;
    this.startedMs = performance.now();
  }

  end(head: number): void {
    const t = performance.now();
    this.scriptCost[this.costs % this.scriptCost.length] = t - this.startedMs;
    const i = this.log.n++ % KEPT;
    this.log.tMs[i] = t;
    this.log.head[i] = head;
    this.drawn = Math.floor(head);
    this.channel.port2.postMessage(0);
  }

  arrived(end: number, atMs: number): void {
    const i = this.arrivals.n++ % KEPT;
    this.arrivals.tMs[i] = atMs;
    this.arrivals.head[i] = end;
    this.newest = end;
  }

  private quantile(of: Float32Array, q: number): number {
    const n = Math.min(this.costs, of.length);
    if (n === 0) return NaN;
    const v = [...of.subarray(0, n)].sort((a, b) => a - b);
    return v[Math.min(n - 1, Math.floor(q * n))] as number;
  }
  get costP50Ms(): number {
    return this.quantile(this.cost, 0.5);
  }
  get costP95Ms(): number {
    return this.quantile(this.cost, 0.95);
  }
  get scriptP95Ms(): number {
    return this.quantile(this.scriptCost, 0.95);
  }
  get timeOriginMs(): number {
    return performance.timeOrigin;
  }
}

declare global {
  interface Window {
    xwStats: FrameStats;
  }
}

export const stats = new FrameStats();
window.xwStats = stats;
