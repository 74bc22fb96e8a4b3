// Beds, observations and clips of a gateway as browsers get them.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { after, before, test } from 'node:test';
import { Center, observation, sleep, until } from './support.mjs';

const center = new Center();
let feed;
let other;
let reader;
let technician; // of the first gateway's site
let monitor;
let probe;

const line = (from, key, test = () => true) => until(`${key} of the feed`, () => from.lines.find((one) => key in one && test(one)));
const newest = async (who, id) => (await who.get(`/api/attachments/${id}/observations`)).json.observations;
const window = async (who, id, query) => (await who.get(`/api/attachments/${id}/observations?${query}`)).json;

before(async () => {
  await center.start();
  feed = center.feed(['-s', '东镇', '-n', '1', '-d', `${center.dir}/spool`]);
  reader = await center.enter('reader');
  await until('the stream', async () => (await reader.get('/api/streams')).json.streams[0]?.site === '东镇');
  technician = await center.enter('technician');
  assert.equal(technician.site, '东镇');
  feed.say('attach monitor 3床');
  monitor = (await line(feed, 'attachment')).attachment;
  feed.lines.length = 0;
  feed.say('attach video 3床');
  probe = (await line(feed, 'attachment')).attachment;
});
after(async () => {
  await feed.stop();
  await other?.stop();
  await center.stop();
  center.remove();
});

test('attachments of one bed are one patient, one without a bed is by itself', async () => {
  const beds = await until('the bed', async () => {
    const { beds } = (await reader.get('/api/beds')).json;
    return beds.some((bed) => bed.attachments.length === 2) && beds;
  });
  assert.equal(beds.length, 2);
  const [named, alone] = beds;
  const hash = crypto.createHash('sha256').update(Buffer.concat([Buffer.from('gw-01\0'), Buffer.from('3床')])).digest('hex').slice(0, 32);
  assert.equal(named.id.replaceAll('-', ''), hash);
  assert.equal(named.bed, '3床');
  assert.equal(named.site, '东镇');
  assert.equal(named.demo, true);
  assert.deepEqual(named.attachments.map((one) => [one.kind, one.device, one.attached, one.streams.length, one.clips_n]), [
    ['monitor', 'mon-1', true, 0, 0],
    ['video', 'probe-1', true, 0, 0],
  ]);
  assert.ok(Math.abs(named.attachments[0].since_wall_us / 1000 - Date.now()) < 30000);
  assert.equal(alone.id, alone.attachments[0].id);
  assert.equal(alone.attachments[0].streams.length, 1);
  assert.equal(alone.attachments[0].device, 'ecg-01');
  assert.equal((await reader.get(`/api/beds/${named.id}`)).json.bed, '3床');
  assert.equal((await reader.get(`/api/beds/${crypto.randomUUID()}`)).status, 404);
  assert.equal((await reader.get('/api/beds/nonsense')).status, 404);
});

test('an observation reaches who watches its attachment, and the list', async () => {
  const watching = await center.socket(reader).open();
  const listing = await center.socket(reader).open();
  const idle = await center.socket(reader).open();
  watching.attachments([monitor]);
  listing.list();
  await listing.next('status');
  await sleep(1000);
  feed.say('obs 8867-4 72 0');
  for (const socket of [watching, listing]) {
    const { record } = await socket.next('record', (message) => message.record.type === 13);
    assert.equal(record.origin, 'gw-01');
    assert.equal(record.key.length, 82);
    const seen = observation(record.body);
    assert.equal(seen.code, '8867-4');
    assert.equal(seen.attachment, monitor);
  }
  feed.say('obs 8867-4 60 600000'); // an older one: not for the list
  await watching.next('record', (message) => message.record.type === 13);
  await sleep(300);
  assert.equal(listing.messages.filter((message) => message.record?.type === 13).length, 0);
  assert.equal(idle.messages.filter((message) => message.kind === 'record').length, 0);
  watching.attachments([]);
  await sleep(1000);
  feed.say('obs 8867-4 73 0');
  await listing.next('record', (message) => message.record.type === 13);
  await sleep(1000);
  assert.equal(watching.messages.filter((message) => message.kind === 'record').length, 0);
  for (const socket of [watching, listing, idle]) socket.end();
});

test('the newest of each code; what is absent has no number', async () => {
  feed.say('obs 59408-5 97 0');
  await until('a value', async () => (await newest(reader, monitor)).some((one) => one.code === '59408-5' && one.value === 97));
  feed.say('obs 59408-5 none 0');
  const list = await until('no value', async () => {
    const list = await newest(reader, monitor);
    return list.some((one) => one.absent === 'sentinel') && list;
  });
  assert.equal(list.length, 2);
  const rate = list.find((one) => one.code === '8867-4');
  assert.equal(rate.value, 73);
  assert.ok(Math.abs(rate.wall_us / 1000 - Date.now()) < 30000);
  const spo2 = list.find((one) => one.code === '59408-5');
  assert.equal(spo2.value, null);
  assert.equal(spo2.reported_value, '---');
  const only = (await window(reader, monitor, 'codes=59408-5')).observations;
  assert.deepEqual(only.map((one) => one.code), ['59408-5']);
});

test('a window comes newest first, in pages, every value once', async () => {
  const now = Date.now() * 1000;
  feed.say('many 9279-1 3000 1000');
  const hour = `from_wall_us=${now - 3600e6}&to_wall_us=${now + 60e6}`;
  await until('3,000 observations', async () => {
    const page = await window(reader, monitor, `${hour}&codes=9279-1&limit=1`);
    return page.observations[0]?.value === 0;
  }, 30000);
  await until('the last of them', async () => {
    const page = await window(reader, monitor, `from_wall_us=${now - 3600e6}&to_wall_us=${now - 2990e6}&codes=9279-1`);
    return page.observations.some((one) => one.value === 2999);
  }, 30000);
  const values = [];
  let to = now + 60e6;
  let pages = 0;
  for (let more = true; more; pages++) {
    const page = await window(reader, monitor, `from_wall_us=${now - 3600e6}&to_wall_us=${to}&codes=9279-1&limit=700`);
    values.push(...page.observations.map((one) => one.value));
    more = page.more;
    to = page.next_wall_us;
    assert.equal(more, to !== null);
  }
  assert.equal(pages, 5);
  assert.deepEqual(values, Array.from({ length: 3000 }, (_, i) => i));
  const middle = await window(reader, monitor, `from_wall_us=${now - 2000e6}&to_wall_us=${now - 1000e6}&codes=9279-1`);
  assert.ok(Math.abs(middle.observations.length - 1000) <= 2, `${middle.observations.length}`);
  assert.equal((await reader.get(`/api/attachments/${monitor}/observations?limit=0`)).status, 400);
  assert.equal((await reader.get(`/api/attachments/${monitor}/observations?limit=2001`)).status, 400);
  assert.equal((await reader.get(`/api/attachments/${monitor}/observations?from_wall_us=-1`)).status, 400);
});

test('values of one moment are never cut in two by a page', async () => {
  const now = Date.now() * 1000;
  feed.say('many 1-1 20 0');
  const span = `from_wall_us=${now - 60e6}&to_wall_us=${now + 60e6}&codes=1-1`;
  await until('20', async () => (await window(reader, monitor, span)).observations.length === 20);
  const seen = [];
  let to = now + 60e6;
  for (let more = true; more;) {
    const page = await window(reader, monitor, `from_wall_us=${now - 60e6}&to_wall_us=${to}&codes=1-1&limit=1`);
    seen.push(...page.observations.map((one) => one.value));
    ({ more, next_wall_us: to } = page);
  }
  assert.deepEqual(seen.sort((a, b) => a - b), Array.from({ length: 20 }, (_, i) => i));
});

let clip;
const size = 3000001;
const wanted = (first, end) => Buffer.from(Uint8Array.from({ length: end - first }, (_, i) => ((first + i) * 31 + Math.floor((first + i) / 251)) % 256));

test('a clip is listed from its beginning, and its object is served when it is whole', async () => {
  const socket = await center.socket(reader).open();
  socket.attachments([probe]);
  await sleep(1000);
  feed.say(`clip ${size}`);
  await socket.next('record', (message) => message.record.type === 14);
  ({ clip } = { clip: await line(feed, 'clip') });
  const [one] = await until('the object', async () => {
    const { clips } = (await reader.get(`/api/attachments/${probe}/clips`)).json;
    return clips[0]?.held === size && clips;
  });
  assert.equal(one.id, clip.clip);
  assert.equal(one.sha256, clip.sha256);
  assert.equal(one.size, size);
  assert.equal(one.end, 'stopped');
  assert.equal(one.media_type, 'video/mp4');
  assert.equal(one.end_wall_us - one.start_wall_us, 5000000);
  const answer = await until('it whole', async () => {
    const answer = await reader.get(`/api/objects/${clip.sha256}`);
    return answer.status === 200 && answer;
  }, 30000);
  assert.equal(answer.headers['content-type'], 'video/mp4');
  assert.equal(answer.headers['x-content-type-options'], 'nosniff');
  assert.equal(answer.headers['accept-ranges'], 'bytes');
  assert.equal(answer.headers['content-disposition'], 'attachment');
  assert.match(answer.headers['content-security-policy'], /default-src 'none'; sandbox/);
  assert.equal(answer.bytes.length, size);
  assert.equal(crypto.createHash('sha256').update(answer.bytes).digest('hex'), clip.sha256);
  const { beds } = (await reader.get('/api/beds')).json;
  assert.equal(beds[0].attachments.find((each) => each.id === probe).clips_n, 1);
  socket.end();
});

const part = (range, headers = {}) => center.request(`/api/objects/${clip.sha256}`, { headers: { ...reader.headers, range, ...headers } });
const ranges = [
  ['bytes=0-0', 0, 1],
  ['bytes=1000-300000', 1000, 300001],
  ['bytes=2999990-', 2999990, size],
  ['bytes=-11', size - 11, size],
  ['bytes=2999999-99999999', 2999999, size],
];
for (const [text, first, end] of ranges)
  test(`Range ${text} is answered with exactly that`, async () => {
    const answer = await part(text);
    assert.equal(answer.status, 206);
    assert.equal(answer.headers['content-range'], `bytes ${first}-${end - 1}/${size}`);
    assert.equal(Number(answer.headers['content-length']), end - first);
    assert.ok(answer.bytes.equals(wanted(first, end)));
  });

test('a range beyond the end is 416, what is not understood is ignored', async () => {
  const beyond = await part(`bytes=${size}-`);
  assert.equal(beyond.status, 416);
  assert.equal(beyond.headers['content-range'], `bytes */${size}`);
  assert.equal((await part('bytes=-0')).status, 416);
  for (const text of ['bytes=5-2', 'items=0-1', 'bytes=0-1,5-6', 'bytes=x', 'bytes=99999999999999999999-'])
    assert.equal((await part(text)).status, 200, text);
  const etag = (await part('bytes=0-0')).headers.etag;
  assert.equal((await part('bytes=0-0', { 'if-range': etag })).status, 206);
  assert.equal((await part('bytes=0-0', { 'if-range': '"other"' })).status, 200);
});

test('an object is for who may see what names it, and for nobody by guessing', async () => {
  assert.equal((await technician.get(`/api/objects/${clip.sha256}`)).status, 200);
  assert.equal((await center.request(`/api/objects/${clip.sha256}`)).status, 401);
  assert.equal((await reader.get(`/api/objects/${'0'.repeat(64)}`)).status, 404);
  assert.equal((await reader.get(`/api/objects/${clip.sha256}00`)).status, 404);
  other = center.feed(['-s', '西镇', '-n', '1'], 'gw-02');
  other.say('attach video 1床');
  const far = (await line(other, 'attachment')).attachment;
  other.lines.length = 0;
  other.say('clip 1000');
  const hidden = await line(other, 'sha256');
  await until('the far clip', async () => (await reader.get(`/api/objects/${hidden.sha256}`)).status === 200);
  assert.equal((await technician.get(`/api/objects/${hidden.sha256}`)).status, 404);
  assert.equal((await technician.get(`/api/attachments/${far}/clips`)).status, 404);
  assert.equal((await technician.get(`/api/attachments/${far}/observations`)).status, 404);
  assert.ok((await technician.get('/api/beds')).json.beds.every((bed) => bed.site === '东镇'));
  assert.ok((await reader.get('/api/beds')).json.beds.some((bed) => bed.site === '西镇'));
});

test('studies of recordings and of values name them, and go down to the gateway', async () => {
  feed.lines.length = 0;
  const reason = 'other';
  const film = await reader.post('/api/studies', { attachment: probe, clips: [clip.clip], reason, urgent: true });
  assert.equal(film.status, 200, film.bytes.toString());
  assert.equal(film.json.kind, 'ultrasound');
  assert.equal(film.json.site, '东镇');
  assert.deepEqual(film.json.items, [{ object: clip.sha256, clip: clip.clip }]);
  const vitals = await reader.post('/api/studies', { attachment: monitor, reason });
  assert.equal(vitals.json.kind, 'vitals');
  const keys = (await newest(reader, monitor)).map((one) => one.key);
  assert.deepEqual(new Set(vitals.json.items.map((one) => one.observation)), new Set(keys));
  await until('both at the gateway', () => feed.lines.filter((one) => one.record === 5).length >= 2);
  const bad = [
    [{ attachment: probe, clips: [], reason }, 400],
    [{ attachment: probe, clips: [crypto.randomUUID()], reason }, 400],
    [{ attachment: monitor, clips: [clip.clip], reason }, 400],
    [{ attachment: probe, clips: 'all', reason }, 400],
    [{ attachment: probe, reason }, 400],
    [{ attachment: monitor, reason: 'curiosity' }, 400],
    [{ attachment: crypto.randomUUID(), reason }, 404],
  ];
  for (const [body, status] of bad) assert.equal((await reader.post('/api/studies', body)).status, status, JSON.stringify(body));
  const claimed = await reader.post(`/api/studies/${film.json.id}/state`, { state: 'claimed' });
  assert.equal(claimed.json.state, 'claimed');
  assert.deepEqual(claimed.json.items, film.json.items);
});

test('opening a patient is in the audit, once, without names', async () => {
  const admin = await center.enter('admin');
  const entries = await until('the entries', async () => {
    const { entries } = (await admin.get('/api/audit?limit=200')).json;
    return entries.some((one) => one.subject === clip.sha256) && entries;
  });
  assert.equal(entries.filter((one) => one.subject === clip.sha256 && one.user === 'demo-reader').length, 1);
  assert.equal(entries.filter((one) => one.subject === monitor && one.user === 'demo-reader').length, 1);
});

test('a browser that stops reading an object holds up nobody', async () => {
  feed.say('clip 60000000');
  const big = await line(feed, 'sha256', (one) => one.sha256 !== clip.sha256);
  await until('the big clip', async () => (await reader.get(`/api/attachments/${probe}/clips`)).json.clips[0].held === 60000000, 60000);
  await until('it whole', async () => (await center.request(`/api/objects/${big.sha256}`, { method: 'HEAD', headers: reader.headers })).status === 200);
  const agents = [];
  const http = await import('node:http');
  for (let i = 0; i < 8; i++)
    await new Promise((resolve) => {
      const req = http.get({ host: '127.0.0.1', port: center.port, path: `/api/objects/${big.sha256}`, agent: false, headers: { host: center.host, ...reader.headers } }, (answer) => {
        answer.pause();
        agents.push(req);
        resolve();
      });
    });
  const memory = /^xw_process_resident_bytes (\d+)/m.exec((await center.request('/metrics')).bytes.toString());
  const begun = Date.now();
  assert.equal((await part('bytes=5-9')).status, 206);
  assert.ok(Date.now() - begun < 3000);
  if (memory) assert.ok(Number(memory[1]) < 400e6, `${memory[1]} bytes resident`);
  for (const req of agents) req.destroy();
});

test('a county killed in the middle loses no observation, takes none twice, and ends the object', async () => {
  const now = Date.now() * 1000;
  feed.lines.length = 0;
  feed.say('many 2-2 6000 100');
  feed.say('clip 20000000');
  for (let kills = 0; kills < 3; kills++) {
    await sleep(250);
    center.daemon.child.kill('SIGKILL');
    await center.daemon.exited;
    await center.start();
    reader = await center.enter('reader');
  }
  const { sha256 } = await line(feed, 'sha256');
  const read = async () => {
    const values = [];
    let to = now + 60e6;
    for (let more = true; more;) {
      const page = await window(reader, monitor, `from_wall_us=${now - 3600e6}&to_wall_us=${to}&codes=2-2`);
      values.push(...page.observations.map((one) => one.value));
      ({ more, next_wall_us: to } = page);
    }
    return values;
  };
  const values = await until('all of them', async () => {
    const values = await read();
    return values.length >= 6000 && values;
  }, 60000);
  assert.deepEqual(values, Array.from({ length: 6000 }, (_, i) => i));
  const answer = await until('the object', async () => {
    const answer = await reader.get(`/api/objects/${sha256}`);
    return answer.status === 200 && answer;
  }, 120000);
  assert.equal(crypto.createHash('sha256').update(answer.bytes).digest('hex'), sha256);
});

test('after a restart of the county everything is there again', async () => {
  await center.daemon.stop();
  await center.start();
  reader = await center.enter('reader');
  const { clips } = (await reader.get(`/api/attachments/${probe}/clips`)).json;
  assert.equal(clips.length, 3);
  const list = await newest(reader, monitor);
  assert.deepEqual(new Set(list.map((one) => one.code)), new Set(['8867-4', '59408-5', '9279-1', '1-1', '2-2']));
  assert.equal(list.find((one) => one.code === '9279-1').value, 0);
  assert.equal((await part('bytes=0-9')).status, 206);
  await until('the bed', async () => (await reader.get('/api/beds')).json.beds.some((bed) => bed.bed === '3床' && bed.attachments.length === 2));
});
