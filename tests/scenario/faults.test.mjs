// Power cuts, link cuts and SIGKILL of gateway and center, at random and at every named fault point; then
// everything that was generated must be at the county exactly once, records in both directions too:
// ECG, CTG, vital signs, and the pictures of a probe at the first gateway, in short recordings that
// go on all the time.
//   XW_SEED    the seed (printed)         XW_ROUNDS  rounds (default 12; the long campaign: 200)
//   XW_REPEAT  rounds to repeat, in turn  XW_EVERY   rounds between two episodes (24)
//   XW_PRESET  whose binaries (release)   XW_KEEP=1  leaves the county's folder for a look
// The judge is outside: the simulator's journal against the public range API, sample by sample; the
// studies and acknowledgements that this script made itself; the record logs of all stores against
// one another; the recordings as they lay on the gateway's disk at each kill, under names of its own.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { check, finish, scenario, skip } from '../support/checks.mjs';
import { County, seeded } from '../support/county.mjs';
import { Faults, Points, parseRound, plan, roundText } from '../support/faulting.mjs';
import { metrics, total } from '../support/metrics.mjs';
import { judgeObservations, observationsExact } from '../support/observations.mjs';
import { brief, judgeAtRest, readJournal } from '../support/oracle.mjs';
import { Probe, TOKEN, picture, status } from '../support/probe.mjs';
import { freePorts, sleep, until } from '../support/processes.mjs';
import { Technician, Witness, judge as judgeClips, judgeSeen, keptWhole, objectFiles, overlaps, settled, store, whole } from '../support/recordings.mjs';
import { briefRecords, judgeRecords, recordsExact } from '../support/records.mjs';
import { ShapedCounty, inNamespace } from '../support/shaped.mjs';

const seed = Number(process.env.XW_SEED ?? 1);
// One round again, or several in turn.
const repeated = process.env.XW_REPEAT ? process.env.XW_REPEAT.split(',').map(parseRound) : null;
const rounds = Number(process.env.XW_ROUNDS ?? (repeated?.length ?? 12));
// Below each daemon lies the fault file layer (tests/disk): power cuts and full disks; sanitizers have no
// room for it. XW_LIE=all|data|names: on disks whose syncs are a lie.
const powered = (process.env.XW_PRESET ?? 'release') === 'release';
const lie = process.env.XW_LIE ? `:lie=${process.env.XW_LIE}` : '';
// The gateways and their devices are behind the link laboratory where network namespaces are allowed.
const roams = inNamespace();
const PROBE_AT = 'gw-01';
const RETAIN_S = 75;
// That gateway keeps what the county has for little more than the minute that an analysis is warmed
// with: samples and recordings go from its spool while the campaign runs.
const options = { gateways: 2, monitors: true, token: TOKEN, spool: (id) => (id === PROBE_AT ? { retain: `${RETAIN_S}s` } : {}), power: powered ? (name) => faults.rules(name) : null };
const county = roams ? new ShapedCounty({ ...options, rate: 0, downRate: 0, bufferMs: 500, delayMs: 5, seed, relays: true, windows: true }) : new County(options);
const probe = new Probe(county, { port: (await freePorts(1))[0], args: ['--width', '320', '--height', '240', '--fps', '10', '--seed', String(seed)] });
county.gatewayExtra = (id) => (id === PROBE_AT ? probe.config({ video: { bitrate: 500 } }) : '');
let technician;
let witness;
console.log(`seed ${seed}, ${rounds} rounds${powered ? ', half of them power cuts' : ''}${lie}`);

const faultPoints = (binary) =>
  execFileSync(path.join(county.bin, binary), ['--list-faults'], { encoding: 'utf8' })
    .split('\n')
    .map((line) => line.trim().split(/\s+/)[0])
    .filter(Boolean);

// Nothing in these minutes passes them; other tests do.
const OFF_THE_WAY = {
  gateway: ['import.kept', 'import.mark', 'import.move', 'import.quarantine', 'import.samples', 'import.study', 'identity.save', 'identity.saved', 'rules.settle', 'store.backup.meta', 'store.object.sync', 'store.reindex', 'store.repack', 'store.seal', 'vault.rotate.copy', 'vault.rotate.ring'],
  center: ['center.enrol', 'center.renew', 'center.revoked', 'center.rules.kept', 'file.rename', 'file.write', 'store.backup.meta', 'store.object.import', 'store.object.remove', 'store.reindex', 'store.repack', 'store.seal', 'vault.rotate.copy', 'vault.rotate.ring'],
};
const OF_PICTURES = /^(video\.|store\.object\.|file\.)/;
const BY_THE_KEEPER = /^store\.(segment|retain)/; // each 30 s
const began = performance.now();
const points = new Points(
  ['gateway', 'center'].flatMap((who) => [...new Set(faultPoints(`xinwang-${who}`))].filter((name) => !OFF_THE_WAY[who].includes(name)).map((name) => ({ who, name }))),
  {
    ofFirst: ({ name }) => OF_PICTURES.test(name) || name === 'store.retain',
    // How many passages of a point there are within the time that is waited for them, less one.
    passages: ({ name }) => (name === 'store.retain' ? 0 : OF_PICTURES.test(name) && name !== 'video.clip.write' ? 2 : 20),
    waitMs: ({ name }) => (BY_THE_KEEPER.test(name) ? 40000 : OF_PICTURES.test(name) ? 15000 : 2000),
    // No recording goes before the county has had it for so long.
    ripe: ({ name }) => name !== 'store.object.remove' || performance.now() - began > 1.2 * RETAIN_S * 1000,
  },
);

// What a dead gateway left is looked at before it is started again. writing: it died of writing a
// recording.
function start(process, { env, writing = false } = {}) {
  if (process === county.gateways[0].process) witness.died(writing || technician.recording);
  process.start(env);
}
const faults = new Faults({ county, points, start, act: actAtCounty, lie });
const random = { next: () => faults.random.next(), int: (low, high) => faults.random.int(low, high), pick: (list) => faults.random.pick(list) };

const CLOCK_OFFSET_S = 777; // of the patient monitors
// Four ECGs and two fetal monitors.
const STREAMS = 6;
// Whose gateway: a device's number says it.
const gatewayOf = (device) => county.gateways[Number(device.slice(-1)) % 2].id;

// What this script did through the county's API, and must find again.
const made = { studies: [], acks: [], refused: 0 };
async function actAtCounty(gateway) {
  const { streams } = await county.api.json('/api/streams');
  const stream = random.pick(gateway ? streams.filter((one) => one.gateway === gateway) : streams);
  if (stream && (gateway || random.next() < 0.7))
    await county.api
      .json('/api/studies', { method: 'POST', body: { stream: stream.id, first: Math.max(0, stream.newest - 2500), count: Math.min(2500, stream.newest), reason: 'other', urgent: random.next() < 0.3 } })
      .then((study) => made.studies.push({ id: study.id, stream: stream.id, gateway: stream.gateway }), () => (made.refused += 1));
  const { alarms } = await county.api.json('/api/alarms?limit=50');
  const open = alarms.find((alarm) => !alarm.acked_by);
  if (open)
    await county.api
      .json(`/api/alarms/${open.key}/ack`, { method: 'POST', body: {} })
      .then((answer) => made.acks.push({ key: open.key, wall: answer.acked_wall_us }), () => (made.refused += 1));
}

const liveStreams = async () => (await county.api.json('/api/streams')).streams;
const ageMs = (stream) => (Date.now() * 1000 - stream.newest_wall_us) / 1000;

const injections = [['dev-3', 'vf', 'VF'], ['dev-4', 'asystole', 'ASYSTOLE']];
const INJECTED_MS = 12000; // long enough to be recognised whatever happens meanwhile
const injected = new Map();
async function inject(round) {
  const every = Math.min(rounds, Number(process.env.XW_EVERY ?? 24));
  const at = [Math.floor(every / 4), Math.floor(every / 2)];
  for (const [i, [device, action]] of injections.entries()) {
    if (round >= 0 && round % every === at[i]) {
      await county.askSim(action, device);
      injected.set(device, performance.now());
    }
    if (performance.now() - injected.get(device) > INJECTED_MS) {
      await county.askSim('normal', device);
      injected.delete(device);
    }
  }
}

// In a long campaign all points have to have their turn, twice if need be.
const pressing = (round) => rounds >= 100 && 4 * points.missed.length > rounds - round;

async function liveAgain(limitMs) {
  const began = performance.now();
  // Not what was live before the fault and is not yet old: every stream must have grown since.
  const before = new Map((await liveStreams()).map((stream) => [stream.id, stream.newest]));
  try {
    await until('the present to be back', async () => {
      const streams = await liveStreams();
      return streams.length === STREAMS && streams.every((stream) => stream.newest > (before.get(stream.id) ?? 0) && ageMs(stream) < 1000);
    }, { timeoutMs: 15000, stepMs: 100 });
  } catch {
    return { tookMs: Infinity, slow: `not within 15 s, ages ${await liveStreams().then((streams) => streams.map((one) => Math.round(ageMs(one))), () => '?')}` };
  }
  const tookMs = Math.round(performance.now() - began);
  return { tookMs, slow: tookMs > limitMs ? `${tookMs} ms` : '' };
}

async function campaign() {
  const slowBack = [];
  const done = {};
  const planned = plan(seed, { powered, roams });
  for (let n = 0; n < rounds; n++) {
    const round = repeated ? { ...repeated[n % repeated.length] } : planned.next().value;
    faults.random = seeded(round.seed);
    if (round.kind.startsWith('power') && pressing(n)) round.kind = 'atPoint';
    if (round.kind === 'atPoint') round.point ??= points.next(seeded(round.seed));
    await inject(n);
    const text = roundText(round);
    const what = await faults.do(round);
    await county.centerBack();
    const { tookMs, slow } = await liveAgain(faults.limitMs(round));
    if (slow) slowBack.push(`round ${n} ${text}: ${what}: ${slow}`);
    if (tookMs === Infinity) console.log(county.logs());
    done[round.kind] = (done[round.kind] ?? 0) + 1;
    console.log(`# round ${n} ${text}: ${what}; live again after ${tookMs} ms`);
    if (random.next() < 0.4) await county.askSim('marker', random.pick(['dev-1', 'dev-2', 'dev-3', 'dev-4']));
    await actAtCounty().catch((error) => console.log(`# county: ${error.message}`));
    await sleep(random.int(200, 1200));
  }
  console.log(`# kinds ${JSON.stringify(done)}`);
  check('live age is 1 s or less within 5 s of each fault (of a new address: 12 s)', slowBack.length === 0, slowBack.join('; '));
  while (injected.size) {
    await sleep(200);
    await inject(-1);
  }
  await Promise.all([technician.end(), sleep(11000)]); // the study of a marker ends 10 s after it
}

// A full disk is told while it is full, and no longer.
async function judgeFull() {
  if (!powered) return skip('full disks', 'no fault file layer in this build');
  const { full } = faults;
  check('each full disk was told where anything was refused', full.untold.length === 0, `${full.told} of ${full.rounds}, ${full.unnoticed} had room within their files; ended by themselves: ${full.endedThemselves} ${full.untold.join('; ')}`);
  const open = async () => (await county.api.json('/api/alarms?limit=1')).technical.filter((one) => /_(full|low)$/.test(one.code) && !one.to_wall_us);
  await until('the alarms to end', async () => (await open()).length === 0, { timeoutMs: 20000, stepMs: 500 }).catch(() => {});
  const left = await open();
  check('no alarm of a full disk is left', left.length === 0, left.map((one) => `${one.code} ${one.subject}`).join('; '));
}

async function judgeAlarms(journal) {
  for (const [id, action, code] of injections) {
    const device = journal.get(id);
    const injected = device.actions.filter((one) => one.action === action).length;
    const { events } = await county.api.json(`/api/streams/${device.streams.at(-1)}/events?first=0&count=${2 ** 40}&kinds=alarm`);
    const found = events.filter((event) => event.code.toUpperCase() === code);
    check(`each injected ${code} is one alarm at the county`, found.length === injected, `${injected} injected, ${found.length} found: ${JSON.stringify(events.map((e) => [e.code, e.first, e.end, e.run?.slice(0, 8), e.seq, e.revision]))}`);
  }
}

// Each beat once: two events of one beat would be two runs that both believe in it.
async function judgeBeats(journal) {
  let truths = 0;
  let seen = 0;
  let twice = 0;
  for (const id of ['dev-3', 'dev-4']) {
    const device = journal.get(id);
    const hz = device.info.rate_num / device.info.rate_den;
    const beats = [];
    for (let first = 0, more = true; more; ) {
      const answer = await county.api.json(`/api/streams/${device.streams.at(-1)}/events?first=${first}&count=${2 ** 40}&kinds=beat`);
      beats.push(...answer.events.map((event) => event.first));
      more = answer.more && answer.events.length > 0;
      first = (beats.at(-1) ?? 0) + 1;
    }
    beats.sort((a, b) => a - b);
    for (let i = 1; i < beats.length; i++) if (beats[i] - beats[i - 1] < 0.15 * hz) twice += 1;
    const end = device.ranges.at(-1).first + device.ranges.at(-1).count;
    // The last one may still be waiting for the samples behind it.
    const beatTruths = device.truths.filter((truth) => /^[NVSAF]$/.test(truth.code) && truth.sample < end - 1.5 * hz);
    truths += beatTruths.length;
    for (const truth of beatTruths) if (beats.some((at) => Math.abs(at - truth.sample) <= 0.15 * hz)) seen += 1;
  }
  check('no beat is at the county twice', twice === 0, twice);
  check('the beats are at the county', truths > 10 && seen >= truths * 0.97, `${seen} of ${truths}`);
}

async function allStudies() {
  const all = [];
  for (let more = true; more; ) {
    const page = await county.api.json(`/api/studies${all.length ? `?before=${all.at(-1).id}` : ''}`);
    all.push(...page.studies);
    more = page.more;
  }
  return all;
}

async function judgeStudies(journal) {
  const studies = await allStudies();
  const markers = [...journal.values()].reduce((n, device) => n + device.facts.filter((fact) => fact.kind === 'marker' || fact.kind === 'chest_pain').length, 0);
  const own = new Set(made.studies.map((study) => study.id));
  const fromDevices = studies.filter((study) => !own.has(study.id) && study.author !== 'reader');
  const wrong = [];
  for (const device of journal.values()) {
    if (!device.streams.length) continue; // a patient monitor
    const facts = device.facts.filter((fact) => fact.kind === 'marker' || fact.kind === 'chest_pain');
    const mine = fromDevices.filter((study) => study.items.some((item) => item.stream === device.streams.at(-1)));
    for (const fact of facts) {
      const there = mine.filter((study) => study.items.some((item) => item.first <= fact.sample && fact.sample <= item.first + item.count && Math.abs(item.first + item.count / 2 - fact.sample) <= 11 * 500));
      if (there.length < 1) wrong.push(`${device.id} marker at ${fact.sample}`);
    }
    if (mine.length !== facts.length) wrong.push(`${device.id}: ${facts.length} markers, ${mine.length} studies`);
  }
  check('each marker of a device is one study at the county', wrong.length === 0 && (markers > 0 || repeated), `${markers} markers; ${wrong.join('; ')}`);
  const counts = made.studies.map((study) => studies.filter((one) => one.id === study.id).length);
  check('each study of the county is there once', (made.studies.length > 0 || repeated) && counts.every((n) => n === 1), `${counts.length} made, ${made.refused} refused while a process was away`);
  const { alarms } = await county.api.json('/api/alarms?limit=500');
  const lost = made.acks.filter((ack) => alarms.find((alarm) => alarm.key === ack.key)?.acked_wall_us !== ack.wall);
  check('each alarm acknowledged at the county stays acknowledged', lost.length === 0, `${made.acks.length} acknowledged, ${lost.length} lost`);
}

// Each value of each message that a gateway answered AA, once, with its value and its time.
async function judgeVitals() {
  let verdict;
  await until('the county to hold every value', () => observationsExact((verdict = judgeObservations(path.join(county.dirs.data, 'center'), county.journal, gatewayOf, { clockOffsetS: CLOCK_OFFSET_S }))), { timeoutMs: 20000, stepMs: 500 }).catch(() => {});
  console.log(`# vital signs ${JSON.stringify({ ...verdict, examples: undefined })}`);
  check('every value of every message answered AA is at the county exactly once', observationsExact(verdict) && verdict.values > rounds, JSON.stringify(verdict.examples));
  check('every message was answered AA in the end', verdict.acked === verdict.messages, `${verdict.acked} of ${verdict.messages}`);
}

// Every recording that was on the gateway's disk, every one that its page told of: at the county once,
// byte for byte, in whole fragments, and said to be interrupted if it was.
async function judgePictures() {
  const gateway = county.gateways[0];
  await settled(gateway, 30000).catch((error) => console.log(`# ${error.message}`));
  const verdict = await judgeClips(county, gateway, { mayBeGone: true });
  const kept = witness.judge(county, technician.told);
  console.log(`# pictures ${JSON.stringify(verdict)}, on the disk ${JSON.stringify(kept)}`);
  check('every recording is at the county, record and bytes, in whole fragments', whole(verdict) && verdict.clips > rounds / 3, JSON.stringify(verdict));
  check('every recording that was on the gateway\'s disk is an object at the county, once, byte for byte', keptWhole(kept), JSON.stringify(kept));
  check('what a kill interrupted says so', kept.notInterrupted.length === 0, `${kept.left} left by kills, ${kept.interrupted} of them in the middle ${kept.notInterrupted.join('; ')}`);
  check('nothing was recorded twice', overlaps(county, gateway) === 0);
  let room;
  await until('the gateway to have the files that it knows of', async () => {
    room = { files: objectFiles(store(county, gateway.id)).length, kept: (await status(gateway)).clips.kept };
    return room.files === room.kept;
  }, { timeoutMs: 10000, stepMs: 100 }).catch(() => {});
  check('no file lies among the gateway\'s objects that it does not know of', room.files === room.kept, JSON.stringify(room));
  console.log(`# ${kept.objects - room.kept} recordings have gone from the gateway, which the county has`);
  const left = fs.readdirSync(path.join(county.dirs.data, gateway.id, 'clips'));
  check('no recording is left to be finished', left.length === 0, left.join(' '));
  const { attachment } = await picture(gateway);
  const wrong = await judgeSeen(county, gateway, attachment, await allStudies());
  check('a reader finds each recording once, in one study, and gets its bytes', wrong.length === 0, wrong.slice(0, 3).join('; '));
}

async function judgeProcesses() {
  let verdict;
  await until('records to be even', () => recordsExact((verdict = judgeRecords(county))), { timeoutMs: 30000, stepMs: 1000 }).catch(() => {});
  console.log(`# records ${briefRecords(verdict)}`);
  check('every record of every log is at the other end, byte for byte', recordsExact(verdict), verdict.up.concat(verdict.down).flatMap((one) => one.missing.slice(0, 2)).join('; '));
  check('records went in both directions', verdict.up.every((one) => one.logged > 10) && verdict.down.some((one) => one.logged > 0));
  const counted = [await metrics(county.webPort), ...(await Promise.all(county.gateways.map((gateway) => metrics(gateway.statusPort))))];
  const conflicts = counted.reduce((n, one) => n + total(one, /^xw_\w*conflicts?_?\w*$/), 0);
  check('no conflicts in any process', conflicts === 0, conflicts);
  const bad = counted.reduce((n, one) => n + total(one, 'xw_link_faults_total') + total(one, 'xw_link_crc_wrong_total'), 0);
  check('no end of a link broke the protocol', bad === 0, bad);
}

await scenario(
  'every sample exactly once after random faults',
  async () => {
    await county.prepare();
    if (roams) county.behind(probe.process);
    await probe.start();
    await county.start();
    witness = new Witness(county, county.gateways[0]);
    technician = new Technician(county.gateways[0], seeded(seed + 1));
    technician.begin();
    county.startSim({
      devices: [0, 1, 2, 3].map((i) => ({
        id: `dev-${i + 1}`,
        gateway: `127.0.0.1:${county.gateways[i % 2].devicePort}`,
        source: i < 2 ? { kind: 'pattern', channels: 12 } : { kind: 'synth', rhythm: 'sinus', hr: 75, seed: seed + i },
        rate: 500,
        block_ms: 40,
      })).concat([4, 5].map((i) => ({
        id: `ctg-${i + 1}`,
        gateway: `127.0.0.1:${county.gateways[i % 2].devicePort}`,
        source: { kind: 'ctg', scene: i === 4 ? 'variable' : 'normal', fetuses: i - 3, seed: seed + i },
        rate: 4,
        block_ms: 250,
      }))),
      monitors: [0, 1].map((i) => ({ id: `00A037000000000${i + 1}`, gateway: `127.0.0.1:${county.gateways[(i + 1) % 2].monitorPort}`, every_s: 1, nibp_every_s: 20, clock_offset_s: CLOCK_OFFSET_S, window: 1 + 3 * i, seed: seed + i })),
    });
    await county.liveStreams(STREAMS);
    await campaign();

    const verdict = await judgeAtRest(county);
    console.log(`# ${brief(verdict)}`);
    check('samples were generated', verdict.generated > (4 * 500 + 2 * 4) * rounds);
    check('no sample is missing', verdict.missing === 0, verdict.missing);
    check('no sample is there twice', verdict.twice === 0, verdict.twice);
    check('every range has the samples that were generated', verdict.wrongRanges === 0 && verdict.differing === 0, verdict.wrongRanges);
    check('every device kept its one stream over all restarts', verdict.splitStreams === 0);
    const journal = readJournal(county.journal);
    await judgeAlarms(journal);
    await judgeBeats(journal);
    await judgeStudies(journal);
    await judgeVitals();
    await judgePictures();
    await judgeProcesses();
    await judgeFull();
    if (powered) check('power was cut where it was meant to be', faults.notCut === 0 && (faults.cuts > 0 || repeated), `${faults.cuts} cuts, ${faults.notCut} ends of another kind`);
    if (!roams) skip('addresses that change, packets that vanish', 'needs network namespaces and TUN devices');
    const missed = points.missed.map((point) => `${point.who}:${point.name}`);
    console.log(`# fault points passed: ${[...points.reached].sort().join(' ')}; not in this run: ${missed.join(' ')}`);
    if (rounds >= 100) check('every fault point on the way of samples, records and recordings killed a process', missed.length === 0, missed.join(' '));
  },
  { logs: () => county.logs() },
);
await probe.process.stop();
await county.stop();
finish();
