// Deterministic signals: every sample is a pure function of (kind, channel, index), so that a test
// can say what any pixel must show.

const LEADS = ['I', 'II', 'III', 'aVR', 'aVL', 'aVF', 'V1', 'V2', 'V3', 'V4', 'V5', 'V6'];

// Per lead: amplitudes (mV) of P, Q, R, S, T. Limb leads satisfy I + III = II.
const WAVES = {
  I: [0.07, -0.05, 0.65, -0.1, 0.2], II: [0.13, -0.08, 1.1, -0.2, 0.32],
  V1: [0.05, 0, 0.2, -0.9, -0.08], V2: [0.07, 0, 0.45, -1.3, 0.35], V3: [0.08, 0, 0.8, -0.9, 0.45],
  V4: [0.09, -0.06, 1.35, -0.5, 0.45], V5: [0.09, -0.09, 1.3, -0.25, 0.38], V6: [0.08, -0.08, 1.0, -0.1, 0.28],
};
const mix = (a, fa, b, fb) => WAVES[a].map((v, i) => v * fa + WAVES[b][i] * fb);
WAVES.III = mix('II', 1, 'I', -1);
WAVES.aVR = mix('I', -0.5, 'II', -0.5);
WAVES.aVL = mix('I', 1, 'II', -0.5);
WAVES.aVF = mix('II', 1, 'I', -0.5);

const CENTRES = [-0.17, -0.03, 0, 0.032, 0.27]; // s from R
const WIDTHS = [0.024, 0.009, 0.011, 0.011, 0.05];

function beatMv(lead, s, stMv) {
  const a = WAVES[lead];
  let v = 0;
  for (let k = 0; k < 5; k++) {
    const z = (s - CENTRES[k]) / WIDTHS[k];
    if (z > -6 && z < 6) v += a[k] * Math.exp(-0.5 * z * z);
  }
  if (stMv && s > 0.05 && s < 0.32) v += stMv * Math.min(1, (s - 0.05) / 0.02) * Math.min(1, (0.32 - s) / 0.06);
  return v;
}

// Hash noise of ±1, the same for the same index.
function noise(ch, i) {
  let h = (Math.imul(i ^ 0x9e3779b9, 0x85ebca6b) + Math.imul(ch + 1, 0xc2b2ae35)) | 0;
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  h ^= h >>> 13;
  return ((h >>> 0) / 0xffffffff) * 2 - 1;
}

export const kinds = {
  ecg: {
    leads: LEADS,
    mv: (s, ch, i) => {
      const rr = 60 / s.bpm;
      const t = i / s.rate;
      const beat = Math.round(t / rr);
      let v = 0;
      for (let b = beat - 1; b <= beat + 1; b++) v += beatMv(LEADS[ch], t - b * rr, s.st?.[LEADS[ch]] ?? 0);
      return v + 0.004 * noise(ch, i);
    },
  },
  vf: {
    leads: LEADS,
    mv: (s, ch, i) => {
      const t = i / s.rate;
      return (0.35 + 0.15 * Math.sin(t * 1.7)) * Math.sin(2 * Math.PI * 5.3 * t + 0.5 * ch + Math.sin(t * 2.1)) * (ch === 3 ? -1 : 1);
    },
  },
  // 1 mV for 200 ms at each whole second: what a calibrator makes.
  pulse: { leads: LEADS, mv: (s, _ch, i) => (i % s.rate < s.rate * 0.2 ? 1 : 0) },
  // Each lead climbs 1 mV in 2 s and falls back: any stretch shows which one it is.
  ramp: { leads: LEADS, mv: (s, _ch, i) => ((i % (2 * s.rate)) / (2 * s.rate)) * 1 },
  two: {
    leads: ['MLII', 'V1'],
    mv: (s, ch, i) => {
      const rr = 60 / s.bpm;
      const t = i / s.rate;
      const b = Math.round(t / rr);
      return beatMv(ch === 0 ? 'II' : 'V1', t - b * rr, 0) + beatMv(ch === 0 ? 'II' : 'V1', t - (b - 1) * rr, 0);
    },
  },
};

export const COUNTS_PER_MV = 1000;
// A kind with channels of its own says its counts; the others are millivolts.
export const counts = (s, ch, i) => kinds[s.kind].count?.(s, ch, i) ?? Math.round(kinds[s.kindAt ? s.kindAt(i) : s.kind].mv(s, ch, i) * COUNTS_PER_MV);

const crcTable = new Uint32Array(256);
for (let n = 0; n < 256; n++) {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0x82f63b78 : c >>> 1;
  crcTable[n] = c >>> 0;
}

// One block, coding 0.
export function block(s, first, count) {
  const n = kinds[s.kind].leads.length;
  const x = new Int32Array(n * count);
  for (let ch = 0; ch < n; ch++) for (let i = 0; i < count; i++) x[ch * count + i] = counts(s, ch, first + i);
  const out = new Uint8Array(n * count * 5);
  let pos = 0;
  for (let ch = 0, o = 0; ch < n; ch++) {
    let prev = 0;
    for (let i = 0; i < count; i++, o++) {
      const d = (x[o] - prev) | 0;
      prev = x[o];
      let z = ((d << 1) ^ (d >> 31)) >>> 0;
      while (z >= 0x80) {
        out[pos++] = (z & 0x7f) | 0x80;
        z >>>= 7;
      }
      out[pos++] = z;
    }
  }
  let c = 0xffffffff;
  for (let i = 0; i < count; i++) {
    for (let ch = 0; ch < n; ch++) {
      const v = x[ch * count + i];
      for (let k = 0; k < 32; k += 8) c = crcTable[(c ^ (v >>> k)) & 0xff] ^ (c >>> 8);
    }
  }
  return { stream_id: s.idBytes, first, count, coding: 0, crc32c: (c ^ 0xffffffff) >>> 0, data: out.slice(0, pos), key_first: 0 };
}
