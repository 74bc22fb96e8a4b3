// The whole campaign of faults by one command: some counties at a time, each with a seed of its own.
//   node tests/scenario/campaign.mjs [ROUNDS]      1,000 if not said
//   XW_SEED      the first seed (1)        XW_COUNTIES  at a time (4), each of ROUNDS / XW_COUNTIES
// What each county said is in build/results/campaign-SEED.log. A round that went wrong can be repeated
// alone: XW_REPEAT=… node tests/scenario/faults.test.mjs, as its line in the log says.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const all = Number(process.argv[2] ?? 1000);
const first = Number(process.env.XW_SEED ?? 1);
const counties = Math.min(all, Number(process.env.XW_COUNTIES ?? 4));
const results = path.join(root, 'build', 'results');
fs.mkdirSync(results, { recursive: true });
const began = performance.now();
const sum = { rounds: 0, cuts: 0, passed: 0, failed: 0, skipped: 0, kinds: {}, wrong: [] };

const children = new Set();
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

function take(seed, line) {
  const round = line.match(/^# round \d+ (\S+): /);
  const kinds = line.match(/^# kinds (\{.*\})$/);
  const cuts = line.match(/ \((\d+) cuts, /);
  const end = line.match(/^(\d+) passed, (\d+) failed, (\d+) skipped$/);
  if (round) sum.rounds += 1;
  if (round && sum.rounds % 50 === 0) console.log(`# ${sum.rounds} of ${all} rounds after ${Math.round((performance.now() - began) / 1000)} s`);
  if (kinds) for (const [kind, n] of Object.entries(JSON.parse(kinds[1]))) sum.kinds[kind] = (sum.kinds[kind] ?? 0) + n;
  if (cuts) sum.cuts += Number(cuts[1]);
  if (line.startsWith('NOT OK')) sum.wrong.push(`seed ${seed}: ${line}`);
  if (end) for (const [i, key] of ['passed', 'failed', 'skipped'].entries()) sum[key] += Number(end[i + 1]);
  return Boolean(end);
}

async function county(i) {
  const seed = first + i;
  const rounds = Math.floor((all * (i + 1)) / counties) - Math.floor((all * i) / counties);
  const log = fs.createWriteStream(path.join(results, `campaign-${seed}.log`));
  const child = spawn(process.execPath, [path.join(root, 'tests', 'scenario', 'faults.test.mjs')], { env: { ...process.env, XW_SEED: String(seed), XW_ROUNDS: String(rounds) }, stdio: ['ignore', 'pipe', 'pipe'] });
  children.add(child);
  child.stderr.pipe(log, { end: false });
  let ended = false;
  for await (const line of readline.createInterface({ input: child.stdout })) {
    log.write(`${line}\n`);
    ended = take(seed, line) || ended;
  }
  children.delete(child);
  if (!ended) {
    sum.failed += 1;
    sum.wrong.push(`seed ${seed}: it ended without a count`);
  }
}

console.log(`# ${all} rounds in ${counties} counties at a time, seeds ${first} to ${first + counties - 1}`);
await Promise.all(Array.from({ length: counties }, (_, i) => county(i)));
for (const line of sum.wrong) console.log(line);
console.log(`# ${sum.rounds} rounds, ${sum.cuts} power cuts, in ${Math.round((performance.now() - began) / 1000)} s: ${JSON.stringify(sum.kinds)}`);
console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
process.exit(sum.failed ? 1 : 0);
