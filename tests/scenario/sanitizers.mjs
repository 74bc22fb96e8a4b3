// A county of processes built with a sanitizer, through connects, disconnects, cuts and kills: no
// report, and everyone ends cleanly at SIGTERM. Run by ctest of the presets asan and tsan:
//   node tests/scenario/sanitizers.mjs address|thread PRESET
//   XW_SEED  of the random bytes and moments (printed)      XW_KEEP=1  leaves the county's folder
//
// address: AddressSanitizer, UndefinedBehaviorSanitizer, leaks at the end of every process.
// thread: the center and the simulator as they are; the gateway with what is not instrumented
// (GStreamer, GLib) ignored. That a report would be seen is shown with a planted race first.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { check, finish, scenario } from '../support/checks.mjs';
import { County, root, seeded } from '../support/county.mjs';
import { RawDevice, block, hello } from '../support/device.mjs';
import { LiveSocket } from '../support/live.mjs';
import { brief, exact, judgeAtRest } from '../support/oracle.mjs';
import { sleep } from '../support/processes.mjs';

const [kind, preset] = process.argv.slice(2);
if (!['address', 'thread'].includes(kind) || !preset) throw new Error('usage: sanitizers.mjs address|thread PRESET');
const seed = Number(process.env.XW_SEED ?? 1);
const random = seeded(seed);
console.log(`seed ${seed}`);

const REPORT_EXIT = 66; // of a process that has something to report
const county = new County({ gateways: 2, preset });
const reports = path.join(county.dir, 'reports');
fs.mkdirSync(reports);

// The environment of one process; its reports go to files of its name.
function options(name, { gstreamer = false } = {}) {
  const common = `log_path=${path.join(reports, name)}:exitcode=${REPORT_EXIT}`;
  if (kind === 'thread') return { G_SLICE: 'always-malloc', TSAN_OPTIONS: `${common}:halt_on_error=0:second_deadlock_stack=1${gstreamer ? ':ignore_noninstrumented_modules=1' : ''}` };
  return { ASAN_OPTIONS: `${common}:detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1`, G_SLICE: 'always-malloc', UBSAN_OPTIONS: `${common}:print_stacktrace=1` };
}
const reported = (name = '') => fs.readdirSync(reports).filter((file) => file.startsWith(name));
function tell(files) {
  for (const file of files) console.log(`--- ${file}\n${fs.readFileSync(path.join(reports, file), 'utf8').split('\n').slice(0, 120).join('\n')}`);
}

// Connections that come and go, half-said or wrong: the paths that a good simulator never takes.
async function strangers(port) {
  for (let i = 0; i < 12; i++) {
    const device = await new RawDevice(port).open();
    const how = random.int(0, 3);
    if (how === 0) device.raw(Buffer.from(Array.from({ length: 60 }, () => random.int(0, 255))));
    if (how >= 2) device.say(hello({ id: `churn-${i % 3}` }));
    if (how === 3 && (await device.accepted(3000))) for (let first = 0; first < 400; first += 20) device.say(block({ first }));
    await sleep(random.int(0, 150));
    device.close();
  }
}

async function reader(moments) {
  const { streams } = await county.api.json('/api/streams');
  const socket = await new LiveSocket(county.api).open();
  socket.watchList();
  for (const stream of streams) socket.watch(stream.id, 1000);
  await moments();
  socket.socket.terminate(); // the center was killed meanwhile
  for (const stream of streams.slice(0, 2)) {
    await county.api.request(`/api/streams/${stream.id}/ranges`);
    await county.api.request(`/api/streams/${stream.id}/events?first=0&count=100000`);
    await county.api.request(`/api/streams/${stream.id}/samples?first=0&count=2000`);
  }
  await county.api.request('/api/studies', { method: 'POST', body: { stream: streams[0].id, first: 0, count: 500, reason: 'other', urgent: true } });
}

async function life() {
  const [first, second] = county.gateways;
  for (const action of ['lead_off', 'vf', 'marker']) await county.askSim(action, 'dev-1');
  await Promise.all([strangers(first.devicePort), sleep(2000)]);
  await county.askSim('lead_on', 'dev-1');
  second.relay.set('cut'); // long enough for both ends to notice
  await sleep(6000);
  second.relay.set('up');
  first.relay.reset();
  await county.askSim('normal', 'dev-1');
  await sleep(1500);
  await second.process.kill();
  second.process.start();
  await county.healthy(second.statusPort, second.id);
  await county.center.kill();
  county.center.start();
  await county.centerBack();
  await county.liveStreams(4, 30000);
}

if (kind === 'thread')
  await scenario('a report would be seen', async () => {
    const race = path.join(root, 'build', preset, 'tests', 'xw-planted-race');
    const run = (name) => spawnSync(race, [name], { env: { ...process.env, ...options(`planted-${name}`, { gstreamer: true }) }, encoding: 'utf8' });
    const planted = run('plant');
    const text = reported('planted-plant').map((file) => fs.readFileSync(path.join(reports, file), 'utf8')).join('');
    check('a race planted in the pipeline is reported', planted.status === REPORT_EXIT && /data race[^]*planted_race\.c/.test(text), `exit ${planted.status}`);
    const clean = run('none');
    check('without it the same run is clean', clean.status === 0 && !reported('planted-none').length, `exit ${clean.status}`);
    tell(reported('planted-none'));
    for (const file of reported('planted')) fs.rmSync(path.join(reports, file));
  });

await scenario(
  `${kind}: connect, cut, kill, reconnect, end`,
  async () => {
    await county.prepare();
    county.center.env = { ...county.center.env, ...options('center') };
    for (const gateway of county.gateways) gateway.process.env = { ...gateway.process.env, ...options(gateway.id, { gstreamer: true }) };
    await county.start();
    Object.assign(process.env, options('sim')); // the simulator takes this process's
    county.startSim({
      devices: [
        { kind: 'synth', rhythm: 'sinus', seed: 1 }, { kind: 'pattern', channels: 12 },
        { kind: 'synth', rhythm: 'af', seed: 2 }, { kind: 'synth', rhythm: 'pvc', seed: 3 },
        { kind: 'ctg', scene: 'poor', fetuses: 2, seed: 4 }, { kind: 'ctg', scene: 'maternal', seed: 5 },
      ].map((source, i) => ({ id: `dev-${i + 1}`, gateway: `127.0.0.1:${county.gateways[i % 2].devicePort}`, ...(i < 4 && { rate: i === 3 ? 250 : 500, block_ms: 40 }), source })),
    });
    await county.liveStreams(6, 30000);
    await reader(life);
    const verdict = await judgeAtRest(county);
    check('nothing is lost on the way', exact(verdict), brief(verdict));
    // Gateways first, one of them with its devices connected; then the rest.
    await county.askSim('thaw');
    await sleep(500);
    const processes = [...county.gateways.map((one) => one.process), county.sim, county.center];
    for (const one of processes) {
      const how = await one.stop(20000);
      check(`${one.name} ends cleanly at SIGTERM`, how?.code === 0, `code ${how?.code}, signal ${how?.signal}`);
    }
    check('no report of any process', reported().length === 0, reported().join(' '));
  },
  { logs: () => county.logs() },
);
tell(reported());
await county.stop();
finish();
