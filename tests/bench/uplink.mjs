// Uplinks that are narrow or bad, and many of them.
//   uplink_64k_age_p99_ms        64 kbit/s: one 12-lead ECG of 500 Hz, a fetal monitor, a patient monitor, and pictures and
//                                recordings that want far more
//   uplink_64k_back_ms           the same link after 30 s at 32 kbit/s, on which the ECG has no room: until it is live again
//   uplink_5g_age_p99_ms         30 ms ± 10 ms each way, 1 % of packets lost each way, 20 Mbit/s: 20 streams
//   uplink_5g_false_hatch_per_h  times without a newer sample for 1.5 s, for each hour of a stream
//   connections_2000_core_share  2,000 gateways at one county, 300 of them with a live stream
// Ages are of every sample, from the instant it is taken to its arrival at a browser's socket. XW_UPLINK=64k,5g,connections
// takes some of them, XW_MEASURE_S: seconds of each, XW_BLOCK_MS=40,250: blocks of the ECG at 64 kbit/s, a run each,
// XW_LEADS: of it; XW_CONGESTION: what the route asks for. The first two need namespaces.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { Fanout } from '../support/fanout.mjs';
import { County } from '../support/county.mjs';
import { cpuUs, figure, monoUs, say } from '../support/figures.mjs';
import { parseMetrics, total } from '../support/metrics.mjs';
import { judgeObservations } from '../support/observations.mjs';
import { judgeAtRest } from '../support/oracle.mjs';
import { sleep, until } from '../support/processes.mjs';
import { ShapedCounty, inNamespace } from '../support/shaped.mjs';
import { bytesField, intField, parse, uuidBytes } from '../support/wire.mjs';

const short = Boolean(process.env.XW_SHORT);
const measureS = Number(process.env.XW_MEASURE_S ?? (short ? 20 : 180));
const warmS = Number(process.env.XW_SETTLE_S ?? (short ? 8 : 20));
const parts = (process.env.XW_UPLINK ?? '64k,5g,connections').split(',');
const congestion = process.env.XW_CONGESTION ?? 'cubic';
const round = (value) => Math.round(value * 10) / 10;
const rhythms = ['sinus', 'af', 'pvc', 'tachy', 'brady'];

async function withLink(options, body) {
  const link = new ShapedCounty({ congestion, ...options });
  try {
    await body(link);
  } catch (error) {
    say(link.logs());
    throw error;
  } finally {
    await link.stop();
  }
}

// In which coding blocks went, as the gateway counts them.
function codings(link) {
  const entries = parseMetrics(link.gatewayMetrics(link.gateways[0]));
  return { blocks_sent: total(entries, 'xw_link_sent_blocks_total'), blocks_coded: total(entries, 'xw_link_coded_blocks_total'), key_blocks: total(entries, 'xw_link_key_blocks_total') };
}

// Too narrow for the ECG for a while, and as before again: how long it stays away then.
async function squeezed(link, fanout, shape) {
  const count = async () => (await link.api.json('/api/streams')).streams.filter((one) => one.suspended).length;
  await link.lab.ask('rate 32000');
  await until('the ECG to be suspended', count, { timeoutMs: 30000, stepMs: 100 }).catch(() => {});
  const out = await count();
  await sleep(30000);
  await link.lab.ask('rate 64000');
  const at = monoUs();
  const trace = process.env.XW_TRACE && setInterval(async () => {
    const state = await link.lab.ask('stat');
    const ages = fanout.ages(monoUs() - 1e6, monoUs(), /^ecg/);
    say(`${round((monoUs() - at) / 1e6)} s back: queue ${Math.round(state.queue_us / 1000)} peak ${Math.round(state.peak_queue_us / 1000)} ms, ${state.up_bytes} bytes, ECG p50 ${round(ages.p50)} p99 ${round(ages.p99)} ms of ${ages.samples}, late ${ages.late}`);
  }, 1000);
  await until('the ECG to be taken back', async () => !(await count()), { timeoutMs: 120000, stepMs: 50 });
  const takenBack = monoUs();
  const live = await until('the ECG to be live again', () => fanout.liveAgainUs(takenBack - 1e6, 1000, /^ecg/) || false, { timeoutMs: 60000, stepMs: 50 });
  await sleep(20000);
  clearInterval(trace);
  const after = fanout.ages(live, monoUs(), /^ecg/);
  figure('uplink_64k_back_ms', (live - at) / 1000, 'ms', {
    suspended_streams: out, taken_back_ms: round((takenBack - at) / 1000), suspended_20_s_later: await count(), ecg_age_p99_20_s_ms: round(after.p99), squeezed_kbit: 32, squeezed_s: 30, ...shape,
  });
}

async function narrow(blockMs) {
  const leads = Number(process.env.XW_LEADS ?? 12);
  const source = 'videotestsrc is-live=true pattern=snow ! video/x-raw,width=640,height=480,framerate=25/1';
  const pictures = `\n[video]\nbitrate = 1000\nclip_max = 5s\n[video1]\nid = probe\nautostart = yes\nsource = "${source}"\n`;
  await withLink({ rate: 64e3, bufferMs: 2000, delayMs: 30, downRate: 256e3, monitors: true, gatewayExtra: process.env.XW_NO_FLOOD ? '' : pictures }, async (link) => {
    // The link is wide until everybody has been accepted: how long that takes is another question.
    await link.prepare();
    await link.lab.ask('rate 20000000');
    await link.start();
    const device = `127.0.0.1:${link.gateways[0].devicePort}`;
    link.startSim({
      devices: [
        { id: 'ecg-1', gateway: device, source: { kind: 'synth', rhythm: 'sinus', seed: 1, channels: leads }, rate: 500, block_ms: blockMs },
        { id: 'ctg-1', gateway: device, source: { kind: 'ctg', scene: 'normal', fetuses: 1, seed: 2 }, rate: 4, block_ms: 500 },
      ],
      monitors: [{ id: '00A0370000000001', gateway: `127.0.0.1:${link.gateways[0].monitorPort}`, every_s: 1, nibp_every_s: 60, seed: 3 }],
    });
    await link.liveStreams(2, 60000);
    let yielded = 0;
    let statuses = 0;
    let pictureBytes = 0;
    const fanout = new Fanout(link.api, link.journal);
    fanout.onMessage = (number, bytes) => {
      if (number === 10) pictureBytes += bytes.length;
      if (number !== 11) return;
      statuses += 1;
      yielded += Number(parse(bytes)[11] ?? 0) ? 1 : 0;
    };
    await fanout.open();
    const find = async () => (await link.api.json('/api/beds')).beds.flatMap((one) => one.attachments).find((one) => one.device === 'probe');
    const probe = !process.env.XW_NO_FLOOD ? await until('the source of pictures', find, { timeoutMs: 30000, stepMs: 200 }) : undefined;
    if (probe) fanout.sockets[0].socket.send(bytesField(6, Buffer.concat([bytesField(1, uuidBytes(probe.id)), intField(2, 1)])));
    // What the samples and records alone ask for, when nothing holds them back.
    const sent = () => link.lab.ask('stat');
    const wide = await sent();
    await sleep(10000);
    const wideAfter = await sent();
    await link.lab.ask('rate 64000');
    await sleep(warmS * 1000);
    yielded = statuses = pictureBytes = 0;
    const before = await sent();
    const from = monoUs();
    let suspended = 0;
    let said = 0;
    for (let s = 0; s < measureS; s++) {
      await sleep(1000);
      const { streams } = await link.api.json('/api/streams');
      suspended = Math.max(suspended, streams.filter((one) => one.suspended).length);
      const { technical } = await link.api.json('/api/alarms?limit=100');
      said += technical.some((one) => one.code === 'link_narrow' && one.to_wall_us === null);
      if (process.env.XW_TRACE) {
        const state = await sent();
        const ages = fanout.ages(monoUs() - 1e6, monoUs(), /^ecg/);
        say(`${s + 1} s: queue ${Math.round(state.queue_us / 1000)} peak ${Math.round(state.peak_queue_us / 1000)} ms, ECG p50 ${round(ages.p50)} p99 ${round(ages.p99)} ms of ${ages.samples}, late ${ages.late}`);
      }
    }
    const to = monoUs();
    const after = await sent();
    const status = link.gatewayStatus(link.gateways[0]);
    const ecg = fanout.ages(from, to, /^ecg/);
    if (process.env.XW_TRACE) {
      for (let at = from; at < to; at += 1e6) {
        const one = fanout.ages(at, at + 1e6, /^ecg/);
        if (one.max > 900 || one.samples < 300) say(`${round((at - from) / 1e6)} s: ECG max ${round(one.max)} ms of ${one.samples}`);
      }
    }
    const ctg = fanout.ages(from, to, /^ctg/);
    const clipsHeld = probe ? (await link.api.json(`/api/attachments/${probe.id}/clips`)).clips.reduce((n, one) => n + one.held, 0) : 0;
    const hatches = fanout.hatches(from, to, /^ecg/).length;
    const shape = { leads, block_ms: blockMs, rate_kbit: 64, buffer_ms: 2000, rtt_ms: 60, congestion, flood: !process.env.XW_NO_FLOOD };
    await squeezed(link, fanout, shape);
    const coded = codings(link);
    await link.lab.ask('rate 20000000');
    const verdict = await judgeAtRest(link, { quiesceMs: 120000 });
    const vitals = judgeObservations(path.join(link.dirs.data, 'center'), link.journal, () => link.gateways[0].id);
    const seconds = (to - from) / 1e6;
    figure('uplink_64k_age_p99_ms', ecg.p99, 'ms', {
      p50_ms: round(ecg.p50), max_ms: round(ecg.max), samples: ecg.samples, samples_expected: Math.round(seconds * 500), came_late: ecg.late, hatches,
      ctg_age_p99_ms: round(ctg.p99), ctg_samples: ctg.samples, suspended_streams_most: suspended,
      up_kbit: round(((after.up_bytes - before.up_bytes) * 8) / 1000 / seconds), queue_full: after.up.full - before.up.full,
      wide_up_kbit: round(((wideAfter.up_bytes - wide.up_bytes) * 8) / 1000 / ((wideAfter.at_us - wide.at_us) / 1e6)),
      pictures_yielded_share: round(yielded / Math.max(1, statuses)), picture_kbit: round((pictureBytes * 8) / 1000 / seconds), clips_held_bytes: clipsHeld,
      narrow_alarm_open_share: round(said / measureS), gateway_says_held: status.link.held, clips_unsent: status.clips.unsent,
      lost_samples: verdict.missing, duplicate_samples: verdict.twice, generated: verdict.generated, vitals_values: vitals.values, vitals_missing: vitals.missing, vitals_twice: vitals.twice,
      ...coded, ...shape, seconds: measureS,
    });
    fanout.close();
  });
}

async function fifthGeneration() {
  const streams = 20;
  const options = { rate: 20e6, downRate: 20e6, bufferMs: 300, delayMs: 30, seed: Number(process.env.XW_SEED ?? 1), link: { 'jitter-ms': 10, 'loss-ppm': 10000 } };
  await withLink(options, async (link) => {
    await link.start();
    link.startSim({
      devices: Array.from({ length: streams }, (_, i) => ({
        id: `ecg-${i + 1}`, gateway: `127.0.0.1:${link.gateways[0].devicePort}`, source: { kind: 'synth', rhythm: rhythms[i % 5], seed: i + 1 }, rate: 500, block_ms: 40, start_s: i * 0.0137,
      })),
    });
    await link.liveStreams(streams, 60000);
    const fanout = await new Fanout(link.api, link.journal).open();
    await sleep(warmS * 1000);
    const before = await link.lab.ask('stat');
    const from = monoUs();
    let suspended = 0;
    for (let s = 0; s < measureS; s++) {
      await sleep(1000);
      suspended = Math.max(suspended, (await link.api.json('/api/streams')).streams.filter((one) => one.suspended).length);
      if (process.env.XW_TRACE) {
        const ages = fanout.ages(monoUs() - 1e6, monoUs());
        say(`${s + 1} s: p50 ${round(ages.p50)} p99 ${round(ages.p99)} ms, late ${ages.late}`);
      }
    }
    const to = monoUs();
    const after = await link.lab.ask('stat');
    const ages = fanout.ages(from, to);
    const hatches = fanout.hatches(from, to);
    const hours = (streams * measureS) / 3600;
    const verdict = await judgeAtRest(link, { quiesceMs: 60000 });
    const shape = { streams, rate_kbit: 20000, delay_ms_each_way: 30, jitter_ms: 10, loss: 0.01, block_ms: 40, congestion, seconds: measureS, seed: options.seed };
    figure('uplink_5g_age_p99_ms', ages.p99, 'ms', {
      p50_ms: round(ages.p50), p999_ms: round(ages.p999), max_ms: round(ages.max), samples: ages.samples, came_late: ages.late, suspended_streams_most: suspended,
      up_kbit: Math.round(((after.up_bytes - before.up_bytes) * 8) / 1000 / measureS), up_lost: after.up.lost - before.up.lost, up_packets: after.up.packets - before.up.packets, up_full: after.up.full - before.up.full,
      lost_samples: verdict.missing, duplicate_samples: verdict.twice, generated: verdict.generated, ...shape,
    });
    figure('uplink_5g_false_hatch_per_h', hatches.length / hours, '1/h', { hatches: hatches.length, longest_ms: hatches.reduce((n, one) => Math.max(n, one.ms), 0), stream_hours: round(hours), ...shape });
    fanout.close();
  });
}

async function connections() {
  const gateways = Number(process.env.XW_GATEWAYS ?? 2000);
  const live = Number(process.env.XW_LIVE ?? 300);
  const sockets = Number(process.env.XW_SOCKETS ?? 2); // of a gateway: signals, bulk
  const county = new County({ gateways: 0, relays: false, centerExtra: `[link]\ngateways_max = ${gateways}\n` });
  let crowd;
  try {
    await county.prepare();
    await county.start();
    const file = path.join(county.bin, '..', 'tests', 'xw-crowd');
    crowd = spawn(file, ['--certs', county.dirs.certs, '--port', county.linkPort, '--gateways', gateways, '--live', live, '--sockets', sockets].map(String), { stdio: ['pipe', 'pipe', 'inherit'] });
    const said = [];
    let rest = '';
    crowd.stdout.on('data', (chunk) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop();
      said.push(...lines.map((line) => JSON.parse(line)));
    });
    await until('all gateways to be welcomed', () => said.at(-1)?.welcomed === gateways * sockets, { timeoutMs: 180000, stepMs: 500 });
    say(`${gateways} gateways are welcomed`);
    await sleep(warmS * 1000);
    const [cpuBefore, at, saidBefore] = [cpuUs(county.center.child.pid), monoUs(), said.at(-1)];
    await sleep(measureS * 1000);
    const [cpuAfter, end, saidAfter] = [cpuUs(county.center.child.pid), monoUs(), said.at(-1)];
    const { gateways: known } = await county.api.json('/api/gateways');
    figure('connections_2000_core_share', (cpuAfter - cpuBefore) / (end - at), 'cores', {
      gateways, linked: known.filter((one) => one.linked).length, live, sockets_each: sockets, blocks_per_s: round((saidAfter.sent - saidBefore.sent) / ((end - at) / 1e6)),
      acked_behind_samples: saidAfter.behind, lost_connections: saidAfter.lost, crowd_cores: round(cpuUs(crowd.pid) / (end - at)), seconds: measureS, block_ms: 100, tls: true,
    });
  } catch (error) {
    say(county.logs());
    throw error;
  } finally {
    crowd?.kill('SIGKILL');
    await county.stop();
  }
}

if (parts.some((one) => one !== 'connections') && !inNamespace()) say('uplink: 64k and 5g need network namespaces and TUN devices');
else {
  for (const blockMs of parts.includes('64k') ? (process.env.XW_BLOCK_MS ?? '40,250').split(',').map(Number) : []) await narrow(blockMs);
  if (parts.includes('5g')) await fifthGeneration();
}
if (parts.includes('connections')) await connections();
