// The previous ECG of a patient, by real processes: two files of one person become two studies; a reading of
// the later one knows his age and sex and is held against the earlier one, also after the county was
// restarted; nobody else's recording is taken for his.
import fs from 'node:fs';
import path from 'node:path';
import { check, finish, scenario } from '../support/checks.mjs';
import { County } from '../support/county.mjs';
import { madeEcg } from '../support/madeecg.mjs';
import { until } from '../support/processes.mjs';

const county = new County({ gateways: 1, relays: false });
const folder = path.join(county.dirs.data, 'ecg-in');
county.gatewayExtra = `\n[import]\ndir = ${folder}\nsettle = 500ms\ngive_up = 3s\nkeep = 1h\n`;
await county.prepare();
const patience = { timeoutMs: 40000, stepMs: 200 };
const studies = async () => (await county.api.json('/api/studies')).studies.filter((one) => one.author === 'file');

async function put(name, ecg) {
  const before = (await studies()).map((one) => one.id);
  fs.writeFileSync(path.join(folder, name), ecg.text);
  let study = null;
  await until(`the study of ${name}`, async () => (study = (await studies()).find((one) => !before.includes(one.id))), patience);
  const [{ stream, first, count }] = study.items;
  await until('its samples', async () => (await county.api.json(`/api/streams/${stream}/samples?first=${first}&count=${count}&format=json`)).channels.every((one) => one.length === count && !one.includes(null)), patience);
  return study;
}
const read = async (study) => county.api.json(`/api/streams/${study.items[0].stream}/reading?from=${study.items[0].first}`);

await scenario(
  'the previous ECG of a patient',
  async () => {
    await county.start();
    await until('the folder to be there', () => fs.existsSync(path.join(folder, 'quarantine')), patience);
    const first = await put('one.xml', madeEcg({ hr: 75, time: '20240309140506' }));
    const alone = await read(first);
    check('of whom it is, and how old she was', alone.patient_known && alone.sex === 'F' && Math.abs(alone.age_years - 63.03) < 0.05, `${alone.patient_known} ${alone.sex} ${alone.age_years}`);
    check('the statements assume no age', alone.interpretation.age_assumed === false);
    check('there is none before the first', alone.previous === null, JSON.stringify(alone.previous)?.slice(0, 200));

    await put('stranger.xml', madeEcg({ hr: 70, time: '20240601100000', id: 'T-0043', family: '李', given: '四' }));
    const second = await put('two.xml', madeEcg({ hr: 92, time: '20240805091500' }));
    const both = await read(second);
    const p = both.previous;
    check('the later one is held against the earlier one of the same person', p?.study === first.id && p.stream === first.items[0].stream && p.from_sample === first.items[0].first && p.wall_us === first.created_wall_us, JSON.stringify(p)?.slice(0, 300));
    check('compared', p.why_not === null && p.leads.length === 12 && p.beats_n.every((n) => n > 5), JSON.stringify(p.beats_n));
    const hr = p.measurements.hr_bpm;
    check('the heart rate differs beyond its uncertainty', hr.beyond && Math.abs(hr.by - 17) < 1.5, JSON.stringify(hr));
    check('the same wave has the same width', p.measurements.qrs_ms.beyond === false, JSON.stringify(p.measurements.qrs_ms));
    check('and the same ST in all leads', p.leads.every((l) => !l.st_60_uv.beyond), JSON.stringify(p.leads.map((l) => l.st_60_uv)));
    check('no electrodes are exchanged', p.exchange.limb === null && p.exchange.precordial === null, JSON.stringify(p.exchange));
    check('the first still has none before it', (await read(first)).previous === null);

    await county.center.stop(8000);
    county.center.start();
    await county.centerBack();
    await until('the county again', async () => (await studies()).length === 3, patience);
    const again = await read(second);
    check('the same after a restart of the county', JSON.stringify(again) === JSON.stringify(both));
  },
  { logs: () => county.logs() },
);
await county.stop();
finish();
