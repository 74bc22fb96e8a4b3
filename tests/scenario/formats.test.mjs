// The tools on files: one ECG through every kind that is written and back, judged by readers of
// others where they are installed (dciodvfy, xmllint with the official schema); broken files cost
// one line and exit code 1.
//   XW_DATA  adds the samples of real devices and the aECG schema of formats/aecg/hl7.zip
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { check, finish, scenario, skip } from '../support/checks.mjs';

const bin = path.resolve('build', process.env.XW_PRESET ?? 'release', 'bin');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'xw-formats-'));
const file = (name) => path.join(folder, name);
const run = (program, ...args) => spawnSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 26 });
const tool = (...args) => run(path.join(bin, 'xinwang-formats'), ...args);
const csv = (name) => tool('--csv', name).stdout.trim().split('\n').map((line) => line.split(','));

// Beats of 12 leads, 10 s at 500 Hz: limb leads agree with each other to half a count.
const gauss = (t, at, width) => Math.exp(-(((t - at) / width) ** 2));
const shape = (t) => 1000 * gauss(t, 0.3, 0.012) - 250 * gauss(t, 0.33, 0.012) + 100 * gauss(t, 0.14, 0.03) + 250 * gauss(t, 0.58, 0.05);
const NAMES = ['I', 'II', 'III', 'AVR', 'AVL', 'AVF', 'V1', 'V2', 'V3', 'V4', 'V5', 'V6'];
const GAINS = [0.6, 1, 0.4, -0.8, 0.1, 0.7, -0.5, -0.2, 0.5, 1.2, 1.1, 0.9];
const digits = GAINS.map((gain) => Array.from({ length: 5000 }, (_, i) => Math.round((gain * shape((i / 500) % 0.8)) / 2.5)));
const lead = (c) =>
  `<component><sequence><code code="MDC_ECG_LEAD_${NAMES[c]}" codeSystem="2.16.840.1.113883.6.24"/><value xsi:type="SLIST_PQ"><origin value="0" unit="uV"/><scale value="2.5" unit="uV"/><digits>${digits[c].join(' ')}</digits></value></sequence></component>`;
fs.writeFileSync(
  file('made.xml'),
  `<?xml version="1.0"?><AnnotatedECG xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><componentOf><timepointEvent><componentOf><subjectAssignment><subject><trialSubject><id extension="T-0042"/><subjectDemographicPerson><name><family>张</family><given>三</given></name><administrativeGenderCode code="F"/><birthTime value="19610228"/></subjectDemographicPerson></trialSubject></subject></subjectAssignment></componentOf></timepointEvent></componentOf><component><series><code code="RHYTHM"/><effectiveTime><low value="20240309140506"/></effectiveTime><component><sequenceSet><component><sequence><code code="TIME_ABSOLUTE"/><value xsi:type="GLIST_TS"><head value="20240309140506.000"/><increment value="0.002" unit="s"/></value></sequence></component>${NAMES.map((_, c) => lead(c)).join('')}</sequenceSet></component></series></component></AnnotatedECG>`,
);

await scenario('one ECG through every kind of file and back', async () => {
  const first = csv(file('made.xml'));
  check('the made file has 5000 samples of 12 leads', first.length === 5001 && first[0].length === 13, `${first.length} lines`);
  for (const kind of ['aecg', 'scp', 'dicom', 'edf', 'wfdb']) {
    const out = file(`made_${kind}`);
    const made = tool('--to', kind, file('made.xml'), out);
    const same = made.status === 0 && JSON.stringify(csv(out)) === JSON.stringify(first);
    check(`${kind}: every sample and lead comes back`, same, made.stderr.trim());
    const told = JSON.parse(tool('--json', '--patient', out).stdout || '{}');
    const who = told.patient ?? {};
    const name = [who.family, who.given].filter(Boolean).join('');
    check(`${kind}: patient and time come back`, kind === 'wfdb' ? who.sex === 'F' : who.id === 'T-0042' && who.sex === 'F' && who.born === '1961-02-28' && name.replace(' ', '') === '张三', JSON.stringify(who));
    check(`${kind}: the time comes back`, told.start?.startsWith('2024-03-09T14:05:06'), told.start);
  }
  check('no patient is printed unasked', !/T-0042|张/.test(tool('--json', file('made_dicom')).stdout + tool(file('made_scp')).stdout));
});

await scenario('judged by others', async () => {
  const verdict = run('dciodvfy', file('made_dicom'));
  if (verdict.error) skip('dciodvfy', 'not installed');
  else check('dciodvfy finds no error in the DICOM object', !/^Error/m.test(verdict.stderr + verdict.stdout), (verdict.stderr + verdict.stdout).match(/^Error.*$/gm)?.slice(0, 3).join('; ') ?? '');
  const zip = process.env.XW_DATA && path.join(process.env.XW_DATA, 'formats', 'aecg', 'hl7.zip');
  if (!zip || !fs.existsSync(zip) || run('unzip', '-q', '-o', zip, '-d', folder).status !== 0) return skip('the aECG schema', 'no XW_DATA/formats or no unzip');
  const schema = path.join(folder, 'hl7', '2003-12 Schema', 'schema', 'PORT_MT020001.xsd');
  const judged = run('xmllint', '--noout', '--nonet', '--schema', schema, file('made_aecg'));
  if (judged.error) skip('the aECG schema', 'no xmllint');
  else check('the aECG is valid by the official schema', judged.status === 0, judged.status === 0 ? '' : judged.stderr.split('\n').slice(-4).join(' | '));
});

await scenario('analysis takes any of them', async () => {
  for (const name of ['made.xml', 'made_scp', 'made_dicom', 'made_edf', 'made_wfdb']) {
    const told = run(path.join(bin, 'xinwang-screen'), '-r', file(name), '--json', '-');
    const beats = told.status === 0 ? Object.values(JSON.parse(told.stdout).beats).reduce((a, b) => a + b, 0) : -1;
    check(`xinwang-screen finds the beats of ${name}`, beats >= 10 && beats <= 13, `${beats} ${told.stderr.trim()}`);
  }
});

await scenario('broken files', async () => {
  const whole = fs.readFileSync(file('made_scp'));
  const flipped = Buffer.from(whole);
  flipped[9000] ^= 4;
  const broken = {
    empty: Buffer.alloc(0),
    text: Buffer.from('no ECG at all, but a text of some length\n'.repeat(20)),
    'half.scp': whole.subarray(0, whole.length / 2),
    'flipped.scp': flipped,
    'half.dcm': fs.readFileSync(file('made_dicom')).subarray(0, 60000),
    'half.edf': fs.readFileSync(file('made_edf')).subarray(0, 60000),
    'half.xml': fs.readFileSync(file('made.xml')).subarray(0, 60000),
    'bomb.xml': Buffer.from('<!DOCTYPE AnnotatedECG [<!ENTITY a "b"><!ENTITY c "&a;&a;">]><AnnotatedECG>&c;</AnnotatedECG>'),
  };
  for (const [name, bytes] of Object.entries(broken)) {
    fs.writeFileSync(file(name), bytes);
    for (const [program, args] of [['xinwang-formats', []], ['xinwang-screen', ['-r']]]) {
      const told = run(path.join(bin, program), ...args, file(name));
      check(`${program} says in one line what is wrong with ${name}`, told.status === 1 && told.stderr.trim().split('\n').length === 1 && told.stderr.length > 30, told.stderr.trim());
    }
  }
});

const samples = process.env.XW_DATA && path.join(process.env.XW_DATA, 'formats', 'triple');
if (samples && fs.existsSync(samples))
  await scenario('one ECG of a real device in three formats', async () => {
    const [scp, dicom, aecg] = ['scp', 'dcm', 'xml'].map((kind) => csv(path.join(samples, `Example.${kind}`)));
    const apart = (a, b) => {
      const column = a[0].map((name) => b[0].indexOf(name));
      return Math.max(...a.slice(1).map((row, i) => Math.max(...row.map((v, c) => Math.abs(v - b[i + 1]?.[column[c]])))));
    };
    check('SCP-ECG, DICOM and aECG agree within 0.1 uV', apart(scp, dicom) <= 0.0001 && apart(scp, aecg) <= 0.0001, `${apart(scp, dicom)} mV, ${apart(scp, aecg)} mV`);
  });
else skip('one ECG of a real device in three formats', 'no XW_DATA/formats');

fs.rmSync(folder, { recursive: true, force: true });
finish();
