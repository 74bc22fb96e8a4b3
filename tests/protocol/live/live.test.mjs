// The live socket: who gets one, what comes over it, and what a bad message does.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Center, expected, lengthDelimited, samplesOf, sleep, uuidText } from './support.mjs';

const center = new Center();
let feed;
let reader;
let streams;
before(async () => {
  await center.start();
  feed = center.feed(['-s', '东镇', '-n', '2']);
  reader = await center.enter('reader');
  for (let i = 0; i < 100 && !(streams?.length === 2); i++) {
    await sleep(100);
    streams = (await reader.get('/api/streams')).json.streams.filter((one) => one.live);
  }
  assert.equal(streams.length, 2);
  // In the order of the feed: its samples depend on it.
  const order = feed.lines.filter((line) => line.stream).map((line) => line.stream);
  streams.sort((a, b) => order.indexOf(a.id) - order.indexOf(b.id));
});
after(async () => {
  await feed.stop();
  await center.stop();
  center.remove();
});

test('only a signed-in page of ours gets a live socket', async () => {
  const { cookie } = reader;
  assert.equal(await center.socket({}).refused(), 401);
  assert.equal(await center.socket({ cookie: `xw_session=${'0'.repeat(64)}` }).refused(), 401);
  assert.equal(await center.socket({ cookie, origin: 'http://evil.example' }).refused(), 403);
  assert.equal(await center.socket({ cookie, origin: null }).refused(), 403);
  assert.equal(await center.socket({ cookie, origin: `https://${center.host}` }).refused(), 403);
  assert.equal(await center.socket({ cookie, host: 'evil.example', origin: 'http://evil.example' }).refused(), 403);
  assert.equal(await center.socket({ cookie, path: '/other' }).refused(), 404);
  assert.notEqual(await center.socket({ cookie, protocol: 'xw-live-9' }).refused(), 101);
  assert.notEqual(await center.socket({ cookie, protocol: null }).refused(), 101);
});

test('hello comes first, a ping is answered with county time', async () => {
  const socket = await center.socket(reader).open();
  const hello = await socket.next('hello');
  assert.equal(hello.version, 1);
  assert.equal(hello.demo, 1);
  assert.ok(Math.abs(hello.wall / 1000 - Date.now()) < 5000);
  socket.ping(12345);
  const pong = await socket.next('pong');
  assert.equal(pong.client, 12345);
  socket.end();
});

test('a watched stream brings every sample once, in order and right', async () => {
  const socket = await center.socket(reader).open();
  const [{ id }] = streams;
  while ((await reader.get(`/api/streams/${id}`)).json.newest < 1000) await sleep(100);
  socket.watch(id, 1000);
  const { liveFirst, known } = await socket.next('stream');
  assert.ok(known.length >= 1);
  await sleep(3000);
  const blocks = socket.messages.filter((message) => message.kind === 'blocks').flatMap((message) => message.blocks);
  assert.equal(socket.messages.filter((message) => message.kind === 'dropped').length, 0);
  let next = liveFirst;
  for (const one of blocks) {
    assert.equal(one.stream, id);
    assert.equal(one.first, next);
    samplesOf(one, 12).forEach((sample, i) => sample.forEach((value, channel) => assert.equal(value, expected(0, channel, one.first + i))));
    next += one.count;
  }
  const seconds = (next - liveFirst) / 500;
  assert.ok(seconds > 3.5 && seconds < 4.6, `${seconds} s came in 3 s after 1 s of history`);
  socket.end();
});

test('the list brings the status of all streams and gateways each second', async () => {
  const socket = await center.socket(reader).open();
  socket.list();
  const first = await socket.next('status');
  const second = await socket.next('status', (message) => message.wall > first.wall);
  const of = (message, id) => message.streams.find((one) => one.stream === id);
  for (const { id } of streams) {
    assert.equal(of(second, id).live, 1);
    assert.ok(of(second, id).newest > of(first, id).newest);
    // Capture time of the newest sample: the age of what is shown.
    assert.ok(Math.abs(second.wall - of(second, id).wall) < 1e6, 'younger than a second');
  }
  assert.deepEqual(second.gateways.map((one) => [one.id, one.linked]), [['gw-01', 1]]);
  socket.list(false);
  await sleep(200);
  socket.messages.length = 0;
  await sleep(1500);
  assert.equal(socket.messages.filter((message) => message.kind === 'status').length, 0);
  socket.end();
});

test('an alarm reaches the list, is acknowledged once, and goes back to its gateway', async () => {
  const socket = await center.socket(reader).open();
  socket.list();
  feed.say('alarm 1 77');
  const { record } = await socket.next('record', (message) => message.record.type === 1);
  assert.equal(record.key.slice(0, 32), streams[1].id.replaceAll('-', ''));
  await socket.next('status', (message) => message.streams.some((one) => one.stream === streams[1].id && one.alarm === 3 && one.code === 'VF'));
  const { alarms } = (await reader.get('/api/alarms?limit=10')).json;
  assert.equal(alarms[0].key, record.key);
  assert.equal(alarms[0].acked_by, null);
  const [one, two] = await Promise.all([reader.post(`/api/alarms/${record.key}/ack`), reader.post(`/api/alarms/${record.key}/ack`)]);
  assert.deepEqual([one.status, two.status].sort(), [200, 503]);
  const third = await reader.post(`/api/alarms/${record.key}/ack`);
  assert.equal(third.status, 200);
  assert.equal(third.json.acked_by, 'demo-reader');
  await socket.next('record', (message) => message.record.type === 8);
  await socket.next('status', (message) => message.streams.some((s) => s.stream === streams[1].id && !s.alarm));
  for (let i = 0; i < 50 && !feed.lines.some((line) => line.record === 8); i++) await sleep(100);
  assert.equal(feed.lines.filter((line) => line.record === 8 && line.key === `6b${record.key}`).length, 1);
  assert.equal((await reader.post('/api/alarms/00/ack')).status, 404);
  socket.end();
});

test('a provisional beat reaches who watches its stream', async () => {
  const socket = await center.socket(reader).open();
  socket.watch(streams[0].id);
  await socket.next('stream');
  feed.say('beat 0 5');
  const { record } = await socket.next('record', (message) => message.record.type === 1);
  assert.equal(record.revision ?? 0, 0);
  socket.end();
});

test('a technician sees his site alone', async () => {
  const other = center.feed(['-s', '西镇', '-n', '1'], 'gw-02');
  for (let i = 0; i < 50 && (await reader.get('/api/gateways')).json.gateways.length < 2; i++) await sleep(100);
  for (let i = 0; i < 50 && (await reader.get('/api/streams')).json.streams.length < 3; i++) await sleep(100);
  const technician = await center.enter('technician');
  assert.equal(technician.site, '东镇');
  const seen = (await technician.get('/api/streams')).json.streams;
  assert.deepEqual(new Set(seen.map((one) => one.site)), new Set(['东镇']));
  assert.equal(seen.length, 2);
  const all = (await reader.get('/api/streams')).json.streams;
  const hidden = all.find((one) => one.site === '西镇');
  assert.equal((await technician.get(`/api/streams/${hidden.id}`)).status, 404);
  assert.equal((await technician.get(`/api/streams/${hidden.id}/samples?first=0&count=10`)).status, 404);
  assert.equal((await technician.get(`/api/streams/${hidden.id}/reading`)).status, 404);
  assert.deepEqual((await technician.get('/api/gateways')).json.gateways.map((one) => one.id), ['gw-01']);
  const socket = await center.socket(technician).open();
  socket.watch(hidden.id);
  assert.equal((await socket.next('fault')).code, 'not_found');
  socket.list();
  const status = await socket.next('status');
  assert.ok(status.streams.every((one) => one.gateway === 'gw-01'));
  socket.end();
  await other.stop();
});

const bad = [
  ['no message at all', (socket) => socket.frame(Buffer.from('not protobuf, certainly not')), 1002],
  ['a length beyond its end', (socket) => socket.frame(Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x07])), 1002],
  ['an id of 15 bytes', (socket) => socket.frame(lengthDelimited(1, lengthDelimited(1, Buffer.alloc(15)))), 1002],
  ['text', (socket) => socket.frame(Buffer.from('{}'), 1), 1003],
  ['5,000 bytes', (socket) => socket.frame(Buffer.alloc(5000, 8)), 1009],
  ['endless fragments', (socket) => { for (let i = 0; i < 100; i++) socket.frame(Buffer.alloc(100, 8), i ? 0 : 2, false); }, 1009],
  ['a thousand pings', (socket) => { for (let i = 0; i < 1000; i++) socket.ping(i); }, 1008],
];
for (const [what, send, code] of bad) {
  test(`${what}: closed with ${code}, others go on`, async () => {
    const good = await center.socket(reader).open();
    const socket = await center.socket(reader).open();
    await socket.next('hello');
    good.watch(streams[0].id);
    send(socket);
    const fault = await socket.next('fault');
    assert.ok(fault.text);
    await Promise.race([socket.gone, sleep(3000)]);
    assert.equal(socket.closed?.code, code);
    await good.next('blocks');
    good.end();
    socket.end();
  });
}

test('frames that break WebSocket itself end the socket and nothing else', async () => {
  const socket = await center.socket(reader).open();
  socket.net.write(Buffer.from([0xff, 0xff, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]));
  await Promise.race([socket.gone, sleep(5000)]);
  assert.ok(socket.net.destroyed || socket.closed);
  assert.equal((await center.request('/healthz')).status, 200);
});

test('an unknown message and an unknown stream harm nobody', async () => {
  const socket = await center.socket(reader).open();
  socket.frame(lengthDelimited(31, Buffer.from('later versions')));
  socket.watch(uuidText(Buffer.alloc(16, 9)));
  assert.equal((await socket.next('fault')).code, 'not_found');
  socket.ping(1);
  await socket.next('pong');
  socket.end();
});

test('the socket of an ended session is closed', async () => {
  const other = await center.enter('admin');
  const socket = await center.socket(other).open();
  await socket.next('hello');
  await other.post('/api/logout');
  assert.equal((await socket.next('fault', () => true, 5000)).code, 'unauthorized');
  assert.notEqual(await Promise.race([socket.gone, sleep(3000, 'still there')]), 'still there');
});

test('a browser that does not read is told what it missed, and the newest comes', async () => {
  const socket = await center.socket(reader).open();
  for (const { id } of streams) socket.watch(id);
  await socket.next('blocks');
  socket.net.pause();
  // The kernels of both ends hold some: more than that must be made, within the 15 s of the pings.
  const stuffed = center.feed(['-s', '北村', '-n', '24', '--hz', '1000', '--epoch', '9'], 'gw-02');
  try {
    let many = [];
    for (let i = 0; i < 100 && many.length < 24; i++) {
      await sleep(100);
      many = (await reader.get('/api/streams')).json.streams.filter((one) => one.gateway === 'gw-02' && one.live);
    }
    for (const { id } of many) socket.watch(id);
    await sleep(8000);
    socket.messages.length = 0;
    socket.net.resume();
    // How soon depends on what else this machine does; that it comes to the present does not.
    let behind = Infinity;
    for (let i = 0; i < 120 && behind >= 1000; i++) {
      await sleep(250);
      const blocks = socket.messages.filter((m) => m.kind === 'blocks').flatMap((m) => m.blocks);
      const newest = Math.max(...blocks.filter((b) => b.stream === many[0].id).map((b) => b.first + b.count));
      behind = (await reader.get(`/api/streams/${many[0].id}`)).json.newest - newest;
    }
    assert.ok(socket.messages.some((message) => message.kind === 'dropped'), 'told as dropped');
    assert.ok(behind < 1000, `the newest block is ${behind} samples behind`);
  } finally {
    socket.end();
    await stuffed.stop();
  }
});
