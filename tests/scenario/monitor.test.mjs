// Patient monitors (HL7 v2 over MLLP) at real gateways with a real county: every value of a message
// that was answered AA is at the county exactly once, whatever dies meanwhile; bad peers are told
// and harm nobody; what cannot be kept is answered AE.
//   XW_SEED, XW_ROUNDS (default 10), XW_PRESET, XW_KEEP as in faults.test.mjs
import path from 'node:path';
import { check, finish, scenario } from '../support/checks.mjs';
import { County, seeded } from '../support/county.mjs';
import { metrics, total } from '../support/metrics.mjs';
import { Mllp, framed, nextControl, oru, stamp } from '../support/mllp.mjs';
import { attachmentId, judgeObservations, observationsExact, readObservations } from '../support/observations.mjs';
import { freePorts, sleep, until } from '../support/processes.mjs';
import { rows } from '../support/vault.mjs';
import { briefRecords, judgeRecords, recordsExact } from '../support/records.mjs';

const seed = Number(process.env.XW_SEED ?? 1);
const rounds = Number(process.env.XW_ROUNDS ?? 10);
const random = seeded(seed);
console.log(`seed ${seed}, ${rounds} rounds`);

const status = async (gateway) => (await fetch(`http://127.0.0.1:${gateway.statusPort}/status.json`)).json();
const monitorOf = async (gateway, device) => (await status(gateway)).monitors.find((one) => one.device === device);

async function newCounty(extra = '', options = {}) {
  const [port] = await freePorts(1);
  const county = new County({ ...options, gatewayExtra: `[monitor]\nport = ${port}\n${extra}` });
  county.monitorPort = port;
  return county;
}

// ---- exactly once ----

const POINTS = ['monitor.commit.before', 'monitor.commit.after', 'monitor.ack.before_send', 'store.commit.before', 'store.commit.after', 'edge.commit.append'];
const CLOCK_OFFSET_S = -4321;

async function restartAt(gateway, fault) {
  await gateway.process.kill();
  gateway.process.start(fault ? { XW_FAULT: fault } : {});
  if (!fault) return true;
  await Promise.race([gateway.process.exited, sleep(4000)]);
  const died = !gateway.process.running;
  await gateway.process.kill();
  gateway.process.start();
  return died;
}

async function exactlyOnce(county) {
  await county.start();
  const [gateway] = county.gateways;
  const monitors = Array.from({ length: 6 }, (_, i) => ({
    id: `00A03700000000${String(i + 1).padStart(2, '0')}`,
    gateway: `127.0.0.1:${county.monitorPort}`,
    every_s: 0.25,
    nibp_every_s: 2,
    window: [1, 1, 4, 16][i % 4],
    clock_offset_s: CLOCK_OFFSET_S,
    scenario: ['normal', 'hypotension', 'fever', 'desaturation'][i % 4],
  }));
  county.startSim({ monitors });
  await until('messages to be acknowledged', async () => (await county.askSim('stats')).devices.every((one) => one.acked > 4));
  const reached = new Set();
  let points = [];
  for (let round = 0; round < rounds; round++) {
    if (!points.length) points = [...POINTS].sort(() => random.next() - 0.5);
    const what = round % 5 === 4 ? random.pick(['center', 'cut', 'kill']) : points.pop();
    if (what === 'center') {
      await county.center.kill();
      await sleep(random.int(0, 800));
      county.center.start();
      await county.centerBack();
    } else if (what === 'cut') {
      gateway.relay.set('cut');
      await sleep(random.int(300, 3000));
      gateway.relay.set('up');
    } else if (what === 'kill') await restartAt(gateway);
    else if (await restartAt(gateway, `${what}:after=${random.int(0, 25)}`)) reached.add(what);
    if (random.next() < 0.5) await county.askSim(random.pick(['spo2_off', 'desat', 'vitals_normal', 'nibp']), random.pick(monitors).id);
    await county.healthy(gateway.statusPort, gateway.id);
    console.log(`# round ${round}: ${what}`);
    await sleep(random.int(500, 1500));
  }
  await county.quiesce();
  check('each fault point of the way killed the gateway at least once', rounds < POINTS.length + 2 || reached.size === POINTS.length, [...reached].join(' '));
  let verdict;
  await until('the county to hold every value', () => observationsExact((verdict = judgeObservations(path.join(county.dirs.data, 'center'), county.journal, () => gateway.id, { clockOffsetS: CLOCK_OFFSET_S }))), { timeoutMs: 20000, stepMs: 500 }).catch(() => {});
  console.log(`# ${JSON.stringify(verdict)}`);
  check('every value of every message answered AA is at the county exactly once, with its value', observationsExact(verdict), JSON.stringify(verdict.examples));
  check('every message was answered AA in the end, and nothing else is there', verdict.acked === verdict.messages && verdict.strange === 0, `${verdict.acked} of ${verdict.messages}, ${verdict.strange} strange`);
  check('times are right whatever was sent again, with a clock 72 minutes slow', verdict.late === 0, verdict.late);
  let records;
  await until('records to be even', () => recordsExact((records = judgeRecords(county))), { timeoutMs: 20000, stepMs: 500 }).catch(() => {});
  check('every record is at the other end byte for byte, no conflicts', recordsExact(records), briefRecords(records));
}

// ---- the present ----

async function present(county) {
  await county.askSim('thaw');
  const dir = path.join(county.dirs.data, 'center');
  const newest = () =>
    rows(dir, 'SELECT hex(max(substr(key, 18, 8))) FROM record WHERE kind = 13 GROUP BY substr(key, 1, 16)').map((hex) => Number(BigInt(`0x${hex}`)));
  await sleep(1500);
  const ages = [];
  for (let i = 0; i < 40; i++) {
    const now = Date.now() * 1000;
    for (const wall of newest()) ages.push((now - wall) / 1000);
    await sleep(100);
  }
  ages.sort((a, b) => a - b);
  const p99 = ages[Math.floor(ages.length * 0.99)];
  check('the newest value of each monitor is at the county within 1.5 s (4 messages a second)', p99 <= 1500, `p50 ${Math.round(ages[ages.length >> 1])} ms, p99 ${Math.round(p99)} ms`);
}

// ---- bad peers ----

const good = (overrides) => oru({ id: '00A0370000077777', ...overrides });
const SPO2 = '150456^MDC_PULS_OXIM_SAT_O2^MDC';
const PERCENT = '262688^MDC_DIM_PERCENT^MDC';
// [what, expected answer (code, words of the reason) or null: closed without one, what is sent]
const badMessages = [
  ['no MSH', ['AR', 'MSH'], () => framed('PID|1\r')],
  ['an empty message', ['AR', 'MSH'], () => framed('')],
  ['one separator for two things', ['AR', 'MSH-2'], () => framed('MSH|^^\\&|A|B|||20260101||ORU^R01|1|P|2.6\r')],
  ['no control id', ['AE', 'MSH-10'], () => framed('MSH|^~\\&|A|B|||20260101||ORU^R01||P|2.6\r')],
  ['another message type', ['AR', 'MSH-9'], () => framed(good({ type: 'ADT^A01' }))],
  ['version 2.2', ['AR', 'MSH-12'], () => framed(good({ version: '2.2' }))],
  ['two patients', ['AE', 'PID'], () => framed(good({ extra: 'PID|||2||ROE^JANE\r' }))],
  ['two messages in one frame', ['AE', 'MSH'], () => framed(good() + good())],
  ['2,049 observations', ['AR', 'OBX'], () => framed(good({ values: Array.from({ length: 2049 }, (_, i) => [SPO2, 97, PERCENT, { channel: `1.1.1.${i}` }]) }))],
  ['sixteen-bit characters', ['AR', 'MSH-18'], () => framed(Buffer.from(good({ charset: 'UNICODE UTF-16' }), 'utf16le'))],
  ['a message above 1 MiB', ['AR', 'MSH'], () => framed(good({ extra: `NTE|1|${'x'.repeat(1 << 20)}\r` })), true],
  ['bytes outside a frame', null, () => Buffer.from('GET / HTTP/1.1\r\n\r\n'), true],
  ['random bytes', null, () => Buffer.from(Array.from({ length: 4000 }, () => random.int(14, 255))), true],
  ['a start within a frame', null, () => Buffer.from('\x0bMSH|^~\\&|\x0bMSH|'), true],
  ['an end without its CR', null, () => Buffer.from('\x0bMSH|^~\\&|A\x1cX'), true],
];
const oddButGood = [
  ['segments that end in LF', 'AA', () => framed(good().replaceAll('\r', '\n'))],
  ['segments that end in CR and LF', 'AA', () => framed(good().replaceAll('\r', '\r\n'))],
  ['other separators', 'AA', () => framed(good().replaceAll('|', '#').replaceAll('^', '*').replace('~\\&', '~\\&'))],
  ['single bytes', 'AA', () => framed(good()), true],
  ['unknown segments and codes', 'AA', () => framed(good({ extra: 'ZXX|1|2|3\rOBX|9|NM|999^SOMETHING^99ACME|1|5|m\r' }))],
  ['a segment of 900 KiB', 'AA', () => framed(good({ extra: `ZZZ|${'y'.repeat(900 * 1024)}\r` }))],
  ['nothing that is known', 'AA', () => framed(good({ values: [] }))],
  ['enhanced mode, accept always', 'CA', () => framed(good({ accept: 'AL', application: 'NE' }))],
  ['enhanced mode of PCD-01', 'AA', () => framed(good({ accept: 'NE', application: 'AL' }))],
  ['enhanced mode, errors only', undefined, () => framed(good({ accept: 'ER', application: 'NE' }))],
];

async function badPeers(county) {
  const [gateway] = county.gateways;
  const faults = async () => total(await metrics(gateway.statusPort), 'xw_monitor_faults_total');
  for (const [what, expected, bytes, closes = false] of badMessages) {
    const before = await faults();
    const peer = await new Mllp(county.monitorPort).open();
    peer.raw(bytes());
    await until('an answer or the end', () => (expected ? peer.answers.length : true) && (!closes || peer.closed), { timeoutMs: 6000, stepMs: 10 }).catch(() => {});
    const [answer] = peer.answers;
    const told = expected ? answer?.code === expected[0] && answer.why.startsWith(expected[1]) : !answer;
    check(`${what}: ${expected ? `answered ${expected[0]}` : 'no answer'}${closes ? ', closed, counted' : ', the connection goes on'}`, told && peer.closed === closes && (await faults()) - before === (closes ? 1 : 0), JSON.stringify(answer?.why ?? null));
    if (!closes) check(`after ${what} the same connection takes a good message`, (await peer.say(good()))?.code === 'AA');
    peer.close();
  }
  for (const [what, code, bytes, single] of oddButGood) {
    const peer = await new Mllp(county.monitorPort).open();
    if (single) for (const byte of bytes()) peer.raw(Buffer.from([byte]));
    else peer.raw(bytes());
    await until('an answer', () => peer.answers.length > 0, { timeoutMs: code ? 6000 : 500, stepMs: 10 }).catch(() => {});
    check(`${what}: ${code ?? 'no answer is wanted'}`, peer.answers[0]?.code === code && !peer.closed, JSON.stringify(peer.answers[0]?.why ?? null));
    peer.close();
  }
}

async function manyInOrder(county) {
  const peer = await new Mllp(county.monitorPort).open();
  const ids = Array.from({ length: 300 }, nextControl);
  peer.raw(Buffer.concat(ids.map((control) => framed(good({ control, sent: stamp() })))));
  await until('300 answers', () => peer.answers.length === ids.length, { timeoutMs: 20000 }).catch(() => {});
  check('300 messages at once are answered one by one in their order', peer.answers.length === 300 && peer.answers.every((one, i) => one.id === ids[i] && one.code === 'AA'), peer.answers.length);
  peer.close();
}

// More messages than one batch has owners, from more connections than one: each is answered, and kept once.
async function burst(county) {
  const peers = [];
  for (let i = 0; i < 12; i++) peers.push(await new Mllp(county.monitorPort).open());
  const idOf = (i) => `00A03700000331${String(i).padStart(2, '0')}`;
  const each = 120;
  for (const [i, peer] of peers.entries())
    peer.raw(Buffer.concat(Array.from({ length: each }, (_, k) => framed(oru({ id: idOf(i), control: `b${i}-${k}` })))));
  await until('all answers', () => peers.every((peer) => peer.answers.length === each), { timeoutMs: 30000 }).catch(() => {});
  const wrong = peers.flatMap((peer, i) => peer.answers.filter((one, k) => one.code !== 'AA' || one.id !== `b${i}-${k}`));
  check('1,440 messages at once on 12 connections are answered AA in their order', wrong.length === 0 && peers.every((peer) => peer.answers.length === each), JSON.stringify(wrong.slice(0, 3)) + peers.map((peer) => peer.answers.length));
  const ours = new Set(peers.map((_, i) => attachmentId('gw-01', idOf(i))));
  let there = [];
  await until('all at the county', () => (there = readObservations(path.join(county.dirs.data, 'center')).filter((one) => ours.has(one.attachment))).length >= 12 * each, { timeoutMs: 10000, stepMs: 300 }).catch(() => {});
  check('and each value is at the county exactly once', there.length === 12 * each && new Set(there.map((one) => one.id)).size === 12 * each, there.length);
  for (const peer of peers) peer.close();
}

async function slowLoris(county) {
  const crowd = [];
  for (let i = 0; i < 50; i++) crowd.push(await new Mllp(county.monitorPort).open());
  for (const one of crowd) one.raw('\x0bMSH|^~');
  const peer = await new Mllp(county.monitorPort).open();
  check('a message is answered beside 50 connections that never end theirs', (await peer.say(good()))?.code === 'AA');
  await until('the slow ones to be closed', () => crowd.every((one) => one.closed), { timeoutMs: 40000, stepMs: 200 }).catch(() => {});
  check('a frame that does not end within 30 s ends its connection', crowd.every((one) => one.closed), crowd.filter((one) => !one.closed).length);
  peer.close();
}

async function doubles(county) {
  const peer = await new Mllp(county.monitorPort).open();
  const temperature = ['150364^MDC_TEMP_BODY^MDC', 98.6, '[degF]^^UCUM', { channel: '1.5.1.1' }];
  const text = oru({ id: '00A0370000066666', values: [['150021^MDC_PRESS_BLD_NONINV_SYS^MDC', 131, '266016^MDC_DIM_MMHG^MDC', { time: stamp(Date.now() - 600000) }], temperature] });
  for (let i = 0; i < 5; i++) await peer.say(text);
  for (let i = 0; i < 5; i++) await peer.say(oru({ id: '00A0370000066666', values: [temperature] }));
  const dir = path.join(county.dirs.data, 'center');
  const attachment = attachmentId(county.gateways[0].id, '00A0370000066666');
  let there = [];
  await until('both values', () => (there = readObservations(dir).filter((one) => one.attachment === attachment)).length >= 2, { timeoutMs: 5000 });
  await sleep(300);
  there = readObservations(dir).filter((one) => one.attachment === attachment);
  const cuff = there.find((one) => one.code === '8480-6');
  const temp = there.find((one) => one.code === '8310-5');
  check('a message sent five times and a value repeated without a time are kept once', there.length === 2, there.length);
  check('a cuff reading of ten minutes ago is ten minutes old', cuff && Math.abs((cuff.receivedUs - cuff.wallUs) / 1e6 - 600) < 3 && cuff.measured, cuff && (cuff.receivedUs - cuff.wallUs) / 1e6);
  check('98.6 °F is kept as 37 Cel, with what was said beside it', temp && Math.abs(temp.number - 37) < 1e-9 && temp.unit === 'Cel' && temp.reported === '98.6', JSON.stringify(temp));
  peer.close();
}

// ---- acceptance, absence, no room ----

async function listed() {
  const county = await newCounty('idle = 2s\n');
  try {
    await county.prepare();
    county.reconfigure('gw-01.conf', 'gateway', 'demo', 'no');
    await county.start();
    const [gateway] = county.gateways;
    const peer = await new Mllp(county.monitorPort).open();
    const id = '00A0370000055555';
    const first = await peer.say(oru({ id }));
    check('an unknown monitor is answered AE with its id', first?.code === 'AE' && first.why.includes(id), first?.why);
    const page = await (await fetch(`http://127.0.0.1:${gateway.statusPort}/`)).text();
    const token = page.match(/name="xw-token" content="([^"]+)"/)[1];
    check('it waits on the status page', (await status(gateway)).waiting.some((one) => one.device === id));
    await fetch(`http://127.0.0.1:${gateway.statusPort}/devices/${id}/accept`, { method: 'POST', headers: { 'x-xinwang-token': token } });
    check('once accepted it is answered AA', (await peer.say(oru({ id })))?.code === 'AA');
    check('nothing of the refused message was kept', (await monitorOf(gateway, id)).observations === 1);
    await until('the monitor to be taken as gone', async () => (await monitorOf(gateway, id)).state === 'detached', { timeoutMs: 8000 });
    const { alarms } = await status(gateway);
    check('a monitor that sends nothing is detached and a technical alarm', alarms.some((one) => one.code === 'device_gone' && one.subject === id), JSON.stringify(alarms));
    await peer.say(oru({ id }));
    check('when it returns the alarm ends', !(await status(gateway)).alarms.some((one) => one.code === 'device_gone'));
    await gateway.process.kill();
    gateway.process.start({ XW_FAULT: 'edge.commit.append:times=3:error=ENOSPC' });
    await county.healthy(gateway.statusPort, gateway.id);
    const again = await new Mllp(county.monitorPort).open();
    const control = nextControl();
    const sent = stamp();
    const codes = [];
    for (let i = 0; i < 20 && codes.at(-1) !== 'AA'; i++) {
      codes.push((await again.say(oru({ id, control, sent, values: [[SPO2, 91, PERCENT]] })))?.code);
      if (codes.at(-1) !== 'AA') await sleep(600);
    }
    check('while the spool takes nothing a message is answered AE, afterwards AA', codes[0] === 'AE' && codes.at(-1) === 'AA', codes.join(' '));
    await sleep(800);
    const there = readObservations(path.join(county.dirs.data, 'center')).filter((one) => one.reported === '91');
    check('and its value is at the county exactly once', there.length === 1, there.length);
    const logs = county.logs();
    check('no name of a patient is in a log', !/DOE|JOHN|ROE/.test(logs));
  } finally {
    await county.stop();
  }
}

// ---- who is who ----

async function beds() {
  const county = await newCounty('bed_from_pv1 = yes\n');
  try {
    await county.start();
    const [gateway] = county.gateways;
    const peer = await new Mllp(county.monitorPort).open();
    const own = (id) => `OBX|90||69965^MDC_DEV_MON_PHYSIO_MULTI_PARAM_MDS^MDC|1.0.0.0|||||||X|||||||${id}^^${id}^EUI-64\r`;
    await peer.say(oru({ id: '00A0370000044444', place: 'ICU^3^7', extra: own('00A0370000044001') }));
    check('a bed is what PV1-3 says, when that is configured', (await monitorOf(gateway, '00A0370000044001'))?.bed === 'ICU 3 7', JSON.stringify(await monitorOf(gateway, '00A0370000044001')));
    const elsewhere = await peer.say(oru({ id: '00A0370000044444', place: 'ICU^3^8', extra: own('00A0370000044001') }));
    check('one id at two beds at the same time is refused', elsewhere?.code === 'AE' && elsewhere.why.includes('another monitor'), elsewhere?.why);
    const codes = [];
    for (const bed of [1, 2, 1, 2]) codes.push((await peer.say(oru({ id: '00A0370000044444', place: `ICU^3^${bed}` })))?.code);
    const { monitors } = await status(gateway);
    const spoken = monitors.filter((one) => one.device.startsWith('00A0370000044444.'));
    check('a sender that speaks for two beds is two monitors', codes.join(' ') === 'AA AA AA AA' && spoken.length === 2 && spoken.every((one) => one.messages === 2), JSON.stringify(spoken.map((one) => [one.device, one.bed, one.messages])));
    const other = await new Mllp(county.monitorPort, '127.0.0.2').open();
    const twin = await other.say(oru({ id: '00A0370000044444', extra: own('00A0370000044001'), place: 'ICU^3^7' }));
    check('one id from two addresses at the same time is refused, with a technical alarm', twin?.code === 'AE' && (await status(gateway)).alarms.some((one) => one.code === 'device_fenced' && one.subject === '00A0370000044001'), twin?.why);
    const nameless = (text) => text.replace(/TEST\^[^|]*\|T\|/, 'patient monitor|MAKER|');
    await peer.say(nameless(oru()));
    await other.say(nameless(oru()));
    const named = (await status(gateway)).monitors.filter((one) => one.device.startsWith('patient-monitor-MAKER'));
    check('two monitors of the same name are two', named.length === 2 && named.some((one) => one.device.endsWith('127.0.0.2')), named.map((one) => one.device).join(' '));
    peer.close();
    other.close();
  } finally {
    await county.stop();
  }
}

const county = await newCounty();
await scenario(
  'patient monitors',
  async () => {
    await exactlyOnce(county);
    await present(county);
    await badPeers(county);
    await manyInOrder(county);
    await burst(county);
    await doubles(county);
    await slowLoris(county);
    await county.quiesce();
    const verdict = judgeObservations(path.join(county.dirs.data, 'center'), county.journal, () => 'gw-01', { clockOffsetS: CLOCK_OFFSET_S });
    await sleep(500);
    check('monitors beside the bad peers lost nothing', observationsExact(verdict), JSON.stringify({ ...verdict, strange: undefined }));
  },
  { logs: () => county.logs() },
);
await county.stop();
await scenario('accepted, gone, no room', listed);
await scenario('who is who', beds);
finish();
