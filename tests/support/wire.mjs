// Protobuf written by hand, the device port's framing, CRC-32C and coding 0: what a test needs to
// speak as a device, a gateway or a browser without any code of those that it tests.
import { fields } from './samples.mjs';

export const varint = (value) => {
  const bytes = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  bytes.push(Number(rest));
  return Buffer.from(bytes);
};
export const bytesField = (number, payload) => {
  const body = typeof payload === 'string' ? Buffer.from(payload) : payload;
  return Buffer.concat([varint((number << 3) | 2), varint(body.length), body]);
};
export const intField = (number, value) => Buffer.concat([varint(number << 3), varint(value)]);
export const zigzagField = (number, value) => intField(number, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n));
export const fixed32Field = (number, value) => {
  const body = Buffer.alloc(4);
  body.writeUInt32LE(value >>> 0);
  return Buffer.concat([varint((number << 3) | 5), body]);
};
export const fixed64Field = (number, value) => {
  const body = Buffer.alloc(8);
  body.writeBigUInt64LE(BigInt(value));
  return Buffer.concat([varint((number << 3) | 1), body]);
};

export const framed = (message) => Buffer.concat([varint(message.length), message]);

export const uuidBytes = (text) => Buffer.from(text.replaceAll('-', ''), 'hex');
export const uuidText = (bytes) =>
  Buffer.from(bytes).toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');

// Fields of a message by number: the last of each, or all of those in `repeated`.
export function parse(bytes, repeated = []) {
  const out = {};
  for (const { number, value } of fields(bytes)) {
    if (repeated.includes(number)) (out[number] ??= []).push(value);
    else out[number] = value;
  }
  return out;
}

// Takes messages off a byte stream of varint-length frames.
export class Deframer {
  constructor() {
    this.rest = Buffer.alloc(0);
  }

  // Whole messages that `chunk` completes.
  push(chunk) {
    this.rest = this.rest.length ? Buffer.concat([this.rest, chunk]) : Buffer.from(chunk);
    const out = [];
    for (;;) {
      let length = 0;
      let at = 0;
      for (let shift = 0; ; shift += 7) {
        if (at >= this.rest.length) return out;
        const byte = this.rest[at++];
        length += (byte & 0x7f) * 2 ** shift;
        if (byte < 0x80) break;
        if (shift > 28) throw new Error('broken frame length');
      }
      if (this.rest.length < at + length) return out;
      out.push(this.rest.subarray(at, at + length));
      this.rest = this.rest.subarray(at + length);
    }
  }
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let crc = n;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});
export function crc32c(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = CRC_TABLE[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

// x: interleaved int32 samples. Returns { data, crc } in coding 0.
export function encodeBlock(x, channels) {
  const count = x.length / channels;
  const bytes = [];
  for (let c = 0; c < channels; c++) {
    let before = 0;
    for (let i = 0; i < count; i++) {
      const value = x[i * channels + c];
      const difference = (value - before) | 0;
      let z = ((difference << 1) ^ (difference >> 31)) >>> 0;
      for (; z > 127; z >>>= 7) bytes.push((z & 127) | 128);
      bytes.push(z);
      before = value;
    }
  }
  return { data: Buffer.from(bytes), crc: crc32c(new Uint8Array(x.buffer, x.byteOffset, x.byteLength)) };
}
