// Frames, bits and delay of the last moments, for the line that is always printed. By the monotonic clock.

const WINDOW_MS = 2000;
const DELAY_MS = 1000;

interface Mark {
  atMs: number;
  value: number;
}

export class Rates {
  private frames: Mark[] = [];
  private bytes: Mark[] = [];

  arrived(atMs: number, bytes: number): void {
    this.bytes.push({ atMs, value: bytes });
    this.trim(this.bytes, atMs);
  }

  drawn(atMs: number, delayMs: number): void {
    this.frames.push({ atMs, value: delayMs });
    this.trim(this.frames, atMs);
  }

  clear(): void {
    this.frames = [];
    this.bytes = [];
  }

  private trim(list: Mark[], nowMs: number): void {
    while (list.length > 0 && nowMs - (list[0] as Mark).atMs > WINDOW_MS) list.shift();
  }

  // Frames drawn a second; while it fills: of the time since the first.
  fps(nowMs: number): number {
    this.trim(this.frames, nowMs);
    const first = this.frames[0];
    if (!first || this.frames.length < 2) return 0;
    const last = this.frames[this.frames.length - 1] as Mark;
    const span = last.atMs - first.atMs;
    // Once frames stop, the rate falls with the time that goes by.
    return ((this.frames.length - 1) * 1000) / Math.max(span, nowMs - first.atMs - 200, 1);
  }

  kbitPerS(nowMs: number): number {
    this.trim(this.bytes, nowMs);
    const first = this.bytes[0];
    if (!first) return 0;
    const sum = this.bytes.reduce((n, m) => n + m.value, 0);
    return (sum * 8) / Math.max(500, Math.min(WINDOW_MS, nowMs - first.atMs + 40));
  }

  // Median delay of the last second, ms; NaN when nothing was drawn or times are not known.
  delayMs(nowMs: number): number {
    const v = this.frames.filter((m) => nowMs - m.atMs <= DELAY_MS && Number.isFinite(m.value)).map((m) => m.value).sort((a, b) => a - b);
    return v.length > 0 ? (v[v.length >> 1] as number) : NaN;
  }
}
