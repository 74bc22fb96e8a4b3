// Power cuts under a real gateway and a real center: below them lies the fault file layer
// (tests/disk), and at each cut what was not synced is lost in part. What a device was told to be
// stored is at the county in the end, and recordings are whole. Then the same seeds on a disk whose
// syncs are a lie: there the judge must find losses, or it would prove nothing.
//   XW_SEED    the seed (printed)      XW_POWER_ROUNDS  cuts of each kind (default 4)
// The long campaign, with power cuts among kills, link cuts and fault points: faults.test.mjs.
import fs from 'node:fs';
import path from 'node:path';
import { check, finish, scenario, skip } from '../support/checks.mjs';
import { County, root, seeded } from '../support/county.mjs';
import { brief, exact, judgeAtRest } from '../support/oracle.mjs';
import { Probe, clips, fragmentsOf, object, picture, run, sha256Of, status } from '../support/probe.mjs';
import { freePorts, sleep, until } from '../support/processes.mjs';

const seed = Number(process.env.XW_SEED ?? 1);
const rounds = Number(process.env.XW_POWER_ROUNDS ?? 4);
const preset = process.env.XW_PRESET ?? 'release';
console.log(`# seed ${seed}, ${rounds} rounds`);

// Kept from the county for a while, so that the gateway's spool alone has what was acknowledged; then
// the power of the gateway fails, or the county's, or both.
async function cuts(county, random, n) {
  const [gateway] = county.gateways;
  let cut = 0;
  for (let round = 0; round < n; round++) {
    gateway.relay.set('cut');
    await sleep(random.int(600, 2500));
    const which = random.pick([[gateway.process], [gateway.process], [county.center], [gateway.process, county.center]]);
    cut += (await Promise.all(which.map((one) => one.cutPower()))).filter(Boolean).length;
    for (const one of which) one.start();
    gateway.relay.set('up');
    await county.centerBack();
    await county.healthy(gateway.statusPort, gateway.id);
    await sleep(random.int(200, 1500));
  }
  return cut;
}

async function ecg(lie) {
  const random = seeded(seed);
  const county = new County({ power: () => `power:${random.int(1, 1e9)}${lie}` });
  let found = 'nothing';
  await scenario(
    lie ? 'a disk whose syncs lie is found out' : 'everything acknowledged survives power cuts',
    async () => {
      await county.start();
      const devices = [0, 1, 2].map((i) => ({
        id: `dev-${i + 1}`,
        gateway: `127.0.0.1:${county.gateways[0].devicePort}`,
        source: i ? { kind: 'synth', rhythm: 'sinus', hr: 75, seed: seed + i } : { kind: 'pattern', channels: 12 },
        rate: 500,
        block_ms: 40,
      }));
      county.startSim({ devices });
      await county.liveStreams(3);
      try {
        const cut = await cuts(county, random, rounds);
        const verdict = await judgeAtRest(county, lie ? { quiesceMs: 10000, timeoutMs: 3000 } : {});
        if (!verdict) throw new Error('nothing that was made can be read back');
        console.log(`# ${brief(verdict)}; ${cut} power cuts`);
        if (!lie) {
          check('power was cut', cut >= rounds, cut);
          check('samples were generated', verdict.generated > 500 * rounds, verdict.generated);
          check('every sample is at the county once, with its values', exact(verdict), brief(verdict));
          check('every device kept its one stream', verdict.splitStreams === 0, verdict.splitStreams);
        } else if (!exact(verdict) || verdict.splitStreams > 0) found = brief(verdict);
      } catch (error) {
        if (!lie) throw error;
        found = error.message; // it does not even come back
      }
      if (lie) check('the losses of a lying disk are found', found !== 'nothing', found);
    },
    lie ? {} : { logs: () => county.logs() },
  );
  await county.stop();
}

// A recording whose fragments were synced is there after the cut, cut to whole fragments.
async function recordings() {
  const random = seeded(seed + 1);
  const [port] = await freePorts(1);
  const county = new County({ power: () => `power:${random.int(1, 1e9)}` });
  const probe = new Probe(county, { port });
  county.gatewayExtra = `\n[video]\nclip_max = 60s\n[video1]\nid = probe\nlabel = 探头\nbed = 一号床\nsource = "${probe.source}"\n`;
  await scenario('a recording survives power cuts', async () => {
    await county.prepare();
    const [gateway] = county.gateways;
    const file = path.join(county.dirs.conf, `${gateway.id}.conf`);
    fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace('[status]\n', '[status]\ntoken = script\n'));
    await probe.start();
    await county.start();
    const store = (who) => path.join(county.dirs.data, who);
    const n = Math.ceil(rounds / 2);
    let cut = 0;
    for (let round = 0; round < n; round++) {
      await run(gateway, 'start');
      await until('a recording', async () => (await picture(gateway)).recording, { timeoutMs: 20000, stepMs: 100 });
      await sleep(random.int(2500, 4000));
      cut += Number(await gateway.process.cutPower());
      gateway.process.start();
      await county.healthy(gateway.statusPort, gateway.id);
    }
    await until('every recording to be at the county', async () => {
      const s = await status(gateway);
      return s.clips.unsent === 0 && s.clips.finishing === 0 && s.link.linked && clips(store('center')).filter((one) => one.end !== 'running').length >= n;
    }, { timeoutMs: 60000, stepMs: 300 }).catch((error) => console.log(`# ${error.message}`));
    const list = clips(store('center'));
    const whole = list.filter((one) => {
      const bytes = one.size && object(store('center'), one.sha256);
      return bytes && bytes.length === one.size && sha256Of(bytes) === one.sha256 && fragmentsOf(bytes).rest === 0 && fragmentsOf(bytes).n >= 1;
    });
    check('each recording is at the county, whole, though its power was cut', cut === n && whole.length === n && list.every((one) => one.end !== 'running'), JSON.stringify({ cut, n, clips: list.map((one) => [one.end, one.size]) }));
  }, { logs: () => county.logs() });
  await probe.process.stop();
  await county.stop();
}

if (preset !== 'release' || !fs.existsSync(path.join(root, 'build', preset, 'tests', 'libxwdisk.so'))) {
  skip('power cuts', 'no fault file layer in this build');
} else {
  await ecg('');
  await recordings();
  await ecg(':lie=all');
}
finish();
