// Identifiers: 16 bytes <-> lower-case UUID text; any bytes <-> hex.

export function toHex(bytes: Uint8Array): string {
  let s = '';
  for (const b of bytes) s += b.toString(16).padStart(2, '0');
  return s;
}

export function fromHex(hex: string): Uint8Array {
  const clean = hex.replace(/-/g, '');
  const out = new Uint8Array(clean.length >> 1);
  for (let i = 0; i < out.length; i++) out[i] = parseInt(clean.slice(2 * i, 2 * i + 2), 16);
  return out;
}

export function uuidText(bytes: Uint8Array | undefined): string {
  if (!bytes || bytes.length !== 16) return '';
  const h = toHex(bytes);
  return `${h.slice(0, 8)}-${h.slice(8, 12)}-${h.slice(12, 16)}-${h.slice(16, 20)}-${h.slice(20)}`;
}

export function uuidBytes(text: string): Uint8Array {
  return fromHex(text);
}

// Key of an event's record: stream | run | sequence (8 bytes, big-endian).
export function eventKey(stream: Uint8Array, run: Uint8Array, seq: number): string {
  const tail = new Uint8Array(8);
  const view = new DataView(tail.buffer);
  view.setUint32(0, Math.floor(seq / 0x100000000));
  view.setUint32(4, seq >>> 0);
  return toHex(stream) + toHex(run) + toHex(tail);
}
