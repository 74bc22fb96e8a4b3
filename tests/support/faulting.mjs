// The rounds of the fault campaign: what happens to a county, chosen by seed. A round has a seed of its
// own, which is printed with it: XW_REPEAT=SEED/KIND[/WHO:POINT+AFTER] does the same again, alone.
// Half of all rounds are power cuts. Of each half every kind has its turn before any comes twice.
import fs from 'node:fs';
import path from 'node:path';
import { seeded } from './county.mjs';
import { sleep, until } from './processes.mjs';

const POWER = ['powerOfGateway', 'powerOfCenter', 'powerOfBoth', 'powerTwice', 'powerWhenFull', 'atPoint', 'atPoint', 'atPoint', 'atPoint', 'atPoint'];
const OTHER = ['cut', 'longCut', 'reset', 'killGateway', 'killCenter', 'killBoth'];
const FULL = ['fullGateway', 'fullCenter'];
const ROAMING = ['address', 'rebind', 'hole'];

export const shuffled = (list, random) => list.map((one) => [random.next(), one]).sort((a, b) => a[0] - b[0]).map(([, one]) => one);

// A new order of the list each time that it is through.
class Deck {
  constructor(list, random) {
    Object.assign(this, { list, random, left: [] });
  }

  take() {
    if (!this.left.length) this.left = shuffled(this.list, this.random);
    return this.left.pop();
  }
}

// Two rounds after one another: one a power cut, one not, in either order. powered: there is a fault file
// layer; roams: the gateways are behind the link laboratory.
export function* plan(seed, { powered, roams }) {
  const random = seeded(seed);
  const others = new Deck([...OTHER, ...(powered ? FULL : []), ...(roams ? ROAMING : [])], random);
  const cuts = powered ? new Deck(POWER, random) : { take: () => 'atPoint' };
  for (;;) {
    for (const deck of shuffled([others, cuts], random)) yield { seed: random.int(1, 2 ** 31 - 1), kind: deck.take() };
  }
}

export function parseRound(text) {
  const [, seed, kind, who, name, after] = text.match(/^(\d+)\/(\w+)(?:\/(\w+):([\w.]+)\+(\d+))?$/) ?? [];
  if (!kind || (kind === 'atPoint' && !name)) throw new Error(`XW_REPEAT: '${text}' is no round`);
  return { seed: Number(seed), kind, ...(name ? { point: { who, name, after: Number(after) } } : {}) };
}
export const roundText = ({ seed, kind, point }) => `${seed}/${kind}${point ? `/${point.who}:${point.name}+${point.after}` : ''}`;

// county: a County, or one behind the laboratory (changeAddress). points: which fault points, in turn.
// start(process, {env, writing}): starts one again; act(gateway): somebody does something at the county.
export class Faults {
  constructor({ county, points, start, act, lie = '' }) {
    Object.assign(this, { county, points, start, act, lie });
    this.random = seeded(1);
    this.cuts = 0; // of power
    this.notCut = 0;
    this.full = { rounds: 0, told: 0, unnoticed: 0, endedThemselves: 0, untold: [] };
  }

  // What the fault file layer below a daemon is told at each start.
  rules(name) {
    return `power:${this.random.int(1, 1e9)}${this.lie};disk.full:while=${this.fullFile(name)}`;
  }

  fullFile(name) {
    return path.join(this.county.dirs.run, `full-${name}`);
  }

  // What was done, in words.
  do({ kind, point }) {
    return this[kind](point);
  }

  // After which time all has to be live again. Of a new address nobody is told: it is a time-out first.
  limitMs({ kind }) {
    return ROAMING.includes(kind) ? 12000 : 5000;
  }

  #gateway() {
    return this.random.pick(this.county.gateways);
  }

  #nameOf(process) {
    return process === this.county.center ? 'center' : process.name;
  }

  async #cutFor(low, high) {
    const gateway = this.#gateway();
    gateway.relay.set('cut');
    await sleep(this.random.int(low, high));
    gateway.relay.set('up');
    return gateway.id;
  }

  cut() {
    return this.#cutFor(300, 3000);
  }

  longCut() {
    return this.#cutFor(5000, 8000); // longer than any time-out of the link
  }

  async reset() {
    const gateway = this.#gateway();
    gateway.relay.reset();
    return gateway.id;
  }

  async #kill(processes, afterMs) {
    await Promise.all(processes.map((one) => one.kill()));
    await sleep(afterMs);
    for (const one of processes) this.start(one);
    return processes.map((one) => one.name).join(' and ');
  }

  killGateway() {
    return this.#kill([this.#gateway().process], this.random.int(0, 1500));
  }

  killCenter() {
    return this.#kill([this.county.center], this.random.int(0, 1500));
  }

  killBoth() {
    return this.#kill([this.county.center, this.#gateway().process], 0);
  }

  // ---- power ----

  async cutPower(processes, afterMs = this.random.int(0, 1500)) {
    const were = processes.filter((one) => one.running);
    const how = await Promise.all(were.map((one) => one.cutPower()));
    this.cuts += how.filter(Boolean).length;
    this.notCut += how.filter((cut) => cut === false).length;
    for (const one of processes) this.start(one);
    await sleep(afterMs);
    return processes.map((one) => one.name).join(' and ');
  }

  powerOfGateway() {
    return this.cutPower([this.#gateway().process]);
  }

  powerOfCenter() {
    return this.cutPower([this.county.center]);
  }

  powerOfBoth() {
    return this.cutPower([this.county.center, this.#gateway().process]);
  }

  // Again while it comes up: what is left was itself never whole.
  async powerTwice() {
    const one = this.random.pick([this.county.center, ...this.county.gateways.map((gateway) => gateway.process)]);
    await this.cutPower([one], this.random.int(20, 800));
    return this.cutPower([one]);
  }

  // The process is started again with a fault point armed, dies there (which is a power cut, too), and is
  // started once more. A link reset meanwhile takes it past the points that only a new session passes.
  async atPoint(point) {
    const { who, name } = point;
    const any = this.#gateway();
    const gateway = this.points.ofFirst(point) ? this.county.gateways[0] : any;
    const process = who === 'center' ? this.county.center : gateway.process;
    await process.kill();
    this.start(process, { env: { XW_FAULT: `${name}:after=${point.after}` } });
    await Promise.race([process.exited, sleep(2000)]);
    if (process.running) gateway.relay.reset();
    if (process.running && who === 'center') await this.act().catch(() => {});
    // The gateway acknowledges records of the county only when it gets some.
    if (process.running && name.startsWith('link.ack')) {
      await sleep(1000); // for the link to come back after the reset
      for (let i = 0; i < 21 && process.running; i++) await this.act(gateway.id).catch(() => {});
    }
    await Promise.race([process.exited, sleep(this.points.waitMs(point))]);
    const passed = !process.running;
    this.points.note(point, passed);
    if (!passed) {
      await this.cutPower([process], 0);
      return `${process.name} at ${name} (not passed, cut there)`;
    }
    this.start(process, { writing: /^video\.clip\.(write|fragment)$/.test(name) });
    return `${process.name} at ${name}`;
  }

  // ---- full disks ----

  // The process itself says that it has no room.
  async #tells(process) {
    if (process === this.county.center) {
      const { technical } = await this.county.api.json('/api/alarms?limit=1');
      return technical.some((one) => one.code === 'store_full' && !one.to_wall_us);
    }
    const gateway = this.county.gateways.find((one) => one.process === process);
    const answer = await fetch(`http://127.0.0.1:${gateway.statusPort}/status.json`, { signal: AbortSignal.timeout(5000) });
    return (await answer.json()).alarms.some((one) => one.code === 'spool_full');
  }

  // How far all is durable that this process keeps.
  async #kept(process) {
    const mine = this.county.gateways.filter((one) => process === one.process || process === this.county.center).map((one) => one.id);
    const { streams } = await this.county.api.json('/api/streams');
    const { devices } = await this.county.askSim('stats');
    const of = streams.filter((one) => mine.includes(one.gateway) && devices.some((device) => device.id === one.device));
    if (process !== this.county.center) return of.map((one) => devices.find((device) => device.id === one.device).acked);
    const known = await Promise.all(of.map((one) => this.county.api.json(`/api/streams/${one.id}/ranges`)));
    return known.map((ranges) => ranges.known.reduce((n, range) => Math.max(n, range.first + range.count), 0));
  }

  // Writes within the length of its files still pass: it may not have noticed.
  async #takes(process) {
    const before = await this.#kept(process);
    await until('all to go on', async () => (await this.#kept(process)).every((n, i) => n > before[i]), { timeoutMs: 4000, stepMs: 200 });
  }

  // Until it was told, and a while longer. A disk that tells how full it is must be told of; at a quota
  // it must be told as soon as something is refused.
  async #fill(process) {
    const quota = this.random.next() < 0.5;
    fs.writeFileSync(this.fullFile(this.#nameOf(process)), quota ? 'a quota' : '');
    this.full.rounds += 1;
    try {
      await until(`${process.name} to say that its disk is full`, () => this.#tells(process), { timeoutMs: quota ? 4000 : 20000, stepMs: 100 });
      this.full.told += 1;
    } catch (error) {
      await this.#takes(process).then(() => (this.full.unnoticed += 1), (refused) => this.full.untold.push(`${error.message}, ${refused.message}`));
    }
    await sleep(this.random.int(0, 2000));
  }

  // It may have ended by itself, or may not have come up without room: then its supervisor starts it again.
  #makeRoom(process) {
    fs.rmSync(this.fullFile(this.#nameOf(process)));
    if (process.running) return '';
    this.full.endedThemselves += 1;
    this.start(process);
    return ', which had ended';
  }

  async #fillOne(process) {
    await this.#fill(process);
    let how = '';
    if (this.random.next() < 0.3) {
      how = ' and killed';
      await process.kill();
      this.start(process);
      await sleep(this.random.int(0, 1500));
    }
    return `${process.name}${how}${this.#makeRoom(process)}`;
  }

  fullGateway() {
    return this.#fillOne(this.#gateway().process);
  }

  fullCenter() {
    return this.#fillOne(this.county.center);
  }

  // The power fails when there is no room; there is some when it comes back, or only later.
  async powerWhenFull() {
    const process = this.random.pick([this.county.center, this.#gateway().process]);
    await this.#fill(process);
    const later = this.random.next() < 0.5;
    if (!later) fs.rmSync(this.fullFile(this.#nameOf(process)));
    await this.cutPower([process]);
    return `${process.name}${later ? `, without room at first${this.#makeRoom(process)}` : ''}`;
  }

  // ---- the link laboratory ----

  // The gateways' own address changes, or the one that their carrier gives them: nobody is told.
  async address() {
    await this.county.changeAddress(true);
    return 'own';
  }

  async rebind() {
    await this.county.changeAddress(false);
    return "the carrier's";
  }

  // Packets vanish, both ways or one.
  async hole() {
    const way = this.random.pick(['cut', 'cut-up', 'cut-down']);
    await this.county.lab.ask(way);
    await sleep(this.random.int(300, 6000));
    await this.county.lab.ask('up');
    return way;
  }
}

// The named fault points of both daemons, each once before any twice; one that was not passed comes again,
// at its first passage.
export class Points {
  // points: [{who, name}]. Of a point: ofFirst: only the first gateway passes it; passages: how many of them
  // come, less one, within waitMs; ripe: whether it can be passed yet.
  constructor(points, { ofFirst, passages, waitMs, ripe }) {
    Object.assign(this, { points, ofFirst, passages, waitMs, ripe, reached: new Set(), left: [], again: [] });
  }

  isReached({ who, name }) {
    return this.reached.has(`${who}:${name}`);
  }

  get missed() {
    return this.points.filter((point) => !this.isReached(point));
  }

  note(point, passed) {
    if (passed) this.reached.add(`${point.who}:${point.name}`);
    else if (!this.isReached(point)) this.again.push({ who: point.who, name: point.name });
  }

  next(random) {
    if (this.again.length && (!this.left.length || random.next() < 0.3)) return { ...this.again.shift(), after: 0 };
    if (!this.left.length) this.left = shuffled(this.points, random);
    const at = Math.max(0, this.left.findLastIndex((point) => this.ripe(point)));
    const [point] = this.left.splice(at, 1);
    return { ...point, after: random.pick([0, 0, random.int(1, 20)]) % (this.passages(point) + 1) };
  }
}
