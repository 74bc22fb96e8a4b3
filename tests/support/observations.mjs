// Observations at the county, read from its store from outside, and what a simulated monitor's
// journal says must be there: ids are computed here again from the rules of PROTOCOL.md.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { rows } from './vault.mjs';

// Fields of a protobuf message as numbers, doubles and Buffers by field number.
function fields(bytes) {
  const out = {};
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const kind = tag & 7;
    let value;
    if (kind === 0) value = varint();
    else if (kind === 1) value = bytes.readDoubleLE((at += 8) - 8);
    else if (kind === 2) {
      const n = Number(varint());
      value = bytes.subarray(at, (at += n));
    } else value = bytes.readUInt32LE((at += 4) - 4);
    out[tag >> 3] = value;
  }
  return out;
}

export function decodeObservation(bytes) {
  const f = fields(bytes);
  const text = (n) => f[n]?.toString('utf8') ?? '';
  return {
    id: f[1].toString('hex'),
    attachment: f[2].toString('hex'),
    code: text(3),
    system: text(4),
    number: f[5],
    unit: text(7),
    wallUs: Number(f[8] ?? 0n),
    source: text(9),
    mdc: Number(f[10] ?? 0n),
    group: f[11]?.toString('hex') ?? '',
    measured: Number(f[12] ?? 0n) === 1,
    receivedUs: Number(f[13] ?? 0n),
    absent: Number(f[16] ?? 0n),
    reported: text(17),
    reportedUnit: text(18),
    device: text(19),
    continuous: Boolean(f[21]),
  };
}

// Every observation in a store, with its key.
export function readObservations(dir, where = '') {
  return rows(dir, `SELECT hex(key), hex(body) FROM record WHERE kind = 13 ${where}`).map((line) => {
    const [key, body] = line.split('|');
    return { key: key.toLowerCase(), ...decodeObservation(Buffer.from(body, 'hex')) };
  });
}

function uuid8(...parts) {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  const id = hash.digest().subarray(0, 16);
  id[6] = (id[6] & 0x0f) | 0x80;
  id[8] = (id[8] & 0x3f) | 0x80;
  return id.toString('hex');
}

export const attachmentId = (gateway, device) => uuid8('xw-attachment-1', `${gateway}\0`, device);
export const observationId = ({ gateway, device, code, channel, time, sent, control, value, unit }) =>
  uuid8('xw-observation-1', `${gateway}\0`, `${device}\0`, `${code}\0`, `${channel}\0`, `${time}\0`, `${time ? '' : `${sent}|${control}`}\0`, `${value}\0`, unit);

export function readHl7Journal(file) {
  const messages = new Map();
  for (const line of fs.readFileSync(file, 'utf8').split('\n')) {
    let one;
    try {
      one = JSON.parse(line);
    } catch {
      continue;
    }
    const key = `${one.device}/${one.control}`;
    if (one.t === 'hl7') messages.set(key, { ...one, acks: [], givenUp: false });
    else if (one.t === 'hl7_ack') messages.get(key)?.acks.push(one.code);
    else if (one.t === 'hl7_given_up') messages.get(key).givenUp = true;
  }
  return [...messages.values()];
}

const SPOT_WITHOUT_TIME = '8310-5'; // the simulator's temperature

// gatewayOf(device): the gateway's id. Counts of values of acknowledged messages.
export function judgeObservations(dir, journalFile, gatewayOf, { clockOffsetS = 0 } = {}) {
  const held = readObservations(dir);
  const byId = new Map();
  for (const one of held) byId.set(one.id, [...(byId.get(one.id) ?? []), one]);
  const verdict = { messages: 0, acked: 0, values: 0, missing: 0, twice: 0, wrong: 0, late: 0, held: held.length, examples: [] };
  const last = new Map();
  const wanted = new Set();
  for (const message of readHl7Journal(journalFile)) {
    verdict.messages += 1;
    const acked = message.acks.includes('AA');
    verdict.acked += acked;
    for (const value of message.values) {
      const slot = `${message.device}/${value.code}/${value.channel}`;
      if (value.code === SPOT_WITHOUT_TIME && last.get(slot) === value.value) continue; // the same reading, said again
      last.set(slot, value.value);
      const id = observationId({ gateway: gatewayOf(message.device), device: message.device, sent: message.sent, control: message.control, ...value });
      if (!acked || wanted.has(id)) continue;
      wanted.add(id);
      verdict.values += 1;
      const there = byId.get(id) ?? [];
      if (there.length === 0) {
        verdict.missing += 1;
        verdict.examples.push({ ...value, control: message.control, device: message.device });
      } else if (there.length > 1) {
        verdict.twice += 1;
        verdict.examples.push(there.map((one) => one.key));
      } else if (!right(there[0], value)) {
        verdict.wrong += 1;
        verdict.examples.push({ value, got: there[0] });
      } else if (Math.abs(there[0].wallUs / 1e6 - trueTime(value.time || message.sent) + clockOffsetS) > 3.5) {
        verdict.late += 1;
        verdict.examples.push({ value, sent: message.sent, wall: there[0].wallUs });
      }
    }
  }
  verdict.strange = held.filter((one) => !wanted.has(one.id)).length; // of messages that were not acknowledged in the end, or none of ours
  verdict.examples.length = Math.min(verdict.examples.length, 4);
  return verdict;
}

// Seconds since 1970 of "20261122071300.123+0800".
export function trueTime(text) {
  const [, y, mo, d, h, mi, s, ms, zone] = text.match(/^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)\.(\d{3})\+(\d{4})$/);
  return Date.UTC(y, mo - 1, d, h, mi, s, ms) / 1000 - (Number(zone.slice(0, 2)) * 60 + Number(zone.slice(2))) * 60;
}

function right(one, value) {
  const absent = /^(8388607|---|)$/.test(value.value);
  const expected = absent ? one.absent === 1 && one.number === undefined : one.absent === 0 && one.number === Number(value.value);
  return expected && one.code === value.code && one.reported === value.value && one.key === one.attachment + '6f' + BigInt(one.wallUs).toString(16).padStart(16, '0') + one.id;
}

export const observationsExact = (v) => v.values > 0 && v.acked > 0 && v.missing === 0 && v.twice === 0 && v.wrong === 0;
