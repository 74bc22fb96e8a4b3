// Patient monitors for the fake county: observations as records and by request.
import { createHash } from 'node:crypto';
import { Pbf, wire } from './packages.mjs';

const hash16 = (name) => new Uint8Array(createHash('sha256').update(name).digest().subarray(0, 16));
const uuid = (b) => {
  const h = Buffer.from(b).toString('hex');
  return `${h.slice(0, 8)}-${h.slice(8, 12)}-${h.slice(12, 16)}-${h.slice(16, 20)}-${h.slice(20)}`;
};
const LOINC = 'http://loinc.org';
const ABSENT = [null, 'sentinel', 'impossible', 'unit', 'not_number', 'status'];

export const CODES = {
  hr: { code: '8867-4', mdc: 147842, unit: '/min', source: 'ecg', continuous: true },
  pr: { code: '8889-8', mdc: 149530, unit: '/min', source: 'spo2', continuous: true },
  spo2: { code: '59408-5', mdc: 150456, unit: '%', source: 'spo2', continuous: true },
  rr: { code: '9279-1', mdc: 151562, unit: '/min', source: 'impedance', continuous: true },
  sys: { code: '8480-6', mdc: 150021, unit: 'mm[Hg]', source: 'nibp', continuous: false },
  dia: { code: '8462-4', mdc: 150022, unit: 'mm[Hg]', source: 'nibp', continuous: false },
  mean: { code: '8478-0', mdc: 150023, unit: 'mm[Hg]', source: 'nibp', continuous: false },
  temp: { code: '8310-5', mdc: 150364, unit: 'Cel', source: 'axilla', continuous: false },
  glucose: { code: '15074-8', mdc: 160184, unit: 'mmol/L', source: 'fingertip', continuous: false },
};

export function addMonitor(center, name, { gateway = center.gateways[0], bed = '', seed = 0, history = true, flowing = true } = {}) {
  const idBytes = hash16(`m-${name}`);
  const m = { name, gateway, site: gateway.site, bed, idBytes, id: uuid(idBytes), observations: [], seed, flowing, off: new Set(), attached: true, n: 0, at: 0 };
  center.parts.push({
    attachment: () => ({ gateway, bed, json: { id: m.id, device: m.name, model: 'XW-SIM monitor', kind: 'monitor', attached: m.attached, since_wall_us: center.now() - 3600e6, streams: [], clips_n: 0 } }),
    route: (q, a, path, url) => path === `/api/attachments/${m.id}/observations` && answer(center, m, a, url.searchParams),
    second: () => flow(center, m),
  });
  if (history) {
    for (let t = 3600; t > 0; t -= 20) continuous(center, m, center.now() - t * 1e6, false);
    for (let t = 55; t > 0; t -= 15) pressure(center, m, center.now() - t * 60e6, false);
    observe(center, m, 'temp', 36.8, { wallUs: center.now() - 40 * 60e6, send: false });
    observe(center, m, 'glucose', 5.6, { wallUs: center.now() - 50 * 60e6, send: false });
  }
  return m;
}

// One value. absent: index of the reason, then `value` is what the monitor sent.
export function observe(center, m, what, value, { wallUs = center.now(), absent = 0, group = null, send = true, source } = {}) {
  const c = CODES[what];
  const idBytes = hash16(`${m.name}-${m.n++}-${what}`);
  const o = {
    id: uuid(idBytes), attachment: m.id, code: c.code, code_system: LOINC, mdc: c.mdc, value: absent ? null : value, text: null, unit: c.unit, wall_us: Math.round(wallUs),
    received_wall_us: Math.round(wallUs), time_source: 'received', source: source ?? c.source, group: group ? uuid(group) : null, absent: ABSENT[absent],
    reported_value: String(value), reported_unit: c.unit, device: m.name, continuous: c.continuous, demo: center.demo,
  };
  m.observations.push(o);
  if (m.observations.length > 4000) m.observations.shift();
  if (!send) return o;
  const body = new Pbf();
  wire.writeObservation({
    observation_id: idBytes, attachment_id: m.idBytes, code: c.code, code_system: LOINC, ...(absent ? {} : { number: value }), unit: c.unit, wall_us: o.wall_us - 5000,
    source: o.source, mdc: c.mdc, ...(group ? { group_id: group } : {}), time_source: 0, received_wall_us: o.wall_us - 5000, county_offset_us: 5000, county_offset_known: true,
    absent, reported_value: o.reported_value, reported_unit: c.unit, device_id: m.name, demo: center.demo, continuous: c.continuous,
  }, body);
  center.record(13, body.finish(), idBytes);
  return o;
}

function continuous(center, m, wallUs, send = true) {
  const t = wallUs / 1e6;
  const put = (what, v) => {
    if (m.off.has(what)) observe(center, m, what, what === 'spo2' ? 127 : 255, { wallUs, absent: 1, send });
    else observe(center, m, what, Math.round(v), { wallUs, send });
  };
  put('hr', 88 + m.seed + 4 * Math.sin(t / 90));
  put('pr', 87 + m.seed + 4 * Math.sin(t / 90));
  put('spo2', 97.2 + 0.9 * Math.sin(t / 200)); // 96 to 98
  put('rr', 18 + 2 * Math.sin(t / 130));
}
export function pressure(center, m, wallUs, send = true) {
  const group = hash16(`${m.name}-g-${m.n}`);
  const k = Math.round(6 * Math.sin(wallUs / 1e6 / 700));
  observe(center, m, 'sys', 120 + k, { wallUs, group, send });
  observe(center, m, 'dia', 80 + k, { wallUs, group, send });
  observe(center, m, 'mean', 93 + k, { wallUs, group, send });
}

function flow(center, m) {
  if (!m.flowing || !m.gateway.linked || !m.gateway.running) return;
  if (m.at++ % 2 === 0) continuous(center, m, center.now());
}

function answer(center, m, a, q) {
  const codes = (q.get('codes') ?? '').split(',').filter(Boolean);
  const from = Number(q.get('from_wall_us') ?? 0);
  const to = Number(q.get('to_wall_us') ?? Infinity);
  const limit = Math.min(2000, Number(q.get('limit') ?? 2000));
  let all = [...m.observations].sort((x, y) => y.wall_us - x.wall_us).filter((x) => codes.length === 0 || codes.includes(x.code));
  if (q.has('from_wall_us') || q.has('to_wall_us')) all = all.filter((x) => x.wall_us >= from && x.wall_us < to);
  else {
    const seen = new Set();
    all = all.filter((x) => !seen.has(`${x.code} ${x.mdc}`) && seen.add(`${x.code} ${x.mdc}`));
  }
  center.json(a, 200, { observations: all.slice(0, limit), more: all.length > limit });
  return true;
}
