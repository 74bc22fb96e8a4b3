// xinwang-screen --12lead on files that lie, break off or hide: every one is read as what it is or
// costs one line and exit code 1, within a gigabyte of addresses and a few seconds.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { check, finish, scenario } from '../support/checks.mjs';

const bin = path.resolve('build', process.env.XW_PRESET ?? 'release', 'bin');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'xw-twelve-'));
const file = (name) => path.join(folder, name);
// A sanitizer reserves more addresses than any limit leaves.
const limit = /asan|tsan/.test(process.env.XW_PRESET ?? '') ? '' : 'ulimit -v 1048576; ';
const read = (name, ...args) =>
  spawnSync('sh', ['-c', `${limit}exec "$@"`, 'sh', path.join(bin, 'xinwang-screen'), '--12lead', file(name), '--json', '-', ...args], { encoding: 'utf8', timeout: 30000, maxBuffer: 1 << 27 });

const NAMES = ['I', 'II', 'III', 'aVR', 'aVL', 'aVF', 'V1', 'V2', 'V3', 'V4', 'V5', 'V6'];
const GAINS = [0.6, 1, 0.4, -0.8, 0.1, 0.7, -0.5, -0.2, 0.5, 1.2, 1.1, 0.9];
const gauss = (t, at, width) => Math.exp(-(((t - at) / width) ** 2));
const shape = (t) => 1000 * gauss(t, 0.3, 0.012) - 250 * gauss(t, 0.33, 0.012) + 100 * gauss(t, 0.14, 0.03) + 250 * gauss(t, 0.58, 0.05);
let random = 7;
const unrest = () => ((random = (Math.imul(random, 1664525) + 1013904223) >>> 0) / 2 ** 32 - 0.5) * 12;
const sample = (c, i, rate) => Math.round(GAINS[c] * shape((i / rate) % 0.8) + unrest());

const header = (name, { rate = 500, rows = 5000, leads = 12, gain = '1000/mV', format = 16, end = '\n' } = {}) =>
  [`${name} ${leads} ${rate} ${rows}`, ...NAMES.slice(0, leads).map((lead) => `${name}.dat ${format} ${gain} 16 0 0 0 0 ${lead}`), ''].join(end);
const rows = (n, rate = 500) => {
  const out = Buffer.alloc(n * 24);
  for (let i = 0; i < n; i++) for (let c = 0; c < 12; c++) out.writeInt16LE(sample(c, i, rate), (i * 12 + c) * 2);
  return out;
};
const wfdb = (name, head, data) => {
  fs.writeFileSync(file(`${name}.hea`), head);
  fs.writeFileSync(file(`${name}.dat`), data);
};
const refused = (name, told) =>
  check(`${name}: one line says what is wrong`, told.status === 1 && told.stdout === '' && told.stderr.trim().split('\n').length === 1 && told.stderr.length > 30, `${told.status} ${told.signal ?? ''} ${told.stderr.trim().slice(0, 200)}`);
const accepted = (name, told) => {
  const o = told.status === 0 ? JSON.parse(told.stdout) : {};
  check(`${name}: is read`, o.verdict === 'acceptable' && o.measurements.hr_bpm > 70 && o.measurements.hr_bpm < 80, `${told.status} ${o.verdict} ${o.reason} ${told.stderr.trim().slice(0, 200)}`);
  return o;
};
const ten = rows(5000);

await scenario('WFDB headers that lie', async () => {
  wfdb('good', header('good'), ten);
  accepted('good', read('good'));
  wfdb('crlf', header('crlf', { end: '\r\n' }), ten);
  accepted('lines that end in CRLF', read('crlf'));
  const lies = {
    longer: [header('longer', { rows: 2000000000 }), ten],
    half: [header('half'), ten.subarray(0, ten.length / 2)],
    odd: [header('odd'), ten.subarray(0, 24 * 4999 + 7)],
    empty: [header('empty'), Buffer.alloc(0)],
    format: [header('format', { format: 999 }), ten],
    rate: [header('rate', { rate: 1e9 }), ten],
    still: [header('still', { rate: 0 }), ten],
    slow: [header('slow', { rate: 99 }), ten],
    negative: [header('negative', { rate: -500 }), ten],
    gain: [header('gain', { gain: '-nan/mV' }), ten],
    short: [header('short', { rows: 4000 }), ten],
    many: [header('many').replace(' 12 ', ' 4000000000 '), ten],
    fewer: [header('fewer').split('\n').slice(0, 5).join('\n'), ten],
    wide: [Buffer.from(`\ufeff${header('wide')}`, 'utf16le'), ten],
    line: [`line 12 500 5000 ${'9'.repeat(1 << 20)}\n`, ten],
    away: [header('away').replaceAll('away.dat', '../../../../etc/passwd'), ten],
  };
  for (const [name, [head, data]] of Object.entries(lies)) {
    wfdb(name, head, data);
    refused(name, read(name));
  }
});

await scenario('gains that lie are said', async () => {
  for (const [name, gain, reason, known] of [['large', '100/mV', 'gain-high', false], ['small', '10000/mV', 'gain-low', true]]) {
    wfdb(name, header(name, { gain }), ten);
    const o = JSON.parse(read(name).stdout || '{}');
    check(`a gain of ${gain}: ${reason}`, o.reason === reason && (known ? o.verdict === 'limited' : o.verdict === 'unacceptable' && o.measurements.qrs_ms === null), `${o.verdict} ${o.reason}`);
  }
});

await scenario('a day: the best of its places within bounds', async () => {
  // An hour of noise, then a flat line, and in it a minute and a half of an ECG; holes in the file
  // cost nothing on the disk.
  const rate = 125;
  const day = 86400 * rate;
  const noisy = Buffer.alloc(3600 * rate * 24);
  for (let k = 0; k < noisy.length; k += 2) noisy.writeInt16LE(Math.round(unrest() * 100), k);
  const calm = rows(90 * rate, rate);
  const fd = fs.openSync(file('day.dat'), 'w');
  fs.writeSync(fd, noisy);
  fs.writeSync(fd, calm, 0, calm.length, 50000 * rate * 24);
  fs.ftruncateSync(fd, day * 24);
  fs.closeSync(fd);
  fs.writeFileSync(file('day.hea'), header('day', { rate, rows: day }));
  const o = accepted('a day', read('day'));
  check('the calm minute is chosen', o.from_sample >= 50000 * rate && o.from_sample <= 50080 * rate, `${o.from_sample / rate} s`);
  fs.rmSync(file('day.dat'));
});

const text = (fill) =>
  `<?xml version="1.0"?><RestingECG><PatientDemographics/><Waveform><WaveformType>Rhythm</WaveformType><SampleBase>500</SampleBase><SampleExponent>0</SampleExponent>${NAMES.slice(0, 2).concat(NAMES.slice(6)).map((lead, k) => {
    const c = NAMES.indexOf(lead);
    const bytes = Buffer.alloc(10000);
    for (let i = 0; i < 5000; i++) bytes.writeInt16LE(Math.round(sample(c, i, 500) / 4.88), i * 2);
    return `<LeadData><LeadSampleCountTotal>5000</LeadSampleCountTotal><LeadAmplitudeUnitsPerBit>4.88</LeadAmplitudeUnitsPerBit><LeadAmplitudeUnits>MICROVOLTS</LeadAmplitudeUnits><LeadID>${lead}</LeadID><WaveFormData>${fill(bytes.toString('base64'), k)}</WaveFormData></LeadData>`;
  }).join('')}</Waveform></RestingECG>`;

await scenario('XML that hides or breaks off', async () => {
  const plain = text((b64) => b64.replace(/.{76}/g, '$&\n'));
  const made = { 'muse.xml': plain, 'crlf.xml': plain.replaceAll('\n', '\r\n'), 'wide.xml': Buffer.from(`\ufeff${plain.replace('<?xml version="1.0"?>', '<?xml version="1.0" encoding="UTF-16"?>')}`, 'utf16le') };
  for (const [name, bytes] of Object.entries(made)) {
    fs.writeFileSync(file(name), bytes);
    const o = accepted(name, read(name));
    check(`${name}: twelve leads from eight`, o.leads?.length === 12);
  }
  const entities = Array.from({ length: 30 }, (_, k) => `<!ENTITY e${k + 1} "${`&e${k};`.repeat(10)}">`).join('');
  const broken = {
    'bomb.xml': `<?xml version="1.0"?><!DOCTYPE RestingECG [<!ENTITY e0 "lol">${entities}]><RestingECG>&e30;</RestingECG>`,
    'outside.xml': '<?xml version="1.0"?><!DOCTYPE RestingECG [<!ENTITY x SYSTEM "file:///etc/passwd">]><RestingECG>&x;</RestingECG>',
    'deep.xml': '<RestingECG>'.repeat(200000),
    'cut.xml': plain.slice(0, plain.length / 2),
    'cut-wide.xml': made['wide.xml'].subarray(0, 30001),
    'base64-cut.xml': text((b64, k) => (k === 3 ? b64.slice(0, 5001) : b64)),
    'base64-odd.xml': text((b64, k) => (k === 3 ? `${b64.slice(0, 400)}*${b64.slice(401)}` : b64)),
    'count.xml': plain.replace('<LeadSampleCountTotal>5000', '<LeadSampleCountTotal>4000000000'),
  };
  for (const [name, bytes] of Object.entries(broken)) {
    fs.writeFileSync(file(name), bytes);
    refused(name, read(name));
  }
});

await scenario('EDF, SCP-ECG and DICOM that lie or break off', async () => {
  for (const kind of ['edf', 'scp', 'dicom', 'aecg']) {
    const made = spawnSync(path.join(bin, 'xinwang-formats'), ['--to', kind, file('muse.xml'), file(`made.${kind}`)], { encoding: 'utf8' });
    const told = made.status === 0 ? read(`made.${kind}`) : made;
    accepted(`made.${kind}`, told);
    const whole = fs.readFileSync(file(`made.${kind}`));
    for (const part of [0.02, 0.3, 0.6, 0.97]) {
      const name = `cut-${part}.${kind}`;
      fs.writeFileSync(file(name), whole.subarray(0, Math.floor(whole.length * part)));
      refused(name, read(name));
    }
  }
  const edf = fs.readFileSync(file('made.edf'));
  for (const [name, at, field] of [['records.edf', 236, '99999999'], ['signals.edf', 252, '9999'], ['head.edf', 184, '99999999'], ['seconds.edf', 244, '0       ']]) {
    const bytes = Buffer.from(edf);
    bytes.write(field, at, 'latin1');
    fs.writeFileSync(file(name), bytes);
    refused(name, read(name));
  }
  const scp = Buffer.from(fs.readFileSync(file('made.scp')));
  scp.writeUInt32LE(0xfffffff0, 2);
  fs.writeFileSync(file('length.scp'), scp);
  refused('length.scp', read('length.scp'));
});

fs.rmSync(folder, { recursive: true, force: true });
finish();
