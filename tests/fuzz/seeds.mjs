// Writes first inputs for the fuzz targets, made from the byte examples of proto/vectors and from
// texts below: node tests/fuzz/seeds.mjs. Run it again when a wire message has changed; what
// libFuzzer has found beyond them stays where it is.
import { execFileSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import * as wire from '../protocol/device/wire.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const corpus = path.join(root, 'tests', 'fuzz', 'corpus');

function vectors(file) {
  const out = {};
  const text = fs.readFileSync(path.join(root, 'proto', 'vectors', file), 'utf8');
  for (const part of text.split(/^\[/m).slice(1)) {
    const name = part.slice(0, part.indexOf(']'));
    const type = part.match(/^type: (\S+)/m)[1];
    const hex = part.slice(part.indexOf('\nhex:') + 5).split('\n').filter((line) => /^\s*([0-9a-f]{2}\s*)+$/.test(line));
    out[name] = { type, bytes: Buffer.from(hex.join('').replace(/\s/g, ''), 'hex') };
  }
  return out;
}

function write(target, name, bytes) {
  fs.mkdirSync(path.join(corpus, target), { recursive: true });
  fs.writeFileSync(path.join(corpus, target, name), bytes);
}

const u16 = (n) => Buffer.from([n & 255, n >> 8]);
const framed = (bytes) => {
  const head = [];
  for (let n = bytes.length; ; n >>>= 7) {
    head.push(n > 127 ? (n & 127) | 128 : n);
    if (n <= 127) return Buffer.concat([Buffer.from(head), bytes]);
  }
};

// ---- devices: a hello and what may follow, with every way a host may answer ----
const device = vectors('device.hex');
const said = Object.entries(device).filter(([, one]) => one.type === 'xw.DeviceMessage');
const hello = framed(device['device-hello'].bytes);
for (const [name, one] of said)
  if (name !== 'device-hello') write('fuzz_device_cuts', name, Buffer.concat([Buffer.from([0x10]), hello, framed(one.bytes)]));
const all = said.filter(([name]) => !/auth|bye|hello/.test(name)).map(([, one]) => framed(one.bytes));
for (const [name, how] of [['opened-later', 2], ['paused', 4], ['waiting', 8]])
  write('fuzz_device_cuts', name, Buffer.concat([Buffer.from([how | 0x20]), hello, ...all]));
write('fuzz_device_cuts', 'proven', Buffer.concat([Buffer.from([0x51]), hello, framed(device['device-auth'].bytes), ...all]));

// ---- fetal monitors: headers that are taken and headers that are not ----
const three = [wire.signal({ num: 500 }), wire.ctg({ number: 1 }), wire.signal({ number: 2, modality: 4, num: 125, channels: [wire.channel({ code: 'PLETH', unit: '1' })] })];
const fetal = [
  ['ctg', [wire.ctg({ channels: Object.keys(wire.CTG).map((code) => wire.ctgChannel(code)) })]],
  ['ctg-slow', [wire.ctg({ num: 1, den: 2, channels: [wire.ctgChannel('FHR1')] })]],
  ['ctg-order', [wire.ctg({ channels: ['FHR1', 'UC', 'MHR'].map((code) => wire.ctgChannel(code)) })]],
  ['ctg-unit', [wire.ctg({ channels: [wire.ctgChannel('FHR1', { unit: 'bpm' })] })]],
  ['ctg-no-invalid', [wire.ctg({ channels: [wire.ctgChannel('FHR1', { invalid: undefined })] })]],
  ['ctg-flags', [wire.ctg({ channels: [wire.ctgChannel('FHR1'), wire.ctgChannel('FLAGS', { num: 2 })] })]],
  ['ctg-beside-ecg', three],
];
for (const [name, signals] of fetal) {
  const four = [560, 561, 0, 562];
  const bytes = Buffer.concat([wire.hello({ signals }), wire.block({ signal: signals.length > 1 ? 1 : 0, x: [four, four, four, four] }), wire.marker(1, 4, 2)].map(wire.frame));
  write('fuzz_device', name, Buffer.concat([Buffer.from([0x10]), bytes]));
  write('fuzz_device_cuts', name, Buffer.concat([Buffer.from([0x10]), bytes]));
}

// ---- the link: single messages, and sessions of both peers ----
const link = vectors('link.hex');
const SAY = 0;
const TICK = 1;
const HEAR = 2;
const STORE = 3;
const REOPEN = 4;
const FAIL = 5;
const HOLD = 6;
const OWN = 7;
const BULK = 8;
const much = (n) => n << 4;
const say = (name, socket = 0) => Buffer.concat([Buffer.from([SAY | socket]), u16(link[name].bytes.length), link[name].bytes]);
const steps = (...bytes) => Buffer.from(bytes);
for (const [name, one] of Object.entries(link))
  for (const from of [0, 1]) write('fuzz_wire', `${name}-${from ? 'county' : 'gateway'}`, Buffer.concat([Buffer.from([from]), one.bytes]));

// The first hello announces two streams: welcome comes once both were told.
const greeting = Buffer.concat([say('link-hello'), steps(STORE, HEAR), say('link-held'), say('link-held'), steps(STORE, HEAR)]);
for (const name of Object.keys(link))
  write('fuzz_link_county', name, Buffer.concat([greeting, say(name), steps(STORE, HEAR, TICK | much(5), HEAR)]));
const content = ['link-open', 'link-blocks', 'link-records', 'link-object_offer', 'link-object_chunk', 'link-ephemeral', 'link-suspended'];
const everything = Buffer.concat(content.map((name) => say(name)));
write('fuzz_link_county', 'all', Buffer.concat([greeting, everything, steps(STORE, HEAR, TICK | much(9), HEAR)]));
write('fuzz_link_county', 'store-full', Buffer.concat([greeting, steps(FAIL | much(1)), everything, steps(STORE, HEAR, FAIL, STORE, HEAR)]));
write('fuzz_link_county', 'store-slow', Buffer.concat([greeting, steps(HOLD | much(1)), everything, steps(STORE, TICK | much(9), REOPEN, HOLD, STORE, HEAR)]));
write('fuzz_link_county', 'own', Buffer.concat([greeting, steps(OWN | much(1), HEAR, OWN | much(2), HEAR, OWN, HEAR)]));
write('fuzz_link_county', 'again', Buffer.concat([greeting, steps(REOPEN), greeting, everything, steps(HEAR)]));
// What a gateway says depends on the spool it has: these seeds fit the harness, whose stream is 10 11 … 1f.
for (const name of Object.keys(link))
  write('fuzz_link_gateway', name, Buffer.concat([steps(HEAR), say('link-welcome'), say('link-wanted'), steps(HEAR), say(name), steps(STORE, HEAR, TICK | much(5), HEAR)]));
write('fuzz_link_gateway', 'two-sockets', Buffer.concat([steps(HEAR, REOPEN | BULK, HEAR | BULK), say('link-welcome'), say('link-welcome', BULK), say('link-wanted'), steps(HEAR, HEAR | BULK, TICK | much(9), OWN | much(1), OWN, HEAR)]));

// ---- studies: create, claim, cancel of study 11…; ids by birth ----
const lengthy = (field, bytes) => Buffer.concat([Buffer.from([(field << 3) | 2]), framed(Buffer.from(bytes))]);
const number = (field, n) => Buffer.from([field << 3, n]);
const uuid = (last) => Buffer.from([...Array(15).fill(0x11), last]);
const change = (id, county, field, body) =>
  Buffer.concat([lengthy(1, uuid(1)), lengthy(2, uuid(id)), lengthy(3, 'dr-1'), number(4, county), lengthy(field, body)]);
const samples = Buffer.concat([lengthy(1, uuid(9)), number(3, 100)]);
const create = change(2, 0, 6, Buffer.concat([number(1, 1), lengthy(2, '东山镇'), lengthy(3, 'chest_pain'), number(4, 1), lengthy(5, lengthy(1, samples))]));
const state = (id, county, to) => change(id, county, 8, Buffer.concat([number(1, to), lengthy(2, 'why')]));
const note = change(7, 1, 9, lengthy(1, 'a note'));
const parts = (...all) => Buffer.concat(all.map((one) => Buffer.concat([u16(one.length), one])));
const steps20 = Array.from({ length: 12 }, (_, to) => state(20 + to, to & 1, to));
write('fuzz_study', 'claimed', parts(create, state(3, 1, 2), note));
write('fuzz_study', 'cancel-after-claim', parts(create, state(3, 1, 2), state(4, 0, 8)));
write('fuzz_study', 'every-state', parts(create, ...steps20));
write('fuzz_study', 'create-twice', parts(create, create, change(5, 0, 6, number(1, 2))));
write('fuzz_study', 'create-last', parts(note, state(3, 1, 2), create));

// ---- pictures: parts and states of one source, whole, cut, mixed up ----
const body = vectors('study.hex');
const videoPart = (frame, part, parts, key, run = 0x60) =>
  Buffer.concat([
    lengthy(1, Array.from({ length: 16 }, (_, i) => 0x30 + i)), lengthy(2, Array(16).fill(run)), number(3, frame), number(4, part), number(5, parts),
    number(6, key), number(7, 100), ...(part === 0 ? [lengthy(10, 'avc1.42C01F'), number(11, 64), number(12, 48)] : []), lengthy(13, [0, 0, 1, frame, part]),
  ]);
const ephemeral = (how, bytes) => Buffer.concat([Buffer.from([how]), u16(bytes.length), bytes]);
const picture = (frame, parts, key, run) => Array.from({ length: parts }, (_, i) => ephemeral(0, videoPart(frame, i, parts, key, run)));
const film = [...picture(0, 3, 1), ...picture(1, 1, 0), ...picture(2, 2, 0)];
write('fuzz_pictures', 'film', Buffer.concat(film));
write('fuzz_pictures', 'backwards', Buffer.concat([...film].reverse()));
write('fuzz_pictures', 'interleaved', Buffer.concat([film[0], film[3], film[1], film[4], film[2], film[5]]));
write('fuzz_pictures', 'lost', Buffer.concat([...film.slice(0, 5), ...picture(3, 2, 0), ...picture(4, 2, 1), ...picture(5, 1, 0)]));
write('fuzz_pictures', 'two-runs', Buffer.concat([...film, ...picture(0, 2, 1, 0x61), ...picture(3, 1, 0), ...picture(1, 1, 0, 0x61)]));
write('fuzz_pictures', 'slow', Buffer.concat(Array.from({ length: 40 }, (_, i) => ephemeral(0x24, videoPart(i, 0, 1, i % 9 ? 0 : 1)))));
for (const [name, how] of [['state', 1], ['state-of-another', 3], ['state-and-time', 0xe5], ['state-and-cut', 9]])
  write('fuzz_pictures', name, Buffer.concat([ephemeral(how, body['body-video_status'].bytes), ...film]));
write('fuzz_pictures', 'look-away', Buffer.concat([...film, ephemeral(0x10, Buffer.alloc(0)), ...picture(3, 1, 0), ...picture(4, 1, 1)]));

// ---- records of devices, and what browsers ask of them ----
for (const [name, kind] of [['observation', 6], ['observation-absent', 6], ['clip', 7]]) write('fuzz_records', name, Buffer.concat([Buffer.from([kind]), body[`body-${name}`].bytes]));
const live = vectors('live.hex');
for (const name of ['browser-attachments', 'browser-video', 'browser-video-key', 'browser-alarm_screen', 'browser-alarm_seen']) write('fuzz_browser', name.slice(8), live[name].bytes);

// ---- the way of alarms, reports of gateways: a whole one, of this run; what it says otherwise; cut ----
const otherwise = (bytes, field, value) => Buffer.concat([bytes, number(field, value)]); // the last of a field counts
const probe = body['body-alarm_probe'].bytes;
const proof = Buffer.concat([body['body-alarm_proof'].bytes, lengthy(1, Array.from({ length: 16 }, (_, i) => i + 1)), number(2, 1)]);
const report = body['body-gateway_report'].bytes;
for (const [target, prefix, kind, whole, all] of [
  ['fuzz_health', [0], 'probe-', probe, [['state', 2, 0], ['broken', 7, 2], ['no-such-leg', 7, 77], ['no-period', 6, 0]]],
  ['fuzz_health', [1], 'report-', report, [['full', 8, 1], ['calm', 3, 0]]],
  ['fuzz_video_want', [], 'proof-', proof, [['arrived', 3, 1], ['proven', 3, 2], ['unattended', 3, 4], ['no-such-verdict', 3, 9], ['leg-of-gateway', 4, 2]]],
]) {
  const put = (name, bytes) => write(target, kind + name, Buffer.concat([Buffer.from(prefix), bytes]));
  put('whole', whole);
  put('cut', whole.subarray(0, whole.length - 3));
  for (const [name, field, value] of all) put(name, otherwise(whole, field, value));
}
write('fuzz_health', 'report-short-id', Buffer.concat([Buffer.from([1]), report, lengthy(10, lengthy(1, [1, 2, 3]))]));
write('fuzz_health', 'report-rules', Buffer.concat([Buffer.from([1]), report, lengthy(12, Buffer.concat([Buffer.from([8, 2, 16, 7]), lengthy(3, Buffer.alloc(32, 5)), Buffer.from([32, 8]), lengthy(5, [...Buffer.from('line 4: x')])]))]));

// ---- rule lists: version, text, SHA-256, author, reason, time ----
const ruleset = (version, text, hash = crypto.createHash('sha256').update(text).digest()) =>
  Buffer.concat([Buffer.from([8, version]), lengthy(2, Buffer.from(text)), lengthy(3, hash), lengthy(4, Buffer.from('li')), lengthy(5, Buffer.from('why')), Buffer.from([48, 9])]);
for (const [name, version, text, hash] of [
  ['whole', 1, '[list]\nversion = 1\n[tachycardia]\nrate_bpm = 150\n[end]\n'],
  ['other-number', 2, '[list]\nversion = 1\n[end]\n'],
  ['unknown-field', 1, '[list]\nversion = 1\n[pause]\nfuture = 1\n[end]\n'],
  ['other-hash', 1, '[list]\nversion = 1\n[end]\n', Buffer.alloc(32)],
  ['short-hash', 1, '[list]\nversion = 1\n[end]\n', Buffer.alloc(3)],
  ['no-number', 0, '[list]\nversion = 1\n[end]\n'],
])
  write('fuzz_ruleset', name, ruleset(version, text, hash));

// ---- rows of the store: directories and ranges whose CRC the target puts right ----
const varints = (...all) => Buffer.concat(all.map(varint));
function varint(n) {
  const out = [];
  for (; n > 127; n = Math.floor(n / 128)) out.push((n % 128) | 128);
  return Buffer.from([...out, n]);
}
const crc = Buffer.from([1, 2, 3, 4]);
const inBatch = (stream, first, count, size) => Buffer.concat([varints(stream, first, count, 0), crc, crc, varint(size)]);
const inSegment = (skip, count, size) => Buffer.concat([varints(skip, count, 0), crc, crc, varint(size)]);
write('fuzz_store_row', 'batch', Buffer.concat([Buffer.from([4]), Buffer.from('B\x01'), varint(2), inBatch(3, 1000, 20, 60), inBatch(4, 70000, 20, 61)]));
write('fuzz_store_row', 'segment', Buffer.concat([Buffer.from([6]), Buffer.from('S\x01'), varint(2), inSegment(0, 20, 30), inSegment(40, 20, 31)]));
{
  // A unit's blocks: gap, count, coding, CRC, size; a block as it came has its size before it.
  const of = (gap, count, coding, size) => Buffer.concat([varints(gap, count, coding), Buffer.from([1, 2, 3, 4]), ...(size === undefined ? [] : [varint(size)])]);
  const unit = (blocks, size) => Buffer.concat([varints(blocks, size), Buffer.from([9, 8, 7, 6])]);
  const head = (n) => Buffer.concat([Buffer.from([6]), Buffer.from('S\x02'), varint(n)]);
  write('fuzz_store_row', 'units', Buffer.concat([head(3), unit(2, 5), of(0, 10, 0, 7), of(0, 11, 0, 8), unit(0, 9), of(1, 3, 1)]));
  write('fuzz_store_row', 'units_two', Buffer.concat([head(4), unit(1, 5), of(0, 10, 0, 7), unit(3, 10000), of(5, 3, 1, 4), of(0, 125, 0, 100), of(0, 1, 3, 3)]));
  // Channels - 1, blocks - 1, samples of each - 1; then the unit's bytes.
  write('fuzz_store_unit', 'plain', Buffer.concat([Buffer.from([1, 1, 3, 0xff]), Buffer.alloc(64)]));
}
write('fuzz_store_row', 'ranges', Buffer.concat([Buffer.from([5]), Buffer.from('R\x01'), varint(2), varints(0, 500, 20, 70000)]));
write('fuzz_store_row', 'crc-wrong', Buffer.concat([Buffer.from([1]), Buffer.from('R\x01'), varint(1), varints(0, 5), crc]));

// ---- configuration ----
const configs = {
  all: '[site]\nname = "  a clinic "\nmode = on\n[spool]\nfolder = /srv/x\nsize = 4GiB\n[device]\nport = 80\nstrict = no\nidle = 20ms\n[uplink]\ntoken = s3cret\npeers = a, b,c\n',
  comments: '# one\n; two\n\n[site]\r\nname=x\r\n',
  twice: '[site]\nname = a\nname = b\n',
  unknown: '[site]\ncolour = blue\n',
  range: '[device]\nport = 65536\n',
  section: '[nowhere]\n',
  homeless: 'name = a\n',
  'no-value': '[site]\nname\n',
  'quotes-inside': '[site]\nname = a "b" \\c # d\n',
  'empty-list': '[uplink]\npeers =\n',
  'four-peers': '[uplink]\npeers = a, b, c, d\n',
  'no-newline': '[spool]\nsize = 1048576',
};
for (const [name, text] of Object.entries(configs)) write('fuzz_config', name, text);

// ---- patient monitors: messages of our own, and their frames ----
const msh = (charset = '') => `MSH|^~\\&|M^00A0370000000001^EUI-64|F|||20261122120000.5+0800||ORU^R01^ORU_R01|c1|P|2.6|||NE|AL||${charset}\r`;
const line = (code, value, unit, { channel = '1.3.1.1', time = '', status = 'R', type = 'NM', flags = '', own = '' } = {}) => `OBX|1|${type}|${code}|${channel}|${value}|${unit}||${flags}|||${status}|||${time}||||${own}\r`;
const cuff = (sys, dia, mean, time = '20261122115000') =>
  line('150021^MDC_PRESS_BLD_NONINV_SYS^MDC', sys, '266016^MDC_DIM_MMHG^MDC', { channel: '1.1.9.1', time }) + line('150022^^MDC', dia, 'mm[Hg]', { channel: '1.1.9.2', time }) + line('8478-0^Mean^LN', mean, 'kPa', { channel: '1.1.9.3', time });
const hl7 = {
  full: msh('UNICODE UTF-8') + 'PID|||1^^^A^MR||A^B\rPV1||I|ICU^3^7\rOBR|1|||182777000^x^SCT|||20261122115958\r' + line('69965^MDC_DEV_MON_PHYSIO_MULTI_PARAM_MDS^MDC', '', '', { channel: '1.0.0.0', status: 'X', type: '', own: '00A0370000000001^^00A0370000000001^EUI-64' }) + line('147842^MDC_ECG_HEART_RATE^MDC', 72, '264864^MDC_DIM_BEAT_PER_MIN^MDC', { time: '20261122120000.5+0800' }) + line('150456^^MDC', 97, '%') + cuff(120, 80, 93),
  sentinels: msh() + ['-32768', '65535', '8388607', '---', '***', '""', 'ABSENT', ''].map((value, i) => line('150456^^MDC', value, '%', { channel: `1.3.1.${i}` })).join(''),
  impossible: msh() + cuff(80, 90, 70) + line('150344^MDC_TEMP^MDC', '384.5', '268192^^MDC') + line('150456^^MDC', 101, '%'),
  units: msh() + line('150364^^MDC', '98.6', '[degF]') + line('160184^^MDC', 90, 'mg/dL') + line('188736^^MDC', 150, '[lb_av]') + line('150456^^MDC', 97, 'mm[Hg]'),
  'names-only': msh() + line('2001^SpO2^99X', 97, '%') + line('MDC_RESP_RATE', 16, '/min') + line('2::18458^^MDC', 70, 'bpm') + line('8867-4^HR^LN', 71, ''),
  status: msh() + ['X', 'N', 'D', 'W', 'F', ''].map((status) => line('150456^^MDC', 97, '%', { status })).join('') + line('150456^^MDC', 97, '%', { flags: 'INV~DEMO' }),
  structured: msh() + line('150456^^MDC', '=^97', '%', { type: 'SN' }) + line('160184^^MDC', '>^33.3', 'mmol/L', { type: 'SN' }),
  escapes: msh() + 'ZZZ|a\\F\\b\\S\\c\\T\\d\\R\\e\\E\\f\\X4d6D\\g\\.br\\h\\H\\x\\N\\y\\open\r' + line('150456^x\\T\\y^MDC', '9\\E\\7', '%'),
  separators: (msh() + line('150456^^MDC', 97, '%')).replaceAll('|', '#').replaceAll('^', '*'),
  'line-feeds': (msh() + line('150456^^MDC', 97, '%')).replaceAll('\r', '\n'),
  'xml-junk': (msh() + line('150456^^MDC', 97, '%')).replaceAll('\r', '&#xD;\r'),
  'two-patients': msh() + 'PID|1\rPID|2\r',
  'no-control-id': 'MSH|^~\\&|A|B|||20261122||ORU^R01||P|2.6\r',
  'short-head': 'MSH|^~|A',
  'other-type': 'MSH|^~\\&|A|B|||20261122||ADT^A01|c|P|2.4|||AL|ER\r',
  times: msh() + ['2026', '202611', '20261122', '2026112211', '202611221150', '20261122115000', '20261122115000123', '20261122115000.1234-0330', '20261122240000', '20261122115060'].map((time, i) => line('150021^^MDC', 100 + i, 'mm[Hg]', { channel: `1.1.${i}.1`, time })).join(''),
};
for (const [name, text] of Object.entries(hl7)) {
  write('fuzz_hl7', name, Buffer.from(text));
  write('fuzz_mllp', name, Buffer.concat([Buffer.from([name.length, 0x0b]), Buffer.from(text), Buffer.from([0x1c, 0x0d])]));
}
write('fuzz_hl7', 'gb18030', Buffer.concat([Buffer.from(msh('GB 18030-2000')), Buffer.from('OBX|1|NM|2001^'), Buffer.from([0xd0, 0xc4, 0xc2, 0xca]), Buffer.from('^99X|1|72|bpm\rZZZ|'), Buffer.from([0x81, 0x7c, 0x81, 0x30, 0x81, 0x30, 0xff]), Buffer.from('|x\r')]));
write('fuzz_hl7', 'latin', Buffer.concat([Buffer.from(msh('8859/1')), Buffer.from('OBX|1|NM|150364^^MDC|1|36.6|'), Buffer.from([0xb0]), Buffer.from('C\r')]));
for (const [name, bytes] of [['two', '\x0bA\x1c\r\r\n\x0bB\x1c\r'], ['outside', '\x0bA\x1c\rX'], ['start-within', '\x0bA\x0bB\x1c\r'], ['end-without-cr', '\x0bA\x1cB'], ['open', '\x0bMSH|'], ['empty', '\x0b\x1c\r']]) write('fuzz_mllp', name, Buffer.from(`\x02${bytes}`));

// ---- enrolment: which message, then its bytes. Requests and certificates are new each time (openssl). ----
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'xw-seeds-'));
const openssl = (...args) => execFileSync('openssl', args, { cwd: scratch, stdio: ['ignore', 'pipe', 'ignore'] });
openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=gw-01', '-keyout', 'a.key', '-out', 'a.csr');
openssl('req', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=gw-01', '-keyout', 'b.key', '-out', 'b.csr');
openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=gw-01/serialNumber=3', '-addext', 'subjectAltName=DNS:county.test,IP:127.0.0.1', '-keyout', 'c.key', '-out', 'c.pem');
const file = (name) => fs.readFileSync(path.join(scratch, name), 'utf8');
const id = '00112233445566778899aabbccddeeff';
const pem = file('c.pem');
for (const [name, kind, text] of [
  ['hello', 0, JSON.stringify({ id, nonce: id + id })],
  ['hello-short', 0, JSON.stringify({ id, nonce: id })],
  ['request', 1, JSON.stringify({ id, key: id + id, csr: file('a.csr') })],
  ['csr', 2, file('a.csr')],
  ['csr-rsa', 2, file('b.csr')],
  ['csr-twice', 2, file('a.csr') + file('a.csr')],
  ['proof', 3, JSON.stringify({ nonce: id + id, proof: id + id })],
  ['grant', 3, JSON.stringify({ gateway: 'gw-01', site: '东镇', host: 'county.test', port: 8701, certificate: pem, ca: pem })],
  ['error', 3, JSON.stringify({ error: 'used_code', text: 'used' })],
  ['head', 4, 'HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n'],
  ['head-twice', 4, 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\ncontent-length: 2\r\n\r\n'],
  ['certificate', 5, pem],
  ['code', 6, '0000-0000-0000-0000-0'],
  ['code-typed', 6, 'oOoO iIlL 0000 zzzz b'],
]) write('fuzz_enrol', name, Buffer.concat([Buffer.from([kind]), Buffer.from(text)]));
fs.rmSync(scratch, { recursive: true });
