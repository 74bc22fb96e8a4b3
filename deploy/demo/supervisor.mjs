// Runs the demo county: one center, two townships, one village, their radio links (relays) and the
// simulated patients. Started by deploy/demo.sh; lives until it gets SIGTERM.
// Control: a unix socket, one JSON line in, one out (see handle()).
import crypto from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Process, askSocket, freePorts, sleep, until } from '../../tests/support/processes.mjs';
import { Relay } from '../../tests/support/relay.mjs';
import { centerConfig, devicesOf, gatewayConfig, PATIENTS, planFor, SITES } from './county.mjs';

const { values: options } = parseArgs({
  options: {
    bin: { type: 'string' },
    web: { type: 'string' },
    state: { type: 'string' },
    port: { type: 'string' },
    data: { type: 'string' },
  },
});
const state = path.resolve(options.state);
const dirs = Object.fromEntries(
  ['run', 'logs', 'conf', 'certs', 'data'].map((name) => [name, path.join(state, name)]),
);
for (const dir of Object.values(dirs)) fs.mkdirSync(dir, { recursive: true, mode: 0o700 });

const [linkPort, enrolPort, ...rest] = await freePorts(2 + 5 * SITES.length);
const sites = SITES.map((site, i) => ({
  ...site,
  relayPort: rest[5 * i],
  devicePort: rest[5 * i + 1],
  statusPort: rest[5 * i + 2],
  monitorPort: rest[5 * i + 3],
  token: crypto.randomBytes(16).toString('hex'), // with which the console starts and stops a picture
  patients: PATIENTS.filter((patient) => patient.site === site.id),
  probePort: rest[5 * i + 4],
}));
const controlPath = path.join(dirs.run, 'control.sock');
const simControlPath = path.join(dirs.run, 'sim.sock');
const binary = (name) => path.join(options.bin, name);
const gstPath = path.join(options.bin, '..', 'gst');

function writeConfig(name, text) {
  const file = path.join(dirs.conf, name);
  fs.writeFileSync(file, text, { mode: 0o600 });
  return file;
}

const center = new Process(
  'center',
  binary('xinwang-center'),
  [
    '--config',
    writeConfig(
      'center.conf',
      centerConfig({
        dirs,
        web: path.resolve(options.web),
        port: Number(options.port),
        linkPort,
        controlPath,
        enrol: { port: enrolPort },
        sites: SITES,
      }),
    ),
  ],
  { logDir: dirs.logs },
);

for (const site of sites) {
  const probed = site.patients.find((patient) => patient.probe);
  if (probed) {
    site.probe = { id: `probe-${probed.id}`, bed: probed.label, port: site.probePort, control: path.join(dirs.run, `probe-${site.id}.sock`) };
    site.probe.process = new Process(site.probe.id, binary('xinwang-sim'), ['ultrasound', '--port', String(site.probePort), '--control', site.probe.control], { logDir: dirs.logs });
  }
  site.relay = new Relay({ listenPort: site.relayPort, targetPort: linkPort });
  site.process = new Process(
    site.id,
    binary('xinwang-gateway'),
    ['--config', writeConfig(`${site.id}.conf`, gatewayConfig({ dirs, site, beds: site.patients.flatMap(devicesOf), probe: site.probe }))],
    { logDir: dirs.logs, env: { GST_PLUGIN_PATH: gstPath } },
  );
}

const planFile = path.join(dirs.conf, 'patients.json');
const plan = planFor({ sites, data: options.data, controlPath: simControlPath, dirs });
fs.writeFileSync(planFile, JSON.stringify(plan, null, 2));
const sim = new Process('sim', binary('xinwang-sim'), ['--plan', planFile], { logDir: dirs.logs });

let stopping = false;
const probes = sites.filter((site) => site.probe).map((site) => site.probe.process);
const wantRunning = new Set([center, sim, ...probes, ...sites.map((site) => site.process)]);

// What dies unasked is started again, as a machine's service manager would do.
async function keepAlive(process) {
  while (!stopping) {
    if (wantRunning.has(process) && !process.running) {
      process.start();
      const how = await process.exited;
      if (stopping) return;
      if (wantRunning.has(process)) {
        console.error(`${process.name} ended (${how.code ?? how.signal}); starting it again`);
        await sleep(1000);
      }
    } else {
      await sleep(100);
    }
  }
}

const siteOf = (id) => {
  const site = sites.find((one) => one.id === id);
  if (!site) throw new Error(`no gateway '${id}'`);
  return site;
};

// 1 Mbit/s: room for the ECG of a township, not for its picture.
const NARROW_BYTES_PER_S = 125000;
// A picture that nobody stops ends by itself: it is recorded, and a demonstration must not fill the disk.
const PICTURE_MS = 10 * 60 * 1000;

const gatewayActions = {
  cut: (site) => site.relay.set('cut'),
  heal: (site) => site.relay.set('up'),
  slow: (site) => site.relay.set('slow', NARROW_BYTES_PER_S),
  power_off: async (site) => {
    wantRunning.delete(site.process);
    await site.process.kill('SIGKILL');
  },
  power_on: (site) => {
    wantRunning.add(site.process);
    if (site.probe) until('the gateway to listen', () => runPicture(site, 'start').then(() => true)).catch(() => {});
  },
};
// What the simulator can make a device of each kind do. A recording stays what it is.
const deviceActions = {
  ecg: ['lead_off', 'lead_on', 'vf', 'chest_pain', 'arms_reversed', 'normal'],
  ctg: ['ctg_loss', 'ctg_decel', 'ctg_normal'],
  monitor: ['spo2_off', 'desat', 'vitals_normal'],
  video: ['video_start', 'video_stop', 'video_unplug', 'video_normal'],
};
const replayed = new Set(plan.devices.filter((device) => device.source.kind === 'wfdb').map((device) => device.id));
const devices = PATIENTS.flatMap((patient) => devicesOf(patient).map((one) => ({ ...one, gateway: patient.site }))).filter((one) => !replayed.has(one.device));

async function runPicture(site, what) {
  clearTimeout(site.pictureTimer);
  const answer = await fetch(`http://127.0.0.1:${site.statusPort}/video/${site.probe.id}/${what}`, { method: 'POST', headers: { 'x-xinwang-token': site.token }, signal: AbortSignal.timeout(5000) });
  if (!answer.ok) throw new Error(`the gateway answered ${answer.status}`);
  if (what === 'start') {
    site.pictureTimer = setTimeout(() => runPicture(site, 'stop').catch(() => {}), PICTURE_MS);
    site.pictureTimer.unref();
  }
}

function actOnDevice(action, id) {
  const device = devices.find((one) => one.device === id);
  if (!device || !deviceActions[device.kind].includes(action)) throw new Error(`'${action}' is nothing for ${id}`);
  if (device.kind !== 'video') return askSocket(simControlPath, { action, device: id });
  const site = siteOf(device.gateway);
  if (action === 'video_start' || action === 'video_stop') return runPicture(site, action.slice('video_'.length)).then(() => ({ ok: true }));
  return askSocket(site.probe.control, { action: action.slice('video_'.length) });
}

async function handle(request) {
  if (request.action === 'state')
    return {
      ok: true,
      gateways: sites.map((site) => ({
        id: site.id,
        site: site.name,
        link: site.relay.mode,
        running: site.process.running,
      })),
      patients: devices.map((one) => ({ id: one.bed, device: one.device, gateway: one.gateway, kind: one.kind })),
      actions: [...Object.keys(gatewayActions), ...Object.values(deviceActions).flat()],
    };
  if (Object.hasOwn(gatewayActions, request.action)) {
    await gatewayActions[request.action](siteOf(request.target));
    return { ok: true };
  }
  if (Object.values(deviceActions).some((list) => list.includes(request.action))) return actOnDevice(request.action, request.target);
  throw new Error(`unknown action '${request.action}'`);
}

fs.rmSync(controlPath, { force: true });
const control = net.createServer((socket) => {
  let text = '';
  socket.on('error', () => {});
  socket.setTimeout(10000, () => socket.destroy());
  socket.on('data', async (chunk) => {
    text += chunk;
    if (text.length > 4096) return socket.destroy();
    const end = text.indexOf('\n');
    if (end < 0) return;
    let answer;
    try {
      answer = await handle(JSON.parse(text.slice(0, end)));
    } catch (error) {
      answer = { error: error.message };
    }
    socket.end(`${JSON.stringify(answer)}\n`);
  });
});

async function stop() {
  if (stopping) return;
  stopping = true;
  wantRunning.clear();
  await sim.stop();
  await Promise.all(probes.map((one) => one.stop()));
  await Promise.all(sites.map((site) => site.process.stop()));
  await center.stop();
  await Promise.all(sites.map((site) => site.relay.stop()));
  control.close();
  fs.rmSync(controlPath, { force: true });
  process.exit(0);
}
process.on('SIGTERM', stop);
process.on('SIGINT', stop);

await new Promise((resolve) => control.listen(controlPath, resolve));
for (const site of sites) await site.relay.start();
keepAlive(center);
await until('the center to answer', async () => {
  const answer = await fetch(`http://127.0.0.1:${options.port}/healthz`);
  return answer.status === 200 || answer.status === 503;
});
for (const site of sites) keepAlive(site.process);
await until('the gateways to listen', async () => {
  for (const site of sites)
    if (!(await fetch(`http://127.0.0.1:${site.statusPort}/healthz`)).status) return false;
  return true;
});
keepAlive(sim);
for (const one of probes) keepAlive(one);
for (const site of sites) if (site.probe) await runPicture(site, 'start').catch((error) => console.error(`${site.probe.id}: ${error.message}`));
console.error(`demo county is up: ${PATIENTS.length} patients at ${sites.length} sites`);
