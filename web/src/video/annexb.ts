// H.264 in Annex B: where its units lie, and the same unit with lengths instead of start codes (ISO/IEC
// 14496-15), as fragmented MP4 wants it. Pure; nothing is kept.

export interface Nal {
  type: number; // nal_unit_type: 1 slice, 5 IDR, 6 SEI, 7 SPS, 8 PPS, 9 delimiter
  start: number; // of the first byte after the start code
  end: number;
}

const SPS = 7;
const PPS = 8;
const DELIMITER = 9;
const FILLER = 12;

export function nalsOf(data: Uint8Array): Nal[] {
  const out: Nal[] = [];
  let start = -1;
  const close = (end: number): void => {
    if (start < 0) return;
    while (end > start && data[end - 1] === 0) end--; // zeros before a start code belong to no unit
    if (end > start) out.push({ type: (data[start] as number) & 31, start, end });
  };
  for (let i = 2; i < data.length; ) {
    const b = data[i] as number;
    if (b > 1) i += 3;
    else if (b === 1 && data[i - 1] === 0 && data[i - 2] === 0) {
      close(i - 2);
      start = i + 1;
      i += 3;
    } else i++;
  }
  close(data.length);
  return out;
}

// The decoder's configuration (avcC) from the parameter sets of a key frame; null when they are not there.
export function avcConfig(data: Uint8Array, nals = nalsOf(data)): Uint8Array | null {
  const s = nals.find((n) => n.type === SPS);
  const p = nals.find((n) => n.type === PPS);
  if (!s || !p || s.end - s.start < 4 || s.end - s.start > 0xffff || p.end - p.start > 0xffff) return null;
  const sps = data.subarray(s.start, s.end);
  const pps = data.subarray(p.start, p.end);
  const high = [100, 110, 122, 144].includes(sps[1] as number);
  const out = new Uint8Array(11 + sps.length + pps.length + (high ? 4 : 0));
  out.set([1, sps[1] as number, sps[2] as number, sps[3] as number, 0xff, 0xe1, sps.length >> 8, sps.length & 255]);
  out.set(sps, 8);
  out.set([1, pps.length >> 8, pps.length & 255], 8 + sps.length);
  out.set(pps, 11 + sps.length);
  if (high) out.set([0xfd, 0xf8, 0xf8, 0], 11 + sps.length + pps.length); // 4:2:0, 8 bit
  return out;
}

// One access unit with 4-byte lengths; parameter sets, delimiters and filler left out.
export function lengthCoded(data: Uint8Array, nals = nalsOf(data)): Uint8Array<ArrayBuffer> {
  const kept = nals.filter((n) => n.type !== SPS && n.type !== PPS && n.type !== DELIMITER && n.type !== FILLER);
  const out = new Uint8Array(kept.reduce((sum, n) => sum + 4 + n.end - n.start, 0));
  const view = new DataView(out.buffer);
  let at = 0;
  for (const n of kept) {
    view.setUint32(at, n.end - n.start);
    out.set(data.subarray(n.start, n.end), at + 4);
    at += 4 + n.end - n.start;
  }
  return out;
}
