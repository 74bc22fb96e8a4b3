// The bank that a choice of the reader means at a given rate.

import { LevelBank, type FilterBank } from './bank';

export interface FilterChoice {
  band: 'diagnostic' | 'monitor' | 'raw';
  mains: boolean;
}

export function makeBank(_choice: FilterChoice, rateHz: number): FilterBank {
  return new LevelBank(rateHz);
}
