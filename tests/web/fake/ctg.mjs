// Fetal monitors for the fake county. Each count is a pure function of (kind, channel, index), as all
// signals of the fake are.
import { kinds } from './signal.mjs';

export const CTG_HZ = 4;
const rate = (code) => ({ code, unit: '/min', gain: { num: 4, den: 1 }, baseline: 0, invalid: 0 });
const UC = { code: 'UC', unit: '{toco}', gain: { num: 2, den: 1 }, baseline: 0, invalid: -1 };
const FLAGS = { code: 'FLAGS', unit: '{flags}', gain: { num: 1, den: 1 }, baseline: 0, invalid: -1 };

function hash(k, i) {
  let h = (Math.imul(i ^ 0x9e3779b9, 0x85ebca6b) + Math.imul(k + 1, 0xc2b2ae35)) | 0;
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  h ^= h >>> 13;
  return (h >>> 0) / 0xffffffff;
}
// Smooth noise of ±1 that changes over about `n` samples.
function slow(k, i, n) {
  const b = Math.floor(i / n);
  const f = (i / n - b) ** 2 * (3 - 2 * (i / n - b));
  return (hash(k, b) * (1 - f) + hash(k, b + 1) * f) * 2 - 1;
}

const CYCLE = 180 * CTG_HZ; // a contraction each three minutes
const contraction = (i) => Math.exp(-0.5 * ((((i % CYCLE) + CYCLE) % CYCLE - CYCLE / 2) / (22 * CTG_HZ)) ** 2);
const lossAt = (k, i) => hash(50 + k, Math.floor(i / 60)) < 0.06; // a quarter of a minute now and then

function fhr(k, base, i) {
  if (lossAt(k, i)) return 0;
  const accel = hash(9 + k, Math.floor(i / CYCLE)) < 0.6 ? 18 * Math.exp(-0.5 * ((((i % CYCLE) + CYCLE) % CYCLE - CYCLE / 4) / (8 * CTG_HZ)) ** 2) : 0;
  const v = base + 4 * slow(k, i, 600) + 4 * slow(k + 3, i, 24) + 2 * slow(k + 5, i, 7) + accel - 6 * contraction(i - 40);
  return Math.round(v * 4);
}
const uc = (i) => Math.round(2 * (12 + 55 * contraction(i) + 2 * slow(20, i, 30)));
const mhr = (i) => Math.round(4 * (84 + 3 * slow(30, i, 120) + slow(31, i, 9)));
// Good quality, doubtful for the minute after each loss; movement at each acceleration.
const flags = (s, i) => {
  let v = (lossAt(1, i) || lossAt(1, i - 60) ? 2 : 3) | (3 << 3) | (3 << 9) | (1 << 11);
  if (i % CYCLE === Math.floor(CYCLE / 4)) v |= 1 << 15;
  if (s.zeroAt === i) v |= 1 << 14;
  return v;
};

kinds.ctg = {
  modality: 'ctg', leads: ['FHR1', 'MHR', 'UC', 'FLAGS'], channels: [rate('FHR1'), rate('MHR'), UC, FLAGS],
  count: (s, ch, i) => [() => fhr(1, 138, i), () => mhr(i), () => uc(i), () => flags(s, i)][ch](),
};
kinds.ctgtwin = {
  modality: 'ctg', leads: ['FHR1', 'FHR2', 'MHR', 'UC', 'FLAGS'], channels: [rate('FHR1'), rate('FHR2'), rate('MHR'), UC, FLAGS],
  count: (s, ch, i) => [() => fhr(1, 138, i), () => fhr(2, 146, i), () => mhr(i), () => uc(i), () => flags(s, i)][ch](),
};
// What a calibrator makes: 120 and 140 bpm by whole minutes of capture time, no signal during the last
// ten seconds of each third minute, activity 10 and 60.
export const STEP_N = 60 * CTG_HZ;
kinds.ctgstep = {
  modality: 'ctg', leads: ['FHR1', 'UC'], channels: [rate('FHR1'), UC],
  count: (s, ch, i) => {
    const minute = Math.floor(i / STEP_N);
    if (ch === 1) return minute % 2 ? 120 : 20;
    if (minute % 3 === 2 && i % STEP_N >= 50 * CTG_HZ) return 0;
    return minute % 2 ? 560 : 480;
  },
};
kinds.ctgnone = { modality: 'ctg', leads: ['FHR1', 'UC'], channels: [rate('FHR1'), UC], count: () => 0 };

export function addCtg(center, name, { gateway = center.gateways[0], bed = '', kind = 'ctg', historyS = 3 * 3600, blockMs = 500 } = {}) {
  return center.addStream(name, kind, gateway, { rate: CTG_HZ, bed, historyS, blockMs, bpm: 0 });
}

// Findings as the gateway makes them.
export function ctgEvent(center, s, code, first, end, { kind = 4, priority = 0, evidence = [], seq } = {}) {
  center.event(s, { kind, code, first, end, priority, rule: 'ctg', rule_version: '1', leads: 1, evidence, ...(seq ? { seq, revision: 2 } : {}) });
}
