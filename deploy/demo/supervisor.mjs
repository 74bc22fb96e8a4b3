// Runs the demo county: one center, two townships, one village, their radio links (relays) and the
// simulated patients. Started by deploy/demo.sh; lives until it gets SIGTERM.
// Control: a unix socket, one JSON line in, one out (see handle()).
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Process, askSocket, freePorts, sleep, until } from '../../tests/support/processes.mjs';
import { Relay } from '../../tests/support/relay.mjs';
import { centerConfig, gatewayConfig, PATIENTS, planFor, SITES } from './county.mjs';

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

const [linkPort, ...rest] = await freePorts(1 + 3 * SITES.length);
const sites = SITES.map((site, i) => ({
  ...site,
  relayPort: rest[3 * i],
  devicePort: rest[3 * i + 1],
  statusPort: rest[3 * i + 2],
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
        sites: SITES,
      }),
    ),
  ],
  { logDir: dirs.logs },
);

for (const site of sites) {
  site.relay = new Relay({ listenPort: site.relayPort, targetPort: linkPort });
  site.process = new Process(
    site.id,
    binary('xinwang-gateway'),
    ['--config', writeConfig(`${site.id}.conf`, gatewayConfig({ dirs, site, beds: PATIENTS.filter((patient) => patient.site === site.id) }))],
    { logDir: dirs.logs, env: { GST_PLUGIN_PATH: gstPath } },
  );
}

const planFile = path.join(dirs.conf, 'patients.json');
const plan = planFor({ sites, data: options.data, controlPath: simControlPath, dirs });
fs.writeFileSync(planFile, JSON.stringify(plan, null, 2));
const sim = new Process('sim', binary('xinwang-sim'), ['--plan', planFile], { logDir: dirs.logs });

let stopping = false;
const wantRunning = new Set([center, sim, ...sites.map((site) => site.process)]);

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

const gatewayActions = {
  cut: (site) => site.relay.set('cut'),
  heal: (site) => site.relay.set('up'),
  slow: (site) => site.relay.set('slow', 8000),
  power_off: async (site) => {
    wantRunning.delete(site.process);
    await site.process.kill('SIGKILL');
  },
  power_on: (site) => {
    wantRunning.add(site.process);
  },
};
const patientActions = ['lead_off', 'lead_on', 'vf', 'chest_pain', 'arms_reversed', 'normal'];

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
      // Those whose rhythm the console can change: a recording stays what it is.
      patients: plan.devices
        .filter((device) => device.source.kind === 'synth')
        .map((device) => ({ id: device.label, device: device.id, gateway: device.site })),
      actions: [...Object.keys(gatewayActions), ...patientActions],
    };
  if (Object.hasOwn(gatewayActions, request.action)) {
    await gatewayActions[request.action](siteOf(request.target));
    return { ok: true };
  }
  if (patientActions.includes(request.action))
    return askSocket(simControlPath, { action: request.action, device: request.target });
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
console.error(`demo county is up: ${PATIENTS.length} patients at ${sites.length} sites`);
