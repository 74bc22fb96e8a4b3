// A reading of ten seconds as the county answers it (proto/API.md, GET /api/streams/ID/reading), checked
// before anything of it is shown. Unknown is null, never 0. Throws a BadReading that names the field.

export class BadReading extends Error {}

export type Num = number | null;
export const GRADES = ['normal', 'borderline', 'abnormal', 'critical'] as const;
export type Grade = (typeof GRADES)[number];

export interface StatementValue {
  measure: string;
  lead: string; // '' = of the whole recording
  value: Num;
  op: string;
  limit: Num;
  unit: string;
}
export interface Statement {
  name: string;
  code: Num; // of AHA/ACC/HRS 2007
  group: string;
  grade: Grade;
  zh: string;
  en: string;
  rules: { id: string; version: number }[];
  leads: string[];
  beats: number[]; // places in Reading.beats
  values: StatementValue[];
  more: boolean; // there are values that did not fit
}
export interface Interpretation {
  tables: string;
  grade: Grade;
  ageAssumed: boolean;
  statements: Statement[];
}
export interface LeadRow {
  lead: string;
  derived: boolean;
  usable: boolean;
  flaws: string[];
  values: Record<string, Num>; // as named in the answer, µV and ms
}
export interface Beat {
  timeMs: number; // of its R, from the first sample
  dominant: boolean;
  paced: boolean;
}
export const MARKS = ['p_on', 'p_off', 'qrs_on', 'qrs_off', 't_off'] as const;
export interface Median {
  rateHz: number;
  beats: number;
  marksMs: Record<string, Num>;
  leads: { name: string; uv: Float32Array }[]; // NaN = unknown
}
export interface Proposal {
  name: string;
  probability: number;
  limit: number;
  said: boolean;
}
export interface Changed {
  before: number;
  now: number;
  by: number;
  uncertainty: number; // of `by`, 95 %
  beyond: boolean;
}
export interface Came {
  name: string;
  group: string;
  grade: Grade;
  zh: string;
  en: string;
}
export interface Previous {
  study: string;
  stream: string;
  first: number;
  wallUs: number;
  whyNot: string; // '' = compared
  bandHz: [Num, Num];
  bandKnown: boolean;
  likeness: Num;
  measured: Record<string, Changed | null>; // null: not measured in both
  leads: { lead: string; values: Record<string, Changed | null> }[];
  exchange: { limb: string; precordial: string; limbNearer: Num; precordialNearer: Num };
  came: Came[];
  gone: Came[];
}
export interface Reading {
  tables: string;
  ageYears: Num;
  sex: '' | 'F' | 'M';
  patientKnown: boolean;
  previous: Previous | null;
  rateHz: number;
  first: number; // index of the stream
  samples: number;
  verdict: 'acceptable' | 'limited' | 'unacceptable';
  reason: string;
  unfit: string[];
  measured: Record<string, Num>;
  irregular: boolean | null;
  pPresent: boolean | null;
  exchange: { limb: string; precordial: string };
  said: Interpretation | null;
  network: { model: string; seen: boolean; proposals: Proposal[] } | null;
  leads: LeadRow[];
  beats: Beat[];
  median: Median | null;
  holes: { first: number; end: number }[];
}

type Obj = Record<string, unknown>;

const bad = (where: string): never => {
  throw new BadReading(where);
};
const object = (v: unknown, where: string): Obj => (typeof v === 'object' && v !== null && !Array.isArray(v) ? (v as Obj) : bad(where));
const list = (v: unknown, where: string, most: number): unknown[] => (Array.isArray(v) && v.length <= most ? v : bad(where));
const text = (v: unknown, where: string): string => (typeof v === 'string' && v.length <= 256 ? v : bad(where));
const textOrNone = (v: unknown, where: string): string => (v === null || v === undefined ? '' : text(v, where));
const number = (v: unknown, where: string): number => (typeof v === 'number' && Number.isFinite(v) ? v : bad(where));
const numberOrNull = (v: unknown, where: string): Num => (v === null || v === undefined ? null : number(v, where));
const flag = (v: unknown, where: string): boolean => (typeof v === 'boolean' ? v : bad(where));
const flagOrNull = (v: unknown, where: string): boolean | null => (v === null || v === undefined ? null : flag(v, where));
const whole = (v: unknown, where: string, least: number, most: number): number => {
  const n = number(v, where);
  return Number.isInteger(n) && n >= least && n <= most ? n : bad(where);
};
const oneOf = <T extends string>(v: unknown, all: readonly T[], where: string): T => all.find((x) => x === v) ?? bad(where);
const texts = (v: unknown, where: string): string[] => list(v, where, 64).map((x) => text(x, where));

// Every number of an object; what is no number is left out.
function numbers(o: Obj): Record<string, Num> {
  const out: Record<string, Num> = {};
  for (const [k, v] of Object.entries(o)) if (v === null || (typeof v === 'number' && Number.isFinite(v))) out[k] = v;
  return out;
}

function statementOf(v: unknown, beatsN: number): Statement {
  const o = object(v, 'statement');
  return {
    name: text(o['name'], 'statement.name'), code: numberOrNull(o['code'], 'statement.code'), group: text(o['group'], 'statement.group'),
    grade: oneOf(o['grade'], GRADES, 'statement.grade'), zh: text(o['zh'], 'statement.zh'), en: text(o['en'], 'statement.en'),
    rules: list(o['rules'], 'statement.rules', 64).map((r) => {
      const x = object(r, 'rule');
      return { id: text(x['id'], 'rule.id'), version: number(x['version'], 'rule.version') };
    }),
    leads: texts(o['leads'], 'statement.leads'),
    beats: list(o['beats'], 'statement.beats', 256).map((b) => whole(b, 'statement.beats', 0, beatsN - 1)),
    values: list(o['values'], 'statement.values', 256).map((r) => {
      const x = object(r, 'value');
      return {
        measure: text(x['measure'], 'value.measure'), lead: textOrNone(x['lead'], 'value.lead'), value: numberOrNull(x['value'], 'value.value'),
        op: text(x['op'], 'value.op'), limit: numberOrNull(x['limit'], 'value.limit'), unit: text(x['unit'], 'value.unit'),
      };
    }),
    more: flag(o['more_values'], 'statement.more_values'),
  };
}

function saidOf(v: unknown, beatsN: number): Interpretation | null {
  if (v === null || v === undefined) return null;
  const o = object(v, 'interpretation');
  return {
    tables: text(o['tables'], 'interpretation.tables'), grade: oneOf(o['grade'], GRADES, 'interpretation.grade'),
    ageAssumed: flag(o['age_assumed'], 'interpretation.age_assumed'),
    statements: list(o['statements'], 'interpretation.statements', 256).map((s) => statementOf(s, beatsN)),
  };
}

function networkOf(v: unknown): Reading['network'] {
  if (v === null || v === undefined) return null;
  const o = object(v, 'network');
  return {
    model: text(o['model'], 'network.model'), seen: flag(o['seen'], 'network.seen'),
    proposals: list(o['proposals'], 'network.proposals', 64).map((p) => {
      const x = object(p, 'proposal');
      return { name: text(x['class'], 'proposal.class'), probability: number(x['probability'], 'proposal.probability'), limit: number(x['limit'], 'proposal.limit'), said: flag(x['said'], 'proposal.said') };
    }),
  };
}

function medianOf(v: unknown): Median | null {
  if (v === null || v === undefined) return null;
  const o = object(v, 'median');
  const rows = object(o['uv'], 'median.uv');
  return {
    rateHz: whole(o['rate_hz'], 'median.rate_hz', 1, 4000), beats: number(o['beats_n'], 'median.beats_n'), marksMs: numbers(object(o['marks_ms'], 'median.marks_ms')),
    leads: Object.entries(rows).slice(0, 32).map(([name, row]) => ({
      name, uv: Float32Array.from(list(row, `median.uv.${name}`, 8192), (x) => numberOrNull(x, `median.uv.${name}`) ?? NaN),
    })),
  };
}

function beatOf(v: unknown): Beat {
  const o = object(v, 'beat');
  return { timeMs: number(o['time_ms'], 'beat.time_ms'), dominant: flag(o['dominant'], 'beat.dominant'), paced: flag(o['paced'], 'beat.paced') };
}

function leadOf(v: unknown): LeadRow {
  const o = object(v, 'lead');
  return { lead: text(o['lead'], 'lead.lead'), derived: flag(o['derived'], 'lead.derived'), usable: flag(o['usable'], 'lead.usable'), flaws: texts(o['flaws'], 'lead.flaws'), values: numbers(o) };
}

function changesOf(v: unknown, where: string): Record<string, Changed | null> {
  const out: Record<string, Changed | null> = {};
  for (const [k, x] of Object.entries(object(v, where))) {
    if (x !== null && typeof x !== 'object') continue; // a name, a likeness
    if (x === null) {
      out[k] = null;
      continue;
    }
    const o = object(x, `${where}.${k}`);
    const n = (name: string): number => number(o[name], `${where}.${k}.${name}`);
    out[k] = { before: n('before'), now: n('now'), by: n('by'), uncertainty: n('uncertainty'), beyond: flag(o['beyond'], `${where}.${k}.beyond`) };
  }
  return out;
}

function cameOf(v: unknown): Came[] {
  return list(v, 'previous.statements', 256).map((s) => {
    const o = object(s, 'previous.statement');
    return { name: text(o['name'], 'previous.statement.name'), group: text(o['group'], 'previous.statement.group'), grade: oneOf(o['grade'], GRADES, 'previous.statement.grade'), zh: text(o['zh'], 'previous.statement.zh'), en: text(o['en'], 'previous.statement.en') };
  });
}

function previousOf(v: unknown): Previous | null {
  if (v === null || v === undefined) return null;
  const o = object(v, 'previous');
  const exchange = object(o['exchange'], 'previous.exchange');
  const said = object(o['statements'], 'previous.statements');
  const [low, high] = list(o['band_hz'], 'previous.band_hz', 2);
  return {
    study: textOrNone(o['study'], 'previous.study'), stream: textOrNone(o['stream'], 'previous.stream'),
    first: whole(o['from_sample'], 'previous.from_sample', 0, Number.MAX_SAFE_INTEGER), wallUs: number(o['wall_us'] ?? 0, 'previous.wall_us'),
    whyNot: textOrNone(o['why_not'], 'previous.why_not'), bandHz: [numberOrNull(low, 'previous.band_hz'), numberOrNull(high, 'previous.band_hz')],
    bandKnown: flag(o['band_known'], 'previous.band_known'), likeness: numberOrNull(o['likeness'], 'previous.likeness'),
    measured: changesOf(o['measurements'], 'previous.measurements'),
    leads: list(o['leads'], 'previous.leads', 32).map((x) => ({ lead: text(object(x, 'previous.lead')['lead'], 'previous.lead'), values: changesOf(x, 'previous.lead') })),
    exchange: {
      limb: textOrNone(exchange['limb'], 'previous.exchange.limb'), precordial: textOrNone(exchange['precordial'], 'previous.exchange.precordial'),
      limbNearer: numberOrNull(exchange['limb_nearer'], 'previous.exchange.limb_nearer'), precordialNearer: numberOrNull(exchange['precordial_nearer'], 'previous.exchange.precordial_nearer'),
    },
    came: cameOf(said['new']), gone: cameOf(said['gone']),
  };
}

function holeOf(v: unknown): { first: number; end: number } {
  const [first, end] = list(v, 'holes', 2);
  return { first: number(first, 'holes'), end: number(end, 'holes') };
}

export function parseReading(v: unknown): Reading {
  const o = object(v, 'reading');
  const measured = object(o['measurements'], 'measurements');
  const exchange = object(o['exchange'], 'exchange');
  const beats = list(o['beats'], 'beats', 256).map(beatOf);
  return {
    ageYears: numberOrNull(o['age_years'], 'age_years'), sex: o['sex'] === null || o['sex'] === undefined ? '' : oneOf(o['sex'], ['F', 'M'] as const, 'sex'),
    patientKnown: flagOrNull(o['patient_known'], 'patient_known') ?? false, previous: previousOf(o['previous']),
    tables: text(o['tables'], 'tables'), rateHz: number(o['rate_hz'], 'rate_hz'), first: whole(o['from_sample'], 'from_sample', 0, Number.MAX_SAFE_INTEGER),
    samples: whole(o['samples'], 'samples', 1, 1 << 16), verdict: oneOf(o['verdict'], ['acceptable', 'limited', 'unacceptable'] as const, 'verdict'),
    reason: textOrNone(o['reason'], 'reason'), unfit: texts(o['unfit'], 'unfit'), measured: numbers(measured),
    irregular: flagOrNull(measured['irregular'], 'irregular'), pPresent: flagOrNull(measured['p_present'], 'p_present'),
    exchange: { limb: textOrNone(exchange['limb'], 'exchange.limb'), precordial: textOrNone(exchange['precordial'], 'exchange.precordial') },
    said: saidOf(o['interpretation'], beats.length), network: networkOf(o['network']), leads: list(o['leads'], 'leads', 32).map(leadOf), beats,
    median: medianOf(o['median']), holes: list(o['holes'] ?? [], 'holes', 4096).map(holeOf),
  };
}

// ---- what is read off it ----

const RHYTHM_GROUPS = new Set(['sinus', 'supraventricular', 'supraventricular_tachy', 'ventricular', 'ventricular_tachy', 'pacing', 'av']);

// The rhythm itself before the beats that disturb it.
export function rhythmOf(r: Reading): Statement[] {
  const all = (r.said?.statements ?? []).filter((s) => RHYTHM_GROUPS.has(s.group));
  const single = (s: Statement): boolean => s.group === 'supraventricular' || s.group === 'ventricular';
  return [...all.filter((s) => !single(s)), ...all.filter(single)];
}

export function measuredLeads(r: Reading): number {
  return r.leads.filter((l) => !l.derived).length;
}

export function missingSeconds(r: Reading): number {
  return r.holes.reduce((n, h) => n + h.end - h.first, 0) / r.rateHz;
}

// Index in the stream of a beat's R.
export function beatIndex(r: Reading, b: number): number {
  return r.first + ((r.beats[b]?.timeMs ?? NaN) / 1000) * r.rateHz;
}
