import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { words } from '../src/i18n/words';

const src = fileURLToPath(new URL('../src', import.meta.url));
const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((f) => /\.tsx?$/.test(f) && !f.includes('generated'));
const texts = files.map((f) => [f, readFileSync(`${src}/${f}`, 'utf8')] as const);

describe('vocabulary', () => {
  it('has both languages, with the same places to fill in', () => {
    for (const [key, [zh, en]] of Object.entries(words)) {
      expect(zh.length, key).toBeGreaterThan(0);
      expect(en.length, key).toBeGreaterThan(0);
      const holes = (s: string): string => [...s.matchAll(/\{\w+\}/g)].map((m) => m[0]).sort().join();
      expect(holes(zh), key).toBe(holes(en));
    }
  });
  it('is used: no key that no page asks for', () => {
    const all = texts.filter(([f]) => !/words(-\w+)?\.ts$/.test(f)).map(([, s]) => s).join('\n');
    const prefixes = [...all.matchAll(/`([a-z_.]+)\.\$\{/g)].map((m) => `${m[1]}.`).concat([...all.matchAll(/tWord\('([a-z]+)'/g)].map((m) => `${m[1]}.`));
    const unused = Object.keys(words).filter((k) => !all.includes(`'${k}'`) && !prefixes.some((p) => k.startsWith(p)));
    expect(unused).toEqual([]);
  });
  it('no Chinese outside of it', () => {
    for (const [f, s] of texts) {
      if (/words(-\w+)?\.ts$/.test(f)) continue;
      const code = s.replace(/\/\/.*$/gm, '');
      expect(/[\u4e00-\u9fff]/.test(code), f).toBe(false);
    }
  });
});
