// Bad recordings through xinwang-screen itself: an honest answer or an error in one line, never a crash, and no
// alarm out of what is no heart. Made up here; nothing but the program is needed.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { check, finish, scenario } from '../support/checks.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const screen = path.join(root, 'build', process.env.XW_PRESET ?? 'release', 'bin', 'xinwang-screen');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'xw-bad-records-'));
const LEADS = ['I', 'II', 'III', 'aVR', 'aVL', 'aVF', 'V1', 'V2', 'V3', 'V4', 'V5', 'V6', 'V3R', 'V4R', 'V5R', 'V7', 'V8', 'V9'];
const NO_VALUE = -32768;

let state = 1n;
function random() {
  state = (state * 6364136223846793005n + 1442695040888963407n) & ((1n << 64n) - 1n);
  return Number(state >> 33n) / 2 ** 31;
}
const gauss = (t, at, width) => Math.exp(-(((t - at) / width) ** 2));
/** 75 a minute, mV. */
const heart = (t) => {
  const u = t % 0.8;
  return 1.1 * gauss(u, 0.3, 0.012) - 0.25 * gauss(u, 0.33, 0.012) + 0.1 * gauss(u, 0.14, 0.03) + 0.25 * gauss(u, 0.58, 0.05);
};

let made = 0;
/** A recording of 16-bit counts, 1000 a mV; at(seconds, lead) in mV, null: no value. */
function record({ hz = 500, leads = 2, seconds = 40, at = heart, header, cutBytes = 0 }) {
  const name = `bad${++made}`, n = Math.round(hz * seconds);
  const rows = Buffer.alloc(n * leads * 2);
  for (let i = 0; i < n; i++)
    for (let c = 0; c < leads; c++) {
      const mv = at(i / hz, c);
      rows.writeInt16LE(mv === null ? NO_VALUE : Math.max(-32767, Math.min(32767, Math.round(1000 * mv))), (i * leads + c) * 2);
    }
  fs.writeFileSync(path.join(folder, `${name}.dat`), rows.subarray(0, rows.length - cutBytes));
  const lines = Array.from({ length: leads }, (_, c) => `${name}.dat 16 1000(0)/mV 16 0 0 0 0 ${LEADS[c % LEADS.length]}`);
  fs.writeFileSync(path.join(folder, `${name}.hea`), header ? header(name, lines, n) : `${name} ${leads} ${hz} ${n}\n${lines.join('\n')}\n`);
  return path.join(folder, name);
}

function run(file) {
  const done = spawnSync(screen, ['-r', file, '-o', folder, '--json', '-'], { encoding: 'utf8', timeout: 60000, maxBuffer: 1 << 28 });
  let json = null;
  try {
    json = JSON.parse(done.stdout);
  } catch {
    // told by the check
  }
  return { ...done, json };
}

/** An answer, and of it the beats and the alarms that were not taken back. */
function answer(name, options) {
  const { status, signal, stderr, json } = run(record(options));
  check(`${name}: an answer`, status === 0 && json !== null, `status ${status}, signal ${signal}, ${stderr.trim().slice(0, 200)}`);
  const last = new Map();
  for (const one of json?.events ?? []) last.set(`${one.kind} ${one.sequence}`, one);
  const all = [...last.values()].filter((one) => !one.withdrawn);
  return {
    beats: all.filter((one) => one.kind === 'beat'),
    alarms: all.filter((one) => one.kind === 'alarm' && one.priority !== 'technical').map((one) => one.code),
    blind: all.some((one) => one.kind === 'quality' && one.code === 'cannot-see'),
  };
}

function refused(name, file, says) {
  const { status, signal, stdout, stderr } = run(file);
  const lines = stderr.trim().split('\n').filter(Boolean);
  check(`${name}: refused with a reason`, status > 0 && status < 128 && !signal && lines.length >= 1 && lines.length <= 2 && says.test(stderr) && stdout.trim() === '', `status ${status}, signal ${signal}, ${stderr.trim().slice(0, 200)}`);
}

await scenario('rates and numbers of leads', () => {
  for (const hz of [100, 128, 200, 250, 257, 360, 500, 977, 1000]) {
    const { beats, alarms } = answer(`${hz} Hz`, { hz });
    check(`${hz} Hz: every beat, no alarm`, Math.abs(beats.length - 50) <= 1 && alarms.length === 0, `${beats.length} beats, ${alarms}`);
  }
  for (const leads of [1, 3, 6, 8, 12, 15, 18]) {
    const { beats, alarms } = answer(`${leads} leads`, { leads });
    check(`${leads} leads: every beat, no alarm`, Math.abs(beats.length - 50) <= 1 && alarms.length === 0, `${beats.length} beats, ${alarms}`);
  }
});

await scenario('no heart in it', () => {
  const cases = {
    'no value anywhere': () => null,
    'one rail': () => 32.767,
    'the other rail': () => -32.767,
    'noise of 2 mV': () => 2 * (2 * random() - 1),
  };
  for (const [name, at] of Object.entries(cases)) {
    const { alarms, blind } = answer(name, { leads: 12, at });
    check(`${name}: says that it cannot see, and no alarm`, blind && alarms.length === 0, `blind ${blind}, ${alarms}`);
  }
});

await scenario('a heart, and ten good seconds after each evil', () => {
  const evils = {
    'all electrodes off': () => null,
    'rails': (t, c) => (c % 2 ? 32.767 : -32.767),
    'mains of 0.5 mV': (t) => heart(t) + 0.5 * Math.sin(2 * Math.PI * 50 * t),
    'steps of 5 mV': (t) => heart(t) + (Math.floor(t / 1.5) % 2 ? 5 : 0),
    'thirty seconds of noise': () => 3 * (2 * random() - 1),
    'gaps of 200 ms': (t) => (t % 1 < 0.2 ? null : heart(t)),
  };
  for (const [name, evil] of Object.entries(evils)) {
    const at = (t, c) => (t >= 20 && t < 50 ? evil(t, c) : heart(t));
    const { beats, alarms } = answer(name, { leads: 12, seconds: 80, at });
    const later = beats.filter((one) => one.first_s >= 60).length;
    check(`${name}: no alarm, and all beats from ten seconds after it`, alarms.length === 0 && Math.abs(later - 25) <= 1, `${alarms}, ${later} beats`);
  }
});

await scenario('files that lie', () => {
  refused('no such recording', path.join(folder, 'none'), /none/);
  refused('no samples', record({ header: (name) => `${name} 1 500 100\nnone.dat 16 1000 16 0 0 0 0 I\n` }), /none\.dat/);
  const as = (lines) => (name) => `${name} ${lines.length} 500 1000\n${lines.map((one) => one.replaceAll('NAME', name)).join('\n')}\n`;
  const line = 'NAME.dat 16 1000(0)/mV 16 0 0 0 0 I';
  const lies = [
    ['no signals', (name) => `${name} 0 500 1000\n`, /no signal/],
    ['more leads than anyone has', as(Array(40).fill(line)), /needs 1 to 18 ECG signals/],
    ['a rate of 0', (name, lines, n) => `${name} 2 0 ${n}\n${lines.join('\n')}\n`, /sampling frequency/],
    ['a rate of a billion', (name, lines, n) => `${name} 2 1000000000 ${n}\n${lines.join('\n')}\n`, /100 to 1000 samples a second/],
    ['a rate that is no number', (name, lines, n) => `${name} 2 many ${n}\n${lines.join('\n')}\n`, /sampling frequency/],
    ['a format that is none', as([line.replace(' 16 1000', ' 999 1000')]), /format 999/],
    ['samples of another folder', as([line.replace('NAME.dat', '../../etc/passwd')]), /not in the folder of its header/],
    ['a line missing', (name, lines, n) => `${name} 2 500 ${n}\n${lines[0]}\n`, /ends after 1 of 2 signals/],
    ['nothing', () => '', /empty/],
    ['bytes that are no text', () => '\u0000\u0001\u0002\u0003', /not a text file/],
  ];
  for (const [name, header, says] of lies) refused(name, record({ header }), says);
  refused('samples cut off in the middle', record({ cutBytes: 3333 }), /truncated/);
});

fs.rmSync(folder, { recursive: true, force: true });
finish();
