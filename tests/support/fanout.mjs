// What a reader's sockets get of simulated devices, and how old it is when it comes: from the
// instant a sample is taken (the simulator's journal) to its arrival at the county's fan-out.
import { monoUs } from './figures.mjs';
import { LiveSocket } from './live.mjs';
import { readJournal } from './oracle.mjs';

export const HATCH_AFTER_MS = 1500; // a page's own rule: no newer sample for so long
const SOCKET_STREAMS = 60; // a live socket watches 64

// Many numbers in little room: counts of whole steps, the last one open.
export class Histogram {
  constructor(step = 1, n = 120_000) {
    Object.assign(this, { step, counts: new Uint32Array(n), n: 0, most: -Infinity });
  }

  add(value, times = 1) {
    this.counts[Math.min(this.counts.length - 1, Math.max(0, Math.floor(value / this.step)))] += times;
    this.n += times;
    this.most = Math.max(this.most, value);
  }

  quantile(p) {
    let left = Math.ceil(p * this.n);
    for (let i = 0; i < this.counts.length; i++) if ((left -= this.counts[i]) <= 0 && this.n) return Math.min((i + 1) * this.step, this.most);
    return Number.NaN;
  }
}

export class Fanout {
  constructor(api, journalFile) {
    Object.assign(this, { api, journalFile });
    this.streams = new Map(); // id -> { device, startUs, rateHz, newest, blocks: [{at (µs), first, count, backfill}] }
    this.sockets = [];
  }

  // Watches the newest stream of every device of the journal (of those chosen).
  async open(chosen = () => true) {
    const onBlock = (block) => this.#take(block);
    for (const device of readJournal(this.journalFile).values()) {
      if (!device.streams.length || !chosen(device)) continue;
      const rateHz = device.info.rate_num / device.info.rate_den;
      this.streams.set(device.streams.at(-1), { device: device.id, startUs: device.info.start_mono_us, rateHz, newest: -1, blocks: [] });
    }
    for (const [i, stream] of [...this.streams.keys()].entries()) {
      if (i % SOCKET_STREAMS === 0) this.sockets.push(await new LiveSocket(this.api, { onBlock, onMessage: (number, bytes) => this.onMessage?.(number, bytes) }).open());
      this.sockets.at(-1).watch(stream);
    }
    return this;
  }

  #take({ stream, first, count, backfill }) {
    const one = this.streams.get(stream);
    if (!one) return;
    const end = first + count;
    one.blocks.push({ at: monoUs(), first, count, backfill, newer: end > one.newest });
    one.newest = Math.max(one.newest, end);
  }

  ids() {
    return [...this.streams.keys()];
  }

  of(devices) {
    return [...this.streams.values()].filter((one) => !devices || devices.test(one.device));
  }

  // Age in ms of the newest sample of a block when it came.
  static age(one, block, index = block.first + block.count) {
    return (block.at - one.startUs - (index / one.rateHz) * 1e6) / 1000;
  }

  // Ages of all samples that came live between two instants; how many did, how many came late.
  ages(fromUs, toUs, devices) {
    const ages = new Histogram();
    let late = 0;
    let blocks = 0;
    const streams = this.of(devices);
    for (const one of streams)
      for (const block of one.blocks) {
        if (block.at < fromUs || block.at >= toUs) continue;
        if (block.backfill) {
          late += block.count;
          continue;
        }
        blocks += 1;
        for (let i = 0; i < block.count; i++) ages.add(Fanout.age(one, block, block.first + i));
      }
    return { samples: ages.n, late, blocks, streams: streams.length, p50: ages.quantile(0.5), p99: ages.quantile(0.99), p999: ages.quantile(0.999), max: ages.most };
  }

  // Times in which a page would have been hatched: [{device, fromUs, ms}], each longer than the rule.
  hatches(fromUs, toUs, devices, afterMs = HATCH_AFTER_MS) {
    const out = [];
    for (const one of this.of(devices)) {
      let last = fromUs;
      const close = (at) => {
        if ((at - last) / 1000 > afterMs) out.push({ device: one.device, fromUs: last, ms: Math.round((at - last) / 1000) });
        last = at;
      };
      for (const block of one.blocks) if (block.newer && block.at >= fromUs && block.at < toUs) close(block.at);
      close(toUs);
    }
    return out;
  }

  // The first instant from which every stream had come live, not older than ageMs, since fromUs.
  liveAgainUs(fromUs, ageMs, devices) {
    let all = 0;
    for (const one of this.of(devices)) {
      const block = one.blocks.find((b) => b.at >= fromUs && !b.backfill && Fanout.age(one, b) <= ageMs);
      if (!block) return Number.NaN;
      all = Math.max(all, block.at);
    }
    return all;
  }

  close() {
    for (const socket of this.sockets) socket.close();
  }
}
