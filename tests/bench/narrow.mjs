// ECG, pictures and an object over one narrow uplink: what the reader gets, and how old it is.
// XW_NARROW: a comma-separated list of cases RATE_KBIT/BUFFER_MS/STREAMS (default: below).
import { figure, monoUs, say } from '../support/figures.mjs';
import { metrics, total } from '../support/metrics.mjs';
import { sleep, until } from '../support/processes.mjs';
import { ShapedCounty, ageFigures, inNamespace, laneRates } from '../support/shaped.mjs';

if (!inNamespace()) {
  say('narrow: needs network namespaces and TUN devices');
  process.exit(77);
}
const cases = (process.env.XW_NARROW ?? '1000/200/2,1000/1000/2,1000/1000/5,1000/1000/20,300/500/2,4000/300/10')
  .split(',')
  .filter((text) => text.includes('/'))
  .map((text) => text.split('/').map(Number));
const settleS = Number(process.env.XW_SETTLE_S ?? (process.env.XW_SHORT ? 5 : 10));
const measureS = Number(process.env.XW_MEASURE_S ?? (process.env.XW_SHORT ? 10 : 30));

for (const [kbit, bufferMs, streams] of cases) {
  const link = new ShapedCounty({ rate: kbit * 1000, bufferMs, delayMs: 15, congestion: process.env.XW_CONGESTION ?? 'cubic' });
  try {
    await link.startCenter();
    const load = await link.startLoad({ streams });
    const blocks = await link.watchLoad();
    load.say('object 52428800'); // made before it is measured: that takes its loop some time
    await until('the object to be made', () => load.objects.length, { timeoutMs: 60000, stepMs: 10 });
    load.say('video 4000');
    const began = monoUs();
    await sleep(settleS * 1000);
    await link.lab.ask('stat');
    const before = load.state;
    const from = monoUs();
    const queues = [];
    for (let i = 0; i < measureS * 10; i++) {
      await sleep(100);
      const state = await link.lab.ask('stat');
      queues.push(state.peak_queue_us / 1000);
      if (process.env.XW_TRACE && i % 5 === 0) {
        const s = load.state;
        say(`${((monoUs() - began) / 1e6).toFixed(1)} s: queue ${Math.round(state.queue_us / 1000)} ms, paced ${Math.round((s.paced * 8) / 1000)}, rate ${Math.round((s.rate * 8) / 1000)} kbit/s, waiting ${s.lanes.map((l) => `${l.waiting}/${Math.round(l.oldest_us / 1000)}ms`).join(' ')}, suspended ${s.suspended}`);
      }
    }
    const to = monoUs();
    const first = ageFigures(blocks, began, from);
    const ages = ageFigures(blocks, from, to);
    const rates = laneRates(before, load.state);
    queues.sort((a, b) => a - b);
    const shape = { rate_kbit: kbit, buffer_ms: bufferMs, streams, video_kbit: 4000, object_bytes: 52428800, seconds: measureS };
    figure('ecg_age_p99_with_video_ms', ages.p99, 'ms', {
      p50: Math.round(ages.p50), max: Math.round(ages.max), blocks: ages.blocks, live_streams: ages.streams, settling_p99: Math.round(first.p99), ...shape,
    });
    figure('narrow_lane_kbit', rates[1], 'kbit/s', {
      alarm: rates[0], live: rates[1], study: rates[2], backfill: rates[3], video: rates[4], bulk: rates[5],
      suspended: load.state.suspended, queue_p50_ms: Math.round(queues[Math.floor(queues.length / 2)]), queue_p99_ms: Math.round(queues[Math.floor(queues.length * 0.99)]), ...shape,
    });
  } catch (error) {
    say(link.logs());
    throw error;
  } finally {
    await link.stop();
  }
}

// One object alone on a wide link: what its window and the disks leave of it.
{
  const size = process.env.XW_SHORT ? 20 * 1024 * 1024 : 100 * 1024 * 1024;
  const link = new ShapedCounty({ rate: 100e6, bufferMs: 100, delayMs: 15, downRate: 100e6, congestion: process.env.XW_CONGESTION ?? 'cubic' });
  try {
    await link.startCenter();
    const load = await link.startLoad({ streams: 2 });
    const blocks = await link.watchLoad();
    await sleep(2000);
    load.say(`object ${size}`);
    await until('the object to be made', () => load.objects.length, { timeoutMs: 60000, stepMs: 10 });
    const from = monoUs();
    const there = async () => total(await metrics(link.webPort), 'xw_link_objects_received_total') === 1;
    await until('the object to arrive', there, { timeoutMs: 300000, stepMs: 50 });
    const seconds = (monoUs() - from) / 1e6;
    const ages = ageFigures(blocks, from, monoUs());
    figure('object_mbit_idle_100', (size * 8) / 1e6 / seconds, 'Mbit/s', { bytes: size, rtt_ms: 30, ecg_age_p99_ms: Math.round(ages.p99), rate_kbit: 100000 });
  } finally {
    await link.stop();
  }
}
