// Every modality beside the ECG: how old it is where it is looked at.
//   ctg_age_p99_ms             50 fetal monitors on one gateway; every sample of one of them, from the instant it is taken
//                              to the first frame whose canvas holds it; all 50 at the fan-out socket beside it
//   vitals_age_p99_ms          from the end of an HL7 message at the gateway to the frame that shows its values
//   video_canvas_p95_ms        from the drawing of a picture in the probe to the frame whose canvas shows it: the time is
//                              burnt into the picture and read back from the canvas' pixels
//   ecg_age_p99_with_video_ms  ECG at the fan-out socket, uplink of 1 Mbit/s, a picture wanting 4 Mbit/s (needs root: 77)
//   clip_mismatch_bytes        recordings after 20 seeded kills and cuts, the county's bytes against the gateway's
// One host, one clock. XW_MEASURE_S: seconds of each part (300; the picture and the narrow link at most 120). XW_MODALITIES=ctg,vitals,video,narrow,clips takes some of them.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { County, root } from '../support/county.mjs';
import { figure, monoUs, quantile, say, schedulingP99Us } from '../support/figures.mjs';
import { LiveSocket } from '../support/live.mjs';
import { readJournal } from '../support/oracle.mjs';
import { Probe } from '../support/probe.mjs';
import { freePorts, sleep, until } from '../support/processes.mjs';
import { openPage } from '../support/reader.mjs';
import { ShapedCounty, inNamespace } from '../support/shaped.mjs';
import { bytesField, intField, parse, uuidBytes } from '../support/wire.mjs';

const short = Boolean(process.env.XW_SHORT);
const measureS = Number(process.env.XW_MEASURE_S ?? (short ? 20 : 300));
const warmS = short ? 5 : 20;
const wanted = (process.env.XW_MODALITIES ?? 'ctg,vitals,video,narrow,clips').split(',');
const round = (value) => Math.round(value * 10) / 10;
const idleP99Us = wanted.includes('ctg') ? schedulingP99Us() : 0;

const bedOf = async (county, device) => {
  let bed;
  await until(`the bed of ${device}`, async () => (bed = (await county.api.json('/api/beds')).beds.find((one) => one.attachments.some((a) => a.device === device))), { timeoutMs: 20000, stepMs: 100 });
  return bed;
};
async function withCounty(options, body) {
  const county = new County({ gateways: 1, relays: false, ...options });
  try {
    await body(county);
  } catch (error) {
    say(county.logs());
    throw error;
  } finally {
    await county.stop();
  }
}

// For samples [first, end): when the first entry of [time, one after newest] covers each.
function firstHolding(entries, first, end) {
  const times = new Float64Array(end - first).fill(Number.NaN);
  let next = first;
  for (const [time, head] of entries) for (const upto = Math.min(end, Math.floor(head)); next < upto; next++) times[next - first] = time;
  return times;
}

async function ctg() {
  const beds = 50;
  await withCounty({}, async (county) => {
    await county.start();
    const scenes = ['normal', 'variable', 'late', 'tachy'];
    county.startSim({
      devices: Array.from({ length: beds }, (_, i) => ({ id: `ctg-${i + 1}`, gateway: `127.0.0.1:${county.gateways[0].devicePort}`, source: { kind: 'ctg', scene: scenes[i % 4], fetuses: 1 + (i % 2), seed: i + 1 }, rate: 4, block_ms: 500, start_s: ((i * 37) % 500) / 1000 })),
    });
    await county.liveStreams(beds, 60000);
    const journal = readJournal(county.journal);
    const taken = (device, index) => journal.get(device).info.start_mono_us + (index / 4) * 1e6;
    const deviceOf = new Map([...journal].map(([id, one]) => [one.streams.at(-1), id]));
    const fanout = [];
    let measuring = false;
    const socket = await new LiveSocket(county.api, {
      onBlock: (block) => {
        if (!measuring || block.backfill) return;
        for (let i = 0; i < block.count; i++) fanout.push((monoUs() - taken(deviceOf.get(block.stream), block.first + i)) / 1000);
      },
    }).open();
    for (const stream of deviceOf.keys()) socket.watch(stream);
    const bed = await bedOf(county, 'ctg-1');
    const reader = await openPage(county, `/bed/${bed.id}`);
    await until('the strip to move', () => reader.page.evaluate(() => window.xwCtg?.log.n > 60 && window.xwCtg.drawn > 0), { timeoutMs: 20000, stepMs: 100 });
    await sleep(warmS * 1000);
    await reader.page.evaluate(() => window.xwCtg.reset());
    measuring = true;
    const origin = await reader.monoOrigin();
    await sleep(measureS * 1000);
    const frames = await reader.frames('log', 'xwCtg');
    await reader.close();
    socket.close();
    const first = Math.ceil(frames[0][1]) + 1;
    const end = Math.floor(frames.at(-1)[1]);
    const ages = [...firstHolding(frames.map(([ms, head]) => [origin.origin + ms * 1000, head]), first, end)].map((time, i) => (time - taken('ctg-1', first + i)) / 1000);
    const never = ages.filter(Number.isNaN).length;
    figure('ctg_age_p99_ms', quantile(ages, 0.99), 'ms', {
      p50_ms: round(quantile(ages, 0.5)), max_ms: round(quantile(ages, 1)), samples: ages.length, never_drawn: never, beds, block_ms: 500, seconds: measureS,
      fanout_p99_ms: round(quantile(fanout, 0.99)), fanout_samples: fanout.length, idle_scheduling_p99_us: Math.round(idleP99Us),
    });
  });
}

async function vitals() {
  const [port] = await freePorts(1);
  await withCounty({ gatewayExtra: `[monitor]\nport = ${port}\naccept = all\n` }, async (county) => {
    await county.start();
    county.startSim({ monitors: Array.from({ length: 20 }, (_, i) => ({ id: `00A03700000000${String(i + 10)}`, gateway: `127.0.0.1:${port}`, every_s: 1, nibp_every_s: 30, clock_offset_s: 1234, seed: i + 1 })) });
    const bed = await bedOf(county, '00A0370000000010');
    const reader = await openPage(county, `/bed/${bed.id}`);
    await until('values to be shown', () => reader.page.evaluate(() => window.xwVitals?.n > 5), { timeoutMs: 20000, stepMs: 100 });
    await sleep(warmS * 1000);
    await reader.page.evaluate(() => window.xwVitals.reset());
    await sleep(measureS * 1000);
    const shown = await reader.page.evaluate(() => {
      const s = window.xwVitals;
      const origin = performance.timeOrigin;
      return Array.from({ length: Math.min(s.n, s.tMs.length) }, (_, i) => origin + s.tMs[i] - s.receivedWallUs[i] / 1000);
    });
    await reader.close();
    figure('vitals_age_p99_ms', quantile(shown, 0.99), 'ms', { p50_ms: round(quantile(shown, 0.5)), max_ms: round(quantile(shown, 1)), values: shown.length, monitors: 20, seconds: measureS });
  });
}

// Reads the strips of the canvas at every frame: [count, ms between making and seeing].
const readStrips = (seconds) => {
  const canvas = document.querySelector('canvas.video-canvas');
  const context = canvas.getContext('2d');
  const strip = (row) => {
    const px = context.getImageData(0, row * 8 + 4, 288, 1).data;
    const white = (cell) => px[(cell * 8 + 4) * 4] > 127;
    let number = 0;
    let ones = 0;
    for (let k = 2; k < 34; k++) {
      number = (number * 2 + Number(white(k))) >>> 0;
      ones += white(k);
    }
    return white(0) && !white(1) && white(35) && Boolean(ones & 1) === white(34) ? number : null;
  };
  return new Promise((resolve) => {
    const seen = [];
    let last = -1;
    let unread = 0;
    const until = performance.now() + seconds * 1000;
    const look = (now) => {
      const count = strip(0);
      const ms = strip(1);
      if (count === null || ms === null) unread += 1;
      else if (count !== last) {
        seen.push([count, (Math.floor(performance.timeOrigin + performance.now()) - ms) >>> 0]);
        last = count;
      }
      if (now < until) requestAnimationFrame(look);
      else resolve({ seen, unread });
    };
    requestAnimationFrame(look);
  });
};

async function video() {
  const [port] = await freePorts(1);
  await withCounty({}, async (county) => {
    const probe = new Probe(county, { port });
    county.gatewayExtra = `\n[video1]\nid = probe\nlabel = 探头\nbed = 一号床\nautostart = yes\nsource = "${probe.source}"\n`;
    await county.prepare();
    await probe.start();
    try {
      await county.start();
      const bed = await bedOf(county, 'probe');
      const reader = await openPage(county, `/bed/${bed.id}`);
      await until('the picture to move', () => reader.page.evaluate(() => window.xwVideo?.drawn > 20), { timeoutMs: 30000, stepMs: 100 });
      await sleep(warmS * 1000);
      await reader.page.evaluate(() => window.xwVideo.reset());
      const { seen, unread } = await reader.page.evaluate(readStrips, Math.min(measureS, 120));
      const stats = await reader.page.evaluate(() => ({ drawn: window.xwVideo.drawn, missed: window.xwVideo.missed, superseded: window.xwVideo.superseded, fps: window.xwVideo.fps, decoder: window.xwVideo.decoder, kbit: window.xwVideo.kbitPerS, software: window.xwVideo.software }));
      await reader.close();
      const ages = seen.map(([, ms]) => ms);
      const made = seen.at(-1)[0] - seen[0][0] + 1;
      figure('video_canvas_p95_ms', quantile(ages, 0.95), 'ms', {
        p50_ms: round(quantile(ages, 0.5)), p99_ms: round(quantile(ages, 0.99)), max_ms: round(quantile(ages, 1)), pictures_seen: seen.length, pictures_made: made, strips_unread: unread,
        width: 640, height: 480, fps: 25, ...stats, seconds: Math.min(measureS, 120),
      });
    } finally {
      await probe.process.stop();
    }
  });
}

async function narrow() {
  if (!inNamespace()) {
    say('ecg_age_p99_with_video_ms: needs root and TUN devices');
    return;
  }
  const seconds = Math.min(measureS, 120);
  const source = 'videotestsrc is-live=true pattern=snow ! video/x-raw,width=640,height=480,framerate=25/1';
  const link = new ShapedCounty({ rate: 1e6, bufferMs: 500, delayMs: 15, gatewayExtra: `\n[video]\nbitrate = 4000\nclip_max = 5s\n[video1]\nid = probe\nautostart = yes\nsource = "${source}"\n` });
  try {
    await link.start();
    link.startSim({ devices: [1, 2].map((i) => ({ id: `dev-${i}`, gateway: `127.0.0.1:${link.gateways[0].devicePort}`, source: { kind: 'synth', rhythm: i === 1 ? 'sinus' : 'af', seed: i }, rate: 500, block_ms: 40 })) });
    await link.liveStreams(2, 60000);
    const journal = readJournal(link.journal);
    const started = new Map([...journal.values()].map((one) => [one.streams.at(-1), one.info.start_mono_us]));
    const bed = await bedOf(link, 'probe');
    const attachment = bed.attachments.find((one) => one.device === 'probe').id;
    const ages = [];
    let measuring = false;
    let pictures = 0;
    let pictureBytes = 0;
    let yielded = 0;
    const socket = await new LiveSocket(link.api, {
      onBlock: (block) => {
        if (measuring && !block.backfill) ages.push((monoUs() - started.get(block.stream) - (block.first / 500) * 1e6) / 1000);
      },
      onMessage: (number, bytes) => {
        if (!measuring) return;
        if (number === 10) {
          pictures += 1;
          pictureBytes += bytes.length;
        }
        if (number === 11 && Number(parse(bytes)[11] ?? 0)) yielded += 1;
      },
    }).open();
    for (const stream of started.keys()) socket.watch(stream);
    const look = () => socket.socket.send(bytesField(6, Buffer.concat([bytesField(1, uuidBytes(attachment)), intField(2, 1)])));
    look();
    await sleep(warmS * 1000);
    measuring = true;
    await sleep(seconds * 1000);
    measuring = false;
    socket.close();
    figure('ecg_age_p99_with_video_ms', quantile(ages, 0.99), 'ms', {
      p50_ms: round(quantile(ages, 0.5)), max_ms: round(quantile(ages, 1)), blocks: ages.length, ecg_streams: 2, rate_kbit: 1000, buffer_ms: 500, rtt_ms: 30, video_wants_kbit: 4000,
      video_got_kbit: Math.round((pictureBytes * 8) / 1000 / seconds), pictures_per_s: round(pictures / seconds), yielded_statuses: yielded, seconds,
    });
  } catch (error) {
    say(link.logs());
    throw error;
  } finally {
    await link.stop();
  }
}

function clips() {
  const run = spawnSync(process.execPath, [path.join(root, 'tests/scenario/video.test.mjs'), 'kills and cuts'], { encoding: 'utf8', env: { ...process.env, XW_VIDEO_ROUNDS: '20' }, maxBuffer: 1 << 26 });
  const line = /^(ok|NOT OK) - clip_mismatch_bytes(?: \((\d+)\))?/m.exec(run.stdout);
  const whole = /^(?:ok|NOT OK) - every recording is at the county, whole and equal \((\{.*\})\)/m.exec(run.stdout);
  if (!line) throw new Error(`the scenario did not come to its end\n${run.stdout.slice(-2000)}`);
  const { clips: n, bytes, did, recordsMissing, objectsMissing } = whole ? JSON.parse(whole[1]) : {};
  figure('clip_mismatch_bytes', Number(line[2] ?? 0), 'bytes', { recordings: n, bytes, rounds: 20, did, records_missing: recordsMissing, objects_missing: objectsMissing });
}

// The narrow link's part runs once more in a namespace of its own.
if (process.env.XW_IN_NAMESPACE || process.env.XW_NARROW_ALONE) {
  await narrow();
} else {
  const parts = { ctg, vitals, video, clips };
  for (const name of wanted) {
    if (name === 'narrow') spawnSync(process.execPath, [fileURLToPath(import.meta.url)], { stdio: 'inherit', env: { ...process.env, XW_MODALITIES: 'narrow', XW_NARROW_ALONE: '1' } });
    else await parts[name]();
  }
}
