// Technical alarms as a reader wants them: one for one fault, and what their text says as a word of
// the vocabulary with its numbers.
import type { Key } from '../i18n/words';
import type { Technical } from './alarms';

// A cut link is seen from both ends, and the clocks of the ends may differ.
const SAME_US = 30e6;

const end = (a: Technical): number => a.toWallUs || Infinity;

// Said by both ends about the same gateway.
const OF_BOTH = new Set(['link_lost', 'alarm_path']);

// The gateway and the county each say that their link was lost, or the way of alarms broken: one
// line. It began with the first and is over when both say so.
export function mergeTechnical(list: readonly Technical[]): Technical[] {
  const out: Technical[] = [];
  for (const a of [...list].sort((x, y) => x.fromWallUs - y.fromWallUs)) {
    const code = a.code.toLowerCase();
    const same = OF_BOTH.has(code)
      ? out.find((b) => b.code.toLowerCase() === code && b.subject === a.subject && (code !== 'alarm_path' || b.text === a.text) && a.fromWallUs <= end(b) + SAME_US)
      : undefined;
    if (!same) out.push({ ...a });
    else same.toWallUs = same.toWallUs === 0 || a.toWallUs === 0 ? 0 : Math.max(same.toWallUs, a.toWallUs);
  }
  return out.sort((x, y) => y.fromWallUs - x.fromWallUs);
}

export interface TechnicalDetail {
  key: Key;
  fill: Record<string, string | number>;
}

const KNOWN: [RegExp, (m: RegExpExecArray) => TechnicalDetail][] = [
  [/^(\d+) MiB left$/, (m) => ({ key: 'techtext.left', fill: { n: m[1] ?? '' } })],
  [/^samples (\d+) to (\d+) came twice/, (m) => ({ key: 'techtext.conflict', fill: { first: m[1] ?? '', end: m[2] ?? '' } })],
  [/^signal (\d+): ([\d.e+]+) samples per second come, ([\d.e+]+) announced/, (m) => ({ key: 'techtext.rate', fill: { signal: m[1] ?? '', got: m[2] ?? '', said: m[3] ?? '' } })],
  [/^(-?[\d.]+) s off the county/, (m) => ({ key: 'techtext.clock', fill: { n: m[1] ?? '' } })],
  [/^two machines have the identity/, () => ({ key: 'techtext.twins', fill: {} })],
  [/^the county does not take our certificate/, () => ({ key: 'techtext.refused', fill: {} })],
  [/^(RA\/LA|RA\/LL|dextrocardia): P (-?\d+) QRS (-?\d+) T (-?\d+)/, (m) => ({ key: 'techtext.limbs', fill: { kind: m[1] ?? '', p: m[2] ?? '', qrs: m[3] ?? '', t: m[4] ?? '' } })],
  [/^(R[AL]\/[RL][AL]|LA\/LL|V\d\/V\d|dextrocardia):/, (m) => ({ key: 'techtext.electrodes', fill: { kind: m[1] ?? '' } })],
  [/^leg ([a-z]+)$/, (m) => ({ key: 'techtext.leg', fill: { leg: m[1] ?? '' } })],
  [/^([a-z]+(?:\.[a-z0-9_]+)*): /, (m) => ({ key: 'techtext.field', fill: { field: m[1] ?? '' } })],
];
const BY_CODE: Record<string, Key> = {
  link_lost: 'techtext.link_lost', spool_full: 'techtext.spool_full', device_gone: 'techtext.device_gone', unreadable: 'techtext.unreadable',
  device_fenced: 'techtext.device_fenced', store_full: 'techtext.store_full', unattended: 'techtext.unattended', conflict: 'techtext.conflicts',
};

// null: the code says it all, or nothing better than the text itself is known.
export function technicalDetail(a: Pick<Technical, 'code' | 'text'>): TechnicalDetail | null {
  for (const [pattern, make] of KNOWN) {
    const m = pattern.exec(a.text);
    if (m) return make(m);
  }
  const key = BY_CODE[a.code.toLowerCase()];
  return key ? { key, fill: {} } : null;
}
