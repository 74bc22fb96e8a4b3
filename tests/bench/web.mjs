// What a frame of the live page costs: script and paint at 1280x800 with twelve leads moving.
import { County } from '../support/county.mjs';
import { figure, say, schedulingP99Us } from '../support/figures.mjs';
import { sleep } from '../support/processes.mjs';
import { openReader } from '../support/reader.mjs';

const seconds = process.env.XW_SHORT ? 15 : 60;
const idleP99Us = schedulingP99Us();
const county = new County({ gateways: 1, relays: false });
try {
  await county.start();
  county.startSim({ devices: [{ id: 'dev-1', gateway: `127.0.0.1:${county.gateways[0].devicePort}`, source: { kind: 'synth', rhythm: 'sinus', seed: 1 }, rate: 500, block_ms: 40 }] });
  await county.liveStreams(1);
  const [{ id }] = (await county.api.json('/api/streams')).streams;
  for (const [layout, mode] of [['3x4+1R', 'sweep'], ['6x2', 'sweep'], ['12x1', 'sweep'], ['12x1', 'scroll']]) {
    const reader = await openReader(county, id, { settings: { layout, mode } });
    await sleep(5000);
    await reader.reset();
    await sleep(seconds * 1000);
    const stats = await reader.close();
    say(`${layout} ${mode}: ${JSON.stringify(stats)}`);
    const shape = { layout, mode, width: 1280, height: 800, seconds, frames: stats.frames, idle_scheduling_p99_us: Math.round(idleP99Us) };
    figure('web_frame_p95_ms', stats.paintP95Ms, 'ms', { script_p95_ms: stats.scriptP95Ms, p50_ms: stats.paintP50Ms, ...shape });
    figure('web_missed_frames_share', stats.missedShare, '1', { missed: stats.missed, ...shape });
    if (reader.faults.length) throw new Error(`the page complained: ${reader.faults.join('; ')}`);
  }
} catch (error) {
  say(county.logs());
  throw error;
} finally {
  await county.stop();
}
