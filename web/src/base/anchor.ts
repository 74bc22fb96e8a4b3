// Sample index <-> capture time, by the newest time anchor of a stream.

export interface AnchorLike {
  index: number;
  gatewayWallUs: number;
  countyOffsetUs: number | null; // county wall minus gateway wall; null = not known
  uncertaintyUs: number;
  rateHz: number; // estimated true rate; 0 = not known
}

// The rate to use: the estimate, unless it is absurd (then the nominal rate stands).
export function trueRateHz(nominalHz: number, anchor: AnchorLike | null): number {
  const hz = anchor?.rateHz ?? 0;
  return hz > nominalHz * 0.9 && hz < nominalHz * 1.1 ? hz : nominalHz;
}

// County wall time at which the sample was captured, µs; NaN when there is no anchor.
export function captureWallUs(index: number, nominalHz: number, anchor: AnchorLike | null): number {
  if (!anchor) return NaN;
  const base = anchor.gatewayWallUs + (anchor.countyOffsetUs ?? 0);
  return base + ((index - anchor.index) / trueRateHz(nominalHz, anchor)) * 1e6;
}

export function indexAtWallUs(wallUs: number, nominalHz: number, anchor: AnchorLike | null): number {
  if (!anchor) return NaN;
  const base = anchor.gatewayWallUs + (anchor.countyOffsetUs ?? 0);
  return anchor.index + ((wallUs - base) / 1e6) * trueRateHz(nominalHz, anchor);
}
