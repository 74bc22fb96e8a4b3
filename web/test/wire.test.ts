import { describe, expect, it } from 'vitest';
import Pbf from 'pbf';
import { crc32c, crc32cOfSamples } from '../src/base/crc32c';
import { eventKey, fromHex, toHex, uuidBytes, uuidText } from '../src/base/hex';
import { readLiveMessage, writeLiveMessage, Priority } from '../src/generated/xw.js';
import { BadBlock, decodeCoding0, encodeCoding0 } from '../src/wire/coding0';
import { gapWord, kindWord, priorityWord, technicalWord } from '../src/wire/words';

// Mulberry32: the seed is in the failure message of each case.
function random(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

describe('coding 0', () => {
  it('decodes a block written by hand', () => {
    // Two channels, three samples: 0 -1 300 and 64 64 63.
    const data = Uint8Array.from([0, 1, 0xda, 0x04, 0x80, 0x01, 0, 1]);
    expect([...decodeCoding0(data, 2, 3)]).toEqual([0, -1, 300, 64, 64, 63]);
  });

  it('gives back what was encoded, extremes and wrap-around included', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const r = random(seed);
      const channels = 1 + Math.floor(r() * 12);
      const count = 1 + Math.floor(r() * 60);
      const x = Int32Array.from({ length: channels * count }, () => (r() < 0.1 ? (r() < 0.5 ? -2147483648 : 2147483647) : Math.round((r() - 0.5) * 2 ** (r() * 32))));
      expect([...decodeCoding0(encodeCoding0(x, channels, count), channels, count)], `seed ${seed}`).toEqual([...x]);
    }
  });

  it('refuses bytes that end early, are left over, or hold too long a varint', () => {
    expect(() => decodeCoding0(Uint8Array.from([0x80]), 1, 1)).toThrow(BadBlock);
    expect(() => decodeCoding0(Uint8Array.from([0]), 1, 2)).toThrow(BadBlock);
    expect(() => decodeCoding0(Uint8Array.from([0, 0]), 1, 1)).toThrow(BadBlock);
    expect(() => decodeCoding0(Uint8Array.from([0xff, 0xff, 0xff, 0xff, 0x1f]), 1, 1)).toThrow(BadBlock);
    expect(() => decodeCoding0(Uint8Array.from([0xff, 0xff, 0xff, 0xff, 0xff, 0x01]), 1, 1)).toThrow(BadBlock);
  });

  it('refuses a count that its bytes cannot hold before it takes memory', () => {
    expect(() => decodeCoding0(new Uint8Array(10), 64, 65536)).toThrow(BadBlock);
    expect(() => decodeCoding0(new Uint8Array(10), 1, 4e9)).toThrow(BadBlock);
  });
});

describe('crc-32c', () => {
  it('has the check value of the standard', () => {
    expect(crc32c(new TextEncoder().encode('123456789'))).toBe(0xe3069283);
  });
  it('runs over samples interleaved, little-endian', () => {
    const x = Int32Array.from([1, 2, 3, -1, -2, -3]); // two channels, channel after channel
    const bytes = new Uint8Array(Int32Array.from([1, -1, 2, -2, 3, -3]).buffer);
    expect(crc32cOfSamples(x, 2, 3)).toBe(crc32c(bytes));
  });
});

describe('wire messages', () => {
  it('come back as written, large indices included', () => {
    const pbf = new Pbf();
    writeLiveMessage({ healed: { stream_id: new Uint8Array(16).fill(7), ranges: [{ first: 2 ** 52 + 1, count: 500 }] } }, pbf);
    const m = readLiveMessage(new Pbf(pbf.finish()));
    expect(m.body).toBe('healed');
    expect(m.healed?.ranges[0]).toEqual({ first: 2 ** 52 + 1, count: 500 });
  });
  it('tolerate fields of a later version', () => {
    const pbf = new Pbf();
    writeLiveMessage({ pong: { client_us: 5, county_wall_us: 6 } }, pbf);
    pbf.writeVarintField(99, 1);
    expect(readLiveMessage(new Pbf(pbf.finish())).pong).toEqual({ client_us: 5, county_wall_us: 6 });
  });
  it('enums are plain numbers', () => {
    expect(Priority.PRIORITY_HIGH).toBe(3);
  });
});

describe('words of enums', () => {
  it('are the same from the number and from the word', () => {
    for (const v of [3, 'high', 'HIGH', 'PRIORITY_HIGH']) expect(priorityWord(v)).toBe('high');
    for (const v of [3, 'spool_limit', 'GAP_SPOOL_LIMIT']) expect(gapWord(v)).toBe('spool_limit');
    for (const v of [5, 'leads_off']) expect(kindWord(v)).toBe('leads_off');
    expect(technicalWord(1)).toBe('link_lost');
    expect(priorityWord(undefined)).toBe('none');
  });
});

describe('identifiers', () => {
  it('turn into text and back', () => {
    const text = '018f3c1e-7b2a-7c4d-9e10-aabbccddeeff';
    expect(uuidText(uuidBytes(text))).toBe(text);
    expect(uuidText(new Uint8Array(4))).toBe('');
    expect(toHex(fromHex('00ff10'))).toBe('00ff10');
  });
  it('make the key of an event with a big-endian sequence', () => {
    expect(eventKey(new Uint8Array(16), new Uint8Array(16).fill(255), 2 ** 33 + 5)).toBe('00'.repeat(16) + 'ff'.repeat(16) + '0000000200000005');
  });
});
