// The county's store is lost and restored from yesterday's backup: the gateways bring back what came
// since, samples and records, exactly once; who was revoked since stays out. Yesterday is some seconds
// long here.
import fs from 'node:fs';
import path from 'node:path';
import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';
import { check, finish, scenario } from '../support/checks.mjs';
import { County } from '../support/county.mjs';
import { brief, exact, judgeAtRest, readJournal } from '../support/oracle.mjs';
import { sleep, until } from '../support/processes.mjs';
import { keyFileOf, rows } from '../support/vault.mjs';

const county = new County({ gateways: 2 });
const live = path.join(county.dirs.data, 'center');
const backup = path.join(county.dirs.data, 'backup');
const admin = path.join(county.bin, 'xinwang-admin');

async function eventKeys() {
  const keys = new Map();
  for (const device of readJournal(county.journal).values())
    for (let first = 0, more = true; more; ) {
      const answer = await county.api.json(`/api/streams/${device.streams.at(-1)}/events?first=${first}&count=${2 ** 40}&kinds=beat,alarm,rhythm,marker`);
      for (const event of answer.events) keys.set(event.key, event.revision);
      more = answer.more && answer.events.length > 0;
      first = (answer.events.at(-1)?.first ?? 0) + 1;
    }
  return keys;
}

await scenario(
  'a county restored from its backup gets the day back',
  async () => {
    await county.start();
    county.startSim({
      devices: [0, 1, 2, 3].map((i) => ({
        id: `dev-${i + 1}`, gateway: `127.0.0.1:${county.gateways[i % 2].devicePort}`, rate: 500, block_ms: 40,
        source: i ? { kind: 'synth', rhythm: 'pvc', seed: i } : { kind: 'pattern', channels: 12 },
      })),
    });
    await county.liveStreams(4);
    await sleep(6000);
    // With the administrator's tool while everything goes on; without it, from a county at rest.
    if (/\bbackup\b/.test(execFileSync(admin, ['--help'], { encoding: 'utf8' }))) {
      const { stderr } = await promisify(execFile)(admin, ['--config', path.join(county.dirs.conf, 'center.conf'), 'backup', backup], { timeout: 60000 });
      console.log(`# backup while ingest goes on ${stderr.trim()}`);
    } else {
      console.log('# xinwang-admin makes no backups: the store is copied at rest');
      await county.center.stop(8000);
      fs.cpSync(live, backup, { recursive: true });
      county.center.start();
      await county.centerBack();
    }
    await county.askSim('marker', 'dev-2');
    await county.askSim('vf', 'dev-3');
    await sleep(12000);
    await county.askSim('normal', 'dev-3');
    await sleep(3000);
    const before = await judgeAtRest(county);
    check('before the loss everything is there', exact(before), brief(before));
    const events = await eventKeys();
    const studies = (await county.api.json('/api/studies')).studies.map((one) => one.id).sort();

    const held = Number(rows(backup, 'SELECT count(*) FROM record WHERE kind = 1', { keyFile: keyFileOf(live) })[0]);
    check('the backup lacks what came since', held < events.size, `${held} events in it, ${events.size} now`);
    await county.center.kill();
    fs.renameSync(live, `${live}-lost`);
    fs.cpSync(backup, live, { recursive: true });
    county.center.start();
    await county.centerBack();
    await county.askSim('thaw');
    await county.liveStreams(4);
    await sleep(3000);
    const after = await judgeAtRest(county);
    check('the gateways bring every sample back, exactly once', exact(after) && after.generated > before.generated, brief(after));
    let missing = [];
    await until('the records to be back', async () => {
      const now = await eventKeys();
      missing = [...events.keys()].filter((key) => !now.has(key));
      return missing.length === 0;
    }, { timeoutMs: 30000, stepMs: 500 }).catch(() => {});
    check('beats, rhythms, alarms and markers are back', events.size > 20 && missing.length === 0, `${events.size} were there, ${missing.length} missing`);
    const again = (await county.api.json('/api/studies')).studies.map((one) => one.id);
    check('the study of the marker is back, once', studies.length === 1 && studies.every((id) => again.filter((one) => one === id).length === 1), `${studies.length} before, ${again.length} after`);

    // A gateway is shut out after the backup was made, and the backup is put back once more.
    const [, gone] = county.gateways;
    execFileSync(admin, ['--config', path.join(county.dirs.conf, 'center.conf'), 'revoke', gone.id], { stdio: 'ignore' });
    const listed = async (id) => (await county.api.json('/api/gateways')).gateways.find((one) => one.id === id);
    await until('its session to end', async () => !(await listed(gone.id)).linked);
    await county.center.kill();
    fs.renameSync(live, `${live}-lost-again`);
    fs.cpSync(backup, live, { recursive: true });
    county.center.start();
    await county.centerBack();
    await until('the other gateway to be back', async () => (await listed(county.gateways[0].id))?.linked, { timeoutMs: 30000, stepMs: 500 });
    await sleep(5000);
    const shut = await listed(gone.id);
    check('a restored county still knows who was revoked after its backup', shut?.revoked_wall_us > 0 && !shut.linked, JSON.stringify({ revoked: shut?.revoked_wall_us, linked: shut?.linked }));
  },
  { logs: () => county.logs() },
);
await county.stop();
finish();
