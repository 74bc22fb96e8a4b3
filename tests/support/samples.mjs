// Reads a stream's samples back over the public range API, with a decoder of its own: an oracle that
// shares no code with what it judges.
import crypto from 'node:crypto';

// ---- protobuf, as little of it as SampleRange needs ----
export function* fields(bytes) {
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      if (at >= bytes.length || shift > 63n) throw new Error('broken varint');
      const byte = bytes[at++];
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const number = tag >>> 3;
    switch (tag & 7) {
      case 0:
        yield { number, value: varint() };
        break;
      case 1:
        yield { number, value: Buffer.from(bytes.subarray(at, (at += 8))).readBigUInt64LE() };
        break;
      case 2: {
        const n = Number(varint());
        if (at + n > bytes.length) throw new Error('truncated field');
        yield { number, value: bytes.subarray(at, (at += n)) };
        break;
      }
      case 5:
        yield { number, value: Buffer.from(bytes.subarray(at, (at += 4))).readUInt32LE() };
        break;
      default:
        throw new Error(`wire type ${tag & 7}`);
    }
  }
}

const message = (bytes, names) => {
  const out = {};
  for (const { number, value } of fields(bytes)) {
    const name = names[number];
    if (name) out[name] = typeof value === 'bigint' ? Number(value) : value;
  }
  return out;
};

export function parseSampleRange(bytes) {
  const out = { blocks: [], gaps: [], unknown: [], next: 0 };
  for (const { number, value } of fields(bytes)) {
    if (number === 1)
      out.blocks.push({
        first: 0,
        coding: 0,
        ...message(value, { 1: 'stream', 2: 'first', 3: 'count', 4: 'coding', 5: 'crc', 6: 'data' }),
      });
    else if (number === 2) out.gaps.push({ first: 0, ...message(value, { 2: 'first', 3: 'count', 4: 'reason' }) });
    else if (number === 3) out.unknown.push({ first: 0, ...message(value, { 1: 'first', 2: 'count' }) });
    else if (number === 4) out.next = Number(value);
  }
  return out;
}

// Coding 0 to interleaved int32.
export function decodeBlock(block, channels) {
  if (block.coding !== 0) throw new Error(`coding ${block.coding} to a browser`);
  const x = new Int32Array(block.count * channels);
  const { data } = block;
  let at = 0;
  for (let c = 0; c < channels; c++) {
    let value = 0;
    for (let i = 0; i < block.count; i++) {
      let z = 0;
      for (let shift = 0; ; shift += 7) {
        if (at >= data.length || shift > 28) throw new Error('broken block');
        const byte = data[at++];
        z |= (byte & 0x7f) << shift;
        if (byte < 0x80) break;
      }
      value = (value + ((z >>> 1) ^ -(z & 1))) | 0;
      x[i * channels + c] = value;
    }
  }
  if (at !== data.length) throw new Error('bytes left over in a block');
  return x;
}

// ---- range bookkeeping of the oracle itself ----
// Every sample in [first, first + count) must come from exactly one place.
export class Readback {
  constructor(first, count, channels) {
    Object.assign(this, { first, count, channels });
    this.x = new Int32Array(count * channels);
    this.seen = new Uint8Array(count); // 1 = a block had it, 2 = a gap covers it
    this.twice = 0;
    this.differing = 0;
  }

  addBlock(block) {
    const x = decodeBlock(block, this.channels);
    for (let i = 0; i < block.count; i++) {
      const at = block.first + i - this.first;
      if (at < 0 || at >= this.count) continue;
      const from = x.subarray(i * this.channels, (i + 1) * this.channels);
      if (this.seen[at] === 1) {
        this.twice += 1;
        for (let c = 0; c < this.channels; c++)
          if (this.x[at * this.channels + c] !== from[c]) {
            this.differing += 1;
            break;
          }
      }
      this.seen[at] = 1;
      this.x.set(from, at * this.channels);
    }
  }

  addGap(gap) {
    for (let i = Math.max(gap.first, this.first); i < Math.min(gap.first + gap.count, this.first + this.count); i++)
      if (this.seen[i - this.first] === 0) this.seen[i - this.first] = 2;
  }

  get missing() {
    return this.seen.reduce((n, seen) => n + (seen === 1 ? 0 : 1), 0);
  }

  sha256(first, count) {
    const begin = (first - this.first) * this.channels * 4;
    return crypto
      .createHash('sha256')
      .update(new Uint8Array(this.x.buffer, begin, count * this.channels * 4))
      .digest('hex');
  }
}

// All of [first, first + count) of a stream. api: see county.mjs.
export async function readStream(api, stream, first, count, channels) {
  const back = new Readback(first, count, channels);
  let at = first;
  let rounds = 0;
  while (at < first + count) {
    const bytes = await api.bytes(`/api/streams/${stream}/samples?first=${at}&count=${first + count - at}`);
    const part = parseSampleRange(bytes);
    for (const block of part.blocks) if (block.first >= at || rounds === 0) back.addBlock(block);
    for (const gap of part.gaps) back.addGap(gap);
    if (part.next <= at) throw new Error(`range API does not go on at ${at}`);
    at = part.next;
    rounds += 1;
  }
  return back;
}
