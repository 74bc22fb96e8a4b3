// A county at one end of a narrow link and a gateway (or a made-up load) at the other: real
// processes, real TCP, in network namespaces that exist only as long as the test.
//
//   if (!inNamespace()) { console.log('skipped: …'); process.exit(77); }
//   const link = await new ShapedCounty({ rate: 1e6, bufferMs: 1000, delayMs: 15 }).start();
//   await link.lab.ask('loss-ppm 10000');
//
// inNamespace() runs the program again in a fresh namespace; the center runs there, beside the
// test. xw-linklab makes a second one and is the link between them: rate, buffer, delay, jitter,
// losses, holes, changes of address, by lines told to it at any time or beforehand.
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { County, root } from './county.mjs';
import { monoUs, quantile } from './figures.mjs';
import { LiveSocket } from './live.mjs';
import { Process, until } from './processes.mjs';
import { openWindows } from './window.mjs';

const COUNTY_ADDRESS = '10.213.0.1';

// True inside the namespace; false where there can be none: the caller skips. As root, else in a
// user namespace; XW_ROOTLESS=1 takes that for root, too.
export function inNamespace() {
  if (process.env.XW_IN_NAMESPACE) return true;
  const flags = process.getuid() === 0 && !process.env.XW_ROOTLESS ? '-n' : '-Urn';
  const inside = (...words) => ['unshare', [flags, 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh', ...words]];
  const laboratory = path.join(root, 'build', process.env.XW_PRESET ?? 'release', 'tests', 'xw-linklab');
  if (spawnSync(...inside(laboratory, '--check')).status !== 0) return false;
  const again = spawnSync(...inside(process.execPath, ...process.argv.slice(1)), {
    stdio: 'inherit',
    env: { ...process.env, XW_IN_NAMESPACE: '1' },
  });
  process.exit(again.status ?? 1);
}

// Nothing started here outlives the one who started it.
const talkers = new Set();
process.on('exit', () => {
  for (const child of talkers) child.kill('SIGKILL');
});

// A program that talks in lines: JSON from it, words to it.
class Talker {
  constructor(file, args) {
    this.child = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.waiting = [];
    this.exited = new Promise((resolve) => this.child.once('exit', (code) => resolve(code)));
    readline.createInterface({ input: this.child.stdout }).on('line', (line) => this.onLine(JSON.parse(line)));
    talkers.add(this.child);
    this.child.once('exit', () => talkers.delete(this.child));
  }

  onLine(message) {
    this.waiting.shift()?.(message);
  }

  next() {
    return new Promise((resolve, reject) => {
      this.waiting.push(resolve);
      this.exited.then((code) => reject(new Error(`${this.child.spawnfile} ended with ${code}`)));
    });
  }

  say(line) {
    this.child.stdin.write(`${line}\n`);
  }

  async kill() {
    this.child.kill('SIGKILL');
    await this.exited;
  }

  async stop() {
    this.child.stdin.end();
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 5000);
    await this.exited;
    clearTimeout(timer);
  }
}

// xw-linklab. ask() tells it one line and resolves to how it stands; what it did by its own script
// is in `events`: [{event, at_us}].
class Laboratory extends Talker {
  constructor(file, args) {
    super(file, args);
    this.events = [];
  }

  onLine(message) {
    if (message.event) this.events.push(message);
    else super.onLine(message);
  }

  ask(line) {
    const answer = this.next();
    this.say(line);
    return answer;
  }

  async askAll(settings) {
    for (const [name, value] of Object.entries(settings)) await this.ask(`${name} ${value}`);
  }

  // Resolves to what was done when it has been done.
  done(event, timeoutMs = 60000) {
    return until(`the link to do '${event}'`, () => this.events.find((one) => one.event === event), { timeoutMs, stepMs: 10 });
  }
}

// xw-load: ECG streams, pictures, an object through one real uplink.
export class Load extends Talker {
  constructor(file, args) {
    super(file, args);
    this.states = [];
    this.objects = [];
  }

  onLine(message) {
    if (message.streams) Object.assign(this, { beginUs: message.begin_us, streams: message.streams });
    else if (message.object) this.objects.push(message);
    else if (message.lanes) this.states.push(message);
    else console.error('xw-load:', JSON.stringify(message));
  }

  get state() {
    return this.states.at(-1);
  }
}

// Who xw-load is, and where its spool lies.
export function loadArgs(county, gateway = 0, dir) {
  const { id } = county.gateways[gateway];
  return ['--certs', county.dirs.certs, '--id', id, '--dir', dir ?? path.join(county.dirs.data, `load-${id}`)];
}

// A county whose gateways are behind the link. link: more settings of the laboratory, as its lines
// have them ({ 'jitter-ms': 10, 'loss-ppm': 10000 }); seed: of its losses and jitter. With relays: true
// a relay stands at the county's end of the link, for each gateway one. windows: true lets the ports of
// gateways be asked from here (their pages, and what a test's own device says).
export class ShapedCounty extends County {
  constructor({ rate = 1e6, bufferMs = 1000, delayMs = 15, downRate = 20e6, congestion = 'cubic', seed = 1, link = {}, windows = false, ...county } = {}) {
    super({ relays: false, ...county });
    Object.assign(this, { rate, bufferMs, delayMs, downRate, congestion, linkSeed: seed, link, windows });
    this.tool = (name) => path.join(this.bin, '..', 'tests', name);
  }

  async prepare() {
    const settings = ['--rate', this.rate, '--down-rate', this.downRate, '--buffer-ms', this.bufferMs, '--delay-ms', this.delayMs, '--seed', this.linkSeed];
    this.lab = new Laboratory(this.tool('xw-linklab'), settings);
    this.labPid = (await this.lab.next()).pid;
    this.changes = 0;
    await this.lab.askAll(this.link);
    this.#congestion([], '10.213.0.1');
    this.#congestion(['nsenter', '-t', this.labPid, '-n'], '10.213.2.1');
    await super.prepare();
    this.reconfigure('center.conf', 'link', 'address', COUNTY_ADDRESS);
    for (const gateway of this.gateways) {
      this.reconfigure(`${gateway.id}.conf`, 'uplink', 'address', COUNTY_ADDRESS);
      this.behind(gateway.process);
      if (gateway.relay) Object.assign(gateway.relay, { listenHost: COUNTY_ADDRESS, targetHost: COUNTY_ADDRESS });
    }
    if (this.windows) await this.#openWindows();
    return this;
  }

  async #openWindows() {
    const ports = this.gateways.flatMap((gateway) => [gateway.statusPort, gateway.devicePort]);
    const script = path.join(root, 'tests', 'support', 'window.mjs');
    this.window = new Talker('nsenter', this.#words(process.execPath, [script, this.dirs.run, ...ports]));
    await this.window.next();
    this.closeWindows = await openWindows(this.dirs.run, ports);
  }

  // The route says which congestion control: the system's own setting may not be ours to change.
  #congestion(where, own) {
    if (!this.congestion) return;
    const words = [...where, 'ip', 'route', 'replace', '10.213.0.0/16', 'dev', 'xwlink', 'src', own, 'scope', 'link', 'proto', 'kernel', 'congctl', this.congestion];
    if (spawnSync(words[0], words.slice(1).map(String)).status !== 0) console.error(`congestion control stays what it is: ${words.join(' ')}`);
  }

  // The gateway's side gets another address: its own device's, too, or only the one that the county sees.
  async changeAddress(own = true) {
    const state = await this.lab.ask(own ? 'address' : 'rebind');
    if (own) this.#congestion(['nsenter', '-t', this.labPid, '-n'], `10.213.2.${++this.changes + 1}`);
    return state;
  }

  #words(file, args) {
    return ['-t', String(this.labPid), '-n', file, ...args.map(String)];
  }

  // Makes it a program of the gateways' side.
  behind(one) {
    one.args = this.#words(one.file, one.args);
    one.file = 'nsenter';
  }

  // What a loopback port behind the link answers.
  #fetchBehind(url) {
    const script = 'fetch(process.argv[1]).then(async (a) => process.stdout.write(await a.text()), () => process.exit(1))';
    const answer = spawnSync('nsenter', this.#words(process.execPath, ['-e', script, url]), { encoding: 'utf8' });
    if (answer.status !== 0) throw new Error(`no answer at ${url}`);
    return answer.stdout;
  }

  gatewayMetrics(gateway) {
    return this.#fetchBehind(`http://127.0.0.1:${gateway.statusPort}/metrics`);
  }

  gatewayStatus(gateway) {
    return JSON.parse(this.#fetchBehind(`http://127.0.0.1:${gateway.statusPort}/status.json`));
  }

  async healthy(port, what, timeoutMs = 20000) {
    if (this.windows || !this.gateways.some((gateway) => gateway.statusPort === port)) return super.healthy(port, what, timeoutMs);
    return until(`${what} to answer`, () => this.#fetchBehind(`http://127.0.0.1:${port}/healthz`) !== undefined, { timeoutMs, stepMs: 200 });
  }

  // The center alone: for startLoad().
  async startCenter() {
    if (!this.center) await this.prepare();
    this.center.start();
    await this.healthy(this.webPort, 'the center');
    await this.api.enter();
    return this;
  }

  // The simulator stands behind the link, too.
  startSim(plan, name = 'sim') {
    this.journal = path.join(this.dirs.run, `${name}.journal`);
    this.simControl = path.join(this.dirs.run, `${name}.sock`);
    const file = path.join(this.dirs.conf, `${name}.json`);
    fs.writeFileSync(file, JSON.stringify({ journal: this.journal, control: this.simControl, demo: true, ...plan }));
    this.sim = new Process(name, path.join(this.bin, 'xinwang-sim'), ['--plan', file], { logDir: this.dirs.logs });
    this.behind(this.sim);
    this.sim.start();
    return this.sim;
  }

  async startLoad({ streams = 2, spread = 400, blockMs = 40, gateway = 0, dir } = {}) {
    const args = [...loadArgs(this, gateway, dir), '--port', this.linkPort, '--address', COUNTY_ADDRESS];
    args.push('--streams', streams, '--spread', spread, '--block-ms', blockMs);
    this.load = new Load('nsenter', this.#words(this.tool('xw-load'), args));
    await until('the load to begin', () => this.load.streams);
    return this.load;
  }

  // Watches the load's streams at the county's fan-out. Every block: {stream, age (ms), at (µs), backfill}.
  async watchLoad() {
    const load = this.load;
    const known = async () => {
      const { streams } = await this.api.json('/api/streams');
      return load.streams.every((id) => streams.some((one) => one.id === id));
    };
    await until('the county to know the streams', known, { timeoutMs: 20000 });
    const blocks = [];
    const onBlock = (block) => {
      const at = monoUs();
      blocks.push({ ...block, at, age: (at - load.beginUs - ((block.first + block.count) / 500) * 1e6) / 1000 });
    };
    this.liveSocket = await new LiveSocket(this.api, { onBlock }).open();
    for (const stream of load.streams) this.liveSocket.watch(stream);
    return blocks;
  }

  async stop() {
    this.liveSocket?.close();
    await this.load?.stop();
    this.closeWindows?.();
    await this.window?.stop();
    await super.stop();
    await this.lab?.stop();
  }
}

// Ages (ms) of what came live between two instants, and how many streams it came from.
export function ageFigures(blocks, fromUs, toUs) {
  const live = blocks.filter((one) => !one.backfill && one.at >= fromUs && one.at < toUs);
  const ages = live.map((one) => one.age);
  return {
    blocks: live.length,
    streams: new Set(live.map((one) => one.stream)).size,
    p50: quantile(ages, 0.5),
    p99: quantile(ages, 0.99),
    max: quantile(ages, 1),
  };
}

// Bytes of each lane between two states of a load, in kbit/s.
export function laneRates(before, after) {
  const seconds = (after.at_us - before.at_us) / 1e6;
  return after.lanes.map((lane, i) => Math.round(((lane.sent - before.lanes[i].sent) * 8) / 1000 / seconds));
}
