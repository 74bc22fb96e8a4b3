// Link cuts and SIGKILL of gateway and center, at random and at every named fault point; then
// everything that was generated must be at the county exactly once.
//   XW_SEED   the seed (printed)          XW_ROUNDS  rounds (default 12; the long campaign: 200)
// The judge is outside: the simulator's journal against the public range API, sample by sample.
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { check, finish, scenario } from '../support/checks.mjs';
import { County, seeded } from '../support/county.mjs';
import { judge, readJournal } from '../support/oracle.mjs';
import { sleep, until } from '../support/processes.mjs';

const seed = Number(process.env.XW_SEED ?? 1);
const rounds = Number(process.env.XW_ROUNDS ?? 12);
const random = seeded(seed);
const county = new County({ gateways: 2 });
console.log(`seed ${seed}, ${rounds} rounds`);

const faultPoints = (binary) =>
  execFileSync(path.join(county.bin, binary), ['--list-faults'], { encoding: 'utf8' })
    .split('\n')
    .map((line) => line.trim().split(/\s+/)[0])
    .filter(Boolean);

// Points that a running daemon passes; a point that it never passes makes the round a quiet one.
const points = {
  gateway: [...new Set(faultPoints('xinwang-gateway'))],
  center: [...new Set(faultPoints('xinwang-center'))],
};
const reached = new Set();

const faults = {
  async cut() {
    const gateway = random.pick(county.gateways);
    gateway.relay.set('cut');
    await sleep(random.int(300, 4000));
    gateway.relay.set('up');
    return gateway.id;
  },
  async reset() {
    const gateway = random.pick(county.gateways);
    gateway.relay.reset();
    return gateway.id;
  },
  async killGateway() {
    const gateway = random.pick(county.gateways);
    await gateway.process.kill();
    await sleep(random.int(0, 1500));
    gateway.process.start();
    return gateway.id;
  },
  async killCenter() {
    await county.center.kill();
    await sleep(random.int(0, 1500));
    county.center.start();
    return 'center';
  },
  async killBoth() {
    const gateway = random.pick(county.gateways);
    await Promise.all([county.center.kill(), gateway.process.kill()]);
    county.center.start();
    gateway.process.start();
    return `center and ${gateway.id}`;
  },
  // The process is started again with a fault point armed, dies there, and is started once more.
  async atPoint() {
    const who = random.pick(['gateway', 'center']);
    const process = who === 'center' ? county.center : random.pick(county.gateways).process;
    const point = random.pick(points[who]);
    await process.kill();
    process.start({ XW_FAULT: `${point}:after=${random.int(0, 20)}` });
    await Promise.race([process.exited, sleep(3000)]);
    if (!process.running) reached.add(point);
    await process.kill();
    process.start();
    return `${process.name} at ${point}${reached.has(point) ? '' : ' (not passed)'}`;
  },
};

const plan = {
  devices: [0, 1, 2, 3].map((i) => ({
    id: `dev-${i + 1}`,
    gateway: `127.0.0.1:${0}`,
    source: i < 2 ? { kind: 'pattern', channels: 12 } : { kind: 'synth', rhythm: 'sinus', hr: 75, seed: seed + i },
    rate: 500,
    block_ms: 40,
  })),
};

async function liveAges() {
  const { streams } = await county.api.json('/api/streams');
  return streams.map((stream) => (Date.now() * 1000 - stream.newest_wall_us) / 1000);
}

await scenario(
  'every sample exactly once after random faults',
  async () => {
    await county.start();
    plan.devices.forEach((device, i) => {
      device.gateway = `127.0.0.1:${county.gateways[i % 2].devicePort}`;
    });
    county.startSim(plan);
    await until('four live streams', async () => (await county.api.json('/api/streams')).streams.filter((s) => s.live).length === 4, { timeoutMs: 20000 });

    const injectAt = Math.max(1, Math.floor(rounds / 3));
    const slowBack = [];
    for (let round = 0; round < rounds; round++) {
      const name = random.pick(Object.keys(faults));
      if (round === injectAt) await county.askSim('vf', 'dev-3');
      if (round === 2 * injectAt) await county.askSim('asystole', 'dev-4');
      const what = await faults[name]();
      await county.centerBack();
      const began = performance.now();
      try {
        await until('the present to be back', async () => {
          const ages = await liveAges();
          return ages.length === 4 && ages.every((age) => age < 1000);
        }, { timeoutMs: 15000, stepMs: 100 });
      } catch {
        slowBack.push(`round ${round}: ${name} ${what}`);
      }
      const tookMs = Math.round(performance.now() - began);
      if (tookMs > 5000) slowBack.push(`round ${round}: ${name} ${what}: ${tookMs} ms`);
      console.log(`# round ${round}: ${name} ${what}; live again after ${tookMs} ms`);
      await sleep(random.int(200, 1500));
      if (round === injectAt + 1) await county.askSim('normal', 'dev-3');
      if (round === 2 * injectAt + 1) await county.askSim('normal', 'dev-4');
    }
    check('live age is 1 s or less within 5 s of each fault', slowBack.length === 0, slowBack.join('; '));

    await sleep(6000); // an injected rhythm must have had time to be recognised
    await county.quiesce(60000);
    let verdict;
    await until('the county to hold everything', async () => {
      verdict = await judge(county.api, county.journal);
      return verdict.missing === 0 && verdict.wrongRanges === 0;
    }, { timeoutMs: 30000, stepMs: 1000 }).catch(() => {});
    console.log(`# ${JSON.stringify({ ...verdict, verdicts: undefined })}`);
    check('samples were generated', verdict.generated > 4 * 500 * rounds);
    check('no sample is missing', verdict.missing === 0, JSON.stringify(verdict.verdicts.filter((v) => v.missing)));
    check('no sample is there twice', verdict.twice === 0, verdict.twice);
    check('every range has the samples that were generated', verdict.wrongRanges === 0 && verdict.differing === 0, verdict.wrongRanges);
    check('every device kept its one stream over all restarts', verdict.splitStreams === 0);

    const journal = readJournal(county.journal);
    for (const [id, code] of [['dev-3', 'VF'], ['dev-4', 'ASYSTOLE']]) {
      const device = journal.get(id);
      const injected = device.actions.filter((a) => a.action === (code === 'VF' ? 'vf' : 'asystole')).length;
      const { events } = await county.api.json(`/api/streams/${device.streams.at(-1)}/events?first=0&count=${2 ** 40}&kinds=alarm`);
      const found = events.filter((event) => event.code.toUpperCase().startsWith(code));
      check(`each injected ${code} is one alarm at the county`, found.length === injected, `${injected} injected, ${found.length} found: ${JSON.stringify(found.map((e) => [e.first, e.end, e.run, e.seq, e.revision]))}`);
    }
    const metrics = await (await county.api.request('/metrics')).text();
    const conflicts = [...metrics.matchAll(/^xw_store_conflicts\w*(?:\{[^}]*\})? (\d+)/gm)].reduce((n, m) => n + Number(m[1]), 0);
    check('no conflicts', conflicts === 0, conflicts);
    console.log(`# fault points passed: ${[...reached].sort().join(' ')}`);
  },
  { logs: () => county.logs() },
);
await county.stop();
finish();
