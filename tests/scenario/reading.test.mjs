// The county's reading of ten seconds of a simulated 12-lead stream, by real processes: it is what
// xinwang-screen --12lead says of the same samples, it has every field that the page was tested with,
// and no more than four run at once.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { check, finish, scenario } from '../support/checks.mjs';
import { County } from '../support/county.mjs';
import { until } from '../support/processes.mjs';
import { readStream } from '../support/samples.mjs';
import { reading as fakeReading } from '../web/fake/reading.mjs';

const TEN = 5000;
const county = new County();

// Where b lacks what a has, or has it of another kind. null stands for what is not known; what is named
// by lead or by class may be named otherwise.
function unlike(a, b, at = '') {
  if (a === null || b === null) return [];
  if (Array.isArray(a)) return !Array.isArray(b) ? [`${at} is no list`] : a.length > 0 && b.length > 0 ? unlike(a[0], b[0], `${at}[]`) : [];
  if (typeof a !== typeof b) return [`${at} is ${typeof b}, not ${typeof a}`];
  if (typeof a !== 'object') return [];
  if (/\.(uv|leads|lead_marks_ms|limb_scores)$/.test(at)) return [];
  return Object.keys(a).flatMap((k) => (k in b ? unlike(a[k], b[k], `${at}.${k}`) : [`${at}.${k} is missing`]));
}

// The same ten seconds as a file of raw counts.
function record(name, stream, back, count) {
  const n = stream.channels.length;
  const data = Buffer.alloc(count * n * 2);
  back.x.forEach((v, i) => data.writeInt16LE(v, i * 2));
  fs.writeFileSync(path.join(county.dir, `${name}.dat`), data);
  const lines = stream.channels.map((c) => `${name}.dat 16 ${c.gain.num / c.gain.den}(${c.baseline})/${c.unit} 16 0 0 0 0 ${c.code}`);
  fs.writeFileSync(path.join(county.dir, `${name}.hea`), [`${name} ${n} ${stream.rate.num} ${count}`, ...lines, ''].join('\n'));
  const told = spawnSync(path.join(county.bin, 'xinwang-screen'), ['--12lead', path.join(county.dir, name), '--json', '-'], { encoding: 'utf8', maxBuffer: 1 << 27 });
  if (told.status !== 0) throw new Error(told.stderr);
  return JSON.parse(told.stdout);
}

await scenario('ten seconds of a live 12-lead stream', async () => {
  await county.start();
  const [gateway] = county.gateways;
  county.startSim({ devices: [{ id: 'ecg-1', gateway: `127.0.0.1:${gateway.devicePort}`, source: { kind: 'synth', rhythm: 'sinus', seed: 5 }, rate: 500, block_ms: 40 }] });
  await county.liveStreams(1);
  const [stream] = (await county.api.json('/api/streams')).streams;
  const url = `/api/streams/${stream.id}/reading`;
  check('twelve leads', stream.channels.length === 12, stream.channels.map((c) => c.code).join(' '));
  const early = await county.api.request(`${url}?from=0`);
  check('fewer than nine seconds are not measured', early.status === 404 && (await early.json()).error === 'not_found');
  await until('twelve seconds at the county', async () => (await county.api.json(`/api/streams/${stream.id}`)).newest > 12 * 500, { timeoutMs: 30000 });
  const before = (await county.api.json(`/api/streams/${stream.id}`)).newest;
  const started = performance.now();
  const newest = await county.api.json(url);
  console.log(`answered after ${(performance.now() - started).toFixed(0)} ms; the newest sample measured is ${((before - newest.from_sample - newest.samples) / 500).toFixed(2)} s old at the asking`);
  check('without from: the newest ten seconds that are stored', newest.samples === TEN && newest.from_sample + TEN > before - 3 * 500, `${newest.from_sample} ${newest.samples}, newest ${before}`);

  const from = 700;
  const here = await county.api.json(`${url}?from=${from}`);
  check('from: those ten seconds', here.from_sample === from && here.samples === TEN && here.holes.length === 0);
  const back = await readStream(county.api, stream.id, from, TEN, 12);
  const there = record('same', stream, back, TEN);
  for (const key of ['measurements', 'exchange', 'verdict', 'reason', 'unfit', 'tables', 'interpretation', 'network', 'leads', 'median']) {
    const [a, b] = [here[key], there[key]].map((x) => JSON.stringify(x));
    check(`${key}: as xinwang-screen says`, a === b, a === b ? '' : `${a.slice(0, 300)}\n${b.slice(0, 300)}`);
  }
  check('beats: as xinwang-screen says', here.beats.length > 5 && here.beats.map((b) => b.time_ms).join() === there.beats.map((b) => b.time_ms).join());
  check('a statement has both languages, a rule and its version', here.interpretation.statements.every((s) => s.zh && s.en && s.rules.length > 0 && s.rules.every((r) => r.id && r.version > 0)));

  const made = fakeReading({ kind: 'ecg', bpm: 74, rate: 500, unknown: [], gaps: [] }, 0, TEN);
  const differs = unlike(made, here);
  check('the answer has all that the page was tested with', differs.length === 0, differs.join(', '));

  const crowd = await Promise.all(Array.from({ length: 24 }, () => county.api.request(`${url}?from=${from}`)));
  const refused = crowd.filter((a) => a.status === 503);
  check('many at once: each is measured or told to come back', crowd.every((a) => a.status === 200 || a.status === 503) && crowd.some((a) => a.status === 200), crowd.map((a) => a.status).join(' '));
  check('who is told to come back is told when', refused.every((a) => Number(a.headers.get('retry-after')) >= 1), `${refused.length} refused`);
  const bodies = new Set(await Promise.all(crowd.filter((a) => a.status === 200).map((a) => a.text())));
  check('and all that are measured say the same', bodies.size === 1, `${bodies.size} answers`);
  console.log(`${refused.length} of ${crowd.length} were told to come back`);
  check('it goes on measuring', (await county.api.request(`${url}?from=${from}`)).status === 200);
}, { logs: () => county.logs() });
await county.stop();
finish();
