// The county's own rule list, edited over the API: in force at every gateway within seconds, named
// by findings; a gateway that was away has it on its return; SIGKILL of the county after the answer
// and of a gateway in the middle loses nothing and doubles nothing; mistakes and a second editor are
// told so; a gateway with a list of its own says that it has one.
//   XW_SEED  the seed (printed)
import fs from 'node:fs';
import { check, finish, scenario } from '../support/checks.mjs';
import { Api, County } from '../support/county.mjs';
import { until } from '../support/processes.mjs';
import { readJournal } from '../support/oracle.mjs';
import { briefRecords, judgeRecords, recordsExact } from '../support/records.mjs';

const seed = Number(process.env.XW_SEED ?? 1);
console.log(`seed ${seed}`);
const county = new County({ gateways: 3, gatewayExtra: (id) => (id === 'gw-03' ? '\n[analysis]\ncounty_rules = no\n' : '') });
const patience = { timeoutMs: 40000, stepMs: 200 };
const list = (rate, end) => `[list]\nversion = 1\n[tachycardia]\npriority = medium\nrate_bpm = ${rate}\nend_bpm = ${end}\n[end]\n`;

const admin = () => new Api(county.api.base).enter('admin');
let editor;
const post = async (api, path, body) => {
  const answer = await api.request(path, { method: 'POST', body });
  return { status: answer.status, ...(await answer.json()) };
};
const rulesOf = async (id) => (await county.api.json('/api/gateways')).gateways.find((one) => one.id === id).rules;
const inForce = (id, version) =>
  until(`version ${version} to be in force at ${id}`, async () => {
    const rules = await rulesOf(id);
    return rules?.from === 'county' && rules.version === version && rules.county_version === version && rules.refused === '' && rules;
  }, patience);
const alarms = async () => (await county.api.json('/api/alarms?limit=100')).alarms.filter((alarm) => alarm.code === 'TACHY');
const logOf = (process) => fs.readFileSync(process.logFile, 'utf8');
const taken = (gateway) => [...logOf(gateway.process).matchAll(/rules\.taken version=(\d+) sha256=(\w+) from=county/g)].map((one) => Number(one[1]));

await scenario(
  'the county edits its rule list',
  async () => {
    await county.start();
    const [one, two] = county.gateways;
    county.startSim({ speed: 8, devices: [{ id: 'ecg-1', gateway: `127.0.0.1:${one.devicePort}`, source: { kind: 'synth', rhythm: 'tachy', seed } }] });
    editor = await admin();
    const before = await editor.json('/api/rules');
    check('without a list the defaults are in force', before.list.version === 0 && before.items.every((item) => item.value === item.default) && before.items.length > 30);

    // A list from the page's form is text as well.
    const first = await post(editor, '/api/rules', { text: list(200, 190), based_on: 0, reason: '全县统一' });
    check('the first version is saved', first.status === 200 && first.version === 1 && first.author === 'demo-admin' && first.reason === '全县统一', JSON.stringify(first));
    const at = await Promise.all([inForce('gw-01', 1), inForce('gw-02', 1)]);
    check('both gateways have it in force, by the county\'s own hash', at.every((rules) => rules.hash === first.hash), JSON.stringify(at));
    const own = await until('the third to say how it stands', async () => { const rules = await rulesOf('gw-03'); return rules?.county_version === 1 && rules; }, patience);
    check('a gateway that does not follow has it and says that its own is in force', own.own && own.from === 'defaults' && own.version === 0, JSON.stringify(own));

    await county.liveStreams(1);
    const live = () => readJournal(county.journal).get('ecg-1').streams.at(-1);
    await until('the rate to be known', async () => {
      const answer = await county.api.json(`/api/streams/${live()}/events?first=0&count=${2 ** 40}`);
      return answer.events.filter((event) => event.code === 'HEART_RATE' && event.rate_bpm > 130).length >= 4;
    }, patience);
    check('135 a minute are no alarm where 200 is the limit', (await alarms()).length === 0);

    // Mistakes, two editors, roles.
    const wrong = await post(editor, '/api/rules', { text: list(90, 80), based_on: 1, reason: 'x' });
    check('a mistake is told with line and field, and nothing is saved', wrong.status === 400 && wrong.line === 5 && wrong.field === 'tachycardia.rate_bpm' && /allowed is 100 to 250/.test(wrong.text), JSON.stringify(wrong));
    const judged = await post(editor, '/api/rules/check', { text: list(90, 80) });
    check('a check says the same without saving', judged.status === 200 && !judged.ok && judged.line === 5, JSON.stringify(judged));
    check('without a reason nothing is saved', (await post(editor, '/api/rules', { text: list(120, 100), based_on: 1 })).status === 400);
    check('a reader may look, not save', (await county.api.json('/api/rules')).list.version === 1 && (await post(county.api, '/api/rules', { text: list(120, 100), based_on: 1, reason: 'x' })).status === 403);

    // The second gateway is away; the county is killed as soon as the version is durable.
    two.relay.set('cut');
    const other = await admin();
    const pair = await Promise.all([editor, other].map((api, i) => post(api, '/api/rules', { text: list(120 + i, 100), based_on: 1, reason: `editor ${i}` })));
    const won = pair.find((answer) => answer.status === 200);
    const lost = pair.find((answer) => answer.status !== 200);
    check('of two editors one wins', won?.version === 2 && lost !== undefined, JSON.stringify(pair.map((answer) => answer.status)));
    const late = await post(other, '/api/rules', { text: list(150, 140), based_on: 1, reason: 'too late' });
    check('the other is told who was quicker', late.status === 409 && late.list.version === 2 && late.list.author === 'demo-admin' && late.list.reason === won.reason, JSON.stringify(late));
    await inForce('gw-01', 2);
    await until('the alarm by the new list', async () => (await alarms()).length > 0, patience);
    const [raised] = await alarms();
    check('the finding names the version and its hash', raised.rule_version.endsWith(`/2-${won.hash.slice(0, 8)}`), raised.rule_version);

    // The first gateway dies between its spool and its analysis, the county with its answer.
    await one.process.kill();
    one.process.start({ XW_FAULT: 'rules.settle:after=1' });
    await inForce('gw-01', 2);
    const third = await post(editor, '/api/rules', { text: list(200, 190), based_on: 2, reason: '夜间太吵' });
    await county.center.kill();
    check('the third is answered', third.status === 200 && third.version === 3, JSON.stringify(third));
    county.center.start();
    await county.centerBack();
    await until('the gateway to be killed before it puts the list in force', () => !one.process.running, patience);
    one.process.start();
    const again = await inForce('gw-01', 3);
    check('what the county answered is in force after both were killed', again.hash === third.hash);
    two.relay.set('up');
    const back = await inForce('gw-02', 3);
    check('a gateway that was away has the newest on its return', back.hash === third.hash);
    await until('the alarm to end by it', async () => (await alarms()).some((alarm) => alarm.end), patience);
    check('one alarm was one alarm', (await alarms()).length === 1, JSON.stringify(await alarms()));

    const way = await post(editor, '/api/rules/back', { version: 1, based_on: 3, reason: '恢复' });
    check('the way back is a new version with the old values', way.status === 200 && way.version === 4 && way.back_to === 1 && JSON.stringify(way.values) === JSON.stringify(first.values), JSON.stringify(way));
    check('to a version that never was there is none', (await post(editor, '/api/rules/back', { version: 9, based_on: 4, reason: 'x' })).status === 404);
    await Promise.all([inForce('gw-01', 4), inForce('gw-02', 4)]);
    const history = await county.api.json('/api/rules/history');
    check('the history has every version once, newest first', history.lists.map((entry) => entry.version).join() === '4,3,2,1' && history.next === null, JSON.stringify(history.lists.map((entry) => [entry.version, entry.author, entry.reason])));
    const audit = (await editor.json('/api/audit?limit=100')).entries.filter((entry) => entry.action.startsWith('rules_'));
    check('and the audit who made them', audit.length === 4 && audit.every((entry) => entry.user === 'demo-admin'), JSON.stringify(audit));
    check('at a gateway no version came into force twice but after a kill', taken(two).join() === [...new Set(taken(two))].join(), taken(two).join());
    await county.quiesce();
    await new Promise((resolve) => setTimeout(resolve, 1500));
  },
  { logs: () => county.logs() },
);
const keep = process.env.XW_KEEP;
process.env.XW_KEEP = 'yes';
await county.stop();
if (keep) process.env.XW_KEEP = keep;
else delete process.env.XW_KEEP;
const verdict = judgeRecords(county);
check('every record of the county is in the spool of its gateway, once', recordsExact(verdict), briefRecords(verdict));
if (!keep) fs.rmSync(county.dir, { recursive: true, force: true });
finish();
