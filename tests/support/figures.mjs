// Figures of a bench: one JSON line each, with where they come from.
import fs from 'node:fs';

export function figure(name, value, unit, more = {}) {
  console.log(
    JSON.stringify({
      name,
      value: typeof value === 'number' ? Number(value.toPrecision(6)) : value,
      unit,
      ...more,
      commit: process.env.XW_COMMIT ?? 'unknown',
      cpu: process.env.XW_CPU ?? 'unknown',
    }),
  );
}

export const say = (...words) => console.error(...words);

// p in 0..1 of numbers; sorts a copy.
export function quantile(values, p) {
  if (!values.length) return Number.NaN;
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(p * sorted.length) - 1))];
}

// CPU time of a process in µs, all its threads, user and system.
export function cpuUs(pid) {
  const text = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
  const rest = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return ((Number(rest[11]) + Number(rest[12])) * 1e6) / 100; // USER_HZ is 100 on Linux
}

export const monoUs = () => Number(process.hrtime.bigint() / 1000n);

// How late this machine wakes a sleeper, in µs: the floor under every latency measured here.
export function schedulingP99Us(seconds = 2) {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  const late = [];
  const end = monoUs() + seconds * 1e6;
  while (monoUs() < end) {
    const before = monoUs();
    Atomics.wait(cell, 0, 0, 2);
    late.push(monoUs() - before - 2000);
  }
  return quantile(late, 0.99);
}
