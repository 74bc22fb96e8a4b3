// What a patient monitor's observations are, by code, and how long each stays fresh. One table: the
// line, the list and the tests read it.
//
// A value that is watched all the time is old when it has not come for 10 s and greyed after a minute.
// A value that is measured now and then is as old as the practice of measuring it allows: a cuff is
// repeated each quarter to half hour on a ward; temperature and glucose every four hours.

export type VitalKind = 'hr' | 'pr' | 'spo2' | 'nibp' | 'rr' | 'temp' | 'glucose';
export const VITAL_KINDS: VitalKind[] = ['hr', 'pr', 'spo2', 'nibp', 'rr', 'temp', 'glucose'];

export interface AgeRule {
  oldS: number; // older: marked, its age stands out
  greyS: number; // older: greyed, no longer of use for now
}
const MINUTE = 60;
const HOUR = 3600;
export const CONTINUOUS: AgeRule = { oldS: 10, greyS: MINUTE };
export const SPOT: Record<VitalKind, AgeRule> = {
  hr: { oldS: 10 * MINUTE, greyS: HOUR },
  pr: { oldS: 30 * MINUTE, greyS: 4 * HOUR },
  spo2: { oldS: 10 * MINUTE, greyS: HOUR },
  nibp: { oldS: 30 * MINUTE, greyS: 4 * HOUR },
  rr: { oldS: 30 * MINUTE, greyS: 4 * HOUR },
  temp: { oldS: 4 * HOUR, greyS: 12 * HOUR },
  glucose: { oldS: 4 * HOUR, greyS: 12 * HOUR },
};
export const ruleOf = (kind: VitalKind, continuous: boolean): AgeRule => (continuous ? CONTINUOUS : SPOT[kind]);

export type Part = 'value' | 'sys' | 'dia' | 'mean';
export interface Meaning {
  kind: VitalKind;
  part: Part;
}

const BY_MDC: Record<number, Meaning> = {
  147842: { kind: 'hr', part: 'value' }, 149530: { kind: 'pr', part: 'value' }, 149546: { kind: 'pr', part: 'value' },
  149522: { kind: 'pr', part: 'value' }, 149514: { kind: 'pr', part: 'value' },
  150456: { kind: 'spo2', part: 'value' }, 151562: { kind: 'rr', part: 'value' },
  150021: { kind: 'nibp', part: 'sys' }, 150022: { kind: 'nibp', part: 'dia' }, 150023: { kind: 'nibp', part: 'mean' },
  150301: { kind: 'nibp', part: 'sys' }, 150302: { kind: 'nibp', part: 'dia' }, 150303: { kind: 'nibp', part: 'mean' },
  150364: { kind: 'temp', part: 'value' }, 188428: { kind: 'temp', part: 'value' }, 188452: { kind: 'temp', part: 'value' }, 188424: { kind: 'temp', part: 'value' },
  160184: { kind: 'glucose', part: 'value' }, 160188: { kind: 'glucose', part: 'value' }, 160020: { kind: 'glucose', part: 'value' },
};
const BY_LOINC: Record<string, Meaning> = {
  '8867-4': { kind: 'hr', part: 'value' }, '8889-8': { kind: 'pr', part: 'value' }, '59408-5': { kind: 'spo2', part: 'value' }, '2708-6': { kind: 'spo2', part: 'value' }, '9279-1': { kind: 'rr', part: 'value' },
  '8480-6': { kind: 'nibp', part: 'sys' }, '8462-4': { kind: 'nibp', part: 'dia' }, '8478-0': { kind: 'nibp', part: 'mean' },
  '8310-5': { kind: 'temp', part: 'value' }, '8331-1': { kind: 'temp', part: 'value' }, '8332-5': { kind: 'temp', part: 'value' }, '8333-3': { kind: 'temp', part: 'value' },
  '8328-7': { kind: 'temp', part: 'value' }, '15074-8': { kind: 'glucose', part: 'value' }, '2339-0': { kind: 'glucose', part: 'value' },
};
export const CODES_OF: Record<VitalKind, string[]> = {
  hr: ['8867-4'], pr: ['8867-4', '8889-8'], spo2: ['59408-5', '2708-6'], nibp: ['8480-6', '8462-4', '8478-0'], rr: ['9279-1'], temp: ['8310-5', '8331-1', '8332-5', '8333-3', '8328-7'], glucose: ['15074-8', '2339-0'],
};

// A pulse rate shares its LOINC code with the heart rate: the MDC code, else how it was measured, tells.
export function meaningOf(o: { code: string; mdc: number; source: string }): Meaning | null {
  const byMdc = BY_MDC[o.mdc] ?? BY_MDC[Number(o.code)];
  if (byMdc) return byMdc;
  const byLoinc = BY_LOINC[o.code];
  if (!byLoinc) return null;
  if (byLoinc.kind === 'hr' && /spo2|pleth|nibp|pulse/i.test(o.source)) return { kind: 'pr', part: 'value' };
  return byLoinc;
}

const UNITS: Record<string, string> = { '/min': '/min', '%': '%', 'mm[Hg]': 'mmHg', Cel: '°C', 'mmol/L': 'mmol/L', 'mg/dL': 'mg/dL' };
export const unitOf = (ucum: string): string => UNITS[ucum] ?? ucum;

// Decimals that a number of this kind is given with.
export function numberText(kind: VitalKind, v: number): string {
  return v.toFixed(kind === 'temp' || kind === 'glucose' ? 1 : 0);
}
