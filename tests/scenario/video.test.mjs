// Pictures of a probe: recorded through kills and cuts, faults of the source told as they are, live
// at the county when somebody looks. Seeded: XW_SEED, XW_ROUNDS kills and cuts (20).
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { check, finish, scenario, skip } from '../support/checks.mjs';
import { County, seeded } from '../support/county.mjs';
import { LiveSocket } from '../support/live.mjs';
import { metrics, total } from '../support/metrics.mjs';
import { Probe, TOKEN, clips, fragmentsOf, object, picture, run, sha256Of, status } from '../support/probe.mjs';
import { freePorts, sleep, until } from '../support/processes.mjs';
import { judge, overlaps, seen, settled, store, whole as good } from '../support/recordings.mjs';
import { Vault } from '../support/vault.mjs';
import { bytesField, intField, parse, uuidBytes } from '../support/wire.mjs';

const seed = Number(process.env.XW_SEED ?? 20261122);
const rounds = Number(process.env.XW_VIDEO_ROUNDS ?? 20);
const only = process.argv[2];
console.log(`# seed ${seed}, ${rounds} rounds`);

async function withProbe(name, body, { clipMax = '4s', sources = '', args = [], gateways = 1, spool = {} } = {}) {
  if (only && !name.includes(only)) return;
  const [port] = await freePorts(1);
  const county = new County({ gateways, spool, token: TOKEN });
  const probe = new Probe(county, { port, args });
  county.gatewayExtra = probe.config({ video: { clip_max: clipMax } }) + sources;
  await scenario(name, async () => {
    await probe.start();
    await county.start();
    await body(county, probe, county.gateways[0]);
  }, { logs: () => county.logs() });
  await probe.process.stop();
  await county.stop();
}

await withProbe('kills and cuts: every recording reaches the county byte by byte', async (county, probe, gateway) => {
  const random = seeded(seed);
  const did = {};
  await run(gateway, 'start');
  await seen(gateway, 'a picture', (p) => p.state === 'live' && p.recording);
  for (let round = 0; round < rounds; round++) {
    const what = random.pick(['kill', 'kill', 'cut', 'reset', 'county']);
    did[what] = (did[what] ?? 0) + 1;
    await sleep(random.int(300, 4500));
    if (what === 'kill') {
      await gateway.process.kill();
      await sleep(random.int(0, 500));
      gateway.process.start();
      await county.healthy(gateway.statusPort, gateway.id);
      await run(gateway, 'start');
    } else if (what === 'cut') {
      gateway.relay.set('cut');
      await sleep(random.int(500, 4000));
      gateway.relay.set('up');
    } else if (what === 'reset') {
      gateway.relay.reset();
    } else {
      await county.center.kill();
      await sleep(random.int(0, 1500));
      county.center.start();
      await county.centerBack();
    }
  }
  await sleep(2500);
  await run(gateway, 'stop');
  await settled(gateway);
  const verdict = await judge(county, gateway);
  check('every recording is at the county, whole and equal', good(verdict) && verdict.clips >= rounds / 3, JSON.stringify({ ...verdict, did }));
  check('clip_mismatch_bytes', verdict.mismatchBytes === 0, verdict.mismatchBytes);
  check('nothing was recorded twice', overlaps(county, gateway) === 0);
  check('nothing is left to be finished', fs.readdirSync(path.join(store(county, gateway.id), 'clips')).length === 0);
  check('what a kill interrupted says so', !did.kill || verdict.ends.interrupted > 0, JSON.stringify(verdict.ends));
});

for (const point of ['video.clip.fragment', 'video.clip.imported', 'video.clip.committed', 'store.object.import']) {
  await withProbe(`killed at ${point}: finished at the next start, once`, async (county, probe, gateway) => {
    await gateway.process.stop();
    gateway.process.start({ XW_FAULT: `${point}:after=1` });
    await county.healthy(gateway.statusPort, gateway.id);
    await run(gateway, 'start');
    await until('the kill', () => !gateway.process.running, { timeoutMs: 40000 });
    gateway.process.start();
    await county.healthy(gateway.statusPort, gateway.id);
    await settled(gateway);
    const verdict = await judge(county, gateway);
    check('the recording is at the county', good(verdict) && verdict.clips >= 1, JSON.stringify(verdict));
    check('nothing is left to be finished', fs.readdirSync(path.join(store(county, gateway.id), 'clips')).length === 0);
  }, { clipMax: '3s' });
}

await withProbe('faults of the source are told and end a recording', async (county, probe, gateway) => {
  check('a source that cannot be built says why, and the gateway runs', (await picture(gateway, 'broken')).state === 'failed' && (await picture(gateway, 'broken')).text.length > 0, (await picture(gateway, 'broken')).text);
  await run(gateway, 'start');
  await seen(gateway, 'a picture', (p) => p.state === 'live' && p.recording && p.clip_bytes > 0);
  await probe.ask('no_signal');
  await seen(gateway, 'no signal', (p) => p.state === 'no_signal' && !p.recording, 8000);
  let since = Date.now() * 1000;
  await probe.ask('normal');
  await seen(gateway, 'the picture to be back', (p) => p.state === 'live' && p.clip_since_wall_us > since && p.clip_bytes > 0);
  since = Date.now() * 1000;
  await probe.ask('resize', { width: 800, height: 608 });
  await seen(gateway, 'the other size', (p) => p.width === 800 && p.height === 608 && p.clip_since_wall_us > since && p.clip_bytes > 0);
  await probe.ask('unplug');
  await seen(gateway, 'the source to have failed', (p) => p.state === 'failed' && !p.recording);
  await probe.ask('normal');
  await seen(gateway, 'the picture to be back by itself', (p) => p.state === 'live' && p.recording && p.clip_bytes > 0);
  await run(gateway, 'stop');
  await settled(gateway);
  const list = clips(store(county, gateway.id)).sort((a, b) => a.startUs - b.startUs);
  const ends = list.map((one) => one.end).filter((one) => one !== 'long');
  check('each recording says how it ended', JSON.stringify(ends) === JSON.stringify(['no_signal', 'changed', 'no_signal', 'stopped']), ends.join(' '));
  check('sizes and codec are told', list.some((one) => one.width === 800 && one.height === 608) && list.every((one) => /^avc1\.42[0-9A-F]{4}$/.test(one.codec)), list.map((one) => `${one.codec} ${one.width}x${one.height}`).join(', '));
  check('frames and times fit', list.every((one) => one.frames > 0 && one.endUs > one.startUs && one.frames <= (one.endUs - one.startUs) / 40000 + 4 + one.frames / 2), list.map((one) => `${one.frames} in ${((one.endUs - one.startUs) / 1e6).toFixed(2)} s`).join(', '));
  check('one run is one study', new Set(list.map((one) => one.study)).size === 1 && list[0].study !== null);
  check('all of it is at the county', good(await judge(county, gateway)));
  const counters = await metrics(gateway.statusPort);
  check('pictures are counted, also those that a recording lacks', total(counters, 'xw_video_captured_total') > 0 && counters.some((one) => one.name === 'xw_video_record_dropped_total'), `${total(counters, 'xw_video_captured_total')}, ${total(counters, 'xw_video_record_dropped_total')} lacking`);
}, { clipMax: '60s', sources: '[video2]\nid = broken\nsource = nosuchelement ! fakesink\n' });

await withProbe('no room: recording stops before anything else, and goes on when there is room', async (county, probe, gateway) => {
  county.startSim({ devices: [{ id: 'dev-1', gateway: `127.0.0.1:${gateway.devicePort}`, rate: 250, block_ms: 40, source: { kind: 'pattern', channels: 2 } }] });
  await county.liveStreams(1);
  gateway.relay.set('cut');
  await run(gateway, 'start');
  await seen(gateway, 'recording to stop for want of room', (p) => p.state === 'live' && !p.recording && /room/.test(p.text), 120000);
  const then = await status(gateway);
  check('there is an alarm, and the picture goes on', then.alarms.some((one) => one.code === 'spool_low') && then.pictures[0].state === 'live');
  const acked = (await county.askSim('stats')).devices[0].acked;
  await sleep(3000);
  check('ECG is kept all the same', !(await status(gateway)).spool.full && (await county.askSim('stats')).devices[0].acked > acked);
  await until('the last recording to be finished', async () => (await status(gateway)).clips.finishing === 0, { timeoutMs: 15000 });
  check('the recording says why it ended', clips(store(county, gateway.id)).some((one) => one.end === 'no_room'), clips(store(county, gateway.id)).map((one) => one.end).join());
  const before = (await status(gateway)).clips;
  gateway.relay.set('up');
  await seen(gateway, 'recording to go on', (p) => p.recording && p.clip_bytes > 0, 90000);
  const after = (await status(gateway)).clips;
  check('what the county holds made room', after.kept < before.kept || after.kept_bytes < before.kept_bytes, `${before.kept_bytes} then ${after.kept_bytes} bytes`);
  await run(gateway, 'stop');
  await settled(gateway);
  const verdict = await judge(county, gateway, { mayBeGone: true });
  check('every recording is at the county', good(verdict), JSON.stringify(verdict));
}, { spool: { limit: '20MiB', low: '8MiB', reserve: '1MiB' } });

await withProbe('what lies in the folder of recordings and is none does no harm', async (county, probe, gateway) => {
  await gateway.process.stop();
  const dir = path.join(store(county, gateway.id), 'clips');
  const id = (n, ending = 'part') => `01a20000-0000-7000-8000-00000000000${n}.${ending}`;
  const good1 = path.join(county.dir, 'whole.mp4');
  execFileSync('gst-launch-1.0', ['-q', ...`videotestsrc num-buffers=60 ! video/x-raw,width=320,height=240,framerate=20/1 ! x264enc tune=zerolatency key-int-max=20 bframes=0 ! h264parse ! mp4mux fragment-duration=1000 fragment-mode=dash-or-mss streamable=true ! filesink location=${good1}`.split(' ')]);
  const whole = fs.readFileSync(good1);
  fs.writeFileSync(path.join(dir, id(1)), 'no recording');
  fs.writeFileSync(path.join(dir, id(2)), '');
  const ours = new Vault(path.dirname(dir)).file(Buffer.concat([whole.subarray(0, fragmentsOf(whole).whole), Buffer.from('rest of a fragment')]));
  fs.writeFileSync(path.join(dir, id(3)), ours);
  fs.writeFileSync(path.join(dir, id(6)), ours.subarray(0, 63)); // its head was never whole
  fs.writeFileSync(path.join(dir, id(7)), whole); // not encrypted: not ours
  fs.writeFileSync(path.join(dir, id(4, 'clip')), ''); // as a kill leaves them alone
  fs.writeFileSync(path.join(dir, id(5, 'clip.tmp')), '');
  fs.writeFileSync(path.join(dir, 'README'), 'not a recording');
  gateway.process.start();
  await county.healthy(gateway.statusPort, gateway.id);
  await settled(gateway);
  const list = clips(store(county, gateway.id));
  check('the one with whole fragments is kept, cut to them', list.length === 1 && list[0].size === fragmentsOf(whole).whole && list[0].end === 'interrupted' && list[0].frames === 60, JSON.stringify(list));
  check('it is at the county', good(await judge(county, gateway)));
  check('what is no recording is left alone or gone', JSON.stringify(fs.readdirSync(dir).sort()) === JSON.stringify([id(7), 'README']), fs.readdirSync(dir).join());
});

const data = process.env.XW_DATA && path.join(process.env.XW_DATA, 'ultrasound');
if (!only || 'a real recording goes through unharmed'.includes(only)) {
  const file = data && fs.existsSync(data) && fs.readdirSync(data).find((one) => /\.(mp4|mov)$/.test(one));
  if (!file) skip('a real recording goes through unharmed', 'XW_DATA names no ultrasound recordings');
  else
    await withProbe('a real recording goes through unharmed', async (county, probe, gateway) => {
      await run(gateway, 'start');
      await seen(gateway, 'a picture', (p) => p.state === 'live' && p.clip_bytes > 0, 30000);
      await sleep(4000);
      await run(gateway, 'stop');
      await settled(gateway);
      const verdict = await judge(county, gateway);
      check('recorded, sent, equal', good(verdict) && verdict.clips >= 1 && verdict.frames > 40, JSON.stringify(verdict));
    }, { args: ['--file', path.join(data, file)] });
}

// ---- live ----

const watchVideo = (attachment, on = true) => bytesField(6, Buffer.concat([bytesField(1, uuidBytes(attachment)), ...(on ? [intField(2, 1)] : [])]));

await withProbe('live: a key frame first, then every picture, and only while somebody looks', async (county, probe, gateway) => {
  const beds = await county.api.request('/api/beds');
  if (beds.status === 404) {
    skip('live pictures at the county', 'this county has no pictures yet');
    return;
  }
  await run(gateway, 'start');
  const { attachment } = await seen(gateway, 'a picture', (p) => p.state === 'live' && p);
  await sleep(1000);
  check('nothing is sent while nobody looks', (await picture(gateway)).sent_fps === 0);
  const frames = [];
  const states = [];
  const live = await new LiveSocket(county.api, {
    onMessage: (number, bytes) => {
      if (number === 10) {
        const m = parse(bytes);
        frames.push({ frame: Number(m[3] ?? 0), key: Number(m[4] ?? 0) === 1, wallUs: Number(m[5] ?? 0), width: Number(m[7] ?? 0), size: m[9]?.length ?? 0, atUs: Date.now() * 1000 });
      } else if (number === 11) states.push(parse(bytes));
    },
  }).open();
  live.socket.send(watchVideo(attachment));
  await until('two seconds of pictures', () => frames.length >= 50, { timeoutMs: 15000 });
  await sleep(3000);
  check('the first is a key frame with its size', frames[0].key && frames[0].width === 640, JSON.stringify(frames[0]));
  const jumps = frames.filter((one, i) => i && one.frame !== frames[i - 1].frame + 1 && !one.key).length;
  check('no picture is missing without a key frame after it', jumps === 0, `${frames.length} pictures`);
  const delays = frames.slice(25).map((one) => (one.atUs - one.wallUs) / 1000).sort((a, b) => a - b);
  console.log(`# from the capture to a browser's socket: p50 ${delays[delays.length >> 1].toFixed(1)} ms, p95 ${delays[Math.floor(delays.length * 0.95)].toFixed(1)} ms`);
  check('the state comes each second', states.length >= 3, states.length);

  gateway.relay.set('slow', 80000);
  await sleep(8000);
  const narrow = await picture(gateway);
  check('on a narrow link the aim falls, or pictures yield; what is dropped is counted', (narrow.kbit_per_s < 4000 || narrow.yielded) && narrow.dropped > 0, JSON.stringify({ kbit: narrow.kbit_per_s, yielded: narrow.yielded, dropped: narrow.dropped }));
  check('the record goes on', narrow.recording, `${narrow.record_dropped} pictures lacking`);
  gateway.relay.set('up');
  const n = frames.length;
  await until('pictures to be back', () => frames.length > n + 25, { timeoutMs: 30000 });
  const after = frames.slice(n);
  check('they begin again with a key frame wherever some are missing', after.filter((one, i) => i && one.frame !== after[i - 1].frame + 1 && !one.key).length === 0);

  await probe.ask('resize', { width: 800, height: 608 });
  await until('pictures of the other size', () => frames.some((one) => one.key && one.width === 800), { timeoutMs: 15000 });
  live.socket.send(watchVideo(attachment, false));
  await seen(gateway, 'no more to be sent', (p) => p.sent_fps === 0 && !p.watched, 12000);
  live.close();
  check('the encoder rests when nobody looks', true);
  await run(gateway, 'stop');
  await settled(gateway);
  check('the recordings are at the county all the same', good(await judge(county, gateway)));
});

await withProbe('a spool that fills up while the link is cut: recordings end first, the ECG goes on', async (county, probe, gateway) => {
  county.startSim({ devices: [{ id: 'dev-1', gateway: `127.0.0.1:${gateway.devicePort}`, rate: 500, block_ms: 40, source: { kind: 'pattern', channels: 12 } }] });
  await county.liveStreams(1);
  await run(gateway, 'start');
  await seen(gateway, 'a recording', (p) => p.recording && p.clip_bytes > 0);
  gateway.relay.set('cut');
  await seen(gateway, 'recordings to end for want of room', (p) => p.state === 'live' && !p.recording && /no room/.test(p.text), 120000);
  const acked = async () => (await county.askSim('stats')).devices.reduce((n, one) => n + one.acked, 0);
  const before = await acked();
  await sleep(3000);
  const after = await acked();
  check('the ECG is acknowledged all the while', after - before > 500, `${after - before} samples in 3 s`);
  check('nothing of the ECG was refused', !fs.readFileSync(gateway.process.logFile, 'utf8').includes('edge.spool.refuses'));
  gateway.relay.set('up');
  await seen(gateway, 'recordings to go on when there is room', (p) => p.recording && p.clip_bytes > 0, 120000);
  await run(gateway, 'stop');
  await settled(gateway);
  // The gateway may have given up its own copy already: the county has it.
  const list = clips(store(county, 'center')).filter((one) => one.size);
  const whole = list.filter((one) => {
    const far = object(store(county, 'center'), one.sha256);
    return far && far.length === one.size && sha256Of(far) === one.sha256 && fragmentsOf(far).rest === 0;
  });
  check('every recording is at the county, and says that there was no room', whole.length === list.length && list.some((one) => one.end === 'no_room'), list.map((one) => `${one.end} ${one.size}`).join(', '));
}, { clipMax: '60s', spool: { limit: '32MiB', low: '16MiB', reserve: '16MiB' } });
finish();
