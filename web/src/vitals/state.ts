// How a reading is to be shown at a moment: fresh, old, no longer of use, absent, never measured.

import { ruleOf } from './kinds';
import type { Reading } from './readings';

export type VitalState = 'never' | 'fresh' | 'old' | 'grey' | 'absent';

export function stateOf(r: Reading | null, atUs: number): VitalState {
  if (!r) return 'never';
  const ageS = (atUs - r.wallUs) / 1e6;
  const rule = ruleOf(r.kind, r.continuous);
  if (r.absent !== null) return ageS > rule.greyS ? 'grey' : 'absent';
  return ageS > rule.greyS ? 'grey' : ageS > rule.oldS ? 'old' : 'fresh';
}
