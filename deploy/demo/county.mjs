// The demo county as data: its sites, its simulated patients, and the configuration files of its
// processes. Names are invented; nothing here is a real person.
import fs from 'node:fs';
import path from 'node:path';

export const SITES = [
  { id: 'gw-dongzhen', name: '东镇卫生院', kind: 'township' },
  { id: 'gw-xizhen', name: '西镇卫生院', kind: 'township' },
  { id: 'gw-beicun', name: '北村卫生室', kind: 'village' },
];

// label: what the pages call the bed until a patient is assigned to it.
export const PATIENTS = [
  { id: 'ecg-d01', site: 'gw-dongzhen', label: '东镇 1 床', rhythm: 'sinus', hr: 72 },
  { id: 'ecg-d02', site: 'gw-dongzhen', label: '东镇 2 床', rhythm: 'af', hr: 96 },
  { id: 'ecg-d03', site: 'gw-dongzhen', label: '东镇 3 床', rhythm: 'pvc', hr: 78 },
  { id: 'ecg-x01', site: 'gw-xizhen', label: '西镇 1 床', rhythm: 'sinus', hr: 64 },
  { id: 'ecg-x02', site: 'gw-xizhen', label: '西镇 2 床', rhythm: 'tachy', hr: 118 },
  { id: 'ecg-b01', site: 'gw-beicun', label: '北村 诊室', rhythm: 'sinus', hr: 68 },
];

const section = (name, entries) =>
  `[${name}]\n${Object.entries(entries)
    .map(([key, value]) => `${key} = ${value}\n`)
    .join('')}\n`;

// The disk of a demo or a test may be small: its reserves are, too.
const room = { reserve: '64MiB', low: '256MiB' };

export function centerConfig({ dirs, web, port, linkPort, controlPath, sites = [], store = {} }) {
  const nameOf = (kind) => sites.find((site) => site.kind === kind)?.name ?? '';
  return (
    section('store', { dir: path.join(dirs.data, 'center'), ...room, ...store }) +
    section('web', { address: '127.0.0.1', port, root: web }) +
    section('link', {
      address: '127.0.0.1',
      port: linkPort,
      cert: path.join(dirs.certs, 'county.pem'),
      key: path.join(dirs.certs, 'county.key'),
      ca: path.join(dirs.certs, 'ca.pem'),
    }) +
    section('admin', { socket: path.join(dirs.run, 'admin.sock') }) +
    section('demo', {
      enabled: 'yes',
      control: controlPath,
      technician_site: nameOf('township'),
      village_site: nameOf('village'),
    })
  );
}

export function gatewayConfig({ dirs, site, beds = [], spool = {} }) {
  return (
    section('gateway', { id: site.id, site: site.name, demo: 'yes' }) +
    section('device', {
      address: '127.0.0.1',
      port: site.devicePort,
      accept: 'all',
      beds: beds.map((bed) => `${bed.id}=${bed.label}`).join(', '),
    }) +
    section('spool', { dir: path.join(dirs.data, site.id), ...room, ...spool }) +
    section('uplink', {
      host: 'localhost',
      address: '127.0.0.1',
      port: site.relayPort,
      certificate: path.join(dirs.certs, `${site.id}.pem`),
      key: path.join(dirs.certs, `${site.id}.key`),
      ca: path.join(dirs.certs, 'ca.pem'),
    }) +
    section('status', { address: '127.0.0.1', port: site.statusPort })
  );
}

// Records of a folder with WFDB headers, the longest first: what --data replays.
function recordsOf(folder) {
  const found = [];
  const visit = (dir, depth) => {
    for (const entry of fs.readdirSync(dir, { withFileTypes: true })) {
      const full = path.join(dir, entry.name);
      if (entry.isDirectory() && depth < 3) visit(full, depth + 1);
      else if (entry.name.endsWith('.hea')) {
        const [, signals, rate, samples] = fs
          .readFileSync(full, 'latin1')
          .split(/\r?\n/)
          .find((line) => line.trim() && !line.startsWith('#'))
          .split(/\s+/);
        const hz = Number.parseFloat(rate);
        // ECG only: the fetal strips of 4 Hz are no ECG.
        if (hz >= 100) found.push({ path: full.slice(0, -4), signals: Number(signals), seconds: Number(samples) / hz });
      }
    }
  };
  visit(path.resolve(folder), 0);
  if (!found.length) throw new Error(`no WFDB record of 100 samples/s or more under ${folder}`);
  return found.sort(
    (a, b) => Math.min(b.seconds, 600) - Math.min(a.seconds, 600) || b.signals - a.signals || a.path.localeCompare(b.path),
  );
}

export function planFor({ sites, data, controlPath, dirs }) {
  const records = data ? recordsOf(data) : null;
  return {
    control: controlPath,
    journal: path.join(dirs.run, 'sim.journal'),
    demo: true,
    devices: PATIENTS.map((patient, i) => {
      // Two patients stay synthetic, so that the console has somebody to act on.
      const record = i < PATIENTS.length - 2 ? records?.[Math.floor((i * records.length) / PATIENTS.length)] : undefined;
      const site = sites.find((one) => one.id === patient.site);
      return {
        id: patient.id,
        label: patient.label,
        site: patient.site,
        gateway: `127.0.0.1:${site.devicePort}`,
        source: record
          ? { kind: 'wfdb', record: record.path, loop: true }
          : { kind: 'synth', rhythm: patient.rhythm, hr: patient.hr, seed: i + 1 },
        rate: 500,
        block_ms: 40,
      };
    }),
  };
}
