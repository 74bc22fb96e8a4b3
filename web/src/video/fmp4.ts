// Fragmented MP4 (ISO/IEC 14496-12) of one H.264 track, a fragment a frame: what MSE takes. Times are
// µs from the start of the player.

export const TIMESCALE = 1_000_000;

type Part = Uint8Array | number[];

function box(type: string, ...parts: Part[]): Uint8Array<ArrayBuffer> {
  const size = 8 + parts.reduce((n, p) => n + p.length, 0);
  const out = new Uint8Array(size);
  new DataView(out.buffer).setUint32(0, size);
  for (let i = 0; i < 4; i++) out[4 + i] = type.charCodeAt(i);
  let at = 8;
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
  return out;
}

const u16 = (v: number): number[] => [(v >>> 8) & 255, v & 255];
const u32 = (v: number): number[] => [(v >>> 24) & 255, (v >>> 16) & 255, (v >>> 8) & 255, v & 255];
const u64 = (v: number): number[] => [...u32(Math.floor(v / 0x100000000)), ...u32(v >>> 0)];
const zeros = (n: number): number[] => new Array<number>(n).fill(0);
const text = (s: string): number[] => [...s].map((c) => c.charCodeAt(0));
const MATRIX = [...u32(0x10000), ...zeros(12), ...u32(0x10000), ...zeros(12), ...u32(0x40000000)];

export function initSegment(avcC: Uint8Array, width: number, height: number): Uint8Array<ArrayBuffer> {
  const entry = box('avc1',
    zeros(6), u16(1), zeros(16), u16(width), u16(height), u32(0x480000), u32(0x480000), zeros(4), u16(1), zeros(32), u16(24), u16(0xffff),
    box('avcC', avcC));
  const table = box('stbl',
    box('stsd', zeros(4), u32(1), entry), box('stts', zeros(8)), box('stsc', zeros(8)), box('stsz', zeros(12)), box('stco', zeros(8)));
  const media = box('mdia',
    box('mdhd', zeros(12), u32(TIMESCALE), zeros(4), u16(0x55c4), zeros(2)),
    box('hdlr', zeros(8), text('vide'), zeros(12), text('picture'), [0]),
    box('minf', box('vmhd', [0, 0, 0, 1], zeros(8)), box('dinf', box('dref', zeros(4), u32(1), box('url ', [0, 0, 0, 1]))), table));
  const track = box('trak',
    box('tkhd', [0, 0, 0, 3], zeros(8), u32(1), zeros(8), zeros(8), zeros(4), u16(0), zeros(2), MATRIX, u32(width << 16), u32(height << 16)), media);
  const movie = box('moov',
    box('mvhd', zeros(12), u32(TIMESCALE), zeros(4), u32(0x10000), u16(0x100), zeros(10), MATRIX, zeros(24), u32(2)),
    track,
    box('mvex', box('trex', zeros(4), u32(1), u32(1), zeros(12))));
  const brand = box('ftyp', text('iso5'), u32(512), text('iso5'), text('iso6'), text('mp41'));
  const out = new Uint8Array(brand.length + movie.length);
  out.set(brand);
  out.set(movie, brand.length);
  return out;
}

export function fragment(sequence: number, startUs: number, durationUs: number, key: boolean, sample: Uint8Array): Uint8Array<ArrayBuffer> {
  const flags = key ? 0x02000000 : 0x01010000; // depends on nothing; or on others, and no place to begin
  const moof = (offset: number): Uint8Array<ArrayBuffer> => box('moof',
    box('mfhd', zeros(4), u32(sequence)),
    box('traf',
      box('tfhd', [0, 2, 0, 0], u32(1)), // offsets count from the moof
      box('tfdt', [1, 0, 0, 0], u64(startUs)),
      box('trun', [0, 0, 7, 1], u32(1), u32(offset), u32(durationUs), u32(sample.length), u32(flags))));
  const head = moof(moof(0).length + 8);
  const out = new Uint8Array(head.length + 8 + sample.length);
  out.set(head);
  new DataView(out.buffer).setUint32(head.length, 8 + sample.length);
  out.set(text('mdat'), head.length + 4);
  out.set(sample, head.length + 8);
  return out;
}
