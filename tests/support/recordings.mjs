// Recordings of a probe's pictures, judged from outside: who asks for them, what was on the gateway's
// disk, and what the county has of it.
import fs from 'node:fs';
import path from 'node:path';
import { clips, fragmentsOf, object, picture, run, sha256Of, status } from './probe.mjs';
import { sleep, until } from './processes.mjs';
import { Vault } from './vault.mjs';

export const store = (county, who) => path.join(county.dirs.data, who);
export const seen = (gateway, what, test, timeoutMs = 20000) => until(what, async () => test(await picture(gateway)), { timeoutMs, stepMs: 100 });
export const settled = (gateway, timeoutMs = 120000) =>
  until('every recording to be at the county', async () => {
    const s = await status(gateway);
    return s.clips.unsent === 0 && s.clips.finishing === 0 && s.pictures.every((one) => !one.recording) && s.link.linked;
  }, { timeoutMs, stepMs: 300 });

// Every recording of the gateway against the county's: record and bytes.
export async function judge(county, gateway, { mayBeGone = false } = {}) {
  const mine = clips(store(county, gateway.id));
  let theirs;
  await until('the records of the recordings at the county', () => {
    theirs = new Map(clips(store(county, 'center')).map((one) => [one.id, one]));
    return mine.every((one) => theirs.get(one.id)?.revision === one.revision);
  }, { timeoutMs: 30000, stepMs: 300 }).catch(() => {});
  const verdict = { clips: mine.length, running: 0, recordsMissing: 0, objectsMissing: 0, mismatchBytes: 0, notWhole: 0, bytes: 0, frames: 0, ends: {} };
  for (const clip of mine) {
    verdict.ends[clip.end] = (verdict.ends[clip.end] ?? 0) + 1;
    verdict.running += clip.end === 'running';
    verdict.frames += clip.frames;
    const there = theirs.get(clip.id);
    if (!there || JSON.stringify(there) !== JSON.stringify(clip)) verdict.recordsMissing += 1;
    if (!clip.size) continue;
    const here = object(store(county, gateway.id), clip.sha256);
    const far = object(store(county, 'center'), clip.sha256);
    // What the county holds may have gone here, where room was needed.
    if (!far || (!here && !mayBeGone)) {
      verdict.objectsMissing += 1;
      continue;
    }
    verdict.bytes += far.length;
    if (sha256Of(far) !== clip.sha256 || far.length !== clip.size || (here && !here.equals(far))) verdict.mismatchBytes += Math.max(1, Math.abs(far.length - clip.size));
    const fragments = fragmentsOf(far);
    if (fragments.rest !== 0 || fragments.n < 1) verdict.notWhole += 1;
  }
  return verdict;
}
export const whole = (v) => v.running === 0 && v.recordsMissing === 0 && v.objectsMissing === 0 && v.mismatchBytes === 0 && v.notWhole === 0;

// Twice the same recording in the county's folder would be two names of one hash: impossible. Two
// recordings of the same time are not: no picture is recorded twice.
export function overlaps(county, gateway) {
  const list = clips(store(county, gateway.id)).filter((one) => one.size).sort((a, b) => a.startUs - b.startUs);
  return list.filter((one, i) => i && one.startUs < list[i - 1].endUs - 100000).length;
}

// Starts and stops recordings one after another, whatever becomes of the gateway meanwhile, and
// writes down what the gateway said was on its disk.
export class Technician {
  constructor(gateway, random) {
    Object.assign(this, { gateway, random, told: new Map(), recording: false, ending: false });
  }

  begin() {
    this.work = this.#work();
  }

  async end() {
    this.ending = true;
    await this.work;
    await run(this.gateway, 'stop');
  }

  async #work() {
    while (!this.ending) {
      try {
        await run(this.gateway, 'start');
        this.recording = false;
        await this.#watch(this.random.int(300, 3000));
        this.recording = false;
        await run(this.gateway, 'stop');
        await sleep(this.random.int(100, 600));
      } catch {
        await sleep(150); // the gateway is away
      }
    }
  }

  // So long from the first whole fragment on. recording: what the gateway said last, and nobody has
  // asked it to stop since.
  async #watch(ms) {
    let end = performance.now() + 8000;
    for (let first = true; performance.now() < end && !this.ending; await sleep(100)) {
      const one = await picture(this.gateway);
      this.recording = one.recording;
      if (!one.recording || !one.clip_bytes) continue;
      this.told.set(one.clip_since_wall_us, Math.max(one.clip_bytes, this.told.get(one.clip_since_wall_us) ?? 0));
      if (first) end = performance.now() + ms;
      first = false;
    }
  }
}

// Keeps a second name of every recording that the gateway began, and reads what a killed gateway left.
export class Witness {
  constructor(county, gateway) {
    this.clips = path.join(store(county, gateway.id), 'clips');
    this.dir = path.join(county.dir, `witness-${gateway.id}`);
    fs.mkdirSync(this.dir);
    this.known = new Set();
    this.left = new Map();
    this.timer = setInterval(() => this.look(), 50);
    this.timer.unref();
  }

  #parts() {
    return fs.existsSync(this.clips) ? fs.readdirSync(this.clips).filter((name) => name.endsWith('.part')).sort() : [];
  }

  look() {
    for (const name of this.#parts()) {
      if (this.known.has(name)) continue;
      try {
        fs.linkSync(path.join(this.clips, name), path.join(this.dir, name));
        this.known.add(name);
      } catch (error) {
        if (error.code !== 'ENOENT') throw error; // it went meanwhile
      }
    }
  }

  // The gateway is dead, nobody writes. writing: it died while it wrote a recording, the newest.
  died(writing) {
    this.look();
    const parts = this.#parts();
    const vault = parts.length ? new Vault(path.dirname(this.clips)) : null;
    for (const name of parts) {
      const bytes = vault.content(fs.readFileSync(path.join(this.clips, name)));
      const size = fragmentsOf(bytes).whole;
      const before = this.left.get(name);
      this.left.set(name, { size, sha256: sha256Of(bytes.subarray(0, size)), writing: before?.writing || (writing && name === parts.at(-1)) });
    }
  }

  // What was on the disk against the records and objects of the county. Each list names what is wrong.
  judge(county, told) {
    clearInterval(this.timer);
    const center = store(county, 'center');
    const theirs = clips(center);
    const byId = new Map(theirs.map((one) => [one.id, one]));
    const v = { seen: this.known.size, onDisk: 0, bytes: 0, left: 0, interrupted: 0, lost: [], differ: [], notInterrupted: [], toldLost: [], strange: [], told: told.size };
    const vault = new Vault(path.dirname(this.clips));
    for (const name of this.known) {
      const id = path.basename(name, '.part');
      const bytes = vault.content(fs.readFileSync(path.join(this.dir, name)));
      const { whole: size } = fragmentsOf(bytes);
      const clip = byId.get(id);
      const left = this.left.get(name);
      if (left?.size && clip) v.left += 1;
      if (left?.writing && clip?.end === 'interrupted') v.interrupted += 1;
      else if (left?.writing && clip) v.notInterrupted.push(`${id} ${clip.end}`);
      if (!size && !left?.size) continue; // nothing that could be seen was ever on the disk
      v.onDisk += 1;
      v.bytes += size;
      const far = clip?.size ? object(center, clip.sha256) : null;
      if (!far || clip.end === 'running') v.lost.push(`${id} ${clip?.end ?? 'no record'} ${size} bytes`);
      else if (!far.equals(bytes.subarray(0, size)) || (left && left.sha256 !== clip.sha256)) v.differ.push(`${id} ${clip.end} ${far.length} for ${size}, ${left?.size ?? '-'} at a kill`);
    }
    for (const [since, bytes] of told) {
      const clip = theirs.find((one) => one.startUs === since);
      if (!clip || clip.size < bytes) v.toldLost.push(`${bytes} bytes since ${since}, ${clip?.size ?? 'no record'}`);
    }
    const wanted = new Set(theirs.filter((one) => one.size).map((one) => one.sha256));
    v.strange = objectFiles(center).filter((name) => !wanted.delete(name)).concat([...wanted]);
    v.objects = theirs.filter((one) => one.size).length;
    return v;
  }
}
export const keptWhole = (v) => v.onDisk > 0 && [v.lost, v.differ, v.toldLost, v.strange].every((list) => list.length === 0);

// Names of all that lies among a store's objects, whole or not.
export function objectFiles(dir) {
  const root = path.join(dir, 'objects');
  return fs.existsSync(root) ? fs.readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => entry.name) : [];
}

// What a reader sees: each recording once in the list, once in a study, and its bytes.
export async function judgeSeen(county, gateway, attachment, studies) {
  const list = (await county.api.json(`/api/attachments/${attachment}/clips`)).clips;
  const mine = clips(store(county, gateway.id));
  const wrong = [];
  for (const clip of mine) {
    const n = list.filter((one) => one.id === clip.id && one.end === clip.end && one.size === clip.size && one.held === clip.size).length;
    const items = studies.flatMap((study) => study.items).filter((item) => clip.size && item.object === clip.sha256).length;
    const bytes = clip.size && n ? sha256Of(await county.api.bytes(`/api/objects/${clip.sha256}`)) : null;
    if (n !== 1 || items !== (clip.size && clip.study ? 1 : 0) || bytes !== clip.sha256) wrong.push(`${clip.id} ${clip.end}: ${n} in the list, ${items} in studies, ${bytes === clip.sha256 ? 'equal' : 'not equal'}`);
  }
  if (list.length !== mine.length) wrong.push(`${list.length} in the list for ${mine.length}`);
  return wrong;
}
