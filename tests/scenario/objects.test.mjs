// A large object goes to the county while the link is torn down and both ends are killed, twenty
// times: it arrives whole, byte for byte, resumed and not begun anew, and ECG goes on beside it.
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { check, finish, scenario } from '../support/checks.mjs';
import { County, seeded } from '../support/county.mjs';
import { sleep, until } from '../support/processes.mjs';
import { Load, loadArgs } from '../support/shaped.mjs';
import { readContent } from '../support/vault.mjs';

const EVENTS_N = 20;
const SIZE = 24 * 1024 * 1024;
const BYTES_PER_SECOND = 8e6;
const seed = Number(process.env.XW_SEED ?? Date.now() % 100000);
const random = seeded(seed);
console.log(`# seed ${seed}`);

const county = new County({ gateways: 1 });
let load;

async function startLoad() {
  const args = [...loadArgs(county), '--port', county.gateways[0].relay.listenPort, '--streams', 2];
  load = new Load(path.join(county.bin, '..', 'tests', 'xw-load'), args.map(String));
  await until('the load to begin', () => load.streams);
  load.say(`object ${SIZE}`);
}

async function startCenter() {
  county.center.start();
  await county.centerBack();
}

const events = {
  async reset(relay) {
    relay.reset();
  },
  async cut(relay) {
    relay.set('cut');
    await sleep(random.int(100, 800));
    relay.set('slow', BYTES_PER_SECOND);
  },
  async killCounty() {
    await county.center.kill();
    await startCenter();
  },
  async killGateway() {
    await load.kill();
    await startLoad();
  },
};

await scenario(
  'an object arrives whole through twenty cuts and kills',
  async () => {
    await county.prepare();
    const { relay } = county.gateways[0];
    await startCenter();
    await county.api.enter();
    await relay.start();
    relay.set('slow', BYTES_PER_SECOND);
    await startLoad();
    await until('the object to be offered', () => load.objects.length, { timeoutMs: 20000 });
    const { object, status } = load.objects[0];
    check('the gateway offers it', status === 0, object.slice(0, 12));
    const done = {};
    for (let i = 0; i < EVENTS_N; i++) {
      await sleep(random.int(200, 1600));
      const name = random.pick(Object.keys(events));
      done[name] = (done[name] ?? 0) + 1;
      await events[name](relay);
    }
    const passed = relay.passedBytes;
    relay.set('up');
    const folder = path.join(county.dirs.data, 'center', 'objects', object.slice(0, 2));
    const file = path.join(folder, object);
    console.log(`# ${JSON.stringify(done)}, after them ${fs.existsSync(file) ? 'whole' : `${fs.existsSync(`${file}.part`) ? fs.statSync(`${file}.part`).size : 0} bytes`} at the county`);
    await until('the object to be whole', () => fs.existsSync(file), { timeoutMs: 60000, stepMs: 100 });
    const bytes = readContent(path.join(county.dirs.data, 'center'), file);
    check('every byte is as it was', bytes.length === SIZE && crypto.createHash('sha256').update(bytes).digest('hex') === object);
    // Begun anew after each event it would be many times its size; the window is lost at most.
    check('it was resumed, not begun anew', relay.passedBytes < SIZE * 1.5 + EVENTS_N * 1e6, `${(relay.passedBytes / 1e6).toFixed(0)} MB passed for ${(SIZE / 1e6).toFixed(0)}, ${(passed / 1e6).toFixed(0)} of them meanwhile`);
    await until('the ECG to heal', () => load.state.linked && load.state.backlog < 20000, { timeoutMs: 30000 });
    check('ECG has healed beside it', true);
  },
  { logs: () => county.logs() },
);
await load?.stop();
await county.stop();
finish();
