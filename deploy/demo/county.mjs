// The demo county as data: its sites, its simulated patients, and the configuration files of its
// processes. Names are invented; nothing here is a real person.
import fs from 'node:fs';
import path from 'node:path';

export const SITES = [
  { id: 'gw-dongzhen', name: '东镇卫生院', kind: 'township' },
  { id: 'gw-xizhen', name: '西镇卫生院', kind: 'township' },
  { id: 'gw-beicun', name: '北村卫生室', kind: 'village' },
];

// label: the bed; what stands at it makes one patient. rhythm, hr: an ECG; scene, fetuses: a fetal monitor; monitor: a
// scenario of vital signs; probe: an ultrasound probe.
export const PATIENTS = [
  { id: 'd01', site: 'gw-dongzhen', label: '东镇 1 床', rhythm: 'sinus', hr: 76, monitor: 'normal' },
  { id: 'd02', site: 'gw-dongzhen', label: '东镇 2 床', rhythm: 'af', hr: 96 },
  { id: 'd03', site: 'gw-dongzhen', label: '东镇 3 床', rhythm: 'pvc', hr: 78 },
  { id: 'd04', site: 'gw-dongzhen', label: '东镇 产房', rhythm: 'sinus', hr: 76, scene: 'normal', fetuses: 1, monitor: 'normal', probe: true },
  { id: 'x01', site: 'gw-xizhen', label: '西镇 1 床', rhythm: 'sinus', hr: 64 },
  { id: 'x02', site: 'gw-xizhen', label: '西镇 2 床', rhythm: 'tachy', hr: 118, monitor: 'fever' },
  { id: 'x03', site: 'gw-xizhen', label: '西镇 产房', scene: 'variable', fetuses: 2, monitor: 'normal' },
  { id: 'b01', site: 'gw-beicun', label: '北村 诊室', rhythm: 'sinus', hr: 68 },
];

// The devices of a patient: {device, kind, label}. A monitor's id is an EUI-64.
export function devicesOf(patient) {
  const bed = patient.label;
  const out = [];
  if (patient.rhythm) out.push({ device: `ecg-${patient.id}`, kind: 'ecg', bed });
  if (patient.scene) out.push({ device: `ctg-${patient.id}`, kind: 'ctg', bed });
  if (patient.monitor) out.push({ device: `00A0370000${Buffer.from(patient.id).toString('hex').toUpperCase()}`, kind: 'monitor', bed });
  if (patient.probe) out.push({ device: `probe-${patient.id}`, kind: 'video', bed });
  return out;
}

const section = (name, entries) =>
  `[${name}]\n${Object.entries(entries)
    .map(([key, value]) => `${key} = ${value}\n`)
    .join('')}\n`;

// The disk of a demo or a test may be small: its reserves are, too.
const room = { reserve: '64MiB', low: '256MiB' };
// Where something is kept: the key lies beside the folder, never in it.
const kept = (dir, settings) => ({ dir, key_file: `${settings.dir ?? dir}.key`, ...room, ...settings });

export function centerConfig({ dirs, web, port, linkPort, controlPath, enrol = {}, sites = [], store = {} }) {
  const nameOf = (kind) => sites.find((site) => site.kind === kind)?.name ?? '';
  return (
    section('store', kept(path.join(dirs.data, 'center'), store)) +
    section('web', { address: '127.0.0.1', port, root: web }) +
    section('link', {
      address: '127.0.0.1',
      port: linkPort,
      cert: path.join(dirs.certs, 'county.pem'),
      key: path.join(dirs.certs, 'county.key'),
      ca: path.join(dirs.certs, 'ca.pem'),
    }) +
    section('enrol', { address: '127.0.0.1', authority: path.join(dirs.certs, 'authority'), ...enrol }) +
    section('admin', { socket: path.join(dirs.run, 'admin.sock') }) +
    section('demo', {
      enabled: 'yes',
      control: controlPath,
      technician_site: nameOf('township'),
      village_site: nameOf('village'),
    })
  );
}

// The source line of a simulated probe.
const probeSource = (port) => `rtspsrc location=rtsp://127.0.0.1:${port}/probe latency=0 protocols=tcp ! rtpjpegdepay ! jpegdec`;

// beds: [{device, bed}]; probe: {id, bed, port}
export function gatewayConfig({ dirs, site, beds = [], spool = {}, probe }) {
  return (
    section('gateway', { id: site.id, site: site.name, demo: 'yes' }) +
    section('device', {
      address: '127.0.0.1',
      port: site.devicePort,
      accept: 'all',
      beds: beds.map((one) => `${one.device}=${one.bed}`).join(', '),
    }) +
    (site.monitorPort ? section('monitor', { port: site.monitorPort, accept: 'all' }) : '') +
    // Half of the usual bit rate: a demonstration that is left alone must not fill a disk.
    (probe
      ? section('video', { bitrate: 2000 }) +
        section('video1', { id: probe.id, label: '探头', bed: probe.bed, source: `"${probeSource(probe.port)}"` })
      : '') +
    section('spool', kept(path.join(dirs.data, site.id), spool)) +
    section('uplink', {
      host: 'localhost',
      address: '127.0.0.1',
      port: site.relayPort,
      certificate: path.join(dirs.certs, `${site.id}.pem`),
      key: path.join(dirs.certs, `${site.id}.key`),
      ca: path.join(dirs.certs, 'ca.pem'),
    }) +
    section('status', { address: '127.0.0.1', port: site.statusPort, ...(site.token ? { token: site.token } : {}) })
  );
}

// Records of a folder with WFDB headers, the longest first: what --data replays.
function recordsOf(folder) {
  const ecg = [];
  const fetal = [];
  const visit = (dir, depth) => {
    for (const entry of fs.readdirSync(dir, { withFileTypes: true })) {
      const full = path.join(dir, entry.name);
      if (entry.isDirectory() && depth < 3) visit(full, depth + 1);
      else if (entry.name.endsWith('.hea')) {
        const text = fs.readFileSync(full, 'latin1');
        const [, signals, rate, samples] = text
          .split(/\r?\n/)
          .find((line) => line.trim() && !line.startsWith('#'))
          .split(/\s+/);
        const hz = Number.parseFloat(rate);
        const record = { path: full.slice(0, -4), signals: Number(signals), seconds: Number(samples) / hz };
        if (hz >= 100) ecg.push(record);
        else if (hz <= 8 && /\bFHR\b/.test(text)) fetal.push(record);
      }
    }
  };
  visit(path.resolve(folder), 0);
  if (!ecg.length && !fetal.length) throw new Error(`no WFDB record of an ECG or a fetal monitor under ${folder}`);
  const order = (a, b) => Math.min(b.seconds, 600) - Math.min(a.seconds, 600) || b.signals - a.signals || a.path.localeCompare(b.path);
  return { ecg: ecg.sort(order), fetal: fetal.sort(order) };
}

export function planFor({ sites, data, controlPath, dirs }) {
  const records = data ? recordsOf(data) : { ecg: [], fetal: [] };
  const devices = [];
  const monitors = [];
  const ecgs = PATIENTS.filter((patient) => patient.rhythm);
  for (const [i, patient] of PATIENTS.entries()) {
    const site = sites.find((one) => one.id === patient.site);
    const gateway = `127.0.0.1:${site.devicePort}`;
    for (const { device, kind } of devicesOf(patient)) {
      const at = ecgs.indexOf(patient);
      // Two patients stay synthetic, so that the console has somebody to act on.
      const record =
        kind === 'ecg' && at < ecgs.length - 2 ? records.ecg[Math.floor((at * records.ecg.length) / ecgs.length)]
        : kind === 'ctg' && patient.fetuses === 1 ? records.fetal[0] : undefined;
      const shared = { id: device, label: patient.label, site: patient.site, gateway };
      if (kind === 'ecg')
        devices.push({ ...shared, source: record ? { kind: 'wfdb', record: record.path, loop: true } : { kind: 'synth', rhythm: patient.rhythm, hr: patient.hr, seed: i + 1 }, rate: 500, block_ms: 40 });
      if (kind === 'ctg')
        devices.push({ ...shared, source: record ? { kind: 'wfdb', record: record.path, loop: true } : { kind: 'ctg', scene: patient.scene, fetuses: patient.fetuses, seed: i + 1 }, ...(record ? {} : { rate: 4 }), block_ms: 500 });
      if (kind === 'monitor') monitors.push({ id: device, gateway: `127.0.0.1:${site.monitorPort}`, scenario: patient.monitor, seed: i + 1, every_s: 1, nibp_every_s: 120 });
    }
  }
  return { control: controlPath, journal: path.join(dirs.run, 'sim.journal'), demo: true, devices, monitors };
}
