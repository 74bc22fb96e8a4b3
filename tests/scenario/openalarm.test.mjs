// An alarm is open when its gateway is killed; the county is restarted while the gateway is away. Until the gateway is
// back the alarm stays as it was: open, and high. When the gateway goes on and the rhythm has ended meanwhile, the same
// alarm ends, with its priority; it is not withdrawn and no second one is made.
import { check, finish, scenario } from '../support/checks.mjs';
import { County } from '../support/county.mjs';
import { until } from '../support/processes.mjs';

const seed = Number(process.env.XW_SEED ?? 1);
const county = await new County({ gateways: 1, relays: false }).prepare();
const [gateway] = county.gateways;
const patience = { timeoutMs: 60000, stepMs: 250 };
const DEVICE = 'ecg-1';
const fibrillations = async () => (await county.api.json('/api/alarms?limit=200')).alarms.filter((one) => one.code === 'VF');
const said = (list) => JSON.stringify(list.map(({ key, revision, first, end, priority, stage }) => ({ key, revision, first, end, priority, stage })));

console.log(`seed ${seed}`);
await scenario(
  'an open alarm, its gateway killed, the county restarted',
  async () => {
    await county.start();
    county.startSim({ devices: [{ id: DEVICE, gateway: `127.0.0.1:${gateway.devicePort}`, source: { kind: 'synth', rhythm: 'sinus', seed }, rate: 250, block_ms: 40 }] });
    await county.liveStreams(1);
    await county.askSim('vf', DEVICE);
    await until('the alarm at the county', async () => (await fibrillations()).length > 0, patience);
    const [open] = await fibrillations();
    check('it is open, and high', open.end === null && open.priority === 'high', said([open]));

    await gateway.process.kill();
    await county.center.kill();
    county.center.start();
    await county.centerBack();
    const away = await fibrillations();
    check('after the restart it is still open, and high', away.length === 1 && away[0].key === open.key && away[0].end === null && away[0].priority === 'high', said(away));

    await county.askSim('normal', DEVICE);
    gateway.process.start();
    await county.healthy(gateway.statusPort, gateway.id);
    await until('the alarm to end', async () => (await fibrillations()).every((one) => one.end !== null), patience);
    const after = await fibrillations();
    const [ended] = after;
    check('it is the same alarm', after.length === 1 && ended.key === open.key, said(after));
    check('that has ended, later than it was raised, as urgent as it was', ended.end > open.emitted_at - 250 && ended.priority === 'high' && ended.revision > open.revision, said(after));
    check('and rests on the same onset', Math.abs(ended.first - open.first) <= 250, `${open.first} ${ended.first}`);
  },
  { logs: () => county.logs() },
);
await county.stop();
finish();
