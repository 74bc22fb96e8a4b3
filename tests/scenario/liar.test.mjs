// A county that lies in its acknowledgements, with the county's own certificate and key: it claims to have what was
// never sent, what does not exist, what is of another spool. The gateway believes nothing that cannot be, says why,
// and counts; and what a liar claimed to have stored is at the true county in the end, exactly once.
import crypto from 'node:crypto';
import fs from 'node:fs';
import { check, finish, scenario } from '../support/checks.mjs';
import { County } from '../support/county.mjs';
import { FalseCounty, recordAck, wantedOf } from '../support/falsecounty.mjs';
import { metrics, total } from '../support/metrics.mjs';
import { brief, exact, judgeAtRest } from '../support/oracle.mjs';
import { sleep, until } from '../support/processes.mjs';
import { judgeRecords, recordsExact, briefRecords } from '../support/records.mjs';

const seed = Number(process.env.XW_SEED ?? 1);
const LIES = [
  ['has records that never were', 'STATE', { welcome: () => ({ upto: 10 ** 9 }) }],
  ['speaks of another spool', 'STATE', { welcome: () => ({ spool: crypto.randomBytes(16) }) }],
  ['speaks version 0', 'VERSION', { welcome: () => ({ version: 0 }) }],
  ['acknowledges records that never were', 'STATE', { afterwards: (say, hello) => say(...recordAck(hello[7], 10 ** 9)) }],
  ['asks for a stream that was never offered', 'STATE', { afterwards: (say) => say(...wantedOf(crypto.randomBytes(16))) }],
];

const county = new County({ gateways: 1 });
const [counted, told] = [
  async (name) => total(await metrics(county.gateways[0].statusPort), name),
  () => fs.readFileSync(county.gateways[0].process.logFile, 'utf8'),
];

// The gateway's way leads to the liar until the body is done.
async function meets(lie, body) {
  const { relay } = county.gateways[0];
  const liar = await new FalseCounty(county, lie).start();
  relay.targetPort = liar.port;
  relay.reset();
  try {
    await body(liar);
  } finally {
    relay.targetPort = county.linkPort;
    liar.stop();
    relay.reset();
  }
}

await scenario('a county that lies', async () => {
  await county.start();
  county.startSim({
    devices: [0, 1].map((i) => ({ id: `dev-${i + 1}`, gateway: `127.0.0.1:${county.gateways[0].devicePort}`, rate: 500, block_ms: 40, source: i ? { kind: 'synth', rhythm: 'sinus', seed } : { kind: 'pattern', channels: 12 } })),
  });
  await county.liveStreams(2);
  await meets({ acks: 2 ** 45 }, async (liar) => {
    await until('it to be believed', () => liar.blocks > 40, { timeoutMs: 20000 });
    await sleep(2000);
    check('acknowledgements of samples that do not exist are counted, and told once a session', (await counted('xw_link_false_acknowledgements_total')) > 0 && /link\.false_ack/.test(told()), `${liar.blocks} messages of blocks`);
  });
  for (const [what, code, lie] of LIES) {
    const before = await counted('xw_link_faults_total');
    const lines = told().length;
    await meets(lie, async (liar) => {
      await until('the gateway to end it', () => liar.ends.length > 0, { timeoutMs: 20000 }).catch(() => {});
      const faults = (await counted('xw_link_faults_total')) - before;
      check(`a county that ${what}: told why, counted, logged`, liar.ends[0]?.code === code && faults >= 1 && /link\.closed/.test(told().slice(lines)), `${JSON.stringify(liar.ends[0])}, ${faults} counted`);
    });
  }
  await county.liveStreams(2, 30000);
  const verdict = await judgeAtRest(county, { timeoutMs: 40000 });
  check('every sample is at the true county exactly once, those too that the liar acknowledged', exact(verdict), brief(verdict));
  let records;
  await until('records to be even', () => recordsExact((records = judgeRecords(county))), { timeoutMs: 20000, stepMs: 500 }).catch(() => {});
  check('so is every record', recordsExact(records), briefRecords(records));
  check('the gateway lived through it', county.gateways[0].process.starts === 1 && county.gateways[0].process.running);
}, { logs: () => county.logs() });
await county.stop();
finish();
