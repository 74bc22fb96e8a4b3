// A full disk: at a gateway while its link is cut, and at the county. The technical alarm comes
// before anything is refused; what is not acknowledged stays with whoever has it; what could not be
// kept is a recorded gap; when there is room again everything goes on and everything acknowledged
// is at the county. The gateway's disk is full by its own limit, and (root only) for real.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { check, finish, scenario, skip } from '../support/checks.mjs';
import { County } from '../support/county.mjs';
import { RawDevice, block, hello, signal, channel } from '../support/device.mjs';
import { brief, exact, judgeAtRest } from '../support/oracle.mjs';
import { sleep, until } from '../support/processes.mjs';

const SPOOL_LIMIT = 3; // GapReason

const devices = (ports, n) =>
  Array.from({ length: n }, (_, i) => ({
    id: `dev-${i + 1}`, gateway: `127.0.0.1:${ports[i % ports.length]}`, rate: 1000, block_ms: 40,
    // So fine a gain that the noise of the signal does not compress: the stores are full in a minute.
    source: i ? { kind: 'synth', rhythm: 'sinus', seed: i, gain: 200000 } : { kind: 'pattern', channels: 12 },
  }));
const log = (process) => fs.readFileSync(process.logFile, 'utf8');
const alarmAt = (process, code) => log(process).search(new RegExp(`technical\\.\\w+ .*${code}`, 'i'));
const technical = async (county, code) => (await county.api.json('/api/alarms?limit=200')).technical.filter((one) => one.code.toUpperCase().includes(code));
const stats = async (county) => (await county.askSim('stats')).devices;
const sum = (list, key) => list.reduce((n, one) => n + one[key], 0);

// A device that cannot send again: 250 samples a second of one lead, 40 ms blocks, for as long as it
// is let.
class Forgetful {
  constructor(port) {
    this.port = port;
    this.next = 0;
    this.timer = setInterval(() => this.#tick(), 40);
  }

  async #tick() {
    if (this.opening) return;
    if (!this.device || this.device.closed) {
      this.opening = true;
      this.device = await new RawDevice(this.port).open().catch(() => null);
      if (this.device) {
        this.device.say(hello({ id: 'forgetful', resume: false, signals: [signal({ rate: [250, 1], channels: [channel()] })] }));
        await this.device.accepted(2000);
      }
      this.opening = false;
      return;
    }
    this.device.say(block({ first: this.next, count: 10, channels: 1 }));
    this.next += 10;
  }

  stop() {
    clearInterval(this.timer);
    this.device?.close();
  }
}

async function fullGateway(county, makeRoom = () => {}) {
  await county.start();
  const [gateway] = county.gateways;
  county.startSim({ devices: devices([gateway.devicePort], 6) });
  const forgetful = new Forgetful(gateway.devicePort);
  try {
    await county.liveStreams(7);
    gateway.relay.set('cut');
    await until('the alarm that the spool runs low', () => alarmAt(gateway.process, 'SPOOL_LOW') >= 0, { timeoutMs: 120000, stepMs: 50 });
    check('the alarm comes before anything is refused', !log(gateway.process).includes('edge.spool.refuses') && alarmAt(gateway.process, 'SPOOL_FULL') < 0);
    await until('the spool to be full', () => alarmAt(gateway.process, 'SPOOL_FULL') >= 0, { timeoutMs: 120000, stepMs: 100 });
    // Compaction may find some room again, for a while.
    let before;
    let after = await stats(county);
    await until('nothing to be acknowledged any more', async () => {
      before = after;
      await sleep(3000);
      after = await stats(county);
      return sum(after, 'acked') === sum(before, 'acked');
    }, { timeoutMs: 200000, stepMs: 0 }).catch(() => {});
    check('a full gateway acknowledges nothing more', sum(after, 'acked') === sum(before, 'acked'), `${sum(before, 'acked')} then ${sum(after, 'acked')}`);
    check('the devices keep what is not acknowledged', sum(after, 'kept') > sum(before, 'kept') && sum(after, 'made') > sum(before, 'made'));
    check('the gateway lives', gateway.process.running && gateway.process.starts === 1);

    gateway.relay.set('up');
    makeRoom();
    const growing = sum(await stats(county), 'acked');
    await until('devices to be acknowledged again', async () => sum(await stats(county), 'acked') > growing + 20000, { timeoutMs: 60000, stepMs: 200 });
    await until('the alarms to end', async () => {
      const alarms = [...(await technical(county, 'SPOOL_LOW')), ...(await technical(county, 'SPOOL_FULL'))];
      return alarms.length >= 2 && alarms.every((one) => one.to_wall_us !== null && one.to_wall_us !== 0);
    }, { timeoutMs: 60000, stepMs: 500 }).then(() => check('both alarms are at the county, and have ended', true), (error) => check('both alarms are at the county, and have ended', false, error.message));
    await sleep(3000);
    forgetful.stop();
    const verdict = await judgeAtRest(county, { timeoutMs: 60000 });
    check('everything that was acknowledged is at the county exactly once', exact(verdict), brief(verdict));

    const { streams } = await county.api.json('/api/streams');
    const lossy = streams.filter((one) => one.device === 'forgetful');
    let unknown = 0;
    let spoolLimit = 0;
    for (const stream of lossy) {
      const ranges = await county.api.json(`/api/streams/${stream.id}/ranges`);
      let at = ranges.known[0]?.first ?? 0;
      for (const range of ranges.known) {
        unknown += Math.max(0, range.first - at);
        at = Math.max(at, range.first + range.count);
      }
      for (const one of ranges.gaps) if (one.reason === SPOOL_LIMIT || /spool.limit/i.test(String(one.reason))) spoolLimit += one.count;
    }
    check('what could not be kept is a recorded gap: spool limit', lossy.length > 0 && spoolLimit > 0, `${spoolLimit} samples`);
    check('nothing of it is unknown', unknown === 0, unknown);
  } finally {
    forgetful.stop();
  }
}

const only = process.argv[2]; // a word of the scenario's name
const withCounty = async (name, options, body) => {
  if (only && !name.includes(only)) return;
  const county = new County({ gateways: 1, ...options });
  await scenario(name, () => body(county), { logs: () => county.logs() });
  await county.stop();
};

await withCounty('a gateway at the limit of its spool', { spool: { limit: '8MiB', low: '4MiB', reserve: '16MiB' } }, fullGateway);

// A real small disk, if this machine lets us have one. The reserve is what upkeep needs to make room.
const disk = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), 'xw-disk-'));
let mounted = false;
try {
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=192m', 'xw-test', disk], { stdio: 'ignore' });
  mounted = true;
} catch {
  skip('a gateway on a full disk', 'a small file system cannot be mounted here');
}
if (mounted) {
  fs.writeFileSync(path.join(disk, 'others'), Buffer.alloc(117 << 20)); // 75 MiB are left, 11 of them above the reserve
  try {
    await withCounty('a gateway on a full disk', { spool: { limit: '0', reserve: '64MiB', low: '9MiB', dir: path.join(disk, 'spool') } }, (county) => fullGateway(county, () => fs.rmSync(path.join(disk, 'others'))));
  } finally {
    execFileSync('umount', [disk]);
  }
}
fs.rmSync(disk, { recursive: true, force: true });

await withCounty('a county at the limit of its store', { gateways: 2, store: { limit: '10MiB', low: '5MiB', reserve: '16MiB' } }, async (county) => {
  await county.start();
  county.startSim({ devices: devices(county.gateways.map((gateway) => gateway.devicePort), 6) });
  await county.liveStreams(6);
  await until('the alarm that the store runs low', async () => (await technical(county, 'STORE_LOW')).length > 0, { timeoutMs: 120000, stepMs: 100 });
  // Compaction makes a little room again and again: "full" may last only for moments.
  let degraded = false;
  let polling = true;
  const poller = (async () => {
    while (polling) {
      degraded ||= (await fetch(`http://127.0.0.1:${county.webPort}/healthz`).catch(() => ({}))).status === 503;
      await sleep(5);
    }
  })();
  check('the alarm comes before the store is full', (await technical(county, 'STORE_FULL')).length === 0);
  await until('the store to be full', async () => (await technical(county, 'STORE_FULL')).length > 0, { timeoutMs: 120000, stepMs: 200 });
  const before = await stats(county);
  await sleep(6000);
  const after = await stats(county);
  check('the gateways keep: devices are acknowledged all the same', sum(after, 'acked') > sum(before, 'acked') + 6 * 1000 * 3, `${sum(after, 'acked') - sum(before, 'acked')} in 6 s`);
  polling = false;
  await poller;
  check('/healthz says so', degraded);
  const { streams } = await county.api.json('/api/streams');
  check('the present is still shown', streams.filter((one) => one.live).length === 6, streams.map((one) => one.live).join());
  check('the processes live', [county.center, ...county.gateways.map((gateway) => gateway.process)].every((one) => one.running && one.starts === 1));

  await county.center.stop(8000);
  county.reconfigure('center.conf', 'store', 'limit', '1GiB');
  county.center.start();
  await county.centerBack();
  await county.liveStreams(6);
  const verdict = await judgeAtRest(county, { timeoutMs: 60000 });
  check('with room again everything is at the county exactly once', exact(verdict), brief(verdict));
  await until('the alarms to end', async () => [...(await technical(county, 'STORE_FULL')), ...(await technical(county, 'STORE_LOW'))].every((one) => one.to_wall_us), { timeoutMs: 20000, stepMs: 500 })
    .then(() => check('the alarms have ended', true), (error) => check('the alarms have ended', false, error.message));
});
finish();
