// A gateway that ends by SIGKILL and starts again while a long outage's backlog lies in its spool.
//   restart_ready_ms      from its start until its page answers, the worst of the rounds
//   restart_back_live_ms  from its start until every device's stream is live at a browser's socket (at most 1 s old)
// The backlog is what bench_spool leaves: 20 streams of 12 leads, none of it acknowledged. XW_BACKLOG: a folder made by
// `bench_spool --keep --dir FOLDER` (FOLDER.key beside it), otherwise one of XW_BACKLOG_H hours (24) is made first.
// XW_ROUNDS (5), XW_STREAMS (20).
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { County, root } from '../support/county.mjs';
import { Fanout } from '../support/fanout.mjs';
import { figure, monoUs, quantile, say } from '../support/figures.mjs';
import { sleep, until } from '../support/processes.mjs';

const short = Boolean(process.env.XW_SHORT);
const rounds = Number(process.env.XW_ROUNDS ?? (short ? 2 : 5));
const streams = Number(process.env.XW_STREAMS ?? 20);
const hours = Number(process.env.XW_BACKLOG_H ?? (short ? 0.2 : 24));

const county = new County({ gateways: 1, relays: false });
const spool = path.join(county.dirs.data, 'gw-01');
const bytes = () => fs.readdirSync(spool).filter((name) => name.startsWith('day-') || name === 'meta.db').reduce((sum, name) => sum + fs.statSync(path.join(spool, name)).size, 0);
try {
  await county.prepare();
  const given = process.env.XW_BACKLOG;
  if (given) {
    fs.cpSync(given, spool, { recursive: true });
    fs.copyFileSync(`${given}.key`, `${spool}.key`);
  } else {
    say(`restart: a backlog of ${hours} h`);
    execFileSync(path.join(root, 'build', 'release', 'bench', 'bench_spool'), ['--hours', String(hours), '--keep', '--dir', spool], { stdio: ['ignore', 'ignore', 'inherit'] });
  }
  const backlog = bytes();
  await county.start();
  county.startSim({
    devices: Array.from({ length: streams }, (_, i) => ({
      id: `dev-${i + 1}`, gateway: `127.0.0.1:${county.gateways[0].devicePort}`, source: { kind: 'synth', rhythm: 'sinus', seed: i + 1 }, rate: 500, block_ms: 40, start_s: i * 0.0137,
    })),
  });
  await county.liveStreams(streams, 60000);
  const fanout = await new Fanout(county.api, county.journal).open();
  const gateway = county.gateways[0];
  const ready = [];
  const live = [];
  for (let round = 0; round < rounds; round++) {
    await sleep(short ? 1500 : 3000);
    await gateway.process.kill();
    gateway.process.start();
    const began = monoUs();
    await until('its page', async () => (await fetch(`http://127.0.0.1:${gateway.statusPort}/healthz`)).status > 0, { timeoutMs: 30000, stepMs: 5 });
    ready.push((monoUs() - began) / 1000);
    const back = await until('every stream to be live', () => fanout.liveAgainUs(began, 1000) || false, { timeoutMs: 60000, stepMs: 10 });
    live.push((back - began) / 1000);
    say(`round ${round + 1}: ready after ${Math.round(ready.at(-1))} ms, live after ${Math.round(live.at(-1))} ms`);
  }
  fanout.close();
  const shape = { rounds, streams, backlog_bytes: backlog, backlog_h: given ? undefined : hours };
  figure('restart_ready_ms', Math.round(Math.max(...ready)), 'ms', { ...shape, median_ms: Math.round(quantile(ready, 0.5)) });
  figure('restart_back_live_ms', Math.round(Math.max(...live)), 'ms', { ...shape, median_ms: Math.round(quantile(live, 0.5)) });
} catch (error) {
  say(county.logs());
  throw error;
} finally {
  await county.stop();
}
