// The dead-man alarm path with real processes: a probe goes from the gateway's alarm input through
// spool, uplink, county store and an alarm screen and back; each leg that breaks is named at both
// ends, and nobody watching is a state of its own. An alarm of a patient is known at the gateway
// whatever the link does. Times are shortened by configuration; the real ones are in the unit tests.
//   XW_PRESET, XW_KEEP as in faults.test.mjs
import path from 'node:path';
import { check, finish, scenario } from '../support/checks.mjs';
import { Api, County } from '../support/county.mjs';
import { LiveSocket } from '../support/live.mjs';
import { until } from '../support/processes.mjs';
import { rows } from '../support/vault.mjs';
import { bytesField, intField, parse } from '../support/wire.mjs';

const LEGS = ['input', 'spool', 'uplink', 'store', 'fanout', 'screen', 'back'];
const EVERY_S = 1;
const WAIT_S = 8; // longer than a loaded machine takes for any leg
const county = new County({
  gatewayExtra: `[alarm]\nprobe_every = ${EVERY_S}s\nprobe_wait = ${WAIT_S}s\n`,
  centerExtra: `[alarm]\nprobe_wait = 3s\nprobe_late = ${WAIT_S}s\nunattended = 2s\n`,
});

// A page that is an alarm screen, or says that it is one.
class Screen {
  constructor(api) {
    this.answers = true;
    this.asked = 0;
    this.live = new LiveSocket(api, { onMessage: (number, bytes) => number === 12 && this.#probe(parse(bytes)) });
  }
  async open() {
    await this.live.open();
    this.live.socket.send(bytesField(7, intField(1, 1)));
    return this;
  }
  #probe({ 1: probe }) {
    this.asked += 1;
    if (this.answers) this.live.socket.send(bytesField(8, Buffer.concat([intField(1, probe), intField(2, 5000)])));
  }
  close() {
    this.live.close();
  }
}

const gateway = () => county.gateways[0];
const atGateway = async () => (await fetch(`http://127.0.0.1:${gateway().statusPort}/status.json`)).json();
const openAt = async (code) => (await county.api.json('/api/alarms?limit=200')).technical.filter((one) => one.code === code && one.to_wall_us === null);

// Both ends say so: the gateway's own state, its technical alarm, and the county's.
async function bothSay(state, leg) {
  const began = Date.now();
  let here;
  let there;
  await until(
    `${state} ${leg ?? ''} at both ends`,
    async () => {
      here = await atGateway();
      const paths = await openAt('alarm_path');
      const nobody = await openAt('unattended');
      there = { state: paths.length ? 'broken' : nobody.length ? 'unattended' : 'proven', legs: paths.map((one) => one.text) };
      const mine = here.alarms.filter((one) => one.code === 'alarm_path' || one.code === 'unattended');
      const expected = state === 'broken' ? 'alarm_path' : state === 'unattended' ? 'unattended' : undefined;
      return here.alarm_path.state === state && (here.alarm_path.leg ?? undefined) === leg && mine[0]?.code === expected && mine.length <= 1 && there.state === state &&
        there.legs.every((text) => text === `leg ${leg}`);
    },
    { timeoutMs: 30000, stepMs: 100 },
  ).catch(() => {});
  const holds = here.alarm_path.state === state && (here.alarm_path.leg ?? undefined) === leg && there.state === state;
  check(`both ends say ${state}${leg ? ` at ${leg}` : ''}`, holds, `${((Date.now() - began) / 1000).toFixed(1)} s; gateway ${here.alarm_path.state} ${here.alarm_path.leg}, county ${there.state} ${there.legs}`);
  return here.alarm_path;
}

async function run() {
  await county.start();
  county.startSim({ devices: [{ id: 'dev-1', gateway: `127.0.0.1:${gateway().devicePort}`, source: { kind: 'synth', rhythm: 'sinus', seed: 1 }, rate: 500, block_ms: 40 }] });
  await county.liveStreams(1);
  await county.askSim('marker', 'dev-1'); // a study, whole ten seconds later
  await bothSay('unattended');
  check('nobody watching is no fault of the way', (await openAt('alarm_path')).length === 0);

  const technician = await new Screen(await new Api(county.api.base).enter('technician')).open();
  const screen = await new Screen(county.api).open();
  const proven = await bothSay('proven');
  check('each leg has its time', LEGS.every((leg) => proven.legs_us[leg] > 0), JSON.stringify(proven.legs_us));
  check('a page of a township is not the county’s alarm screen', technician.asked === 0 && screen.asked > 0, `${technician.asked} ${screen.asked}`);
  technician.close();

  // What the county's page of gateways and the three lights show while all is well.
  const gatewayAt = async () => (await county.api.json('/api/gateways')).gateways[0];
  const lightsOf = async () => Object.values((await county.api.json('/api/streams')).streams[0]?.lights ?? {}).join(' ');
  await until('the lights of the stream', async () => (await lightsOf()) === 'proven proven proven', { timeoutMs: 25000 }).catch(() => {});
  const told = await gatewayAt();
  check('captured, at the gateway, at the county: all three are proven', (await lightsOf()) === 'proven proven proven', await lightsOf());
  check('the gateway tells its spool, its queue and its clock', told.seen && told.report_wall_us > 0 && told.spool_free_bytes > 0 && told.backlog_ms < 5000 && told.clock_uncertainty_us > 0 && told.alarm_path.state === 'proven' && LEGS.every((leg) => told.alarm_path.legs_us[leg] > 0),
    JSON.stringify(told));
  screen.answers = false;
  await bothSay('broken', 'screen');
  screen.answers = true;
  await bothSay('proven');
  const studyLights = async () => Object.values((await county.api.json('/api/studies')).studies[0]?.lights ?? {}).join(' ');
  await until('the lights of the study', async () => (await studyLights()) === 'proven proven proven', { timeoutMs: 30000 }).catch(() => {});
  check('and of a study, once its ten seconds behind the mark have come', (await studyLights()) === 'proven proven proven', await studyLights());

  // Blackhole: nothing gets through and nobody is told. The patient's alarm does not wait for it.
  gateway().relay.set('cut');
  const cutAt = Date.now();
  await county.askSim('vf', 'dev-1');
  const lostAt = async () => (await atGateway()).alarms.some((one) => one.code === 'link_lost') && (await openAt('link_lost')).length > 0;
  await until('both ends to say that the link is dead', lostAt, { timeoutMs: 20000, stepMs: 50 }).catch(() => {});
  check('both ends say within 10 s that the link is dead', (await lostAt()) && Date.now() - cutAt <= 10000, `${((Date.now() - cutAt) / 1000).toFixed(1)} s`);
  const dark = await lightsOf();
  check('then no light of the stream is green', !dark.includes('proven'), dark);
  let local;
  await until('the alarm at the gateway', async () => (local = (await atGateway()).devices[0].streams[0].alarm) !== null, { timeoutMs: 20000, stepMs: 100 }).catch(() => {});
  check('an alarm is known at the gateway without a link', local?.code === 'VF' && !(await atGateway()).link.linked, JSON.stringify(local));
  await bothSay('broken', 'uplink');
  gateway().relay.set('up');
  await bothSay('proven');
  await until('the alarm at the county', async () => (await county.api.json('/api/alarms?limit=10')).alarms.some((one) => one.code === 'VF'), { timeoutMs: 15000 }).catch(() => {});
  check('and at the county once the link is back', (await county.api.json('/api/alarms?limit=10')).alarms.some((one) => one.code === 'VF'));

  // Legs inside the processes.
  await gateway().process.stop();
  gateway().process.start({ XW_FAULT: 'probe.input:after=1:times=3:error=EIO;probe.spool:after=2:times=3:error=EIO' });
  await county.healthy(gateway().statusPort, 'gateway');
  await bothSay('broken', 'input');
  await bothSay('broken', 'spool');
  await bothSay('proven');
  await county.center.stop();
  county.center.start({ XW_FAULT: 'probe.store:after=1:times=3:error=EIO' });
  await county.centerBack();
  const again = await new Screen(county.api).open();
  await bothSay('broken', 'store');
  await bothSay('proven');
  again.close();

  const kept = (dir) => Number(rows(path.join(county.dirs.data, dir), 'SELECT count(*) FROM record WHERE kind = 1006')[0]);
  check('probes are not kept: one row at each end', kept('center') <= 2 && kept(gateway().id) <= 2, `${kept('center')} ${kept(gateway().id)}`);
}

await scenario('an alarm would reach the screen, or it is said where it would stop', async () => {
  try {
    await run();
  } catch (error) {
    console.log(county.logs());
    throw error;
  } finally {
    await county.stop();
  }
});
finish();
