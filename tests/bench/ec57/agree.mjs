// Two scorers that know nothing of each other must agree: xw-ec57 and a script that prints the same line.
//   node agree.mjs XW-EC57 XINWANG-SCREEN     XW_EC57_CHECK: the script (default ../shared/tools/ec57.py beside the project)
// On annotations made up from XW_SEED, and (XW_DATA) on recordings. Exit 77 without the script or python3.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const [score, screen] = process.argv.slice(2);
const script = process.env.XW_EC57_CHECK ?? fileURLToPath(new URL('../../../../shared/tools/ec57.py', import.meta.url));
const seed = Number(process.env.XW_SEED ?? 1);
const HZ = 360, RECORDS = 8, BEATS = 2000;
const OPTIONS = [[], ['--start', '300'], ['--ej-n'], ['--start', '300', '--ej-n']];
// WFDB codes: N L R V S A a J E e j F / Q, and one that is no beat (~).
const CODES = [1, 2, 3, 5, 9, 8, 4, 7, 10, 34, 11, 6, 12, 13, 14];

const skip = (why) => {
  console.log(`skipped: ${why}`);
  process.exit(77);
};
if (!fs.existsSync(script)) skip('no other scorer (XW_EC57_CHECK)');
try {
  execFileSync('python3', ['--version'], { stdio: 'ignore' });
} catch {
  skip('no python3');
}
console.log(`seed ${seed}`);

let state = BigInt(seed) * 2862933555777941757n + 3037000493n;
function random() {
  state = (state * 6364136223846793005n + 1442695040888963407n) & ((1n << 64n) - 1n);
  return Number(state >> 33n) / 2 ** 31;
}
const pick = (list) => list[Math.floor(random() * list.length)];

function annotations(list) {
  const words = [];
  let at = 0;
  for (const [sample, code] of [...list].sort((a, b) => a[0] - b[0])) {
    let apart = sample - at;
    if (apart > 1023) {
      words.push(59 << 10, Math.floor(apart / 65536), apart & 65535);
      apart = 0;
    }
    words.push((code << 10) | apart);
    at = sample;
  }
  return Buffer.from(Uint16Array.from([...words, 0]).buffer);
}

// A reference with every kind of beat and a stretch of flutter, and what a poor detector makes of it: beats
// missed, doubled, moved about the edge of the window, called by other names.
function madeUp(dir) {
  for (let r = 0; r < RECORDS; r++) {
    const name = String(100 + r), reference = [], found = [];
    let at = 50;
    for (let i = 0; i < BEATS; i++) {
      at += Math.floor(40 + random() * 400);
      reference.push([at, random() < 0.7 ? 1 : pick(CODES)]);
      const kind = random() < 0.8 ? reference.at(-1)[1] : pick(CODES);
      if (random() < 0.95) found.push([Math.max(0, at + Math.floor((random() - 0.5) * (random() < 0.8 ? 20 : 120))), kind]);
      if (random() < 0.03) found.push([at + Math.floor(random() * 200), pick(CODES)]);
      if (i === 700 && r % 2) reference.push([at + 1, 32]);
      if (i === 760 && r % 2) reference.push([at + 1, 33]);
    }
    fs.writeFileSync(path.join(dir, `${name}.hea`), `${name} 1 ${HZ} ${at + 1000}\n${name}.dat 212 200 11 1024 0 0 0 II\n`);
    fs.writeFileSync(path.join(dir, `${name}.atr`), annotations(reference));
    fs.writeFileSync(path.join(dir, `${name}.xw`), annotations(found));
  }
}

let failed = 0;
function compare(what, reference, test, more = []) {
  for (const options of OPTIONS) {
    const all = [reference, test, 'xw', ...options, ...more];
    const [ours, theirs] = [execFileSync(score, all), execFileSync('python3', [script, ...all, '--fs', String(HZ)])].map((out) => out.toString().trim());
    const same = ours === theirs;
    failed += !same;
    console.log(`${same ? 'ok' : 'not ok'} - ${what} ${options.join(' ')}: ${ours}${same ? '' : ` but ${theirs}`}`);
  }
}

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'xw-agree-'));
try {
  madeUp(dir);
  compare('made up', dir, dir);
  const mitdb = path.join(process.env.XW_DATA ?? '', 'mitdb');
  const records = ['203', '207', '232'];
  if (process.env.XW_DATA && records.every((name) => fs.existsSync(path.join(mitdb, `${name}.hea`)))) {
    for (const stage of ['final', 'revised']) {
      const out = path.join(dir, stage);
      fs.mkdirSync(out);
      for (const name of records) execFileSync(screen, ['-r', path.join(mitdb, name), '-o', out, '--stage', stage]);
      compare(`recordings, ${stage}`, mitdb, out, ['--records', records.join()]);
    }
  } else {
    console.log('no recordings (XW_DATA): made-up annotations only');
  }
} finally {
  fs.rmSync(dir, { recursive: true, force: true });
}
process.exit(failed ? 1 : 0);
