import { describe, expect, it } from 'vitest';
import { ctgChannels, ctgValue, movementSeen, qualityOf, scalp, zeroSet } from '../src/ctg/channels';
import { ctgPps, fhrY, makeCtgLayout, ucY } from '../src/ctg/layout';
import { ctgMarks, lossPercent } from '../src/ctg/marks';
import { ctgNumber, lossHere } from '../src/ctg/values';
import { StreamModel } from '../src/live/stream';
import type { Finding } from '../src/live/events';
import type { StreamHeader } from '../src/generated/xw.js';

const channel = (code: string, num: number, invalid: number, unit = '/min') => ({
  code, unit, gain: { num, den: 1 }, baseline: 0, invalid, has_invalid: true, adc_min: 0, adc_max: 1000, label: code,
});
const header = (codes: string[]): StreamHeader => ({
  stream_id: new Uint8Array(16).fill(7), attachment_id: new Uint8Array(16).fill(8), modality: 3, rate: { num: 4, den: 1 },
  channels: codes.map((c) => (c === 'UC' ? channel('UC', 2, -1, '{toco}') : c === 'FLAGS' ? channel('FLAGS', 1, -1, '{flags}') : channel(c, 4, 0))),
  device_id: 'ctg', gateway_id: 'gw', index_source: 0, device_epoch: 1, device_model: '', demo: false, high_pass_hz: 0, low_pass_hz: 0,
});
const finding = (f: Partial<Finding>): Finding => ({
  key: `${f.code}${f.first}`, stream: 's', revision: 1, kind: 'quality', stage: 'final', first: 0, end: 0, code: '', priority: 'none', late: false, rateBpm: 0, rrSamples: 0, leads: 0,
  rule: '', ruleVersion: '', evidence: [], confidence: 0, beats: [], wallUs: 0, ackedBy: '', ackedWallUs: 0, withdrawn: false, ...f,
});
function modelOf(codes: string[], n: number, count: (ch: number, i: number) => number): StreamModel {
  const m = new StreamModel(header(codes), 600);
  const x = new Int32Array(codes.length * n);
  for (let ch = 0; ch < codes.length; ch++) for (let i = 0; i < n; i++) x[ch * n + i] = count(ch, i);
  m.ring.put(0, n, x);
  return m;
}

describe('channels of a fetal monitor', () => {
  it('finds twins, mother, activity and flags whatever columns they are in', () => {
    const c = ctgChannels(header(['FHR1', 'FHR2', 'MHR', 'UC', 'FLAGS']));
    expect(c.fhr.map((f) => f.index)).toEqual([0, 1]);
    expect([c.mhr?.index, c.uc?.index, c.flags]).toEqual([2, 3, 4]);
    expect(ctgChannels(header(['FHR1', 'UC'])).flags).toBe(-1);
  });
  it('no value is never a number: the announced count, and a rate of 0 whatever is announced', () => {
    const fhr = ctgChannels(header(['FHR1'])).fhr[0]!;
    expect(ctgValue(0, fhr)).toBeNaN();
    expect(ctgValue(560, fhr)).toBe(140);
    expect(ctgValue(0, { ...fhr, invalid: -1 })).toBeNaN();
    expect(ctgValue(0, ctgChannels(header(['FHR1', 'UC'])).uc!)).toBe(0);
    expect(ctgValue(-1, ctgChannels(header(['FHR1', 'UC'])).uc!)).toBeNaN();
  });
  it('reads the bits of FLAGS as the protocol numbers them', () => {
    expect(qualityOf(0b10, 'FHR1')).toBe('doubtful');
    expect(qualityOf(0b01 << 3, 'FHR2')).toBe('bad');
    expect(qualityOf(0b11 << 6, 'FHR3')).toBe('good');
    expect(qualityOf(0b11 << 9, 'MHR')).toBe('good');
    expect(scalp(1 << 5, 'FHR2')).toBe(true);
    expect(scalp(1 << 5, 'FHR1')).toBe(false);
    expect([zeroSet(1 << 14), movementSeen(1 << 15), movementSeen(1 << 14)]).toEqual([true, true, false]);
  });
});

describe('CTG paper', () => {
  const box = { width: 1200, height: 640, mm: 3.78, dpr: 1, fhrN: 1, uc: true };
  it('20 bpm and 25 units of activity are a centimetre where there is room', () => {
    const l = makeCtgLayout(box);
    expect([l.bpmPerCm, l.ucPerCm, l.trueHeight]).toEqual([20, 25, true]);
    expect(fhrY(l, 120) - fhrY(l, 140)).toBeCloseTo(37.8, 6);
    expect(ucY(l, 0) - ucY(l, 50)).toBeCloseTo(75.6, 6);
  });
  it('keeps a true height at 30 bpm/cm on a lower panel, and says so when even that does not fit', () => {
    const low = makeCtgLayout({ ...box, height: 340 });
    expect([low.bpmPerCm, low.trueHeight]).toEqual([30, true]);
    const least = makeCtgLayout({ ...box, height: 220 });
    expect(least.trueHeight).toBe(false);
    for (const l of [low, least]) expect(l.caption.y + l.caption.height).toBeLessThanOrEqual(l === low ? 341 : 221);
  });
  it('a minute is as many centimetres as the paper runs', () => {
    for (const cm of [1, 2, 3]) expect(ctgPps(cm, 3.78, 4) * 240).toBeCloseTo(cm * 37.8, 9);
  });
});

describe('marks and numbers', () => {
  it('a movement told by a record and by FLAGS is one mark', () => {
    const m = modelOf(['FHR1', 'UC', 'FLAGS'], 400, (ch, i) => (ch === 2 ? (i === 200 || i === 201 || i === 300 ? 1 << 15 : i === 350 ? 1 << 14 : 0) : 500));
    m.findings.put(finding({ kind: 'marker', code: 'MOVEMENT', first: 202, end: 203 }));
    m.findings.put(finding({ key: 'again', kind: 'marker', code: 'MOVEMENT', first: 203, end: 204 }));
    m.findings.put(finding({ kind: 'marker', code: 'CHEST_PAIN', first: 120, end: 121 }));
    const { points } = ctgMarks(m, ctgChannels(m.header), 0, 400);
    expect(points.map((p) => [p.what, p.at])).toEqual([['button', 120], ['movement', 202], ['movement', 300], ['zero', 350]]);
  });
  it('an open episode of a possible maternal rate reaches to the newest sample; loss episodes are not drawn twice', () => {
    const m = modelOf(['FHR1', 'UC'], 400, () => 500);
    m.findings.put(finding({ code: 'FHR1_MHR', first: 100 }));
    m.findings.put(finding({ code: 'FHR1_LOSS', first: 50, end: 90 }));
    m.findings.put(finding({ kind: 'noise', code: 'FHR1_SPIKE', first: 20, end: 24 }));
    const { episodes } = ctgMarks(m, ctgChannels(m.header), 0, 400);
    expect(episodes.map((e) => [e.what, e.first, e.end])).toEqual([['spike', 20, 24], ['mhr', 100, 400]]);
  });
  it('a moment without signal shows no number, a single lost sample does not blank it', () => {
    const m = modelOf(['FHR1', 'UC'], 400, (ch, i) => (ch === 0 && (i >= 390 || i === 200) ? 0 : 560));
    const c = ctgChannels(m.header);
    expect(ctgNumber(m, c, c.fhr[0]!, 201).value).toBe(140);
    expect(ctgNumber(m, c, c.fhr[0]!, 400).value).toBeNull();
    expect(ctgNumber(m, c, c.fhr[0]!, 500).value).toBeNull();
    expect(lossHere(m, c.fhr[0]!, 400)).toBeCloseTo(100 * 11 / 400, 6);
  });
  it('takes the share of loss that the gateway measured', () => {
    const m = modelOf(['FHR1', 'UC'], 400, () => 560);
    m.findings.put(finding({ kind: 'measurement', code: 'FHR1_SIGNAL', first: 300, end: 301, evidence: [{ name: 'loss_1min', value: 2, unit: '%', threshold: false }, { name: 'loss_10min', value: 14, unit: '%', threshold: false }] }));
    expect(lossPercent(m, 'FHR1', 400)).toBe(14);
    expect(lossPercent(m, 'FHR2', 400)).toBeNaN();
    expect(lossPercent(m, 'FHR1', 4000)).toBeNaN();
  });
});
