// The watched folder of a gateway: an ECG file becomes one study at the county with every sample; half files
// wait, broken ones are put aside with a reason that both pages show; the same bytes twice are one study; a
// gateway that is killed anywhere on the way loses no file and makes no second study.
import fs from 'node:fs';
import path from 'node:path';
import { check, finish, scenario } from '../support/checks.mjs';
import { County } from '../support/county.mjs';
import { LEADS, madeEcg } from '../support/madeecg.mjs';
import { metrics, total } from '../support/metrics.mjs';
import { until } from '../support/processes.mjs';

const county = new County({ gateways: 1, relays: false });
const folder = path.join(county.dirs.data, 'ecg-in');
county.gatewayExtra = `\n[import]\ndir = ${folder}\nsettle = 500ms\ngive_up = 3s\nkeep = 1h\n`;
await county.prepare();
const gateway = county.gateways[0];
const patience = { timeoutMs: 40000, stepMs: 200 };
const put = (name, bytes) => fs.writeFileSync(path.join(folder, name), bytes);
const there = (...names) => fs.existsSync(path.join(folder, ...names));
const status = async () => (await (await fetch(`http://127.0.0.1:${gateway.statusPort}/status.json`)).json()).imports;
const studies = async () => (await county.api.json('/api/studies')).studies.filter((one) => one.author === 'file');
const taken = (name) => until(`${name} to be taken`, async () => there('done', name) && !there(name), patience);

// Every sample at the county, by the study's own words.
async function same(study, digits) {
  const [item] = study.items;
  const url = `/api/streams/${item.stream}/samples?first=${item.first}&count=${item.count}&format=json`;
  await until('the samples at the county', async () => (await county.api.json(url)).channels.every((one) => one.length === item.count && !one.includes(null)), patience);
  const { channels } = await county.api.json(url);
  return item.count === digits[0].length && digits.every((one, c) => one.every((x, i) => x === channels[c][i]));
}

await scenario(
  'files in a folder become studies',
  async () => {
    await county.start();
    await until('the folder to be there', () => there('quarantine'), patience);

    const first = madeEcg();
    put('wang.xml', first.text);
    await taken('wang.xml');
    await until('the study at the county', async () => (await studies()).length === 1, patience);
    const [study] = await studies();
    check('it is a 12-lead study of the site, at the time that the file says', study.kind === 'ecg_12' && study.site === '站点 1' && new Date(study.created_wall_us / 1000).getFullYear() === 2024, JSON.stringify(study));
    check('every sample is at the county', await same(study, first.digits));
    const stream = await county.api.json(`/api/streams/${study.items[0].stream}`);
    check('with its leads', stream.channels.map((one) => one.code).join() === LEADS.join() && stream.channels[0].unit === 'mV', JSON.stringify(stream.channels?.[0]));
    const { before } = await county.api.json(`/api/streams/${stream.id}/anchors?index=${study.items[0].first}`);
    check('and its time', before.gateway_wall_us === study.created_wall_us, JSON.stringify(before));
    const told = study.changes.find((one) => one.what === 'note')?.text ?? '';
    check('a note says what it came from, and not whom it is of', told.includes('aecg') && !/张|T-0042|wang/.test(JSON.stringify(study)), told);
    const lights = async () => (await county.api.json(`/api/studies/${study.id}`)).lights;
    await until('its three lights', async () => Object.values(await lights()).every((one) => !['waiting', 'unknown'].includes(one)), patience).catch(() => {});
    check('it is captured, at the gateway and at the county', Object.values(await lights()).every((one) => !['waiting', 'unknown'].includes(one)), JSON.stringify(await lights()));
    check('no bed is made of it', (await county.api.json('/api/beds')).beds.length === 0, JSON.stringify(await county.api.json('/api/beds')));

    put('wang again.xml', first.text);
    await taken('wang again.xml');
    put('li.xml', madeEcg({ hr: 60, time: '' }).text);
    await taken('li.xml');
    await until('the second study', async () => (await studies()).length === 2, patience);
    check('the same bytes twice are one study', (await studies()).length === 2 && (await status()).repeated === 1, JSON.stringify(await status()));
    const two = await studies();
    check('files of one device share a stream', two[0].items[0].stream === two[1].items[0].stream && two[0].items[0].first !== two[1].items[0].first, JSON.stringify(two.map((one) => one.items)));
    check('both hold their own samples', (await same(two.find((one) => one.id === study.id), first.digits)) && (await same(two.find((one) => one.id !== study.id), madeEcg({ hr: 60, time: '' }).digits)));
  },
  { logs: () => county.logs() },
);

await scenario(
  'half files wait, broken ones are put aside',
  async () => {
    const half = madeEcg({ hr: 90 }).text;
    put('slow.xml', half.slice(0, half.length / 2));
    await until('the half file to be waited for', async () => (await status()).waiting.some((one) => one.name === 'slow.xml' && one.text), patience);
    put('slow.xml', half);
    await taken('slow.xml');
    await until('its study', async () => (await studies()).length === 3, patience);
    check('a half file waits and is taken when it is whole', (await status()).broken === 0);

    put('unfinished.xml.part', half);
    put('zhang-1961.pdf', '%PDF-1.4 no ECG at all');
    put('cut.xml', half.slice(0, half.length / 3));
    await until('both to be put aside', () => there('quarantine', 'zhang-1961.pdf') && there('quarantine', 'cut.xml'), patience);
    check('what a writer has not finished stays', there('unfinished.xml.part'));
    await until('the page to say it', async () => (await status()).quarantine_n === 2, patience);
    const page = await status();
    check('the page of the gateway has the reasons', page.quarantine.length === 2 && page.quarantine.every((one) => one.text.length > 5), JSON.stringify(page.quarantine));
    const seen = async () => (await county.api.json('/api/gateways')).gateways[0].imports;
    await until('the county to know', async () => (await seen())?.quarantine === 2, patience);
    const imports = await seen();
    check('the county has number and reason, and no name of a file', imports.reason.length > 5 && !/zhang|cut|wang/.test(JSON.stringify(imports)), JSON.stringify(imports));
    check('metrics count them', total(await metrics(gateway.statusPort), 'xw_import_files_total') >= 6 && !/zhang|wang/.test(JSON.stringify([...(await metrics(gateway.statusPort))])));
    check('no log names a file or a patient', !/zhang|wang|张|T-0042/.test(fs.readFileSync(gateway.process.logFile, 'utf8')));
  },
  { logs: () => county.logs() },
);

await scenario(
  'killed anywhere on the way',
  async () => {
    const before = (await studies()).length;
    // At the mark, at the samples, at the study, behind its commit, before the move; at commits of the spool.
    // XW_ALL=1: at all of them; CI takes every other.
    const places = ['import.mark', 'import.samples', 'import.study', 'import.kept', 'import.move', 'edge.commit.append', 'edge.commit.append:after=1', 'edge.commit.append:after=2', 'edge.commit.append:after=3'].filter((_, i) => process.env.XW_ALL || i % 2 === 1);
    const wanted = [];
    for (const [i, place] of places.entries()) {
      await gateway.process.stop();
      gateway.process.start({ XW_FAULT: place });
      const made = madeEcg({ hr: 61 + i, time: `202403091406${10 + i}` });
      wanted.push(made);
      put(`k${i}.xml`, made.text);
      const how = await Promise.race([gateway.process.exited, new Promise((resolve) => setTimeout(() => resolve(null), 30000))]);
      check(`killed at ${place}`, how?.signal === 'SIGKILL', JSON.stringify(how));
      await gateway.process.stop();
      gateway.process.start();
      await taken(`k${i}.xml`);
    }
    await until('all studies', async () => (await studies()).length >= before + places.length, patience);
    const all = (await studies()).filter((one) => new Date(one.created_wall_us / 1000).getFullYear() === 2024 && one.created_wall_us % 60e6 >= 10e6).sort((a, b) => a.created_wall_us - b.created_wall_us).slice(-places.length);
    check('one study each, none lost, none twice', (await studies()).length === before + places.length, `${(await studies()).length - before} of ${places.length}`);
    let good = 0;
    for (const [i, study] of all.entries()) good += await same(study, wanted[i].digits);
    check('each with every sample', good === places.length, String(good));
    check('nothing is left in the folder', fs.readdirSync(folder).filter((name) => name.startsWith('k') || name.startsWith('.')).length === 0, fs.readdirSync(folder).join());
  },
  { logs: () => county.logs() },
);
await county.stop();
finish();
