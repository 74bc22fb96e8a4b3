// Time in the browser. Monotonic and wall time are kept apart: staleness uses `monoMs` alone; age
// uses the county's clock as measured over the browser's own socket, never the PC's clock.

// Milliseconds of the browser's monotonic clock.
export function monoMs(): number {
  return performance.now();
}

interface Probe {
  rttMs: number;
  offsetUs: number;
  atMs: number;
}

const PROBES_KEPT = 12;
const PROBE_LIFE_MS = 120_000;

// County wall time minus monotonic time, from ping and pong: the probe with the shortest way there
// and back is the truest.
export class CountyClock {
  private probes: Probe[] = [];

  pong(sentMs: number, receivedMs: number, countyWallUs: number): void {
    const rttMs = receivedMs - sentMs;
    if (!(rttMs >= 0) || countyWallUs <= 0) return;
    const offsetUs = countyWallUs - ((sentMs + receivedMs) / 2) * 1000;
    this.probes.push({ rttMs, offsetUs, atMs: receivedMs });
    if (this.probes.length > PROBES_KEPT) this.probes.shift();
  }

  // From a message that carries the county's time but was not asked for: used until a pong comes.
  hint(receivedMs: number, countyWallUs: number): void {
    if (this.probes.length === 0 && countyWallUs > 0) {
      this.probes.push({ rttMs: 1e6, offsetUs: countyWallUs - receivedMs * 1000, atMs: receivedMs });
    }
  }

  private best(): Probe | null {
    let best: Probe | null = null;
    const newest = this.probes[this.probes.length - 1];
    if (!newest) return null;
    for (const p of this.probes) {
      if (newest.atMs - p.atMs > PROBE_LIFE_MS) continue;
      if (!best || p.rttMs < best.rttMs) best = p;
    }
    return best;
  }

  get known(): boolean {
    const b = this.best();
    return b !== null && b.rttMs < 1e6;
  }

  get rttMs(): number {
    return this.best()?.rttMs ?? NaN;
  }

  // County wall time in µs at a monotonic instant; NaN while nothing is known.
  wallUs(atMs: number = monoMs()): number {
    const b = this.best();
    return b ? atMs * 1000 + b.offsetUs : NaN;
  }
}

const two = (n: number): string => String(n).padStart(2, '0');

// Local time of day with seconds: 14:03:31.
export function clockText(wallUs: number): string {
  if (!Number.isFinite(wallUs) || wallUs <= 0) return '--:--:--';
  const d = new Date(wallUs / 1000);
  return `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
}

// Date and time: 2026-01-31 14:03:31.
export function dateText(wallUs: number): string {
  if (!Number.isFinite(wallUs) || wallUs <= 0) return '-';
  const d = new Date(wallUs / 1000);
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} ${clockText(wallUs)}`;
}

// A duration that counts up: 0:12, 4:10, 1:02:03.
export function durationText(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds));
  const h = Math.floor(s / 3600);
  const m = Math.floor((s % 3600) / 60);
  return h > 0 ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`;
}
