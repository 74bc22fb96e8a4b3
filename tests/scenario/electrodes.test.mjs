// Exchanged electrodes while the patient is connected, by real processes: the arms are exchanged, the gateway
// warns at its own page and at the county, and the warning is gone when they are mended and when the device goes.
import { check, finish, scenario } from '../support/checks.mjs';
import { County } from '../support/county.mjs';
import { sleep, until } from '../support/processes.mjs';

const county = new County({ gateways: 1 });
const [gateway] = await county.prepare().then(() => county.gateways);
const patience = { timeoutMs: 40000, stepMs: 200 };
const warned = async () => (await county.api.json('/api/alarms?limit=50')).technical.filter((a) => a.code === 'electrodes');
const open = async () => (await warned()).find((a) => !a.to_wall_us);
const atGateway = async () => (await (await fetch(`http://127.0.0.1:${gateway.statusPort}/status.json`)).json()).alarms.filter((a) => a.code === 'electrodes');

await scenario(
  'arms exchanged while the patient is connected',
  async () => {
    await county.start();
    county.startSim({ devices: [{ id: 'ecg-1', gateway: `127.0.0.1:${gateway.devicePort}`, source: { kind: 'synth', rhythm: 'sinus', seed: 5 }, rate: 500, block_ms: 40 }] });
    await county.liveStreams(1);
    const [stream] = (await county.api.json('/api/streams')).streams;
    await sleep(25000);
    check('no warning while they are right', (await warned()).length === 0, JSON.stringify(await warned()));

    let asked = Date.now();
    await county.askSim('arms_reversed', 'ecg-1');
    await until('the warning at the county', open, patience);
    const after = (Date.now() - asked) / 1000;
    const a = await open();
    check('the warning is at the county within 20 s', after < 20, `${after.toFixed(1)} s`);
    check('it says which, of which device and stream, and what it rests on', /^RA\/LA: .*QRS -?\d+/.test(a.text) && a.subject === 'ecg-1' && a.stream === stream.id, JSON.stringify(a));
    check('the page of the gateway has it', (await atGateway()).length === 1, JSON.stringify(await atGateway()));

    asked = Date.now();
    await county.askSim('normal', 'ecg-1');
    await until('it to end', async () => !(await open()), patience);
    check('mended, it is gone within 25 s', Date.now() - asked < 25000, `${((Date.now() - asked) / 1000).toFixed(1)} s`);
    check('at the gateway, too', (await atGateway()).length === 0);

    await county.askSim('arms_reversed', 'ecg-1');
    await until('the warning again', open, patience);
    await county.sim.stop();
    await until('it to end with the connection', async () => !(await open()), patience);
    check('nobody connected, no warning; each was raised once', (await warned()).length === 2, JSON.stringify(await warned()));
  },
  { logs: () => county.logs() },
);
await county.stop();
finish();
