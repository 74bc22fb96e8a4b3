// A county of real processes in a folder of its own, for scenarios, browser tests and benches.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { centerConfig, gatewayConfig } from '../../deploy/demo/county.mjs';
import { Process, askSocket, freePorts, until } from './processes.mjs';
import { Relay } from './relay.mjs';

export const root = fileURLToPath(new URL('../..', import.meta.url));

export class Api {
  constructor(base) {
    this.base = base;
    this.headers = {};
  }

  async request(pathname, { method = 'GET', body, headers = {} } = {}) {
    const answer = await fetch(this.base + pathname, {
      method,
      headers: { ...this.headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(15000),
    });
    return answer;
  }

  async json(pathname, options) {
    const answer = await this.request(pathname, options);
    if (!answer.ok) throw new Error(`${options?.method ?? 'GET'} ${pathname}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }

  async bytes(pathname) {
    const answer = await this.request(pathname);
    if (!answer.ok) throw new Error(`GET ${pathname}: ${answer.status}`);
    return new Uint8Array(await answer.arrayBuffer());
  }

  async enter(role = 'reader') {
    const answer = await this.request('/api/demo/enter', { method: 'POST', body: { role } });
    if (!answer.ok) throw new Error(`enter as ${role}: ${answer.status} ${await answer.text()}`);
    const { csrf } = await answer.json();
    this.cookie = answer.headers.get('set-cookie').split(';')[0];
    this.headers = { cookie: this.cookie, 'x-xinwang-csrf': csrf };
    return this;
  }
}

export class County {
  // gateways: how many; preset: whose binaries; relays: false connects gateways directly; store,
  // spool, enrol: settings of these sections; centerExtra, gatewayExtra: whole sections more; monitors: true
  // opens a port for patient monitors at each gateway; token: of the gateways' pages, which is random
  // otherwise; power: what the fault file layer is told at each start of a daemon (tests/disk/disk.h),
  // then Process.cutPower() cuts it. What is said of gateways may be a function of a gateway's id.
  constructor({ gateways = 1, preset = process.env.XW_PRESET ?? 'release', relays = true, dir, centerExtra = '', gatewayExtra = '', store = {}, spool = {}, enrol = {}, monitors = false, token, power = null } = {}) {
    this.dir = dir ?? fs.mkdtempSync(path.join(os.tmpdir(), 'xw-county-'));
    this.preset = preset;
    this.bin = path.join(root, 'build', preset, 'bin');
    this.gatewaysN = gateways;
    this.useRelays = relays;
    Object.assign(this, { centerExtra, gatewayExtra, store, spool, enrol, monitors, token, power });
    this.dirs = Object.fromEntries(['run', 'logs', 'conf', 'certs', 'data'].map((name) => [name, path.join(this.dir, name)]));
    for (const dir of Object.values(this.dirs)) fs.mkdirSync(dir, { recursive: true });
  }

  #config(name, text) {
    const file = path.join(this.dirs.conf, name);
    fs.writeFileSync(file, text);
    return file;
  }

  async prepare() {
    const ports = await freePorts(3 + 4 * this.gatewaysN);
    [this.webPort, this.linkPort] = ports;
    this.enrolPort = ports.at(-1);
    const ids = Array.from({ length: this.gatewaysN }, (_, i) => `gw-${String(i + 1).padStart(2, '0')}`);
    const certs = path.join(root, 'deploy', 'certs.sh');
    const admin = { env: { ...process.env, XW_ADMIN: path.join(this.bin, 'xinwang-admin') } };
    execFileSync(certs, [this.dirs.certs, 'county', 'county'], admin);
    execFileSync(certs, [this.dirs.certs, 'gateway', ...ids], admin);
    const env = {
      GST_PLUGIN_PATH: path.join(root, 'build', this.preset, 'gst'),
      GST_REGISTRY: path.join(this.dirs.run, 'gst.registry'),
    };
    this.center = new Process(
      'center',
      path.join(this.bin, 'xinwang-center'),
      [
        '--config',
        this.#config(
          'center.conf',
          centerConfig({
            dirs: this.dirs,
            web: path.join(root, 'web', 'dist'),
            port: this.webPort,
            linkPort: this.linkPort,
            controlPath: path.join(this.dirs.run, 'control.sock'),
            enrol: { port: this.enrolPort, ...this.enrol },
            store: this.store,
          }) + this.centerExtra,
        ),
      ],
      { logDir: this.dirs.logs },
    );
    this.gateways = ids.map((id, i) => {
      const [relayPort, devicePort, statusPort, monitorPort] = ports.slice(2 + 4 * i, 6 + 4 * i);
      const site = {
        id,
        name: `站点 ${i + 1}`,
        relayPort: this.useRelays ? relayPort : this.linkPort,
        devicePort,
        statusPort,
        ...(this.monitors ? { monitorPort } : {}),
        token: this.token,
      };
      const said = (setting) => (typeof setting === 'function' ? setting(id) : setting);
      return {
        ...site,
        relay: this.useRelays ? new Relay({ listenPort: relayPort, targetPort: this.linkPort }) : null,
        process: new Process(
          id,
          path.join(this.bin, 'xinwang-gateway'),
          ['--config', this.#config(`${id}.conf`, gatewayConfig({ dirs: this.dirs, site, spool: said(this.spool) }) + said(this.gatewayExtra))],
          { logDir: this.dirs.logs, env },
        ),
      };
    });
    for (const one of [this.center, ...this.gateways.map((gateway) => gateway.process)]) one.power = this.power;
    this.api = new Api(`http://127.0.0.1:${this.webPort}`);
    return this;
  }

  async healthy(port, what, timeoutMs = 20000) {
    await until(`${what} to answer`, async () => (await fetch(`http://127.0.0.1:${port}/healthz`)).status > 0, { timeoutMs });
  }

  async start() {
    if (!this.center) await this.prepare();
    this.center.start();
    await this.healthy(this.webPort, 'the center');
    for (const gateway of this.gateways) {
      if (gateway.relay) await gateway.relay.start();
      gateway.process.start();
    }
    for (const gateway of this.gateways) await this.healthy(gateway.statusPort, gateway.id);
    await this.api.enter();
    return this;
  }

  // The session is durable, but a test that kills the center may come back before it listens.
  async centerBack() {
    await this.healthy(this.webPort, 'the center');
  }

  // Changes one setting of a configuration file; it holds from the next start of its process.
  reconfigure(file, section, key, value) {
    const where = path.join(this.dirs.conf, file);
    const lines = fs.readFileSync(where, 'utf8').split('\n');
    const begin = lines.indexOf(`[${section}]`);
    const at = lines.findIndex((line, i) => i > begin && line.startsWith(`${key} =`));
    if (begin < 0 || at < 0) throw new Error(`${file} has no ${section}.${key}`);
    lines[at] = `${key} = ${value}`;
    fs.writeFileSync(where, lines.join('\n'));
  }

  // Waits until so many streams grow at the county.
  async liveStreams(n, timeoutMs = 20000) {
    await until(`${n} live streams`, async () => (await this.api.json('/api/streams')).streams.filter((one) => one.live).length >= n, { timeoutMs, stepMs: 100 });
  }

  startSim(plan, name = 'sim') {
    this.journal = path.join(this.dirs.run, `${name}.journal`);
    this.simControl = path.join(this.dirs.run, `${name}.sock`);
    const file = this.#config(`${name}.json`, JSON.stringify({ journal: this.journal, control: this.simControl, demo: true, ...plan }));
    this.sim = new Process(name, path.join(this.bin, 'xinwang-sim'), ['--plan', file], { logDir: this.dirs.logs });
    this.sim.start();
    return this.sim;
  }

  askSim(action, device) {
    return askSocket(this.simControl, device ? { action, device } : { action });
  }

  // No more is generated, and everything generated is acknowledged to its device.
  async quiesce(timeoutMs = 60000) {
    await this.askSim('freeze');
    await until(
      'every device to be acknowledged',
      async () => (await this.askSim('stats')).devices.every((device) => device.finished),
      { timeoutMs, stepMs: 200 },
    );
  }

  async stop() {
    await this.sim?.stop();
    await Promise.all((this.gateways ?? []).map((gateway) => gateway.process.stop(8000)));
    await this.center?.stop(8000);
    await Promise.all((this.gateways ?? []).map((gateway) => gateway.relay?.stop()));
    if (!process.env.XW_KEEP) fs.rmSync(this.dir, { recursive: true, force: true });
  }

  logs() {
    return fs
      .readdirSync(this.dirs.logs)
      .map((file) => `--- ${file}\n${fs.readFileSync(path.join(this.dirs.logs, file), 'utf8').split('\n').slice(-25).join('\n')}`)
      .join('\n');
  }
}

// A seeded generator (mulberry32): scenarios print their seed and can be run again.
export function seeded(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return {
    next,
    int: (low, high) => low + Math.floor(next() * (high - low + 1)),
    pick: (list) => list[Math.floor(next() * list.length)],
  };
}
