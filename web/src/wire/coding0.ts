// Coding 0 of a block: channel-major; per channel, per sample, a zig-zag varint of the difference
// to the channel's previous sample (the first: to 0), all modulo 2^32.

export class BadBlock extends Error {}

export const BLOCK_SAMPLES_MAX = 65536;
export const BLOCK_CHANNELS_MAX = 64;

// Returns channels x count samples, channel after channel. Throws BadBlock on bytes that end early,
// are left over, or hold a varint of more than 32 bits.
export function decodeCoding0(data: Uint8Array, channels: number, count: number): Int32Array {
  if (count > BLOCK_SAMPLES_MAX || channels > BLOCK_CHANNELS_MAX) throw new BadBlock('size');
  if (channels * count > data.length) throw new BadBlock('short'); // a sample takes ≥ 1 byte
  const out = new Int32Array(channels * count);
  let pos = 0;
  const n = data.length;
  for (let ch = 0, o = 0; ch < channels; ch++) {
    let prev = 0;
    for (let i = 0; i < count; i++, o++) {
      let b = data[pos++];
      if (b === undefined) throw new BadBlock('short');
      let v = b & 0x7f;
      let shift = 7;
      while (b >= 0x80) {
        if (pos >= n) throw new BadBlock('short');
        b = data[pos++] as number;
        if (shift === 28 && b > 0x0f) throw new BadBlock('varint');
        v |= (b & 0x7f) << shift;
        shift += 7;
      }
      prev = (prev + ((v >>> 1) ^ -(v & 1))) | 0;
      out[o] = prev;
    }
  }
  if (pos !== n) throw new BadBlock('long');
  return out;
}

// The inverse, for tests and the fake county.
export function encodeCoding0(x: Int32Array, channels: number, count: number): Uint8Array {
  const out = new Uint8Array(channels * count * 5);
  let pos = 0;
  for (let ch = 0, o = 0; ch < channels; ch++) {
    let prev = 0;
    for (let i = 0; i < count; i++, o++) {
      const v = x[o] as number;
      const d = (v - prev) | 0;
      prev = v;
      let z = ((d << 1) ^ (d >> 31)) >>> 0;
      while (z >= 0x80) {
        out[pos++] = (z & 0x7f) | 0x80;
        z >>>= 7;
      }
      out[pos++] = z;
    }
  }
  return out.slice(0, pos);
}
