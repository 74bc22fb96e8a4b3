// When to draw which sample. Blocks arrive in lumps; the write head should move every frame and
// never wait. The head follows the line  index = rate x (now - delay),  where `delay` is as small as
// the arrivals of the last seconds allow: just before a block arrives, the head must not have passed
// the end of the block before it. A late block is an underrun: the head waits, the delay grows. When
// blocks come more evenly again, the head catches up by running a little fast.

const LOOK_MS = 10_000; // arrivals remembered
const SETTLE_MS = 700; // of the first moments nothing is learnt: the page itself is still busy
const JITTER_MAX_MS = 110; // rare lateness beyond this is waited for rather than reckoned with
const MARGIN_MS = 8; // on top of the worst arrival remembered
const FASTEST = 0.03; // the head runs at most so much fast
const SLOWEST = 0.3; // and so much slow, to build up reserve after a late block
const STALL_MS = 1500; // a longer wait is a stopped stream, not an underrun
const SNAP_MS = 400; // further off than this: jump to the present

interface Arrival {
  atMs: number;
  lateMs: number; // arrival - (end of the block before)/rate: what the delay must cover
}

export class Playout {
  private arrivals: Arrival[] = [];
  private end = -1; // one after the newest sample that arrived
  private headAt = NaN; // fractional sample index
  private lastMs = NaN;
  private startMs = NaN;
  private settled = false;
  underruns = 0;
  private waitMs = NaN; // the head has been waiting since

  constructor(private rateHz: number) {}

  setRate(rateHz: number): void {
    if (Math.abs(rateHz / this.rateHz - 1) < 1e-7) return;
    this.rateHz = rateHz;
    this.arrivals.length = 0; // their lateness was measured against another clock
  }

  // Samples up to `end` are here since `atMs`.
  arrived(end: number, atMs: number): void {
    if (end <= this.end) return;
    const before = this.end;
    const jump = before < 0 || end - before > this.rateHz * 2;
    if (jump) this.arrivals.length = 0;
    this.end = end;
    if (!Number.isNaN(this.waitMs) && atMs - this.waitMs < STALL_MS) this.underruns++;
    this.waitMs = NaN;
    const from = jump ? Math.max(0, end - this.rateHz * 0.05) : before;
    if (!this.settled && atMs - this.startMs > SETTLE_MS) {
      this.settled = true;
      this.arrivals.length = 0;
    }
    this.arrivals.push({ atMs, lateMs: atMs - (from / this.rateHz) * 1000 });
    const drop = atMs - LOOK_MS;
    let k = 0;
    while (k < this.arrivals.length - 1 && (this.arrivals[k] as Arrival).atMs < drop) k++;
    if (k > 0) this.arrivals.splice(0, k);
    if (jump) {
      this.headAt = NaN;
      this.startMs = atMs;
      this.settled = false;
    }
  }

  get newest(): number {
    return this.end;
  }

  // The delay that the arrivals of the last seconds ask for: the worst of them, but of rare ones no
  // more than JITTER_MAX_MS above the best; what one in twenty needs is granted in any case.
  private targetMs(): number {
    const n = this.arrivals.length;
    if (n === this.reckonedN && this.reckonedEnd === this.end) return this.reckoned;
    const v = this.arrivals.map((a) => a.lateMs).sort((a, b) => a - b);
    const best = v[0] as number;
    const worst = v[n - 1] as number;
    const common = v[Math.floor(0.95 * (n - 1))] as number;
    this.reckoned = Math.min(worst, Math.max(common, best + JITTER_MAX_MS)) + MARGIN_MS;
    this.reckonedN = n;
    this.reckonedEnd = this.end;
    return this.reckoned;
  }
  private reckoned = 0;
  private reckonedN = -1;
  private reckonedEnd = -1;

  // Where the head would be if nothing were missing: used to grow the hatch of a stalled stream.
  lineAt(nowMs: number): number {
    return this.arrivals.length === 0 ? this.headAt : ((nowMs - this.targetMs()) / 1000) * this.rateHz;
  }

  // The head for this frame: the fractional index up to which samples are drawn.
  head(nowMs: number): number {
    if (this.end < 0) return NaN;
    const line = this.lineAt(nowMs);
    const dtMs = Number.isNaN(this.lastMs) ? 0 : nowMs - this.lastMs;
    this.lastMs = nowMs;
    if (Number.isNaN(this.headAt)) {
      this.headAt = Math.min(line, this.end);
    } else {
      const step = (dtMs / 1000) * this.rateHz;
      const offMs = ((line - this.headAt - step) / this.rateHz) * 1000;
      if (Math.abs(offMs) > SNAP_MS || dtMs > 250) {
        this.headAt = Math.max(this.headAt, line);
      } else {
        const pull = offMs > 0 ? Math.min(FASTEST, offMs / 500) : Math.max(-SLOWEST, offMs / 60);
        this.headAt += step * (1 + pull);
      }
    }
    if (this.headAt > this.end) {
      this.headAt = this.end;
      if (Number.isNaN(this.waitMs) && nowMs - this.startMs > 1000) this.waitMs = nowMs;
    }
    return this.headAt;
  }

  // How long before a sample is drawn it could have been drawn, ms.
  get heldBackMs(): number {
    return this.end < 0 || Number.isNaN(this.headAt) ? NaN : ((this.end - this.headAt) / this.rateHz) * 1000;
  }
}
