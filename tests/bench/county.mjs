// A whole county on this machine: 300 live 12-lead 500 Hz streams from 20 gateway processes into one
// center, the simulated devices included, with one reader in Chromium. Then every sample is counted.
import { County } from '../support/county.mjs';
import { cpuUs, figure, monoUs, quantile, say, schedulingP99Us } from '../support/figures.mjs';
import { LiveSocket } from '../support/live.mjs';
import { judge, readJournal } from '../support/oracle.mjs';
import { openReader } from '../support/reader.mjs';
import { sleep, until } from '../support/processes.mjs';

const short = Boolean(process.env.XW_SHORT);
const gatewaysN = Number(process.env.XW_COUNTY_GATEWAYS ?? 20);
const streamsN = Number(process.env.XW_COUNTY_STREAMS ?? 300);
const warmS = short ? 10 : 60;
const measureS = short ? 20 : 300;
const WATCHED_MAX = 60; // streams a live socket; the county allows 64
const blockMs = Number(process.env.XW_COUNTY_BLOCK_MS ?? 100);

const idleP99Us = schedulingP99Us();
const county = new County({ gateways: gatewaysN, relays: false });
try {
  await county.start();
  county.startSim({
    devices: Array.from({ length: streamsN }, (_, i) => ({
      id: `dev-${String(i + 1).padStart(4, '0')}`,
      gateway: `127.0.0.1:${county.gateways[i % gatewaysN].devicePort}`,
      source: { kind: 'synth', rhythm: ['sinus', 'af', 'pvc', 'tachy', 'brady'][i % 5], seed: i + 1 },
      rate: 500,
      block_ms: blockMs,
      start_s: (i % 50) * 0.0137, // devices do not tick together
    })),
  });
  await until(`${streamsN} live streams`, async () => {
    const { streams } = await county.api.json('/api/streams');
    return streams.filter((stream) => stream.live).length === streamsN;
  }, { timeoutMs: 120000, stepMs: 1000 });
  say(`${streamsN} streams are live; warming up for ${warmS} s`);

  const journal = readJournal(county.journal);
  const startOf = new Map();
  for (const device of journal.values()) for (const stream of device.streams) startOf.set(stream, device.info.start_mono_us);
  let measuring = false;
  const ages = [];
  const onBlock = (block) => {
    if (!measuring || block.backfill) return;
    ages.push((monoUs() - startOf.get(block.stream) - ((block.first + block.count) / 500) * 1e6) / 1000);
  };
  const sockets = [];
  for (const [i, stream] of [...startOf.keys()].entries()) {
    if (i % WATCHED_MAX === 0) sockets.push(await new LiveSocket(county.api, { onBlock }).open());
    sockets.at(-1).watch(stream);
  }
  const reader = await openReader(county, [...startOf.keys()][0]);
  await sleep(warmS * 1000);

  const processes = [...county.gateways.map((gateway) => gateway.process), county.center, county.sim];
  const before = processes.map((process) => cpuUs(process.child.pid));
  measuring = true;
  const began = monoUs();
  for (let s = 0; s < measureS; s += 10) {
    await sleep(10000);
    say(`${s + 10} s: ${ages.length} blocks, age p99 ${quantile(ages, 0.99).toFixed(0)} ms`);
  }
  measuring = false;
  const seconds = (monoUs() - began) / 1e6;
  const used = processes.map((process, i) => cpuUs(process.child.pid) - before[i]);
  const perStreamSecond = (us) => us / (streamsN * seconds);
  for (const socket of sockets) socket.close();
  const stats = await reader.close();

  await county.quiesce(120000);
  await sleep(3000);
  const verdict = await judge(county.api, county.journal);
  const shape = { streams: streamsN, gateways: gatewaysN, block_ms: blockMs, seconds: Math.round(seconds) };
  figure('county_lost_samples', verdict.missing, 'samples', { of: verdict.generated, ...shape });
  figure('county_duplicate_samples', verdict.twice, 'samples', shape);
  figure('county_wrong_ranges', verdict.wrongRanges, 'ranges of 1 s', shape);
  figure('county_age_p50_ms', quantile(ages, 0.5), 'ms', shape);
  figure('county_age_p99_ms', quantile(ages, 0.99), 'ms', { blocks: ages.length, idle_scheduling_p99_us: Math.round(idleP99Us), ...shape });
  figure('county_age_max_ms', quantile(ages, 1), 'ms', shape);
  figure('county_gateway_us_per_stream_s', perStreamSecond(used.slice(0, gatewaysN).reduce((a, b) => a + b, 0)), 'us', shape);
  figure('county_center_us_per_stream_s', perStreamSecond(used[gatewaysN]), 'us', shape);
  figure('county_simulator_us_per_stream_s', perStreamSecond(used[gatewaysN + 1]), 'us', shape);
  figure('county_reader_missed_frames_share', stats.missedShare, '1', shape);
} catch (error) {
  say(county.logs());
  throw error;
} finally {
  await county.stop();
}
