// No acknowledgement leaves before the sync of the commit that holds it returned. The gateway runs
// with an interposer that writes down what it received, wrote, synced and sent (trace_preload.c);
// acktrace.mjs judges. That the judge can find a lie is shown with three of them.
//   XW_TRACE_S  seconds of the honest run (default 8)
import fs from 'node:fs';
import path from 'node:path';
import { judgeTrace, readSpool, readTrace, withEarlyAck } from '../support/acktrace.mjs';
import { check, finish, scenario } from '../support/checks.mjs';
import { County } from '../support/county.mjs';
import { sleep, until } from '../support/processes.mjs';

const seconds = Number(process.env.XW_TRACE_S ?? 8);

// One gateway without a county: what it acknowledges rests on its spool alone.
async function traced(plant, run) {
  const county = await new County({ gateways: 1, relays: false }).prepare();
  const [gateway] = county.gateways;
  const trace = path.join(county.dirs.run, 'trace.bin');
  const env = {
    LD_PRELOAD: path.join(county.bin, '..', 'tests', 'libxw_trace.so'),
    XW_TRACE_FILE: trace,
    XW_TRACE_SPOOL: path.join(county.dirs.data, gateway.id),
    XW_TRACE_PORT: String(gateway.devicePort),
    XW_TRACE_PLANT: plant,
  };
  const life = { county, gateway, start: () => gateway.process.start(env) };
  try {
    life.start();
    await county.healthy(gateway.statusPort, gateway.id);
    const to = `127.0.0.1:${gateway.devicePort}`;
    county.startSim({
      devices: [
        { id: 'dev-1', gateway: to, source: { kind: 'pattern', channels: 12 }, rate: 500, block_ms: 40 },
        { id: 'dev-2', gateway: to, source: { kind: 'synth', rhythm: 'sinus', seed: 1 }, rate: 500, block_ms: 100 },
        { id: 'dev-3', gateway: to, source: { kind: 'synth', rhythm: 'af', seed: 2 }, rate: 250, block_ms: 20 },
      ],
    });
    await until('the devices to be acknowledged', async () => (await county.askSim('stats')).devices.every((d) => d.acked > 0), { timeoutMs: 15000 });
    await run(life);
    return { entries: readTrace(trace), spool: readSpool(path.join(county.dirs.data, gateway.id)) };
  } catch (error) {
    console.log(county.logs());
    throw error;
  } finally {
    await county.stop();
  }
}

await scenario('acknowledged means synced', async () => {
  const { entries, spool } = await traced('', async ({ county, gateway, start }) => {
    await sleep((seconds * 1000) / 2);
    await county.askSim('marker', 'dev-2');
    await sleep(500);
    await gateway.process.kill();
    start();
    await county.healthy(gateway.statusPort, gateway.id);
    await sleep((seconds * 1000) / 2);
    await county.askSim('marker', 'dev-1');
    await county.quiesce(30000);
  });
  const verdict = judgeTrace(entries, spool);
  console.log(`# ${JSON.stringify({ ...verdict, violations: verdict.violations.length, rests: undefined })}`);
  check('the trace holds the run', verdict.blocksAcked > 50 * seconds * 0.8 && verdict.syncs > 10 && verdict.factsAcked >= 2);
  check('no acknowledgement left before the sync of its commit returned', verdict.violations.length === 0, verdict.violations.slice(0, 5).join('; '));
  if (verdict.rests.length) {
    const found = judgeTrace(withEarlyAck(entries, verdict), spool);
    check('planted: one acknowledgement 1 us before its sync is found', found.violations.length > 0, found.violations.slice(0, 2).join('; '));
  }
});

for (const plant of ['nosync', 'late'])
  await scenario(`planted: ${plant}`, async () => {
    const { entries, spool } = await traced(plant, () => sleep(2000));
    const verdict = judgeTrace(entries, spool);
    check(`the judge finds a disk that lies (${plant})`, verdict.blocksAcked > 50 && verdict.violations.length > verdict.blocksAcked / 2, `${verdict.violations.length} of ${verdict.blocksAcked}`);
  });

finish();
