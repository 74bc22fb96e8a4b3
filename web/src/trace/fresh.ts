// How fresh a live picture is, and what its newest hole has come to. The same rules for every trace:
// hatched after 1.5 s without a newer sample, grey after 5 s, by this browser's monotonic clock.

import type { Hole, HoleAccount } from '../live/holes';
import type { StreamModel } from '../live/stream';

export const HATCH_AFTER_MS = 1500;
export const GREY_AFTER_MS = 5000;
const CLOSED_SHOWN_MS = 15_000; // a hole that has healed is told for so long
const HOLE_LEAST_S = 0.2;

export type Freshness = 'loading' | 'live' | 'stale' | 'lost';

export function freshnessOf(silentMs: number): Freshness {
  if (Number.isNaN(silentMs)) return 'loading';
  return silentMs > GREY_AFTER_MS ? 'lost' : silentMs > HATCH_AFTER_MS ? 'stale' : 'live';
}

// Seconds; null when there is nothing to tell.
export type HoleState = { total: number; back: number; lost: number; coming: number; closed: boolean } | null;

export function holeStateOf(model: StreamModel, nowMs: number): HoleState {
  const hz = model.rateHz;
  let best: Hole | null = null;
  for (const h of model.holes.list) {
    const open = Number.isNaN(h.closedMs);
    if (!open && nowMs - h.closedMs > CLOSED_SHOWN_MS) continue;
    if (h.end - h.first < HOLE_LEAST_S * hz) continue;
    if (!best || open || h.end > best.end) best = h;
  }
  if (!best) return null;
  const a: HoleAccount = model.holes.account(best);
  return { total: a.totalN / hz, back: a.backN / hz, lost: a.lostN / hz, coming: a.comingN / hz, closed: !Number.isNaN(best.closedMs) };
}
