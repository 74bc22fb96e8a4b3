// C-STORE with real peers: a device (DCMTK's storescu) stores an ECG, which becomes a study at the county; what
// became a study reaches an archive (Orthanc, else DCMTK's storescp) through an outbox that survives the archive
// being away and kills; hostile peers cost their own association.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { check, finish, scenario, skip } from '../support/checks.mjs';
import { County } from '../support/county.mjs';
import { madeEcg } from '../support/madeecg.mjs';
import { Process, freePorts, until } from '../support/processes.mjs';

const run = (program, ...args) => spawnSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 26 });
const have = (program) => run('sh', '-c', `command -v ${program}`).status === 0;
if (!have('storescu')) {
  skip('C-STORE', 'no DCMTK programs');
  finish();
}
const county = new County({ gateways: 1, relays: false });
const at = (...names) => path.join(county.dirs.data, ...names);
const folder = at('ecg-in'), outbox = at('ecg-out');
county.gatewayExtra = `\n[import]\ndir = ${folder}\noutbox = ${outbox}\nsettle = 300ms\ngive_up = 3s\nkeep = 1h\n`;
await county.prepare();
const [port, archivePort, httpPort] = await freePorts(3);
const patience = { timeoutMs: 40000, stepMs: 200 };
const config = path.join(county.dirs.conf, 'dicom.conf');
fs.writeFileSync(
  config,
  `[receive]\nport = ${port}\ndir = ${folder}\nfrom = CART\nfile_max = 2MiB\ntimeout = 5s\nconnections = 4\nconnections_each = 3\n[send]\nhost = 127.0.0.1\nport = ${archivePort}\ncalled = PACS\ndir = ${outbox}\nretry = 1s\ntimeout = 10s\n`,
);
const dicom = new Process('dicom', path.join(county.bin, 'xinwang-dicom'), ['--config', config], { logDir: county.dirs.logs });
const formats = (...args) => run(path.join(county.bin, 'xinwang-formats'), ...args);
const store = (file, from = 'CART', to = 'XINWANG') => run('storescu', '-q', '-aet', from, '-aec', to, '-xe', '127.0.0.1', String(port), file);
const studies = async () => (await county.api.json('/api/studies')).studies.filter((one) => one.author === 'file');
const files = (dir) => fs.readdirSync(dir).filter((name) => !name.startsWith('.') && fs.statSync(path.join(dir, name)).isFile());
const made = (hr) => {
  const { text, digits } = madeEcg({ hr, time: `202405061200${hr}`.slice(0, 14) });
  fs.writeFileSync(at(`made${hr}.xml`), text);
  const done = formats('--to', 'dicom', at(`made${hr}.xml`), at(`made${hr}.dcm`));
  if (done.status !== 0) throw new Error(done.stderr);
  return { xml: at(`made${hr}.xml`), dcm: at(`made${hr}.dcm`), digits };
};
const logs = () => `${county.logs()}\n--- dicom\n${dicom.logTail(40)}`;

// An archive, and how many objects it holds.
const withOrthanc = have('Orthanc');
fs.mkdirSync(at('archive'));
fs.writeFileSync(
  at('orthanc.json'),
  JSON.stringify({ Name: 'archive', StorageDirectory: at('archive'), IndexDirectory: at('archive'), HttpPort: httpPort, DicomPort: archivePort, DicomAet: 'PACS', DicomCheckCalledAet: true, DicomAlwaysAllowStore: true, RemoteAccessAllowed: false, AuthenticationEnabled: false, HttpServerEnabled: true, Plugins: [] }),
);
const archive = withOrthanc
  ? new Process('archive', 'Orthanc', [at('orthanc.json')], { logDir: county.dirs.logs })
  : new Process('archive', 'storescp', ['-q', '-aet', 'PACS', '-od', at('archive'), String(archivePort)], { logDir: county.dirs.logs });
const rest = async (what) => fetch(`http://127.0.0.1:${httpPort}${what}`, { signal: AbortSignal.timeout(5000) });
const held = async () => {
  try {
    return withOrthanc ? (await (await rest('/instances')).json()).length : files(at('archive')).length;
  } catch {
    return -1;
  }
};

let first;
await scenario(
  'an ECG stored by a device becomes a study',
  async () => {
    await county.start();
    dicom.start();
    await until('the port', () => run('echoscu', '-aet', 'CART', '-aec', 'XINWANG', '127.0.0.1', String(port)).status === 0, patience);
    first = made(75);
    const told = store(first.dcm);
    check('the device is told success', told.status === 0, told.stdout + told.stderr);
    await until('the study', async () => (await studies()).length === 1, patience);
    const [item] = (await studies())[0].items;
    const url = `/api/streams/${item.stream}/samples?first=${item.first}&count=${item.count}&format=json`;
    await until('its samples', async () => !(await county.api.json(url)).channels.some((one) => one.includes(null)), patience);
    const { channels } = await county.api.json(url);
    check('with every sample', item.count === 5000 && first.digits.every((one, c) => one.every((x, i) => x === channels[c][i])));
    check('stored again it is the same study', store(first.dcm).status === 0);
    await until('it to be taken', () => files(folder).length === 0, patience);
    check('one study', (await studies()).length === 1);
  },
  { logs },
);

await scenario(
  'peers that are not wanted, or hostile',
  async () => {
    check('an unknown title is turned away', store(first.dcm, 'STRANGER').status !== 0);
    check('a wrong called title, too', store(first.dcm, 'CART', 'OTHER').status !== 0);
    const silent = Array.from({ length: 8 }, () => net.connect({ port, host: '127.0.0.1', localAddress: '127.0.0.2' }));
    for (const one of silent) one.on('error', () => {});
    await until('one address to have all that it may', () => /turned_away/.test(fs.readFileSync(dicom.logFile, 'utf8')), patience);
    check('one address alone does not take all places', store(first.dcm).status === 0);
    const noise = net.connect(port, '127.0.0.1');
    noise.on('error', () => {});
    noise.end(Buffer.concat([Buffer.from([1, 0, 0xff, 0xff, 0xff, 0xff]), Buffer.alloc(4000, 0x41)]));
    await until('a place for a device beside them', () => store(first.dcm).status === 0, patience);
    check('noise and silent peers do not keep a device away', dicom.running);
    for (const one of silent) one.destroy();
    // An object beyond the limit: the same ECG with 3 MiB of private bytes behind.
    fs.writeFileSync(at('big.bin'), Buffer.alloc(3 << 20));
    fs.copyFileSync(first.dcm, at('big.dcm'));
    const grown = run('dcmodify', '-nb', '-i', '(0009,0010)=X', '-if', `(0009,1001)=${at('big.bin')}`, '-gin', at('big.dcm'));
    if (grown.status !== 0) skip('an object beyond the limit', 'no dcmodify that can make it');
    else {
      check('an object beyond the limit is refused', store(at('big.dcm')).status !== 0);
      check('and the next one taken', store(first.dcm).status === 0);
    }
    await until('nothing half to be left', () => fs.readdirSync(folder).every((name) => !name.startsWith('.in-')), patience);
    check('no study more', (await studies()).length === 1);
  },
  { logs },
);

await scenario(
  'the archive gets every study, once',
  async () => {
    await until('the first one to wait for the archive', () => files(outbox).length === 1, patience);
    check('while the archive is away it waits', /archive_away/.test(fs.readFileSync(dicom.logFile, 'utf8')));
    const second = made(60), third = made(66);
    fs.copyFileSync(second.xml, path.join(folder, 'second.xml'));
    fs.copyFileSync(third.xml, path.join(folder, 'third.xml'));
    await until('three to wait', () => files(outbox).length === 3, patience);
    await dicom.kill();
    dicom.start();
    check('a kill loses none', files(outbox).length === 3);
    archive.start();
    await until('the archive', async () => (await held()) >= 0, patience);
    for (let i = 0; i < 4 && files(outbox).length; i++) {
      await new Promise((resolve) => setTimeout(resolve, 400));
      await dicom.kill(); // wherever it is
      dicom.start();
    }
    await until('all to be sent', () => files(outbox).length === 0, patience);
    check(`each is in the archive once (${withOrthanc ? 'Orthanc' : 'storescp'})`, (await held()) === 3, String(await held()));
    check('the county has three studies', (await studies()).length === 3);
    if (withOrthanc) {
      const found = [];
      for (const id of await (await rest('/instances')).json()) {
        fs.writeFileSync(at('back.dcm'), Buffer.from(await (await rest(`/instances/${id}/file`)).arrayBuffer()));
        found.push(formats('--csv', at('back.dcm')).stdout);
      }
      check('with the samples that the files had', [first, second, third].every((one) => found.includes(formats('--csv', one.xml).stdout)));
      const patients = await (await rest('/patients?expand')).json();
      check('and the patient', patients.length === 1 && patients[0].MainDicomTags.PatientID === 'T-0042', JSON.stringify(patients[0]?.MainDicomTags));
    }
    fs.writeFileSync(path.join(outbox, 'no-ecg.ecg'), 'no ECG');
    await until('what can not be sent to be put aside', () => fs.existsSync(path.join(outbox, 'quarantine', 'no-ecg.ecg.reason')), patience);
    check('no log names a patient', !/张|T-0042/.test(fs.readFileSync(dicom.logFile, 'utf8')));
  },
  { logs },
);
await dicom.stop();
await archive.stop();
await county.stop();
finish();
