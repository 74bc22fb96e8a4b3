// The county's rule list at a running gateway: a new list decides at once, one with a mistake is
// refused as a whole and said, and after SIGKILL the last good one is in force; one alarm stays one.
//   XW_SEED  the seed (printed)
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { check, finish, scenario } from '../support/checks.mjs';
import { County } from '../support/county.mjs';
import { until } from '../support/processes.mjs';
import { readJournal } from '../support/oracle.mjs';

const seed = Number(process.env.XW_SEED ?? 1);
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'xw-rules-'));
const file = path.join(folder, 'rules.conf');
const list = (version, rate, end) => `[list]\nversion = ${version}\n[tachycardia]\npriority = medium\nrate_bpm = ${rate}\nend_bpm = ${end}\n[end]\n`;
const write = (text) => fs.writeFileSync(file, text);
console.log(`seed ${seed}`);

write(list(1, 200, 190));
const county = new County({ gateways: 1, relays: false, gatewayExtra: `\n[analysis]\nrules = ${file}\n` });
const patience = { timeoutMs: 40000, stepMs: 200 };

const alarms = async () => (await county.api.json('/api/alarms?limit=100')).alarms.filter((alarm) => alarm.code === 'TACHY');
const refused = async () => (await county.api.json('/api/alarms?limit=100')).technical.filter((alarm) => alarm.code === 'rules');
const logged = () => fs.readFileSync(county.gateways[0].process.logFile, 'utf8');
const live = () => readJournal(county.journal).get('ecg-1').streams.at(-1);

await scenario(
  'the rule list of a county',
  async () => {
    await county.start();
    const gateway = county.gateways[0];
    county.startSim({ speed: 8, devices: [{ id: 'ecg-1', gateway: `127.0.0.1:${gateway.devicePort}`, source: { kind: 'synth', rhythm: 'tachy', seed } }] });
    await county.liveStreams(1);
    await until('the rate to be known', async () => {
      const answer = await county.api.json(`/api/streams/${live()}/events?first=0&count=${2 ** 40}`);
      return answer.events.filter((event) => event.code === 'HEART_RATE' && event.rate_bpm > 130).length >= 6;
    }, patience);
    check('135 a minute are no alarm where 200 is the limit', (await alarms()).length === 0);

    write(list(2, 120, 100));
    gateway.process.child.kill('SIGHUP');
    await until('the alarm by the new list', async () => (await alarms()).length > 0, patience);
    const [raised] = await alarms();
    check('the new list decides for the stream that runs', raised.priority === 'medium' && !raised.end, JSON.stringify(raised));
    check('the finding names the list and its hash', /^\d+\/2-[0-9a-f]{8}$/.test(raised.rule_version), raised.rule_version);
    check('and its limit', raised.evidence.some((one) => one.threshold && one.value === 120), JSON.stringify(raised.evidence));

    write(list(3, 90, 80));
    gateway.process.child.kill('SIGHUP');
    await until('the refusal to be said', async () => (await refused()).length > 0, patience);
    const [said] = await refused();
    check('a list with a mistake is refused with line, field and what is allowed', /^line 5: tachycardia\.rate_bpm: '90'; allowed is 100 to 250/.test(said.text) && !said.to_wall_us, JSON.stringify(said));

    await gateway.process.kill();
    gateway.process.start();
    await county.healthy(gateway.statusPort, 'the gateway');
    await until('the device to be back', async () => (logged().match(/device\.accepted/g) ?? []).length === 2, patience);
    const taken = [...logged().matchAll(/rules\.taken version=(\d+) sha256=(\w+)/g)];
    check('after a kill the last good list is in force, of the same hash', taken.map((one) => one[1]).join() === '1,2,2' && taken[1][2] === taken[2][2], taken.map((one) => one[0]).join('; '));
    const held = Number([...logged().matchAll(/device\.accepted device=ecg-1 held=(\d+)/g)].at(-1)[1]);
    await until('the stream to go on', async () => {
      const answer = await county.api.json(`/api/streams/${live()}/events?first=${held + 2000}&count=${2 ** 40}`);
      return answer.events.some((event) => event.code === 'HEART_RATE' && event.run !== raised.run);
    }, patience);
    const [still] = await alarms();
    check('the alarm goes on under its own key', still.key === raised.key && !still.end && (await alarms()).length === 1, JSON.stringify(still));

    write(list(4, 200, 190));
    gateway.process.child.kill('SIGHUP');
    await until('the alarm to end by the next list', async () => (await alarms()).some((alarm) => alarm.end), patience);
    check('one alarm was one alarm', (await alarms()).length === 1, JSON.stringify(await alarms()));
    await until('the refusal to end', async () => (await refused()).every((alarm) => alarm.to_wall_us), patience);
    check('a good list ends the technical alarm', (await refused()).length > 0);
  },
  { logs: () => county.logs() },
);
await county.stop();
fs.rmSync(folder, { recursive: true, force: true });
finish();
