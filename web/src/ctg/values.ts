// The numbers beside the paper: the newest value of each channel, or the value at the moment that is
// looked at. A value that is not there is null, and never the one before.

import type { StreamModel } from '../live/stream';
import { ctgValue, qualityOf, type CtgChannel, type CtgChannels, type CtgRole, type Quality } from './channels';
import { lossPercent } from './marks';

export interface CtgNumber {
  role: CtgRole;
  value: number | null;
  unit: string;
  quality: Quality;
  lossPct: number; // of the last ten minutes; NaN = not known
}

const LOOK_S = 1; // a single sample without signal does not blank the number
const WINDOW_S = 600;

// Share of lost samples over the ten minutes before `end`, of what is held.
export function lossHere(model: StreamModel, ch: CtgChannel, end: number): number {
  const raw = model.ring.raw[ch.index];
  if (!raw) return NaN;
  const mask = model.ring.capacity - 1;
  let n = 0;
  let lost = 0;
  for (const s of model.ring.held.within(Math.max(0, Math.floor(end - WINDOW_S * model.rateHz)), Math.floor(end))) {
    for (let i = s.first; i < s.end; i++) {
      n++;
      if (Number.isNaN(ctgValue(raw[i & mask] as number, ch))) lost++;
    }
  }
  return n < 30 * model.rateHz ? NaN : (100 * lost) / n;
}

export function ctgNumber(model: StreamModel, channels: CtgChannels, ch: CtgChannel, end: number): CtgNumber {
  const mask = model.ring.capacity - 1;
  const raw = model.ring.raw[ch.index] as Int32Array;
  const flags = channels.flags >= 0 ? model.ring.raw[channels.flags] : undefined;
  const last = Math.ceil(end) - 1;
  let value: number | null = null;
  let quality: Quality = 'unknown';
  for (let i = last; i > last - LOOK_S * model.rateHz && i >= 0; i--) {
    if (!model.ring.held.has(i)) break;
    const v = ctgValue(raw[i & mask] as number, ch);
    if (Number.isNaN(v)) continue;
    value = v;
    if (flags) quality = qualityOf(flags[i & mask] as number, ch.role);
    break;
  }
  const told = ch.role.startsWith('FHR') ? lossPercent(model, ch.role, end) : NaN;
  return { role: ch.role, value, unit: ch.unit, quality, lossPct: ch.role.startsWith('FHR') && Number.isNaN(told) ? lossHere(model, ch, end) : told };
}

export function ctgNumbers(model: StreamModel, channels: CtgChannels, end: number): CtgNumber[] {
  const all = [...channels.fhr];
  if (channels.mhr) all.push(channels.mhr);
  if (channels.uc) all.push(channels.uc);
  return all.map((ch) => ctgNumber(model, channels, ch, end));
}
