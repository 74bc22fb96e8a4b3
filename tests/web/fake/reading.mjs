// A reading as the county answers it, of the fake signal itself: beats where they are, a median beat of
// its samples, amplitudes read off it. Statements are few and fixed: this is no interpreter.
import { counts, kinds, COUNTS_PER_MV } from './signal.mjs';

const MEDIAN_N = 700;
const MEDIAN_R = 225;
// ms from R, as the waves of the fake beat lie.
const MARKS = { p_on: -230, p_peak: -170, p_off: -110, qrs_on: -55, r_peak: 0, qrs_off: 60, t_on: 160, t_peak: 270, t_off: 395 };

const statement = (name, code, group, grade, zh, en, rule, leads, beats, values = []) => ({
  name, code, group, grade, initials: '', zh, en, rules: [{ id: rule, version: 1 }], leads, beats, values, more_values: false,
});

// Against an earlier ECG: s.previous = { study, wall_us, st (mV by lead: the change), limb, why_not, band_known }.
function previous(s, names) {
  const p = s.previous;
  const change = (before, by, uncertainty) => ({ before, now: before + by, by, uncertainty, beyond: Math.abs(by) > uncertainty });
  const of = (lead) => ({
    lead, likeness: 0.98, p_uv: change(100, 5, 30), q_uv: change(0, 0, 20), r_uv: change(900, -20, 80), s_uv: change(-200, 10, 60), st_j_uv: change(10, (p.st?.[lead] ?? 0) * 1000, 60), st_60_uv: change(10, (p.st?.[lead] ?? 0.004) * 1000, 30), t_uv: lead === 'aVL' ? null : change(200, 12, 40),
  });
  const came = (name, group, grade, zh, en) => ({ name, group, grade, zh, en });
  return {
    study: p.study ?? '', stream: p.stream ?? '', from_sample: 0, wall_us: p.wall_us ?? 1.7e15, why_not: p.why_not ?? null, band_hz: [0.5, 40], band_known: p.band_known ?? false, rate_hz: 500, beats_n: [10, 11], likeness: 0.98, shift_ms: 2,
    measurements: { hr_bpm: change(60, 14, 3.1), p_ms: change(110, 2, 20), pr_ms: null, qrs_ms: change(96, 3, 12), qt_ms: change(400, 6, 24), qtc_bazett_ms: change(410, 9, 26), qtc_fridericia_ms: change(405, 8, 25), p_axis_deg: change(50, 2, 20), qrs_axis_deg: change(40, 3, 7), t_axis_deg: change(40, 1, 12) },
    leads: p.why_not ? [] : names.map(of),
    exchange: { limb: p.limb ?? null, limb_nearer: p.limb ? 8.26 : 1, precordial: null, precordial_nearer: 1 },
    statements: { new: p.st ? [came('stemi_inferior', 'critical', 'critical', '可疑急性下壁ST段抬高型心肌梗死', 'Suspected inferior STEMI')] : [], gone: p.st ? [came('normal', 'summary', 'normal', '正常心电图', 'Normal ECG')] : [] },
  };
}

export function reading(s, first, samples) {
  const names = kinds[s.kind].leads;
  const r = (b) => (b * 60 * s.rate) / s.bpm;
  const beats = [];
  for (let b = Math.ceil((first * s.bpm) / 60 / s.rate); r(b) < first + samples; b++) beats.push(Math.round(((r(b) - first) / s.rate) * 10000) / 10);
  const middle = Math.round(r(Math.round(((first + samples / 2) * s.bpm) / 60 / s.rate)));
  const uvAt = (ch, ms) => (counts(s, ch, middle + Math.round((ms / 1000) * s.rate)) / COUNTS_PER_MV) * 1000;
  const all = beats.map((_, i) => i);
  const twelve = names.length === 12;
  const reversed = Boolean(s.reversed);
  const st = s.st ? names.filter((l) => (s.st[l] ?? 0) >= 0.1) : [];
  const uv = Object.fromEntries(names.map((l, ch) => [l, Array.from({ length: MEDIAN_N }, (_, i) => Math.round(uvAt(ch, ((i - MEDIAN_R) / 500) * 1000)))]));
  const holes = s.unknown.concat(s.gaps.map((g) => ({ first: g.first, end: g.first + g.count })))
    .map((u) => [Math.max(u.first, first), Math.min(u.end, first + samples)]).filter(([a, b]) => b > a);
  const said = [];
  if (st.length > 0) {
    said.push(statement('stemi_inferior', null, 'critical', 'critical', '可疑急性下壁ST段抬高型心肌梗死', 'Suspected inferior STEMI', 'stemi.inferior', st, all,
      st.flatMap((lead) => [['st_j_uv', 250.08], ['st_60_uv', 258.25]].map(([measure, value]) => ({ measure, lead, value, op: '>=', limit: 100, unit: 'uV' })))));
  }
  if (reversed) said.push(statement('limb_reversal', 10, 'technical', 'abnormal', '肢体导联电极接错', 'Extremity electrode reversal', 'exchange.limb', [], all, [{ measure: 'limb_exchange', value: 1, op: '=', limit: 1, unit: '' }]));
  if (beats.length > 2) said.push(statement('vpc', 60, 'ventricular', 'borderline', '室性期前收缩', 'Ventricular premature complex(es)', 'vpc.1', [], [1], [{ measure: 'vpc_n', value: 1, op: '>', limit: 0, unit: '' }]));
  said.push(statement('sinus_rhythm', 20, 'sinus', 'normal', '窦性心律', 'Sinus rhythm', 'sinus.1', twelve ? ['II', 'aVF'] : ['MLII'], all,
    [{ measure: 'p_present', value: 1, op: '=', limit: 1, unit: '' }, { measure: 'hr_bpm', value: s.bpm + 0.04, op: '>=', limit: 60, unit: '/min' }, { measure: 'hr_bpm', value: s.bpm + 0.04, op: '<=', limit: 100, unit: '/min' }]));
  const rr = 60000 / s.bpm;
  const qt = MARKS.t_off - MARKS.qrs_on;
  const rv5 = twelve ? uvAt(10, 0) / 1000 : null;
  const sv1 = twelve ? -uvAt(6, 32) / 1000 : null;
  const marks = (at) => Object.fromEntries(Object.entries(MARKS).map(([k, v]) => [k, at + v]));
  return {
    tables: '5b25a351fac30ee3f10e3313f6ba46bcdabd14b28d3de9be16ccaa33a1013fe6', rate_hz: s.rate, from_sample: first, samples, age_years: s.patient?.age ?? null, sex: s.patient?.sex ?? null,
    verdict: twelve ? 'acceptable' : 'limited', reason: twelve ? null : 'few-leads', score: 0.52, unfit: [], paces_ms: [],
    measurements: {
      hr_bpm: s.bpm, rr_ms: rr, rr_sd_ms: 1.6, rr_min_ms: rr - 2, rr_max_ms: rr + 2, p_coherence: 0.999, p_ms: 120, pr_ms: 175, qrs_ms: 115, qt_ms: qt, jt_ms: qt - 115, pr_sd_ms: 0.6, qrs_sd_ms: 0.6, qt_sd_ms: 0.4,
      qtc_bazett_ms: qt / Math.sqrt(rr / 1000), qtc_fridericia_ms: qt / Math.cbrt(rr / 1000), qtc_framingham_ms: qt + 154 * (1 - rr / 1000), qtc_hodges_ms: qt + 1.75 * (s.bpm - 60),
      p_axis_deg: twelve ? 58.2 : null, qrs_axis_deg: twelve ? 52.6 : null, t_axis_deg: twelve ? 51.7 : null, rv5_mv: rv5, sv1_mv: sv1, rv5_sv1_mv: twelve ? rv5 + sv1 : null,
      irregular: false, p_present: true, wide_qrs: false,
    },
    exchange: { limb: reversed ? 'RA/LA' : null, precordial: null, limb_scores: {}, precordial_score: 1, p_axis_deg: null, qrs_axis_deg: null, t_axis_deg: null, i_v6_match: null, ii_pp_uv: null },
    interpretation: { tables: '586d7a7b7649e4dd5493b44fdc2ade534f7ddab3df6d526bd56b169ee14b104d', grade: said[0].grade, grade_zh: '', age_assumed: s.patient?.age === undefined, dropped: 0, statements: said },
    network: { model: 'twelve 1', sha256: '', seen: twelve, proposals: twelve ? [{ class: 'NORM', probability: 0.899, limit: 0.435, said: true }] : [] },
    leads: names.map((lead, ch) => ({
      lead, derived: false, usable: true, flaws: [], noise_uv: 2.6, p_uv: uvAt(ch, -170), p2_uv: 0, q_uv: Math.min(0, uvAt(ch, -30)), r_uv: Math.max(0, uvAt(ch, 0)), s_uv: Math.min(0, uvAt(ch, 32)), r2_uv: 0, s2_uv: 0,
      q_ms: 20, r_ms: 40, s_ms: 38, r2_ms: 0, s2_ms: 0, p_ms: 118, qrs_ms: 96, r_peak_ms: 45, st_j_uv: uvAt(ch, 60), st_60_uv: uvAt(ch, 120), st_80_uv: uvAt(ch, 140), st_slope_uv_s: 0, t_uv: uvAt(ch, 270), t2_uv: 0,
      t_width_ms: 118, qrs_area_uvs: 10, qrs_pp_uv: uvAt(ch, 0) - uvAt(ch, 32), notched: false,
    })),
    beats: beats.map((ms) => ({ time_ms: ms, match: 0.99, dominant: true, paced: false, global: marks(ms), leads: {} })),
    median: { rate_hz: 500, beats_n: beats.length, marks_ms: marks((MEDIAN_R / 500) * 1000), lead_marks_ms: {}, uv },
    holes, patient_known: Boolean(s.patient), previous: s.previous ? previous(s, names) : null,
  };
}
