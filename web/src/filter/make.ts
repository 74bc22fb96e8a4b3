// The bank that a choice of the reader means at a given rate.

import { LevelBank, type FilterBank } from './bank';
import { DisplayBank, MAINS_RATE_LEAST } from './display';

export type Band = 'diagnostic' | 'monitor' | 'raw';
export interface FilterChoice {
  band: Band;
  mainsHz: 0 | 50 | 60;
}

export const BANDS: Record<Exclude<Band, 'raw'>, { highHz: number; lowHz: number }> = {
  diagnostic: { highHz: 0.05, lowHz: 150 },
  monitor: { highHz: 0.5, lowHz: 40 },
};
const RATE_MIN_HZ = 100; // below it the display filters are not defined: shown as it is
const RATE_MAX_HZ = 1000;

export function makeBank(choice: FilterChoice, rateHz: number): FilterBank {
  if (choice.band === 'raw' || rateHz < RATE_MIN_HZ || rateHz > RATE_MAX_HZ) return new LevelBank(rateHz);
  const { highHz, lowHz } = BANDS[choice.band];
  return new DisplayBank(rateHz, highHz, lowHz, choice.mainsHz);
}

// What the low pass really is: a corner that the rate does not allow is left out.
export function upperHz(band: Band, rateHz: number): number {
  if (band === 'raw') return rateHz / 2;
  const { lowHz } = BANDS[band];
  return lowHz < 0.45 * rateHz ? lowHz : Math.round(rateHz / 2);
}
export function mainsAt(choice: FilterChoice, rateHz: number): number {
  return choice.band !== 'raw' && choice.mainsHz > 0 && rateHz >= MAINS_RATE_LEAST * choice.mainsHz ? choice.mainsHz : 0;
}
