// How the traces of one paper are told apart: by weight and pattern first, by colour second, and by a
// name beside each. No colour here belongs to an alarm.

import type { ThemeName } from '../ecg/theme';
import type { CtgRole } from './channels';

export interface TraceStyle {
  colour: string;
  width: number; // CSS pixels
  dots: boolean; // single points: a pulse of the mother is never mistaken for a fetus
  beads: boolean; // a bead every so often
}

const INK: Record<ThemeName, Record<CtgRole, string>> = {
  paper: { FHR1: '#111111', FHR2: '#1F5FBF', FHR3: '#5B3FA0', MHR: '#5B6472', UC: '#111111' },
  night: { FHR1: '#E8F1E4', FHR2: '#8DB6FF', FHR3: '#C4B2F5', MHR: '#9AA6B5', UC: '#E8F1E4' },
};

export function styleOf(role: CtgRole, theme: ThemeName): TraceStyle {
  return {
    colour: INK[theme][role],
    width: role === 'FHR2' ? 2.8 : role === 'MHR' ? 1.8 : 1.4,
    dots: role === 'MHR',
    beads: role === 'FHR3',
  };
}

export const OFFSET_BPM = 20; // how far twins are drawn apart when that is asked for

// Name on the trace: 1, 2, 3, M.
export const shortName = (role: CtgRole): string => (role === 'MHR' ? 'M' : role === 'UC' ? 'UC' : role.slice(3));
