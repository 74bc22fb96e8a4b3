// CRC-32C (Castagnoli), as in the header of a block: over the decoded samples, little-endian int32,
// sample-major.

const table = new Uint32Array(256);
for (let n = 0; n < 256; n++) {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0x82f63b78 : c >>> 1;
  table[n] = c >>> 0;
}

export function crc32c(bytes: Uint8Array): number {
  let c = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) {
    c = (table[(c ^ (bytes[i] as number)) & 0xff] as number) ^ (c >>> 8);
  }
  return (c ^ 0xffffffff) >>> 0;
}

// Channel-major samples (channels x count), taken in sample-major order.
export function crc32cOfSamples(x: Int32Array, channels: number, count: number): number {
  let c = 0xffffffff;
  for (let i = 0; i < count; i++) {
    for (let ch = 0; ch < channels; ch++) {
      const v = x[ch * count + i] as number;
      c = (table[(c ^ v) & 0xff] as number) ^ (c >>> 8);
      c = (table[(c ^ (v >>> 8)) & 0xff] as number) ^ (c >>> 8);
      c = (table[(c ^ (v >>> 16)) & 0xff] as number) ^ (c >>> 8);
      c = (table[(c ^ (v >>> 24)) & 0xff] as number) ^ (c >>> 8);
    }
  }
  return (c ^ 0xffffffff) >>> 0;
}
