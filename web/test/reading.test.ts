// What of the county's answer becomes a reading, what is refused; where leads of the median beat stand.
import { describe, expect, it } from 'vitest';
// @ts-expect-error the fake county is plain JavaScript
import { reading as fakeReading } from '../../tests/web/fake/reading.mjs';
import { MEDIAN_MM_PER_MV, planMedian } from '../src/reading/median';
import { beyondOf, changesOf, earlier, forgetReadings, remember } from '../src/reading/before';
import { BadReading, beatIndex, measuredLeads, missingSeconds, parseReading, rhythmOf, type Median } from '../src/reading/parse';

type Json = Record<string, unknown>;
const stream = (extra: Json = {}): Json => ({ kind: 'ecg', bpm: 74, rate: 500, unknown: [], gaps: [], ...extra });
const answer = (extra: Json = {}): Json => JSON.parse(JSON.stringify(fakeReading(stream(extra), 20_000, 5000))) as Json;
const at = (o: Json, path: string): Json => path.split('.').reduce((x, k) => x[k] as Json, o);

describe('a reading', () => {
  it('is taken as it is answered', () => {
    const r = parseReading(answer());
    expect([r.first, r.samples, r.rateHz, r.verdict, r.reason]).toEqual([20_000, 5000, 500, 'acceptable', '']);
    expect(r.measured['hr_bpm']).toBe(74);
    expect(r.leads.map((l) => l.lead).join(' ')).toBe('I II III aVR aVL aVF V1 V2 V3 V4 V5 V6');
    expect(r.median?.leads[1]?.uv).toHaveLength(700);
    expect(measuredLeads(r)).toBe(12);
    expect(r.said?.statements.at(-1)?.rules).toEqual([{ id: 'sinus.1', version: 1 }]);
  });
  it('keeps what is not known as null, never as 0', () => {
    const o = answer();
    at(o, 'measurements')['pr_ms'] = null;
    (at(o, 'median.uv')['V1'] as unknown[])[3] = null;
    at(o, 'median.marks_ms')['p_on'] = null;
    const r = parseReading(o);
    expect(r.measured['pr_ms']).toBeNull();
    expect(r.median?.leads.find((l) => l.name === 'V1')?.uv[3]).toBeNaN();
    expect(r.median?.marksMs['p_on']).toBeNull();
  });
  it('may lack what nothing could be said of', () => {
    const r = parseReading({ ...answer(), median: null, interpretation: null, network: null, reason: 'no-signal', verdict: 'unacceptable', beats: [], holes: [] });
    expect([r.median, r.said, r.network, r.reason]).toEqual([null, null, null, 'no-signal']);
    expect(rhythmOf(r)).toEqual([]);
  });
  it('has the previous ECG with what was measured in both', () => {
    expect(parseReading(answer()).previous).toBeNull();
    const r = parseReading(answer({ patient: { age: 63.4, sex: 'F' }, previous: { study: 'x', st: { III: 0.26 } } }));
    expect([r.ageYears, r.sex, r.patientKnown]).toEqual([63.4, 'F', true]);
    const p = r.previous!;
    expect(p.measured['pr_ms']).toBeNull();
    expect(p.measured['hr_bpm']).toMatchObject({ by: 14, uncertainty: 3.1, beyond: true });
    expect(p.leads.find((l) => l.lead === 'III')?.values['st_60_uv']).toMatchObject({ by: 260, beyond: true });
    expect(p.leads[0]?.values['likeness']).toBeUndefined();
    expect(beyondOf(p)).toBe(3);
    expect(p.came.map((s) => s.name)).toEqual(['stemi_inferior']);
    const bad = answer({ previous: { st: {} } });
    (at(bad, 'previous.measurements')['qt_ms'] as Json)['uncertainty'] = '3';
    expect(() => parseReading(bad)).toThrow('previous.measurements.qt_ms.uncertainty');
  });
  it('names the field that is wrong', () => {
    const broken: [string, (o: Json) => void][] = [
      ['reading', () => {}],
      ['verdict', (o) => { o['verdict'] = 'fine'; }],
      ['from_sample', (o) => { o['from_sample'] = -1; }],
      ['samples', (o) => { o['samples'] = 1e9; }],
      ['measurements', (o) => { delete o['measurements']; }],
      ['statement.grade', (o) => { (at(o, 'interpretation')['statements'] as Json[])[0]!['grade'] = 'worse'; }],
      ['statement.beats', (o) => { (at(o, 'interpretation')['statements'] as Json[])[0]!['beats'] = [400]; }],
      ['rule.id', (o) => { (at(o, 'interpretation')['statements'] as Json[])[0]!['rules'] = [{ version: 1 }]; }],
      ['beat.time_ms', (o) => { (o['beats'] as Json[])[2]!['time_ms'] = '12'; }],
      ['lead.usable', (o) => { (o['leads'] as Json[])[4]!['usable'] = null; }],
      ['median.uv.V6', (o) => { (at(o, 'median.uv')['V6'] as unknown[])[0] = 'x'; }],
      ['holes', (o) => { o['holes'] = [7]; }],
    ];
    for (const [field, spoil] of broken) {
      const o = answer();
      spoil(o);
      const given: unknown = field === 'reading' ? [o] : o;
      let said: unknown = null;
      try {
        parseReading(given);
      } catch (e) {
        said = e;
      }
      expect(said, field).toBeInstanceOf(BadReading);
      expect((said as Error).message).toBe(field);
    }
  });
  it('finds its beats in the stream, and what is missing of it', () => {
    const r = parseReading(answer({ gaps: [{ first: 22_000, count: 750 }] }));
    expect(missingSeconds(r)).toBeCloseTo(1.5);
    const rr = (60 * 500) / 74;
    expect(beatIndex(r, 0) / rr).toBeCloseTo(Math.round(beatIndex(r, 0) / rr), 2);
    expect(beatIndex(r, 99)).toBeNaN();
  });
  it('names the rhythm before single beats', () => {
    expect(rhythmOf(parseReading(answer())).map((s) => s.name)).toEqual(['sinus_rhythm', 'vpc']);
  });
});

describe('the median beat', () => {
  const median = parseReading(answer()).median as Median;
  it('has as many columns as have room, all leads once', () => {
    for (const [mm, speed, columns] of [[108, 25, 4], [75, 25, 3], [50, 25, 2], [30, 25, 1], [150, 50, 3]] as const) {
      const p = planMedian(median, mm, speed);
      expect(p.columns.length, `${mm} mm`).toBe(columns);
      expect(p.columns.flat()).toEqual(median.leads.map((_, i) => i));
      if (columns > 1) expect(p.leftMm + columns * p.columnMm).toBeLessThanOrEqual(mm);
    }
  });
  it('holds every fiducial and every wave', () => {
    const p = planMedian(median, 108, 25);
    for (const mark of ['p_on', 'qrs_on', 'qrs_off', 't_off']) {
      expect(median.marksMs[mark]).toBeGreaterThan(p.fromMs);
      expect(median.marksMs[mark]).toBeLessThan(p.toMs);
    }
    p.columns.forEach((col) => col.forEach((lead, r) => {
      const uv = median.leads[lead]!.uv;
      const top = p.baselinesMm[r]! - (Math.max(...uv) / 1000) * MEDIAN_MM_PER_MV;
      const above = r === 0 ? 10 : p.baselinesMm[r - 1]!;
      expect(top, median.leads[lead]!.name).toBeGreaterThanOrEqual(above);
      expect(p.baselinesMm[r]! % 5).toBeCloseTo(0);
    }));
  });
  it('stands without fiducials', () => {
    const p = planMedian({ ...median, marksMs: {} }, 400, 25);
    expect(p.toMs).toBeGreaterThanOrEqual(1400 - 5);
    expect(planMedian({ ...median, leads: [] }, 100, 25).heightMm).toBeGreaterThan(0);
  });
});

describe('an earlier reading', () => {
  const at = (first: number, extra: Json = {}) => ({ ...parseReading(answer()), first, ...extra });
  it('is the latest that lies whole before, of the same stream, and could be measured', () => {
    forgetReadings();
    for (const first of [0, 6000, 12_000, 21_000]) remember('a', at(first));
    remember('a', at(13_500, { verdict: 'unacceptable' }));
    remember('b', at(14_000));
    expect(earlier('a', at(19_000))?.first).toBe(12_000);
    expect(earlier('a', at(16_999))?.first).toBe(6000);
    expect(earlier('a', at(3000))).toBeNull();
    forgetReadings();
    expect(earlier('a', at(19_000))).toBeNull();
  });
  it('is kept of a few streams, a few each', () => {
    forgetReadings();
    for (let k = 0; k < 40; k++) remember(`s${k}`, at(0));
    for (let k = 0; k < 40; k++) remember('s39', at(k * 5000));
    expect(earlier('s0', at(9000))).toBeNull();
    expect(earlier('s38', at(9000))).not.toBeNull();
    expect(earlier('s39', at(31 * 5000))).toBeNull();
    expect(earlier('s39', at(34 * 5000))?.first).toBe(33 * 5000);
    forgetReadings();
  });
  it('differs by numbers; an axis goes the short way, what is not known stays so', () => {
    const a = at(0);
    const b = at(9000);
    a.measured = { ...a.measured, qrs_axis_deg: 170, pr_ms: null };
    b.measured = { ...b.measured, qrs_axis_deg: -170, hr_bpm: 90 };
    const by = Object.fromEntries(changesOf(a, b).measured.map((x) => [x.name, x.by]));
    expect([by['qrs_axis_deg'], by['pr_ms'], by['hr_bpm']]).toEqual([20, null, 16]);
    expect(changesOf(a, { ...b, leads: b.leads.map((l) => ({ ...l, usable: false })) }).st60.every((x) => x.by === null)).toBe(true);
  });
});
