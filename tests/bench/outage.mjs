// A link that goes dark for a minute and comes back, beside 20 live streams on a bad link (30 ms ± 10 ms each way, 1 % lost
// each way, 20 Mbit/s). Every round: a hole of 60 s of which nobody is told.
//   outage_lost_samples, outage_duplicate_samples   the simulator's journal against the county's range API
//   outage_back_live_ms        from the link's return until every stream is live again at a browser's socket (newest sample
//                              at most 1 s old); beside it: until a page says stale, the alarms at both ends, how fast the
//                              gap healed and how live stood meanwhile
// XW_ROUNDS, XW_HOLE_S, XW_STREAMS, XW_CONGESTION; XW_SEED: of losses and jitter.
import { Fanout, HATCH_AFTER_MS } from '../support/fanout.mjs';
import { figure, monoUs, quantile, say } from '../support/figures.mjs';
import { judgeAtRest } from '../support/oracle.mjs';
import { sleep, until } from '../support/processes.mjs';
import { ShapedCounty, inNamespace } from '../support/shaped.mjs';
import { healed, wallOfMonoUs } from '../support/outage.mjs';

if (!inNamespace()) {
  say('outage: needs network namespaces and TUN devices');
  process.exit(77);
}
const short = Boolean(process.env.XW_SHORT);
const rounds = Number(process.env.XW_ROUNDS ?? (short ? 1 : 5));
const holeS = Number(process.env.XW_HOLE_S ?? (short ? 15 : 60));
const streams = Number(process.env.XW_STREAMS ?? 20);
const congestion = process.env.XW_CONGESTION ?? 'cubic';
const seed = Number(process.env.XW_SEED ?? 1);
const rhythms = ['sinus', 'af', 'pvc', 'tachy', 'brady'];

const link = new ShapedCounty({ rate: 20e6, downRate: 20e6, bufferMs: 300, delayMs: 30, congestion, seed, link: { 'jitter-ms': 10, 'loss-ppm': 10000 } });
try {
  await link.start();
  link.startSim({
    devices: Array.from({ length: streams }, (_, i) => ({
      id: `ecg-${i + 1}`, gateway: `127.0.0.1:${link.gateways[0].devicePort}`, source: { kind: 'synth', rhythm: rhythms[i % 5], seed: i + 1 }, rate: 500, block_ms: 40, start_s: i * 0.0137,
    })),
  });
  await link.liveStreams(streams, 60000);
  const fanout = await new Fanout(link.api, link.journal).open();
  await sleep(10000);

  const all = [];
  for (let round = 0; round < rounds; round++) {
    // Not always at the same point of the gateway's attempts to connect.
    const holeMs = holeS * 1000 + ((round * 389) % 2000);
    await link.lab.ask('zero');
    await link.lab.ask('at 100 cut');
    await link.lab.ask(`at ${100 + holeMs} up`);
    const cut = await link.lab.done('cut');
    link.lab.events.length = 0;
    await sleep(14000 < holeMs ? 14000 : holeMs - 500);
    const alarmAt = async (list) => list.find((one) => one.code === 'link_lost' && one.from_wall_us > wallOfMonoUs(cut.at_us))?.from_wall_us;
    const county = await alarmAt((await link.api.json('/api/alarms?limit=100')).technical);
    const gateway = await alarmAt(link.gatewayStatus(link.gateways[0]).alarms);
    const up = await link.lab.done('up', holeMs + 10000);
    link.lab.events.length = 0;
    const backUs = await until('every stream to be live again', () => fanout.liveAgainUs(up.at_us, 1000) || false, { timeoutMs: 60000, stepMs: 20 });
    const healing = await healed(link, fanout, cut.at_us, up.at_us);
    const ages = fanout.ages(backUs, healing.atUs);
    // The page of a stream says stale so long after its last sample.
    const stale = Math.max(...fanout.of().map((one) => (one.blocks.filter((b) => b.newer && b.at < cut.at_us + 5e6).at(-1).at - cut.at_us) / 1000 + HATCH_AFTER_MS));
    const result = {
      stale_ms: Math.round(stale), county_alarm_ms: Math.round((county - wallOfMonoUs(cut.at_us)) / 1000), gateway_alarm_ms: Math.round((gateway - wallOfMonoUs(cut.at_us)) / 1000),
      back_ms: Math.round((backUs - up.at_us) / 1000), healed_ms: Math.round((healing.atUs - up.at_us) / 1000), times_real: Number((holeMs / ((healing.atUs - up.at_us) / 1000)).toFixed(1)),
      live_p99_while_healing_ms: Math.round(ages.p99), hatches_while_healing: fanout.hatches(backUs, healing.atUs).length, hole_ms: holeMs,
    };
    say(`round ${round + 1}: ${JSON.stringify(result)}`);
    all.push(result);
    await sleep(5000);
  }
  const verdict = await judgeAtRest(link, { quiesceMs: 120000 });
  fanout.close();
  const of = (key) => all.map((one) => one[key]);
  const shape = { rounds, hole_s: holeS, streams, rate_kbit: 20000, delay_ms_each_way: 30, jitter_ms: 10, loss: 0.01, congestion, seed };
  figure('outage_lost_samples', verdict.missing, 'samples', { generated: verdict.generated, wrong_ranges: verdict.wrongRanges, ...shape });
  figure('outage_duplicate_samples', verdict.twice, 'samples', { split_streams: verdict.splitStreams, ...shape });
  figure('outage_back_live_ms', Math.max(...of('back_ms')), 'ms', {
    median_ms: quantile(of('back_ms'), 0.5), stale_shown_ms: Math.max(...of('stale_ms')), county_alarm_ms: Math.max(...of('county_alarm_ms')), gateway_alarm_ms: Math.max(...of('gateway_alarm_ms')),
    healed_times_real_least: Math.min(...of('times_real')), live_p99_while_healing_ms: Math.max(...of('live_p99_while_healing_ms')), hatches_while_healing: of('hatches_while_healing').reduce((a, b) => a + b, 0), ...shape,
  });
} catch (error) {
  say(link.logs());
  throw error;
} finally {
  await link.stop();
}
