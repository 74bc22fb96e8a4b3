// From the instant when a sample is taken to the first animation frame whose canvas holds it, for
// every sample of the watched stream; with 1 stream and with 64 through the same gateway and center.
// All clocks are CLOCK_MONOTONIC of this host: the simulator's schedule (its journal), this script's,
// and the page's (performance.now(), its origin found by exchanges with the page).
// A step in the signal (1 mV), read back from the canvas' pixels, shows that the page's own log of
// what it drew is right to one frame.
import { County } from '../support/county.mjs';
import { figure, monoUs, quantile, say, schedulingP99Us } from '../support/figures.mjs';
import { LiveSocket } from '../support/live.mjs';
import { readJournal } from '../support/oracle.mjs';
import { sleep, until } from '../support/processes.mjs';
import { openReader } from '../support/reader.mjs';
import { readStream } from '../support/samples.mjs';

const short = Boolean(process.env.XW_SHORT);
const warmS = short ? 5 : 20;
const measureS = short ? 20 : 300;
const RATE = 500;
const idleP99Us = schedulingP99Us();
const round = (value) => Math.round(value * 10) / 10;

const device = (county, id, source, start_s = 0) => ({ id, gateway: `127.0.0.1:${county.gateways[0].devicePort}`, source, rate: RATE, block_ms: 40, start_s });

// For samples [first, end): when the first entry of [time, one after newest] covers each. Entries are in order.
function firstHolding(entries, first, end) {
  const times = new Float64Array(end - first).fill(Number.NaN);
  let next = first;
  for (const [time, head] of entries) {
    const upto = Math.min(end, Math.floor(head));
    for (; next < upto; next++) times[next - first] = time;
  }
  return times;
}

async function measure(streamsN) {
  const county = new County({ gateways: 1, relays: false });
  try {
    await county.start();
    county.startSim({
      devices: Array.from({ length: streamsN }, (_, i) => device(county, `dev-${i + 1}`, { kind: 'synth', rhythm: ['sinus', 'af', 'pvc', 'tachy'][i % 4], seed: i + 1 }, ((i * 7) % 40) / 1000)),
    });
    await county.liveStreams(streamsN, 60000);
    const watched = readJournal(county.journal).get('dev-1');
    const stream = watched.streams.at(-1);
    const takenUs = (index) => watched.info.start_mono_us + (index / RATE) * 1e6;
    const fanout = [];
    const socket = await new LiveSocket(county.api, { onBlock: (block) => block.backfill || fanout.push([monoUs(), block.first + block.count]) }).open();
    socket.watch(stream);
    const reader = await openReader(county, stream);
    await sleep(warmS * 1000);
    await reader.reset();
    fanout.length = 0;
    const origin = await reader.monoOrigin();
    for (let s = 0; s < measureS; s += 10) {
      await sleep(10000);
      say(`${streamsN} streams, ${s + 10} s: ${JSON.stringify(await reader.stats())}`);
    }
    const later = await reader.monoOrigin();
    const stats = await reader.stats();
    const frames = await reader.frames('log');
    const arrivals = await reader.frames('arrivals');
    await reader.close();
    socket.close();

    // From the first sample that was not there yet when the measuring began to the last one drawn.
    const first = Math.ceil(frames[0][1]) + 1;
    const end = Math.floor(frames.at(-1)[1]);
    const drift = (later.origin - origin.origin) / Math.max(1, frames.length - 1);
    const toMono = (entries) => entries.map(([ms, head], i) => [origin.origin + ms * 1000 + drift * ((i * frames.length) / entries.length), head]);
    const canvas = firstHolding(toMono(frames), first, end);
    const arrived = firstHolding(toMono(arrivals), first, end);
    const fanned = firstHolding(fanout, first, end);
    const all = [];
    const legs = { toFanout: [], toPage: [], toCanvas: [] };
    let never = 0;
    for (let i = 0; i < canvas.length; i++) {
      const taken = takenUs(first + i);
      if (Number.isNaN(canvas[i])) never += 1;
      else all.push((canvas[i] - taken) / 1000);
      if (!Number.isNaN(fanned[i])) legs.toFanout.push((fanned[i] - taken) / 1000);
      if (!Number.isNaN(arrived[i])) {
        legs.toPage.push((arrived[i] - taken) / 1000);
        legs.toCanvas.push((canvas[i] - arrived[i]) / 1000);
      }
    }
    const shape = { streams: streamsN, seconds: measureS, samples: all.length, never_drawn: never, block_ms: 40 };
    const underrunsPerMin = stats.underruns / (measureS / 60);
    figure(`latency_p99_ms_${streamsN}`, quantile(all, 0.99), 'ms', {
      p50_ms: round(quantile(all, 0.5)), max_ms: round(quantile(all, 1)), idle_scheduling_p99_us: Math.round(idleP99Us), clock_doubt_us: Math.round(Math.max(origin.rtt, later.rtt) / 2), ...shape,
    });
    for (const [name, leg] of [['fanout', legs.toFanout], ['page', legs.toPage], ['canvas', legs.toCanvas]])
      figure(`latency_leg_${name}_p99_ms_${streamsN}`, quantile(leg, 0.99), 'ms', { p50_ms: round(quantile(leg, 0.5)), max_ms: round(quantile(leg, 1)), ...shape });
    figure(`latency_underruns_per_min_${streamsN}`, underrunsPerMin, '1/min', { held_back_ms: stats.playoutDelayMs === null ? null : round(stats.playoutDelayMs), ...shape });
    figure(`latency_missed_frames_share_${streamsN}`, stats.missedShare, '1', { frames: stats.frames, ...shape });
  } catch (error) {
    say(county.logs());
    throw error;
  } finally {
    await county.stop();
  }
}

// The step: a calibration signal, twelve leads that jump by 1 mV up and, 200 ms later, down. A frame
// that draws a jump has hundreds of newly dark pixels (twelve strokes of 10 mm), any other a few.
async function confirmByPixels() {
  const county = new County({ gateways: 1, relays: false });
  try {
    await county.start();
    county.startSim({ devices: [device(county, 'cal-1', { kind: 'calibration', channels: 12 })] });
    await until('the stream', async () => (await county.api.json('/api/streams')).streams.length === 1, { timeoutMs: 20000, stepMs: 20 });
    const stream = readJournal(county.journal).get('cal-1').streams.at(-1);
    const reader = await openReader(county, stream, { settings: { layout: '12x1', mode: 'sweep', filter: 'raw', mains: false } });
    const seen = await reader.page.evaluate(
      () =>
        new Promise((resolve) => {
          const canvas = [...document.querySelectorAll('canvas')].sort((a, b) => b.width * b.height - a.width * a.height)[0];
          const context = canvas.getContext('2d');
          const out = [];
          let before = null;
          const began = performance.now();
          const look = () => {
            const log = window.xwStats.log;
            const at = (log.n - 1) % log.tMs.length;
            const now = context.getImageData(0, 12, canvas.width, canvas.height - 60).data; // below the cells
            let strokes = 0;
            if (before) for (let i = 1; i < now.length; i += 4) if (now[i] < 90 && before[i] > 130) strokes += 1;
          // The cells: 16 bits of the newest drawn index, from the highest on.
            const cells = context.getImageData(canvas.width - 160, 4, 160, 1).data;
            let bits = 0;
            for (let k = 2; k < 18; k++) bits = (bits << 1) | (cells[(k * 8 + 4) * 4] > 127 ? 1 : 0);
            out.push([log.n, log.tMs[at], log.head[at], strokes, bits]);
            before = now;
            if (performance.now() - began < 9000) requestAnimationFrame(look);
            else resolve(out);
          };
          requestAnimationFrame(look);
        }),
    );
    await reader.close();
    const end = Math.floor(seen.at(-1)[2]);
    const back = await readStream(county.api, stream, 0, end, 12);
    const jumps = [];
    for (let i = 1; i < end; i++) if (Math.abs(back.x[i * 12] - back.x[(i - 1) * 12]) > 500) jumps.push(i);
    const wrongCells = seen.filter(([, , head, , bits]) => (Math.floor(head) & 0xffff) !== bits).length;
    const off = [];
    for (const jump of jumps) {
      const logged = seen.findIndex(([, , head]) => head >= jump + 1);
      if (logged < 4 || logged + 4 >= seen.length) continue;
      const near = [0, -1, 1, -2, 2, -3, 3].filter((shift) => seen[logged + shift][3] > 300);
      off.push(near.length ? near[0] : 99);
    }
    say(`steps: log against pixels, in frames: ${off.join(' ')}; cells that differ from the log: ${wrongCells} of ${seen.length}`);
    figure('latency_pixel_check_frames', Math.max(0, ...off.map(Math.abs)), 'frames', { steps: off.length, cells_read: seen.length, cells_wrong: wrongCells });
    if (off.length < 3) throw new Error('too few steps were seen on the canvas');
    if (off.some((frames) => Math.abs(frames) > 1) || wrongCells) throw new Error('the page draws something else than it logs');
  } catch (error) {
    say(county.logs());
    throw error;
  } finally {
    await county.stop();
  }
}

await confirmByPixels();
for (const streamsN of (process.env.XW_LATENCY_STREAMS ?? '1,64').split(',').map(Number)) await measure(streamsN);
