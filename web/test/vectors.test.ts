import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import Pbf from 'pbf';
import * as xw from '../src/generated/xw.js';

// The byte examples of the protocol: what the county's encoder makes, these pages must read, and what
// they write must be the same bytes.
const file = fileURLToPath(new URL('../../proto/vectors/live.hex', import.meta.url));
const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
const examples = text.split(/^\[/m).slice(1).map((part) => ({
  name: part.slice(0, part.indexOf(']')),
  type: /^type: xw\.(\w+)$/m.exec(part)?.[1] ?? '',
  bytes: Uint8Array.from((part.split(/^hex:\n/m)[1] ?? '').split('\n\n')[0]!.match(/[0-9a-f]{2}/g) ?? [], (h) => parseInt(h, 16)),
}));

describe.skipIf(examples.length === 0)('byte examples of live.proto', () => {
  it.each(examples.map((e) => [e.name, e] as const))('%s', (_name, e) => {
    const all = xw as unknown as Record<string, (...args: unknown[]) => unknown>;
    const message = all[`read${e.type}`]?.(new Pbf(e.bytes));
    expect(message, e.type).toBeTruthy();
    const out = new Pbf();
    all[`write${e.type}`]?.(message, out);
    expect([...out.finish()]).toEqual([...e.bytes]);
  });
});
