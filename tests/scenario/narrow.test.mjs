// A gateway behind a narrow link with a long buffer: ECG stays young beside pictures and a large
// object, the present is there at once after a cut, what does not fit is suspended and said so, and
// all of it recovers when there is room. Namespaces of its own: needs network namespaces and TUN devices.
import { check, finish, scenario, skip } from '../support/checks.mjs';
import { monoUs } from '../support/figures.mjs';
import { metrics, total } from '../support/metrics.mjs';
import { readJournal } from '../support/oracle.mjs';
import { LiveSocket } from '../support/live.mjs';
import { sleep, until } from '../support/processes.mjs';
import { ShapedCounty, ageFigures, inNamespace, laneRates } from '../support/shaped.mjs';

if (!inNamespace()) {
  skip('a narrow link', 'needs network namespaces and TUN devices');
  finish();
}

const AGE_MAX_MS = 1000;
const text = (f) => `p50 ${f.p50.toFixed(0)}, p99 ${f.p99.toFixed(0)} ms of ${f.blocks} blocks, ${f.streams} streams`;
const young = (f) => f.blocks > 0 && f.p99 <= AGE_MAX_MS;

let county = new ShapedCounty({ rate: 1e6, bufferMs: 1000, delayMs: 15 });
await scenario(
  'ECG, pictures and an object over 1 Mbit/s',
  async () => {
    await county.startCenter();
    const load = await county.startLoad({ streams: 4, spread: 4500 }); // noisy: 92 kbit/s each
    const blocks = await county.watchLoad();
    load.say('video 4000');
    load.say('object 6291456');
    await sleep(2000);

    let from = monoUs();
    let before = load.state;
    await sleep(4000);
    let ages = ageFigures(blocks, from, monoUs());
    const rates = laneRates(before, load.state);
    check('beside pictures that want 4 Mbit/s, ECG is at the county within a second', young(ages) && ages.streams === 4, text(ages));
    check('1 Mbit/s suspends none of four streams', load.state.suspended === 0, `${load.state.suspended}`);
    check('pictures get what is left', rates[4] > 100 && rates[4] < 900, `${rates[4]} kbit/s, live ${rates[1]} kbit/s`);

    await county.lab.ask('cut');
    await sleep(5500);
    await county.lab.ask('up');
    from = monoUs();
    const fresh = () => load.streams.every((id) => blocks.some((one) => one.stream === id && one.at > from && one.age < AGE_MAX_MS));
    await until('the present after the cut', fresh, { timeoutMs: 10000, stepMs: 20 });
    check('after a cut the present is there at once', monoUs() - from < 3e6, `${((monoUs() - from) / 1000).toFixed(0)} ms`);
    from = monoUs();
    await sleep(2000);
    ages = ageFigures(blocks, from, monoUs());
    check('and stays, while the past heals', young(ages) && ages.streams === 4, text(ages));

    await county.lab.ask('rate 300000');
    await sleep(3500);
    from = monoUs();
    await sleep(2000);
    ages = ageFigures(blocks, from, monoUs());
    const { streams } = await county.api.json('/api/streams');
    const said = load.streams.filter((id) => streams.some((one) => one.id === id && one.suspended)).length;
    check('300 kbit/s do not carry four streams: some are suspended, and the county is told', load.state.suspended > 0 && said === load.state.suspended, `${load.state.suspended}, told ${said}`);
    check('the others are on time', young(ages) && ages.streams === 4 - said, text(ages));

    await county.lab.ask('rate 20000000');
    from = monoUs();
    await until('all streams to be live again', () => load.state.suspended === 0, { timeoutMs: 30000 });
    check('with room all of them are live again', true, `${((monoUs() - from) / 1000).toFixed(0)} ms`);
    await until('the past to heal', () => load.state.backlog < 20000, { timeoutMs: 30000 });
    const received = async () => total(await metrics(county.webPort), 'xw_link_objects_received_total') === 1;
    await until('the object to arrive whole', received, { timeoutMs: 40000, stepMs: 200 });
    check('what is missing heals, and the object arrives whole', true, `${((monoUs() - from) / 1000).toFixed(0)} ms after it became wide`);
    before = load.state;
    await sleep(1500);
    check('pictures have all they want', laneRates(before, load.state)[4] > 3000, `${laneRates(before, load.state)[4]} kbit/s`);
  },
  { logs: () => county.logs() },
);
await county.stop();

county = new ShapedCounty({ rate: 1e6, bufferMs: 1000, delayMs: 15 });
await scenario(
  'a real gateway with five devices behind 1 Mbit/s',
  async () => {
    const devices = 5;
    await county.start();
    const source = (i) => ({ kind: 'synth', rhythm: ['sinus', 'af', 'pvc', 'tachy', 'brady'][i], seed: i + 1 });
    county.startSim({
      devices: Array.from({ length: devices }, (_, i) => ({
        id: `dev-${i + 1}`, gateway: `127.0.0.1:${county.gateways[0].devicePort}`, source: source(i), rate: 500, block_ms: 40,
      })),
    });
    await county.liveStreams(devices);
    const startOf = new Map();
    for (const device of readJournal(county.journal).values()) for (const stream of device.streams) startOf.set(stream, device.info.start_mono_us);
    const blocks = [];
    const onBlock = (one) => {
      const at = monoUs();
      blocks.push({ ...one, at, age: (at - startOf.get(one.stream) - ((one.first + one.count) / 500) * 1e6) / 1000 });
    };
    county.liveSocket = await new LiveSocket(county.api, { onBlock }).open();
    for (const stream of startOf.keys()) county.liveSocket.watch(stream);
    await sleep(1000);
    const from = monoUs();
    await sleep(2500);
    const ages = ageFigures(blocks, from, monoUs());
    check('all five are live and within a second', young(ages) && ages.streams === devices, text(ages));
    const { streams } = await county.api.json('/api/streams');
    check('none is suspended', streams.every((one) => !one.suspended));
  },
  { logs: () => county.logs() },
);
await county.stop();
finish();
