// What the county makes of what its gateways send: ranges, healing, studies, link loss, the demo.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { Center, expected, sampleRange, samplesOf, sleep, until } from './support.mjs';

const center = new Center();
const asked = [];
let answerOf = () => ({ ok: true });
let supervisor;
let feed;
let reader;
let stream;

const live = async (id) => (await reader.get(`/api/streams/${id}`)).json;
const spool = ['-d', `${center.dir}/spool`, '-s', '东镇', '-n', '1'];

before(async () => {
  await center.start();
  supervisor = net.createServer((socket) => {
    let text = '';
    socket.on('error', () => {});
    socket.on('data', (data) => {
      text += data;
      if (!text.includes('\n')) return;
      asked.push(JSON.parse(text));
      const answer = answerOf(asked.at(-1));
      if (answer) socket.end(typeof answer === 'string' ? answer : `${JSON.stringify(answer)}\n`);
    });
  });
  supervisor.listen(`${center.dir}/control.sock`);
  feed = center.feed(spool);
  reader = await center.enter('reader');
  stream = await until('the stream', () => feed.lines.find((line) => line.stream)?.stream);
  await until('the stream to be live', async () => (await live(stream)).live);
});
after(async () => {
  await feed.stop();
  await center.stop();
  supervisor.close();
  center.remove();
});

test('samples by range are the samples that were made', async () => {
  await until('two seconds', async () => (await reader.get(`/api/streams/${stream}/ranges`)).json.known?.[0]?.count >= 1000);
  const answer = await reader.get(`/api/streams/${stream}/samples?first=100&count=700`);
  assert.equal(answer.headers['content-type'], 'application/x-protobuf');
  const got = sampleRange(answer.bytes);
  assert.equal(got.next, 800);
  assert.deepEqual(got.unknown, []);
  let next = got.blocks[0].first;
  assert.ok(next <= 100);
  for (const block of got.blocks) {
    assert.equal(block.first, next);
    samplesOf(block, 12).forEach((sample, i) => sample.forEach((value, channel) => assert.equal(value, expected(0, channel, block.first + i))));
    next += block.count;
  }
  assert.ok(next >= 800);
  const json = (await reader.get(`/api/streams/${stream}/samples?first=100&count=50&format=json`)).json;
  assert.equal(json.channels.length, 12);
  json.channels.forEach((values, channel) => values.forEach((value, i) => assert.equal(value, expected(0, channel, 100 + i))));
  const future = sampleRange((await reader.get(`/api/streams/${stream}/samples?first=100000000&count=10`)).bytes);
  assert.deepEqual(future.unknown, [{ first: 100000000, count: 10 }]);
});

test('impossible ranges are refused', async () => {
  for (const args of ['', 'first=0', 'first=0&count=0', 'first=-1&count=5', 'first=1e3&count=5', 'first=0&count=99999999999999999999', 'first=0&count=60000&format=json'])
    assert.equal((await reader.get(`/api/streams/${stream}/samples?${args}`)).status, 400, args);
  assert.equal((await reader.get('/api/streams/nonsense/samples?first=0&count=5')).status, 404);
  assert.equal((await reader.get(`/api/streams/${stream}/events?first=0&count=5&kinds=beat,nonsense`)).status, 400);
  assert.equal((await reader.get(`/api/streams/${stream}/anchors?index=x`)).status, 400);
});

test('ten seconds are measured from what is stored, up to its last sample', async () => {
  const ranges = async () => (await reader.get(`/api/streams/${stream}/ranges`)).json.known?.[0];
  await until('ten seconds', async () => (await ranges())?.count >= 5000, 60000);
  const before = await ranges();
  const answer = await reader.get(`/api/streams/${stream}/reading`);
  assert.equal(answer.status, 200);
  assert.equal(answer.json.samples, 5000);
  assert.ok(answer.json.from_sample + 5000 >= before.first + before.count);
  assert.deepEqual(answer.json.holes, []);
  assert.ok(['acceptable', 'limited', 'unacceptable'].includes(answer.json.verdict));
  assert.equal(answer.json.leads.length, 12);
  const chosen = (await reader.get(`/api/streams/${stream}/reading?from=10&count=4600`)).json;
  assert.deepEqual([chosen.from_sample, chosen.samples], [10, 4600]);
});

test('a reading of what cannot be read is refused', async () => {
  for (const args of ['from=x', 'from=-1', 'from=0&count=x', 'from=0&count=6000'])
    assert.equal((await reader.get(`/api/streams/${stream}/reading?${args}`)).status, 400, args);
  for (const args of ['from=100000000', 'from=0&count=4499', 'from=0&count=0'])
    assert.equal((await reader.get(`/api/streams/${stream}/reading?${args}`)).status, 404, args);
  assert.equal((await reader.get('/api/streams/nonsense/reading')).status, 404);
});

test('a recorded gap has its reason, live and by range', async () => {
  const socket = await center.socket(reader).open();
  socket.watch(stream);
  await socket.next('blocks');
  feed.say('gap 0 250');
  // A socket that was not served for two seconds is told the range instead, to be fetched: never neither.
  const told = (gap) => socket.messages.some(({ kind, gaps, range }) =>
    (kind === 'blocks' && gaps.some((one) => one.first === gap.first && one.count === 250 && one.reason === 2)) ||
    (kind === 'dropped' && range.first <= gap.first && range.first + range.count >= gap.first + 250));
  await until('the gap to be durable, and told live', async () => {
    const { gaps } = (await reader.get(`/api/streams/${stream}/ranges`)).json;
    const gap = gaps.find(({ count, reason }) => count === 250 && reason === 'not_captured');
    return gap && told(gap);
  });
  socket.end();
});

test('events and alarms come with county time', async () => {
  feed.say('alarm 0 5');
  const events = await until('the alarm', async () => {
    const { json } = await reader.get(`/api/streams/${stream}/events?first=0&count=100000000&kinds=alarm`);
    return json.events.length && json.events;
  });
  assert.equal(events[0].code, 'VF');
  assert.equal(events[0].priority, 'high');
  assert.equal(events[0].end, null);
  assert.ok(Math.abs(events[0].wall_us / 1000 - Date.now()) < 10000);
  feed.say('end 0 5');
  await until('its end', async () => (await reader.get('/api/alarms?limit=1')).json.alarms[0].end > 0);
  const { json } = await reader.get(`/api/streams/${stream}/anchors?index=100`);
  assert.equal(json.before.index, 0);
});

test('a study goes its way, and only its way', async () => {
  const create = (body) => reader.post('/api/studies', { stream, first: 0, count: 500, reason: 'chest_pain', urgent: true, ...body });
  assert.equal((await create({ reason: 'curiosity' })).status, 400);
  assert.equal((await create({ count: 0 })).status, 400);
  assert.equal((await create({ first: 1e12 })).status, 400);
  assert.equal((await create({ stream: '00000000-0000-0000-0000-000000000000' })).status, 404);
  const made = await create({});
  assert.equal(made.status, 200);
  assert.equal(made.json.state, 'captured');
  assert.equal(made.json.site, '东镇');
  const step = (who, state) => who.post(`/api/studies/${made.json.id}/state`, { state, reason: '' });
  const technician = await center.enter('technician');
  const village = await center.enter('village');
  assert.equal((await step(reader, 'signed')).status, 409);
  assert.equal((await step(reader, 'nonsense')).status, 400);
  assert.equal((await step(technician, 'claimed')).status, 403);
  const claims = await Promise.all([step(reader, 'claimed'), step(reader, 'claimed')]);
  assert.deepEqual(claims.map((one) => one.status).sort(), [200, 409]);
  assert.equal((await step(technician, 'cancelled')).status, 409);
  for (const state of ['reported', 'signed', 'released']) assert.equal((await step(reader, state)).json.state, state);
  assert.equal((await step(reader, 'seen')).status, 403);
  const seen = await step(village, 'seen');
  assert.equal(seen.json.state, 'seen');
  assert.deepEqual(seen.json.changes.map((one) => one.what).filter((what) => !what.startsWith('ignored')), ['created', 'claimed', 'reported', 'signed', 'released', 'seen']);
  assert.equal((await reader.get(`/api/studies/${made.json.id}`)).json.id, made.json.id);
  assert.equal((await reader.get('/api/studies/00000000-0000-7000-8000-000000000000')).status, 404);
  assert.equal((await reader.get('/api/studies?before=x')).status, 400);
  assert.ok((await reader.get('/api/studies?state=seen')).json.studies.some((one) => one.id === made.json.id));
  // Every change went down to the gateway that owns the stream.
  await until('the changes at the gateway', () => feed.lines.filter((line) => line.record === 5).length >= 6);
});

test('a study born at the site arrives, pinned to its stream', async () => {
  feed.say('study 0');
  const study = await until('the study', async () => (await reader.get('/api/studies?state=captured')).json.studies.find((one) => one.author === 'gw-01'));
  assert.equal(study.items[0].stream, stream);
  assert.equal((await reader.post(`/api/studies/${study.id}/state`, { state: 'claimed' })).json.claimed_by, 'demo-reader');
});

test('a lost link is a technical alarm; what was made meanwhile heals', async () => {
  const socket = await center.socket(reader).open();
  socket.list();
  socket.watch(stream);
  await socket.next('blocks');
  const before = (await live(stream)).newest;
  // The gateway dies; its spool has more than the county by then.
  feed.child.kill('SIGKILL');
  await feed.exited;
  const lost = await socket.next('record', (one) => one.record.type === 12, 10000);
  assert.equal(lost.record.origin, 'county');
  const lostLink = async () => (await reader.get('/api/alarms')).json.technical.find((a) => a.code === 'link_lost');
  await until('the alarm', async () => (await lostLink()) !== undefined, 10000);
  assert.equal((await lostLink()).subject, 'gw-01');
  assert.equal((await lostLink()).to_wall_us, null);
  await socket.next('status', (one) => one.gateways.some((gateway) => gateway.id === 'gw-01' && !gateway.linked));
  await socket.next('status', (one) => one.streams.some((s) => s.stream === stream && !s.live));
  feed = center.feed(spool);
  await until('the link to be back', async () => (await lostLink()).to_wall_us !== null, 15000);
  await until('the stream to be live again', async () => (await live(stream)).newest > before + 500);
  await until('every sample to be known', async () => {
    const { known } = (await reader.get(`/api/streams/${stream}/ranges`)).json;
    return known.length === 1;
  });
  socket.end();
});

test('samples made while the county was away come back, and a watcher is told', async () => {
  const { newest } = await live(stream);
  await center.stop();
  await sleep(2500);
  await center.start();
  await until('the stream to be live', async () => (await live(stream))?.live, 15000);
  const socket = await center.socket(reader).open();
  socket.watch(stream, 0);
  await until('what was made meanwhile', async () => {
    const { known } = (await reader.get(`/api/streams/${stream}/ranges`)).json;
    return known.length === 1 && known[0].count > newest + 1000;
  }, 20000);
  const got = sampleRange((await reader.get(`/api/streams/${stream}/samples?first=${newest}&count=1000`)).bytes);
  assert.deepEqual(got.unknown, []);
  // The acknowledged alarm, the studies and the session are still there after the restart.
  assert.equal((await reader.get('/api/me')).json.user, 'demo-reader');
  assert.ok((await reader.get('/api/studies')).json.studies.length >= 2);
  assert.ok((await reader.get('/api/alarms')).json.alarms.length >= 1);
  socket.end();
});

test('the console asks the supervisor, and says when it does not answer', async () => {
  answerOf = (ask) =>
    ask.action === 'state'
      ? { ok: true, gateways: [{ id: 'gw-01', site: '东镇', link: 'up', running: true }], patients: [{ id: 'p', device: 'ecg-01', gateway: 'gw-01' }], actions: ['cut', 'heal'] }
      : ask.target === 'unknown'
        ? { error: 'no such target' }
        : { ok: true };
  const demo = (await center.request('/api/demo')).json;
  assert.equal(demo.demo, true);
  assert.deepEqual(demo.actions, ['cut', 'heal']);
  assert.deepEqual(demo.steps.map((step) => step.id), ['device_live', 'opened', 'alarm', 'acked', 'cut_seen', 'healed']);
  await until('the first step', async () => (await center.request('/api/demo')).json.steps.find((step) => step.id === 'device_live').done);
  assert.equal((await reader.post('/api/demo/action', { action: 'cut', target: 'gw-01' })).status, 200);
  assert.deepEqual(asked.at(-1), { action: 'cut', target: 'gw-01' });
  assert.equal((await reader.post('/api/demo/action', { action: 'cut', target: 'unknown' })).status, 409);
  for (const action of ['ctg_loss', 'ctg_decel', 'ctg_normal', 'spo2_off', 'desat', 'vitals_normal', 'video_unplug', 'video_normal']) {
    await reader.post('/api/demo/action', { action, target: 'probe-1' });
    assert.deepEqual(asked.at(-1), { action, target: 'probe-1' });
  }
  assert.equal((await reader.post('/api/demo/action', { action: 'rm', target: 'gw-01' })).status, 400);
  answerOf = () => null;
  assert.equal((await reader.post('/api/demo/action', { action: 'cut', target: 'gw-01' })).status, 503);
  answerOf = () => 'not json\n';
  assert.equal((await reader.post('/api/demo/action', { action: 'cut', target: 'gw-01' })).status, 503);
  assert.equal((await center.request('/api/demo')).json.demo, true);
  assert.equal((await center.request('/api/demo/enter', { method: 'POST', body: { role: 'king' } })).status, 400);
});

test('every view, acknowledgement and study change is in the audit', async () => {
  const admin = await center.enter('admin');
  const entries = [];
  for (let before = ''; ; ) {
    const page = (await admin.get(`/api/audit?limit=50${before}`)).json;
    entries.push(...page.entries);
    if (!page.more) break;
    before = `&before=${page.entries.at(-1).id}`;
  }
  const actions = new Set(entries.map((entry) => entry.action));
  for (const action of ['login', 'view', 'export', 'study_create', 'study_state', 'demo']) assert.ok(actions.has(action), action);
  assert.equal(new Set(entries.map((entry) => entry.id)).size, entries.length);
  assert.ok(entries.some((entry) => entry.action === 'view' && entry.subject === stream && entry.user === 'demo-reader'));
});

test('a gateway that another authority signed gets nowhere', async () => {
  const stranger = new Center();
  fs.cpSync(`${center.certs}/ca.pem`, `${stranger.certs}/ca.pem`);
  stranger.linkPort = center.linkPort;
  const intruder = stranger.feed(['-s', '东镇'], 'gw-02');
  await sleep(2000);
  assert.ok(!intruder.lines.some((line) => line.linked));
  assert.ok(!(await reader.get('/api/gateways')).json.gateways.some((one) => one.id === 'gw-02' && one.linked));
  await intruder.stop();
  stranger.remove();
});
