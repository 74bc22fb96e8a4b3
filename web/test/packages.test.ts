import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

interface Lock {
  packages: Record<string, { version?: string; engines?: { node?: string } }>;
}

/** Whether one alternative of an engines range ("^18.0.0", ">=16", "*") admits Debian 12's own Node.js, 18.20. */
function admits(alternative: string): boolean {
  const [, operator = '', major = '', minor = '0'] = /^\s*(>=|\^|~|>|)\s*v?(\d+)?(?:\.(\d+))?/.exec(alternative) ?? [];
  if (major === '') return true;
  const below = Number(major) < 18 || (Number(major) === 18 && Number(minor) <= 20);
  return operator === '>=' || operator === '>' ? below : Number(major) === 18 && below;
}

describe('the packages of the pages and their tests', () => {
  it("run on Debian's own Node.js", () => {
    const lock = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8')) as Lock;
    const refuse = Object.entries(lock.packages)
      .filter(([, p]) => p.engines?.node !== undefined && !p.engines.node.split('||').some(admits))
      .map(([name, p]) => `${name} ${p.version} wants Node.js ${p.engines?.node}`);
    expect(refuse).toEqual([]);
  });
});
