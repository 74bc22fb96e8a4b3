// The channels of a fetal monitor (proto/PROTOCOL.md, 1.7): which column is which, what a count is
// worth, and the bits of FLAGS. "No value" is NaN, never a number.

import type { StreamHeader } from '../generated/xw.js';

export type CtgRole = 'FHR1' | 'FHR2' | 'FHR3' | 'MHR' | 'UC';
export const FHR_ROLES = ['FHR1', 'FHR2', 'FHR3'] as const;
export type Quality = 'unknown' | 'bad' | 'doubtful' | 'good';

export interface CtgChannel {
  role: CtgRole;
  index: number; // of the stream's channels
  perUnit: number; // counts per unit
  baseline: number;
  invalid: number | null;
  unit: string;
}

export interface CtgChannels {
  fhr: CtgChannel[]; // 1 to 3, in order
  mhr: CtgChannel | null;
  uc: CtgChannel | null;
  flags: number; // index of FLAGS, -1 = none
  flagsInvalid: number | null;
}

export function ctgChannels(header: StreamHeader): CtgChannels {
  const find = (role: CtgRole): CtgChannel | null => {
    const index = header.channels.findIndex((c) => c.code.toUpperCase() === role);
    const c = header.channels[index];
    if (!c || !c.gain || c.gain.num === 0 || c.gain.den === 0) return null;
    return { role, index, perUnit: c.gain.num / c.gain.den, baseline: c.baseline, invalid: c.has_invalid ? c.invalid : null, unit: c.unit };
  };
  const flags = header.channels.findIndex((c) => c.code.toUpperCase() === 'FLAGS');
  const f = header.channels[flags];
  return {
    fhr: FHR_ROLES.map(find).filter((c): c is CtgChannel => c !== null),
    mhr: find('MHR'), uc: find('UC'), flags, flagsInvalid: f?.has_invalid ? f.invalid : null,
  };
}

// A rate of 0 or less is no rate, whatever the header announces as "no value".
export function ctgValue(count: number, c: CtgChannel): number {
  if (c.invalid !== null && count === c.invalid) return NaN;
  const v = (count - c.baseline) / c.perUnit;
  return c.role !== 'UC' && !(v > 0) ? NaN : v;
}

const QUALITIES: Quality[] = ['unknown', 'bad', 'doubtful', 'good'];
const QUALITY_SHIFT: Record<CtgRole, number> = { FHR1: 0, FHR2: 3, FHR3: 6, MHR: 9, UC: -1 };
const SCALP_BIT: Partial<Record<CtgRole, number>> = { FHR1: 2, FHR2: 5, FHR3: 8 };
const ZERO_BIT = 14;
const MOVEMENT_BIT = 15;

export function qualityOf(flags: number, role: CtgRole): Quality {
  const shift = QUALITY_SHIFT[role];
  return shift < 0 ? 'unknown' : (QUALITIES[(flags >> shift) & 3] as Quality);
}
export const scalp = (flags: number, role: CtgRole): boolean => ((flags >> (SCALP_BIT[role] ?? 31)) & 1) === 1;
export const zeroSet = (flags: number): boolean => ((flags >> ZERO_BIT) & 1) === 1;
export const movementSeen = (flags: number): boolean => ((flags >> MOVEMENT_BIT) & 1) === 1;
