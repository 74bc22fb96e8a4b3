// Live pictures from a gateway to browsers: whole, from a key frame on, and never before ECG.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Center, sleep, until, uuidText } from './support.mjs';

const center = new Center();
let feed;
let reader;
let technician;
let probe;
let stream;
const line = (from, key, test = () => true) => until(`${key} of the feed`, () => from.lines.find((one) => key in one && test(one)));
const videos = (socket) => socket.messages.filter((message) => message.kind === 'video');
const metric = async (name) => Number(new RegExp(`^${name} (\\d+)`, 'm').exec((await center.request('/metrics')).bytes.toString())?.[1] ?? -1);
// From the first picture on, every next one is the next frame, or a key frame.
function checkOrder(list) {
  let last = null;
  for (const one of list) {
    if (!last) assert.ok(one.key, 'begins with a key frame');
    else assert.ok((one.frame ?? 0) === (last.frame ?? 0) + 1 || one.key, `${one.frame} after ${last.frame}`);
    assert.ok(one.data.every((byte) => byte === ((one.frame ?? 0) & 255)), 'bytes of another picture');
    if (one.key) assert.equal(one.codec, 'avc1.42C01F');
    last = one;
  }
}

before(async () => {
  await center.start();
  feed = center.feed(['-s', '东镇', '-n', '1']);
  reader = await center.enter('reader');
  stream = await until('the stream', async () => (await reader.get('/api/streams')).json.streams.find((one) => one.live));
  technician = await center.enter('technician');
  feed.say('attach video 3床');
  probe = (await line(feed, 'attachment')).attachment;
  await until('the bed', async () => (await reader.get('/api/beds')).json.beds.some((bed) => bed.bed === '3床'));
  feed.say('film 30000');
});
after(async () => {
  await feed.stop();
  await center.stop();
  center.remove();
});

test('nothing is asked of the gateway until somebody watches, then a key frame', async () => {
  await sleep(500);
  assert.equal(feed.lines.filter((one) => 'want' in one).length, 0);
  const socket = await center.socket(reader).open();
  socket.video(probe);
  assert.deepEqual(await line(feed, 'want'), { want: true, key: true });
  await socket.next('video');
  const before = feed.lines.length;
  await sleep(4500);
  assert.ok(feed.lines.slice(before).filter((one) => one.want === true).length >= 2, 'said again every 2 s');
  socket.video(probe, false);
  await line(feed, 'want', (one) => one.want === false);
  await sleep(300);
  socket.messages.length = 0;
  await sleep(500);
  assert.equal(videos(socket).length, 0);
  socket.end();
});

test('pictures come whole, in order, from a key frame on, with county time', async () => {
  const socket = await center.socket(reader).open();
  socket.video(probe);
  await until('40 pictures', () => videos(socket).length >= 40);
  const list = videos(socket);
  checkOrder(list);
  assert.equal(list[0].attachment, probe);
  assert.equal(list[0].width, 640);
  assert.ok(list.every((one) => one.data.length === 30000));
  for (let i = 1; i < list.length; i++) assert.equal(list[i].frame, list[i - 1].frame + 1);
  assert.ok(Math.abs(list.at(-1).wall / 1000 - Date.now()) < 5000);
  socket.end();
});

test('two browsers share one stream of pictures; a new one asks for one key frame', async () => {
  const one = await center.socket(reader).open();
  const two = await center.socket(technician).open();
  one.video(probe);
  await until('pictures', () => videos(one).length >= 10);
  feed.lines.length = 0;
  two.video(probe);
  await until('pictures of the second', () => videos(two).length >= 10);
  checkOrder(videos(one));
  checkOrder(videos(two));
  assert.ok(feed.lines.filter((each) => each.key).length <= 2);
  feed.lines.length = 0;
  one.end();
  await sleep(500);
  assert.equal(feed.lines.filter((each) => each.want === false).length, 0, 'the other still watches');
  two.end();
  await line(feed, 'want', (each) => each.want === false);
});

test('a lost part costs its picture and what rests on it, then a key frame comes', async () => {
  const socket = await center.socket(reader).open();
  socket.video(probe);
  await until('pictures', () => videos(socket).length >= 5);
  feed.say('lose');
  await sleep(1500);
  const list = videos(socket);
  checkOrder(list);
  const jumps = list.filter((one, i) => i && one.frame !== list[i - 1].frame + 1);
  assert.equal(jumps.length, 1);
  assert.ok(jumps[0].key);
  assert.ok((await metric('xw_center_video_lost_frames_total')) >= 1);
  socket.end();
});

test('a decoder that lost its place gets a key frame', async () => {
  const socket = await center.socket(reader).open();
  socket.video(probe);
  await until('pictures', () => videos(socket).length >= 5);
  await sleep(400);
  socket.messages.length = 0;
  socket.video(probe, true, true);
  await socket.next('video', (one) => one.key, 1500);
  socket.end();
});

test('garbage and what is not its own costs a gateway nothing else', async () => {
  const refused = await metric('xw_center_video_refused_total');
  const socket = await center.socket(reader).open();
  socket.video(probe);
  socket.list();
  await until('pictures', () => videos(socket).length >= 5);
  feed.say('garbage');
  await until('it to be counted', async () => (await metric('xw_center_video_refused_total')) === refused + 3);
  await sleep(300);
  assert.equal(socket.messages.filter((message) => message.kind === 'video_status' && message.attachment !== probe).length, 0);
  checkOrder(videos(socket));
  assert.equal((await reader.get('/api/gateways')).json.gateways[0].linked, true);
  socket.end();
});

test('a state reaches who watches, lists or has just come', async () => {
  const socket = await center.socket(reader).open();
  socket.attachments([probe]);
  await sleep(200);
  feed.say('state 4 no_picture');
  const status = await socket.next('video_status', (message) => message.state === 4);
  assert.equal(status.text, 'no_picture');
  assert.equal(status.label, '探头');
  assert.equal(status.fps, 25);
  assert.ok(Math.abs(status.since / 1000 - Date.now()) < 5000);
  const late = await center.socket(reader).open();
  late.list();
  assert.equal((await late.next('video_status')).state, 4);
  socket.end();
  late.end();
});

test('what is no picture source, or of another site, cannot be watched', async () => {
  const other = center.feed(['-s', '西镇', '-n', '1'], 'gw-02');
  other.say('attach video 1床');
  const far = (await line(other, 'attachment')).attachment;
  await until('the far bed', async () => (await reader.get('/api/beds')).json.beds.some((bed) => bed.site === '西镇' && bed.bed));
  const socket = await center.socket(technician).open();
  for (const id of [far, uuidText(Buffer.alloc(16, 9)), stream.attachment]) {
    socket.video(id);
    assert.equal((await socket.next('fault')).code, 'not_found');
  }
  socket.list();
  socket.attachments([far]);
  other.say('state 3 live');
  await sleep(700);
  assert.equal(socket.messages.filter((message) => message.kind === 'video_status' && message.attachment === far).length, 0);
  socket.end();
  await other.stop();
});

test('watching pictures is opening a patient: audited once each time', async () => {
  const admin = await center.enter('admin');
  const count = async () => (await admin.get('/api/audit?limit=200')).json.entries.filter((one) => one.subject === probe && one.action === 'view').length;
  const before = await count();
  const socket = await center.socket(reader).open();
  socket.video(probe);
  socket.video(probe, true, true);
  socket.video(probe);
  await until('the entry', async () => (await count()) === before + 1);
  await sleep(300);
  assert.equal(await count(), before + 1);
  socket.end();
});

test('a viewer that never reads loses pictures; ECG beside it and other viewers lose nothing', async () => {
  feed.say('film 120000'); // 24 Mbit/s
  const stuck = await center.socket(reader).open();
  const fine = await center.socket(reader).open();
  for (const socket of [stuck, fine]) {
    socket.video(probe);
    socket.watch(stream.id);
  }
  await until('pictures', () => videos(fine).length >= 5);
  stuck.net.pause();
  fine.messages.length = 0;
  const dropped = await metric('xw_center_dropped_pictures_total');
  await sleep(6000);
  assert.ok((await metric('xw_center_dropped_pictures_total')) > dropped + 20);
  assert.equal(fine.messages.filter((message) => message.kind === 'dropped').length, 0);
  const blocks = fine.messages.filter((message) => message.kind === 'blocks').flatMap((message) => message.blocks);
  for (let i = 1; i < blocks.length; i++) assert.equal(blocks[i].first, blocks[i - 1].first + blocks[i - 1].count);
  assert.ok(blocks.length > 100);
  stuck.messages.length = 0;
  stuck.net.resume();
  await sleep(3000);
  const list = videos(stuck);
  assert.ok(list.length > 5);
  // After the jump it goes on with a key frame, and with what is new.
  for (let i = 1; i < list.length; i++) assert.ok(list[i].frame === list[i - 1].frame + 1 || list[i].key);
  assert.ok(Math.abs(list.at(-1).wall / 1000 - Date.now()) < 2000);
  stuck.end();
  fine.end();
  feed.say('film 30000');
});

test('when the link is gone the state says so, and pictures come back by themselves', async () => {
  const socket = await center.socket(reader).open();
  socket.video(probe);
  await until('pictures', () => videos(socket).length >= 5);
  await feed.stop();
  const status = await socket.next('video_status', (message) => message.state === 6, 8000);
  assert.equal(status.text, 'no link to the gateway');
  assert.ok(Math.abs(status.since / 1000 - Date.now()) < 15000);
  const late = await center.socket(reader).open();
  late.video(probe);
  assert.equal((await late.next('video_status')).state, 6);
  socket.messages.length = 0;
  feed = center.feed(['-s', '东镇', '-n', '1']);
  feed.say('attach video 3床');
  feed.say('film 20000');
  await until('pictures again', () => videos(socket).length >= 10, 15000);
  checkOrder(videos(socket));
  feed.say('state 3 on');
  await late.next('video_status', (message) => message.state === 3 && message.text === 'on');
  socket.end();
  late.end();
});
