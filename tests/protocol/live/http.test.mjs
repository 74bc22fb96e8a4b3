// HTTP of the county: who gets in, what is refused, and that nothing leads out of the pages' folder.
import assert from 'node:assert/strict';
import http from 'node:http';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { Center, sleep } from './support.mjs';

const center = new Center();
let chief;
before(() => center.start({ demo: false }));
after(async () => {
  await center.stop();
  center.remove();
});

test('a user is made over the admin socket and signs in', async () => {
  center.admin(['user', 'add', 'li', '--name', '李医生', '--role', 'reader'], 'a good password\n');
  const list = JSON.parse(center.admin(['user', 'list']));
  assert.deepEqual(list.users, [{ user: 'li', name: '李医生', role: 'reader', site: '', disabled: false }]);
  const li = await center.login('li', 'a good password');
  assert.equal(li.role, 'reader');
  assert.equal(li.name, '李医生');
  assert.match(li.setCookie, /HttpOnly/);
  assert.match(li.setCookie, /SameSite=Strict/);
  assert.match(li.setCookie, /Path=\//);
  const me = await li.get('/api/me');
  assert.equal(me.json.user, 'li');
  assert.equal(me.json.csrf, li.csrf);
});

test('without a session there is nobody, and nothing but the open pages', async () => {
  assert.deepEqual((await center.request('/api/me')).json, { user: null, demo: false });
  for (const path of ['/api/streams', '/api/alarms', '/api/studies', '/api/gateways', '/api/audit', '/api/streams/x/samples']) {
    const answer = await center.request(path);
    assert.equal(answer.status, 401, path);
    assert.equal(answer.json.error, 'unauthorized');
  }
  assert.equal((await center.request('/healthz')).status, 200);
  assert.equal((await center.request('/')).status, 200);
  assert.equal((await center.request('/api/demo')).json.demo, false);
  assert.equal((await center.request('/api/demo/enter', { method: 'POST', body: { role: 'reader' } })).status, 404);
  const forged = await center.request('/api/me', { headers: { cookie: `xw_session=${'0'.repeat(64)}` } });
  assert.equal(forged.json.user, null);
});

test('a change needs the token of its session and comes from our own page', async () => {
  const li = await center.login('li', 'a good password');
  const logout = (headers) => center.request('/api/logout', { method: 'POST', headers: { cookie: li.cookie, ...headers }, body: {} });
  assert.equal((await logout({})).status, 403);
  assert.equal((await logout({ 'x-xinwang-csrf': 'f'.repeat(64) })).status, 403);
  assert.equal((await logout({ 'x-xinwang-csrf': li.csrf, origin: 'http://evil.example' })).status, 403);
  assert.equal((await logout({ 'x-xinwang-csrf': li.csrf, origin: `http://${center.host}` })).status, 200);
  assert.equal((await li.get('/api/me')).json.user, null);
});

test('a role sees only its own pages', async () => {
  const li = await center.login('li', 'a good password');
  assert.equal((await li.get('/api/audit')).status, 403);
  center.admin(['user', 'add', 'chief', '--role', 'admin'], 'another password\n');
  chief = await center.login('chief', 'another password');
  const { status, json } = await chief.get('/api/audit?limit=50');
  assert.equal(status, 200);
  const actions = json.entries.map((entry) => entry.action);
  for (const action of ['login', 'logout', 'user_add']) assert.ok(actions.includes(action), action);
  for (let i = 1; i < json.entries.length; i++) assert.ok(json.entries[i - 1].wall_us >= json.entries[i].wall_us);
  const rest = (await chief.get(`/api/audit?before=${json.entries[0].id}&limit=1`)).json;
  assert.equal(rest.entries[0].id, json.entries[1].id);
  assert.equal(rest.more, true);
});

test('a new password and a disabled user end the session', async () => {
  let li = await center.login('li', 'a good password');
  center.admin(['user', 'passwd', 'li'], 'a better password\n');
  assert.equal((await li.get('/api/streams')).status, 401);
  li = await center.login('li', 'a better password');
  center.admin(['user', 'disable', 'li']);
  assert.equal((await li.get('/api/streams')).status, 401);
  center.admin(['user', 'enable', 'li']);
  li = await center.login('li', 'a better password');
  assert.equal((await li.get('/api/streams')).status, 200);
  assert.throws(() => center.admin(['user', 'passwd', 'nobody'], 'whatever it is\n'));
});

test('the sixth wrong password within a minute is answered 429', async () => {
  center.admin(['user', 'add', 'wang', '--role', 'reader'], 'a good password\n');
  for (let i = 0; i < 5; i++) {
    const answer = await center.request('/api/login', { method: 'POST', body: { user: 'wang', password: 'wrong password' } });
    assert.equal(answer.status, 401);
  }
  const answer = await center.request('/api/login', { method: 'POST', body: { user: 'wang', password: 'a good password' } });
  assert.equal(answer.status, 429);
  assert.equal(answer.json.error, 'too_many');
});

test('bad bodies are refused with a reason', async () => {
  const login = (body) => center.request('/api/login', { method: 'POST', body });
  for (const body of ['', '{', '[]', '{"user":"li"}', '{"user":1,"password":"x"}', `{"user":"${'x'.repeat(100)}","password":"y"}`, '{"user":"li","user":"li","password":"x"}', '[[[[[[[[[[[[[[[[[[[[', '\xff\xfe']) {
    const answer = await login(body);
    assert.equal(answer.status, 400, body);
    assert.equal(answer.json.error, 'bad_request');
  }
  assert.equal((await login('x'.repeat(65537))).status, 413);
});

test('requests that are no requests are answered or closed', async () => {
  const head = `Host: ${center.host}\r\n`;
  assert.match(await center.raw(`POST /api/login HTTP/1.1\r\n${head}\r\n`), /^HTTP\/1\.1 400/);
  assert.match(await center.raw(`POST /api/login HTTP/1.1\r\n${head}Content-Length: -5\r\n\r\n`), /^(HTTP\/1\.1 400|)/);
  assert.match(await center.raw(`POST /api/login HTTP/1.1\r\n${head}Content-Length: 99999999999\r\n\r\n`), /^(HTTP\/1\.1 4|)/);
  assert.match(await center.raw(`DELETE /api/streams HTTP/1.1\r\n${head}\r\n`), /^(HTTP\/1\.1 4|)/);
  assert.match(await center.raw(`GET /api/me HTTP/1.1\r\nHost: evil.example\r\n\r\n`), /^HTTP\/1\.1 403/);
  assert.doesNotMatch(await center.raw(`GET /${'a'.repeat(9000)} HTTP/1.1\r\n${head}\r\n`), /^HTTP\/1\.1 200/);
  assert.doesNotMatch(await center.raw(`GET / HTTP/1.1\r\n${head}X: ${'a'.repeat(9000)}\r\n\r\n`), /^HTTP\/1\.1 5/);
  await center.raw('\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS hello', 300);
  await center.raw('\0\0\0\0\0\0\0\0\r\n\r\n', 300);
  assert.equal((await center.request('/healthz')).status, 200);
});

test('no path leads out of the folder of the pages', async () => {
  const head = `Host: ${center.host}\r\nConnection: close\r\n`;
  for (const path of ['/../secret.txt', '/assets/../../secret.txt', '/%2e%2e/secret.txt', '/..%2fsecret.txt', '/assets/..%5c..%5csecret.txt', '//secret.txt', '/./../secret.txt', '/%00/secret.txt', '/assets/%2e%2e%2f%2e%2e%2fsecret.txt']) {
    const answer = await center.raw(`GET ${path} HTTP/1.1\r\n${head}\r\n`);
    assert.doesNotMatch(answer, /not for browsers/, path);
  }
});

test('pages carry their policy, an ETag and their time to live', async () => {
  const index = await center.request('/live/anything');
  assert.equal(index.status, 200);
  assert.match(index.headers['content-security-policy'], /default-src 'none'; script-src 'self'/);
  assert.match(index.headers['content-security-policy'], /frame-ancestors 'none'/);
  assert.equal(index.headers['x-content-type-options'], 'nosniff');
  assert.equal(index.headers['referrer-policy'], 'no-referrer');
  assert.equal(index.headers['cache-control'], 'no-cache');
  const again = await center.request('/', { headers: { 'if-none-match': index.headers.etag } });
  assert.equal(again.status, 304);
  assert.equal(again.bytes.length, 0);
  const script = await center.request('/assets/app-0123.js');
  assert.equal(script.bytes.length, 200000);
  assert.match(script.headers['cache-control'], /immutable/);
  const head = await center.request('/assets/app-0123.js', { method: 'HEAD' });
  assert.equal(head.headers['content-length'], '200000');
  assert.equal(head.bytes.length, 0);
  assert.equal((await center.request('/assets/none.js')).status, 404);
});

test('one connection serves many requests', async () => {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  for (let i = 0; i < 50; i++) {
    const answer = await center.request(i % 2 ? '/api/me' : '/assets/app-0123.js', { agent });
    assert.equal(answer.status, 200);
  }
  for (let i = 0; i < 5; i++) assert.equal((await center.request('/api/login', { method: 'POST', body: '{', agent })).status, 400);
  agent.destroy();
});

test('a connection that says nothing, or one byte at a time, is ended', async () => {
  const silent = net.connect(center.port, '127.0.0.1');
  const slow = net.connect(center.port, '127.0.0.1');
  const ended = (socket) => new Promise((resolve) => socket.on('close', () => resolve(true)));
  const both = Promise.all([ended(silent), ended(slow)]);
  for (const socket of [silent, slow]) socket.on('error', () => {}).resume();
  slow.write(`POST /api/login HTTP/1.1\r\nHost: ${center.host}\r\nContent-Length: 1000\r\n\r\n`);
  const timer = setInterval(() => slow.write('x'), 500);
  const within = await Promise.race([both, sleep(30000)]);
  clearInterval(timer);
  silent.destroy();
  slow.destroy();
  assert.ok(within, 'both closed within 30 s');
});

test('figures and health are there', async () => {
  const metrics = (await center.request('/metrics')).bytes.toString();
  assert.match(metrics, /^xw_center_http_requests_total \d+/m);
  assert.match(metrics, /^xw_center_logins_total\{outcome="denied"\} \d+/m);
  assert.doesNotMatch(metrics, /wang|李/);
  const health = await center.request('/healthz');
  assert.equal(health.json.status, 'ok');
});

test('a session outlives a restart, users can be changed meanwhile', async () => {
  await center.stop();
  center.admin(['user', 'add', 'zhao', '--role', 'technician', '--site', '东镇'], 'a third password\n');
  await center.start({ demo: false });
  assert.equal((await chief.get('/api/me')).json.user, 'chief');
  assert.equal((await center.login('zhao', 'a third password')).site, '东镇');
});
