// Protobuf and framing of the device protocol, by hand: what goes over the wire is what stands here.
import net from 'node:net';

export function varint(value) {
  let v = BigInt(value);
  const out = [];
  for (; v > 0x7fn; v >>= 7n) out.push(Number(v & 0x7fn) | 0x80);
  out.push(Number(v));
  return Buffer.from(out);
}
export const num = (field, v) => Buffer.concat([varint(field << 3), varint(v)]);
export const sint = (field, v) => num(field, v < 0 ? BigInt(-v) * 2n - 1n : BigInt(v) * 2n);
export const msg = (field, data) => Buffer.concat([varint((field << 3) | 2), varint(data.length), data]);
export const text = (field, s) => msg(field, Buffer.from(s));
export function fixed(field, v, size) {
  const b = Buffer.alloc(size);
  if (size === 8) b.writeBigUInt64LE(BigInt(v));
  else b.writeUInt32LE(v);
  return Buffer.concat([varint((field << 3) | (size === 8 ? 1 : 5)), b]);
}
export const all = (...parts) => Buffer.concat(parts);
export const frame = (message) => all(varint(message.length), message);

// [field, value] of a message; value is a BigInt or a Buffer.
export function fields(data) {
  const out = [];
  let at = 0;
  const take = () => {
    let v = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const b = data[at++];
      if (b === undefined) throw new Error('truncated');
      v |= BigInt(b & 0x7f) << shift;
      if (b < 0x80) return v;
    }
  };
  while (at < data.length) {
    const tag = Number(take());
    if ((tag & 7) === 0) {
      out.push([tag >> 3, take()]);
      continue;
    }
    const n = (tag & 7) === 1 ? 8 : (tag & 7) === 5 ? 4 : Number(take());
    out.push([tag >> 3, data.subarray(at, at + n)]);
    at += n;
  }
  return out;
}
export const field = (data, n) => (fields(data).find(([f]) => f === n) ?? [])[1];
export const number = (data, n) => Number(field(data, n) ?? 0n);

const CRC = new Uint32Array(256).map((_, i) => {
  let c = i;
  for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0x82f63b78 : c >>> 1;
  return c;
});
export function crc32c(data) {
  let c = 0xffffffff;
  for (const b of data) c = (c >>> 8) ^ CRC[(c ^ b) & 0xff];
  return ~c >>> 0;
}

export function channel(o = {}) {
  const c = { code: 'II', unit: 'mV', num: 1000, den: 1, min: -32768, max: 32767, ...o };
  return all(text(1, c.code), text(2, c.unit), msg(3, all(num(1, c.num), num(2, c.den))), sint(6, c.min), sint(7, c.max),
    ...(c.invalid === undefined ? [] : [sint(5, c.invalid), num(9, 1)]));
}
// A fetal monitor of these channels, 4 samples a second unless told otherwise.
export const CTG = { FHR1: ['/min', 4, 0], FHR2: ['/min', 4, 0], FHR3: ['/min', 4, 0], MHR: ['/min', 4, 0], UC: ['{toco}', 2, -1], FLAGS: ['{flags}', 1, -1] };
export const ctgChannel = (code, o = {}) => channel({ code, unit: CTG[code][0], num: CTG[code][1], invalid: CTG[code][2], ...o });
export const ctg = (o = {}) => signal({ modality: 3, num: 4, channels: ['FHR1', 'MHR', 'UC', 'FLAGS'].map((code) => ctgChannel(code)), ...o });
export function signal(o = {}) {
  const s = { number: 0, modality: 1, num: 250, den: 1, channels: [channel()], ...o };
  return all(num(1, s.number), num(2, s.modality), msg(3, all(num(1, s.num), num(2, s.den))), ...s.channels.map((c) => msg(4, c)));
}
export function hello(o = {}) {
  const h = { version: 1, device: 'dev-1', model: 'script', epoch: 1n, resume: 1, signals: [signal()], extra: Buffer.alloc(0), ...o };
  return msg(1, all(num(1, h.version), text(2, h.device), text(3, h.model), text(4, '1'), fixed(5, h.epoch, 8), num(6, h.resume),
    ...h.signals.map((s) => msg(7, s)), h.extra));
}
// x: one array of samples a channel, coding 1 (int16).
export function block(o = {}) {
  const b = { signal: 0, first: 0, x: [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]], coding: 1, ...o };
  const count = b.count ?? b.x[0].length;
  const raw = Buffer.alloc(2 * b.x[0].length * b.x.length);
  const wide = Buffer.alloc(4 * b.x[0].length * b.x.length);
  for (let i = 0; i < b.x[0].length; i++)
    for (let c = 0; c < b.x.length; c++) {
      raw.writeInt16LE(b.x[c][i], 2 * (i * b.x.length + c));
      wide.writeInt32LE(b.x[c][i], 4 * (i * b.x.length + c));
    }
  return msg(3, all(num(1, b.signal), num(2, b.first), num(3, count), num(4, b.coding), fixed(5, b.crc ?? crc32c(wide), 4),
    msg(6, b.data ?? raw), num(7, b.clock ?? 0)));
}
export const ramp = (n, from = 0) => Array.from({ length: n }, (_, i) => from + i);
export const gap = (first, count, signalNumber = 0) => msg(4, all(num(1, signalNumber), num(2, first), num(3, count)));
export const leads = (seq, index, off, signalNumber = 0) => msg(5, all(num(1, seq), num(2, signalNumber), num(3, index), ...off.map((e) => text(4, e))));
export const pace = (seq, index) => msg(6, all(num(1, seq), num(3, index), num(4, 400), sint(5, 2000)));
export const marker = (seq, index, code, signalNumber = 0) => msg(7, all(num(1, seq), num(2, signalNumber), num(3, index), num(4, code)));
export const ping = (clock = 1) => msg(8, num(1, clock));
export const auth = (hmac) => msg(2, msg(1, hmac));
export const bye = () => msg(9, text(1, 'bye'));

export const KIND = { challenge: 1, waiting: 2, accepted: 3, ack: 4, fault: 5, pong: 6 };
const NAMES = Object.fromEntries(Object.entries(KIND).map(([k, v]) => [v, k]));
export const FAULT = { MALFORMED: 1, TOO_LARGE: 2, VERSION: 3, STATE: 4, IDENTITY: 5, HEADER: 6, INDEX: 7, CHANNELS: 8, CRC: 9, BUSY: 10,
  STORAGE: 11, SHUTDOWN: 12, TIMEOUT: 13, RATE: 14 };

// How long a test waits for what must come. It says only that nothing comes at all: on a machine that is
// busy with sanitizers five seconds were too short.
export const PATIENCE_MS = 40000;

// One connection to the gateway: sends frames or raw bytes, hands out what comes.
export class Device {
  constructor(port) {
    this.got = [];
    this.closed = false;
    this.wake = () => {};
    this.data = Buffer.alloc(0);
    this.socket = net.connect(port, '127.0.0.1');
    this.socket.setNoDelay(true);
    this.socket.on('data', (d) => this.take(d));
    this.socket.on('close', () => ((this.closed = true), this.wake()));
    this.socket.on('error', () => {});
  }
  take(d) {
    this.data = Buffer.concat([this.data, d]);
    for (;;) {
      let n = 0;
      let at = 0;
      for (let shift = 0; at < this.data.length; shift += 7) {
        n += (this.data[at] & 0x7f) * 2 ** shift;
        if (this.data[at++] < 0x80) break;
      }
      if (!at || this.data[at - 1] >= 0x80 || this.data.length < at + n) break;
      for (const [kind, body] of fields(this.data.subarray(at, at + n))) this.got.push({ kind: NAMES[kind], body });
      this.data = this.data.subarray(at + n);
    }
    this.wake();
  }
  raw(bytes) {
    if (!this.closed) this.socket.write(bytes);
    return this;
  }
  send(...messages) {
    return this.raw(Buffer.concat(messages.map(frame)));
  }
  // The next message of this kind for which test holds; everything before it is dropped.
  async next(kind, test = () => true, ms = PATIENCE_MS) {
    const end = Date.now() + ms;
    for (;;) {
      while (this.got.length) {
        const m = this.got.shift();
        if (m.kind === kind && test(m.body)) return m.body;
        if (m.kind === 'fault' && kind !== 'fault') throw new Error(`fault instead of ${kind}: ${field(m.body, 2)}`);
      }
      if (this.closed) throw new Error(`closed before ${kind}`);
      if (Date.now() > end) throw new Error(`no ${kind} within ${ms} ms`);
      await new Promise((r) => {
        const t = setTimeout(r, 50);
        this.wake = () => (clearTimeout(t), r());
      });
    }
  }
  // The fatal fault of this code, then the end of the connection.
  async fault(code, ms = PATIENCE_MS) {
    const body = await this.next('fault', () => true, ms);
    if (number(body, 1) !== code) throw new Error(`fault ${number(body, 1)} (${field(body, 2)}), ${code} expected`);
    if (number(body, 3) !== 1) throw new Error('the fault is not fatal');
    const end = Date.now() + ms;
    while (!this.closed && Date.now() < end) await new Promise((r) => setTimeout(r, 20));
    if (!this.closed) throw new Error('the connection stayed open');
    return String(field(body, 2));
  }
  // Waits until everything before `upto` of the signal is acknowledged.
  async acked(upto, signalNumber = 0) {
    return this.next('ack', (body) => held(body, 1, signalNumber).upto >= upto);
  }
  end() {
    this.socket.destroy();
  }
}
// What an Accepted (field 2) or Ack (field 1) says of a signal.
export function held(body, fieldNumber, signalNumber = 0) {
  for (const [f, v] of fields(body)) {
    if (f !== fieldNumber || number(v, 1) !== signalNumber) continue;
    const ranges = fields(v).filter(([n]) => n === 3).map(([, r]) => [number(r, 1), number(r, 2)]);
    return { upto: number(v, 2), ranges, stream: (field(v, 4) ?? Buffer.alloc(0)).toString('hex') };
  }
  return { upto: -1, ranges: [], stream: '' };
}
