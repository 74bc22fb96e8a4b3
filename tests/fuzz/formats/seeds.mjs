// Writes first inputs for fuzz_formats and fuzz_formats_scp: small files of every kind, all made
// here: node tests/fuzz/formats/seeds.mjs BIN, BIN being the folder of xinwang-formats.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const corpus = fileURLToPath(new URL('../corpus', import.meta.url));
const tool = path.join(process.argv[2] ?? 'build/release/bin', 'xinwang-formats');
const write = (name, bytes, target = 'fuzz_formats') => {
  fs.mkdirSync(path.join(corpus, target), { recursive: true });
  fs.writeFileSync(path.join(corpus, target, name), bytes);
};

const wave = (n, k) => Array.from({ length: n }, (_, i) => Math.round(100 * Math.exp(-(((i % 20) - 8) ** 2) / 3) * k) + (i % 3));
const lead = (name, digits) =>
  `<component><sequence><code code="MDC_ECG_LEAD_${name}"/><value xsi:type="SLIST_PQ"><origin value="0" unit="uV"/><scale value="2.5" unit="uV"/><digits>${digits.join(' ')}</digits></value></sequence></component>`;
const aecg = (time, leads, more = '') =>
  `<?xml version="1.0" encoding="UTF-8"?><AnnotatedECG xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><component><series><code code="RHYTHM"/><effectiveTime><low value="20240309140506"/></effectiveTime><component><sequenceSet>${time}${leads}</sequenceSet></component>${more}</series></component></AnnotatedECG>`;
const absolute = '<component><sequence><code code="TIME_ABSOLUTE"/><value xsi:type="GLIST_TS"><head value="20240309140506.000"/><increment value="0.002" unit="s"/></value></sequence></component>';
const relative = '<component><sequence><code code="TIME_RELATIVE"/><value xsi:type="GLIST_PQ"><head value="0" unit="s"/><increment value="4" unit="ms"/></value></sequence></component>';
const note = '<subjectOf><annotationSet><component><annotation><code code="MDC_ECG_TIME_PD_PR"/><value xsi:type="PQ" value="160" unit="ms"/></annotation></component></annotationSet></subjectOf>';
const two = lead('I', wave(40, 1)) + lead('II', wave(40, 2));
write('aecg', aecg(absolute, two, note));
write('aecg-relative', aecg(relative, lead('V2', wave(20, -1))));
write('aecg-utf16', Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(aecg(absolute, lead('V1', [1, 2, 3])).replace('UTF-8', 'UTF-16'), 'utf16le')]));
write('xml-entity', '<?xml version="1.0"?><!DOCTYPE AnnotatedECG [<!ENTITY a "b">]><AnnotatedECG>&a;</AnnotatedECG>');

const bytes16 = (samples) => Buffer.from(samples.flatMap((v) => [v & 255, (v >> 8) & 255]));
const museLead = (name, samples) =>
  `<LeadData><LeadSampleCountTotal>${samples.length}</LeadSampleCountTotal><LeadAmplitudeUnitsPerBit>4.88</LeadAmplitudeUnitsPerBit><LeadAmplitudeUnits>MICROVOLTS</LeadAmplitudeUnits><LeadID>${name}</LeadID><WaveFormData>${bytes16(samples).toString('base64')}</WaveFormData></LeadData>`;
write('muse', `<?xml version="1.0"?><RestingECG><RestingECGMeasurements><PRInterval>150</PRInterval></RestingECGMeasurements><Waveform><WaveformType>Rhythm</WaveformType><SampleBase>500</SampleBase><SampleExponent>0</SampleExponent>${museLead('I', wave(12, 1))}${museLead('II', wave(12, 2))}</Waveform></RestingECG>`);

// One lead of XLI that uses no string of its table: second differences, high bytes, low bytes.
const xli = (x) => {
  const d = x.map((v, i) => (i < 2 ? v : i + 1 < x.length ? 2 * x[i] - x[i - 1] - x[i + 1] + 64 : 64));
  const codes = [...d.map((v) => (v >> 8) & 255), ...d.map((v) => v & 255)];
  const bits = codes.map((c) => c.toString(2).padStart(10, '0')).join('');
  const body = Buffer.from(bits.match(/.{1,8}/g).map((b) => parseInt(b.padEnd(8, '0'), 2)));
  const head = Buffer.alloc(8);
  head.writeUInt32LE(body.length, 0);
  head.writeInt16LE(2 * x[1] - x[0] - x[2], 6);
  return Buffer.concat([head, body]);
};
const sierra = (attributes, data) =>
  `<restingecgdata><documentinfo><documenttype>PhilipsECG</documenttype><documentversion>1.04</documentversion></documentinfo><dataacquisition date="2024-03-09" time="14:05:06"><signalcharacteristics><samplingrate>500</samplingrate><resolution>5</resolution></signalcharacteristics></dataacquisition><waveforms><parsedwaveforms dataencoding="Base64" ${attributes} leadlabels="I II III" numberofleads="3" durationperchannel="20">${data.toString('base64')}</parsedwaveforms></waveforms></restingecgdata>`;
write('sierra-xli', sierra('compression="XLI"', Buffer.concat([xli(wave(10, 1)), xli(wave(10, 2)), xli(wave(10, 0))])));
write('sierra-plain', sierra('', bytes16([...wave(10, 1), ...wave(10, 2), ...wave(10, 3)])));

const mfer = Buffer.from([0x40, 4, 77, 70, 82, 32, 1, 1, 1, 0x0b, 4, 1, 0xfd, 2, 0, 0x0c, 4, 0, 0xfa, 5, 0, 4, 1, 2, 5, 1, 2, 6, 1, 2, 0x12, 2, 0, 0x80, 0x3f, 0, 4, 9, 2, 1, 0, 0x3f, 1, 4, 9, 2, 2, 0, 0x1e, 16, 1, 0, 2, 0, 11, 0, 12, 0, 3, 0, 0, 0x80, 13, 0, 255, 255, 0x80, 0]);
write('mfer', mfer);

const field = (text, n) => String(text).padEnd(n).slice(0, n);
const edf = (labels, record, patient = 'X X X X') =>
  Buffer.concat([
    Buffer.from(field(0, 8) + field(patient, 80) + field('Startdate 09-MAR-2024 X X M12', 80) + '09.03.2414.05.06' + field(256 * (labels.length + 1), 8) + field('EDF+D', 44) + field(2, 8) + field('0.01', 8) + field(labels.length, 4)),
    Buffer.from(labels.map((l) => field(l, 16)).join('') + labels.map(() => field('', 80)).join('') + labels.map(() => field('uV', 8)).join('') + labels.map(() => field(-1000, 8)).join('') + labels.map(() => field(1000, 8)).join('') + labels.map(() => field(-2048, 8)).join('') + labels.map(() => field(2047, 8)).join('') + labels.map(() => field('HP:0.05Hz LP:150Hz', 80)).join('') + labels.map((l) => field(l === 'EDF Annotations' ? 8 : 5, 8)).join('') + labels.map(() => field('', 32)).join('')),
    ...[0, 5].map((t) => record(t)),
  ]);
write('edf-d', edf(['ECG I', 'ECG II', 'EDF Annotations'], (t) => Buffer.concat([bytes16([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]), Buffer.from(`+${t}\x14\x14`.padEnd(16, '\0'))])));

// What the writers make of the first one.
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'xw-formats-seeds-'));
try {
  for (const kind of ['scp', 'dicom', 'edf', 'aecg']) {
    const out = path.join(folder, kind);
    execFileSync(tool, ['--to', kind, path.join(corpus, 'fuzz_formats', 'aecg'), out]);
    write(`${kind}-written`, fs.readFileSync(out));
    if (kind === 'scp') write('plain', fs.readFileSync(out), 'fuzz_formats_scp');
  }
} finally {
  fs.rmSync(folder, { recursive: true });
}

// SCP-ECG with all that the writer does not use: the default Huffman code, second differences, a
// reference beat that was taken away, decimation outside of a protected zone.
const u16 = (...v) => Buffer.from(v.flatMap((x) => [x & 255, (x >> 8) & 255]));
const u32 = (...v) => Buffer.concat(v.map((x) => u16(x & 0xffff, x >>> 16)));
const section = (number, ...parts) => {
  const content = Buffer.concat(parts.map((p) => Buffer.from(p)));
  return Buffer.concat([u16(0, number), u32(16 + content.length), Buffer.from([20, 20, 0, 0, 0, 0, 0, 0]), content]);
};
const huffman = (bits) => Buffer.from(bits.match(/.{1,8}/g).map((b) => parseInt(b.padEnd(8, '0'), 2)));
const scp = (sections) => {
  let at = 7 + 16 + 120;
  const pointers = Array.from({ length: 12 }, (_, n) => {
    const s = n ? sections.find((x) => x[2] === n) : undefined;
    const entry = Buffer.concat([u16(n), u32(n ? (s?.length ?? 0) : 136), u32(n ? (s ? at : 0) : 7)]);
    if (s) at += s.length;
    return entry;
  });
  const zero = section(0, ...pointers);
  Buffer.from('SCPECG').copy(zero, 10);
  return Buffer.concat([Buffer.alloc(6), zero, ...sections]);
};
const stream = '1001011100101010100' + '0'.repeat(20) + '111111111000000101';
const body = (enc, bimodal, step) => [u16(2500, step), [enc, bimodal], u16(8, 8), Buffer.concat([huffman(stream), Buffer.alloc(8)]).subarray(0, 8), Buffer.concat([huffman(stream), Buffer.alloc(8)]).subarray(0, 8)];
const leads = (flags) => section(3, [2, flags], u32(1, 40), [1], u32(1, 40), [2]);
const own = section(2, u16(2), u16(3), [1, 1, 1], u16(0), u32(0), [2, 2, 1], u16(1), u32(1), [2, 2, 0], u16(2), u32(3), u16(1), [1, 9, 1], u16(0), u32(1));
write('huffman', scp([section(2, u16(19999)), leads(0), section(6, ...body(2, 0, 2000))]), 'fuzz_formats_scp');
write('own-tables', scp([own, leads(0), section(6, ...body(1, 0, 2000))]), 'fuzz_formats_scp');
write('bimodal', scp([section(2, u16(19999)), leads(1), section(4, u16(20, 5, 1), u16(0), u32(3, 8, 14), u32(6, 12)), section(5, ...body(2, 0, 2000)), section(6, ...body(1, 1, 8000)), section(7, [1, 0], u16(800, 29999, 200, 300, 360, 450, 700, 10, 20, 30, 0, 75, 75, 420), [1], u16(0)), section(8, [0], u16(2024), [3, 9, 14, 5, 6, 1, 1], u16(4), Buffer.from('SR\0\0'))]), 'fuzz_formats_scp');
