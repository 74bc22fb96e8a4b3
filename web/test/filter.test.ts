import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { design, designByFormula, DisplayFilter } from '../src/filter/display';
import tables from '../src/filter/tables.json';

const root = fileURLToPath(new URL('../../', import.meta.url));
const golden = process.env['XW_GOLDEN'] ?? `${root}tests/golden/dsp`;
const vectors = existsSync(golden) ? readdirSync(golden).filter((f) => /^display-.*\.txt$/.test(f)) : [];

describe('display filters against the golden vectors of dsp', () => {
  it.skipIf(vectors.length === 0).each(vectors.length > 0 ? vectors : ['none'])('%s within 1 µV', (file) => {
    const lines = readFileSync(`${golden}/${file}`, 'utf8').split('\n').filter((l) => l && !l.startsWith('#'));
    const [rate, high, low, mains] = lines[0]!.split(' ').map(Number) as [number, number, number, number];
    const byTable = new DisplayFilter(design(rate, high, low, mains));
    const byFormula = new DisplayFilter(designByFormula(rate, high, low, mains));
    let worst = 0;
    for (const line of lines.slice(1)) {
      const [x, y] = line.split(' ').map(Number) as [number, number];
      worst = Math.max(worst, Math.abs(byTable.process(x) - y), Math.abs(byFormula.process(x) - y));
    }
    expect(lines.length).toBeGreaterThan(200);
    expect(worst).toBeLessThan(1);
  });
});

describe('coefficient tables', () => {
  const tool = process.env['XW_FILTER_TABLES'] ?? ['release', 'asan', 'tsan'].map((p) => `${root}build/${p}/bin/xw-filter-tables`).find((p) => existsSync(p));
  it.skipIf(!tool)('are what the C code makes now', () => {
    const plain = (v: unknown): unknown => JSON.parse(JSON.stringify(v)); // one zero
    expect(plain(tables)).toEqual(plain(JSON.parse(execFileSync(tool as string, { encoding: 'utf8' }))));
  });

  it('agree with the formulas at every rate', () => {
    for (const rate of Object.keys(tables.rates)) {
      for (const [high, low, mains] of [[0.05, 150, 50], [0.5, 40, 60]] as const) {
        const a = design(Number(rate), high, low, mains);
        const b = designByFormula(Number(rate), high, low, mains);
        expect(a.decay).toBeCloseTo(b.decay, 12);
        expect(a.sections.length).toBe(b.sections.length);
        a.sections.forEach((s, i) => s.forEach((v, k) => expect(v).toBeCloseTo(b.sections[i]![k]!, 9)));
        expect(a.mains === null).toBe(b.mains === null);
        if (a.mains && b.mains) for (const k of ['period', 'half', 'gain', 'turnRe', 'turnIm', 'step'] as const) expect(a.mains[k]).toBeCloseTo(b.mains[k], 9);
      }
    }
  });
});

describe('the diagnostic band', () => {
  it('keeps 1 mV for 200 ms within 7 % and gives back the baseline', () => {
    const f = new DisplayFilter(design(500, 0.05, 150, 50));
    const y: number[] = [];
    for (let i = 0; i < 3000; i++) y.push(f.process(i >= 1000 && i < 1100 ? 1000 : 0));
    expect(Math.max(...y)).toBeGreaterThan(970);
    expect(y[1100]!).toBeGreaterThan(930);
    expect(Math.abs(y[1200]!)).toBeLessThan(100);
  });
  it('takes 50 Hz out to below 10 µV', () => {
    const f = new DisplayFilter(design(500, 0.05, 150, 50));
    let worst = 0;
    for (let i = 0; i < 5000; i++) {
      const y = f.process(500 * Math.sin((2 * Math.PI * 50 * i) / 500));
      if (i > 1000) worst = Math.max(worst, Math.abs(y));
    }
    expect(worst).toBeLessThan(10);
  });
});
