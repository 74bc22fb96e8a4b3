// The county away from loopback: TLS for pages, API and live wire; nothing in the clear.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import path from 'node:path';
import tls from 'node:tls';
import { after, before, test } from 'node:test';
import { Center } from './support.mjs';

const center = new Center();
let ca;
before(async () => {
  ca = fs.readFileSync(path.join(center.certs, 'ca.pem'));
  center.settings = `[web]
address = 0.0.0.0
cert = ${center.certs}/county.pem
key = ${center.certs}/county.key
`;
  await center.start({ demo: false });
});
after(async () => {
  await center.stop();
  center.remove();
});

const ask = (url, { method = 'GET', headers = {}, body } = {}) =>
  new Promise((resolve, reject) => {
    const request = https.request(`https://localhost:${center.port}${url}`, { ca, method, headers: body ? { 'content-type': 'application/json', ...headers } : headers }, (answer) => {
      let text = '';
      answer.on('data', (data) => (text += data));
      answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, text }));
    });
    request.on('error', reject);
    request.end(body ? JSON.stringify(body) : undefined);
  });

test('pages and API are answered over TLS, by the name in the certificate', async () => {
  assert.equal((await ask('/healthz')).status, 200);
  const page = await ask('/');
  assert.equal(page.status, 200);
  assert.match(page.headers['strict-transport-security'] ?? '', /max-age=/);
});

test('who does not know the authority does not connect', async () => {
  await assert.rejects(
    () => new Promise((resolve, reject) => https.get(`https://localhost:${center.port}/healthz`, resolve).on('error', reject)),
    /self.signed|unable to (verify|get)/,
  );
});

test('a session is kept in a cookie that never goes out in the clear', async () => {
  center.admin(['user', 'add', 'li', '--role', 'reader'], 'a good password\n');
  const login = await ask('/api/login', { method: 'POST', headers: { origin: `https://localhost:${center.port}` }, body: { user: 'li', password: 'a good password' } });
  assert.equal(login.status, 200, login.text);
  assert.match(String(login.headers['set-cookie']), /; Secure/);
  const cookie = String(login.headers['set-cookie']).split(';')[0];
  assert.equal(JSON.parse((await ask('/api/me', { headers: { cookie } })).text).user, 'li');

  // The live wire: upgraded for our own page, refused for one that came in the clear.
  const upgrade = (origin) =>
    new Promise((resolve, reject) => {
      const request = https.request(`https://localhost:${center.port}/live`, {
        ca,
        headers: { cookie, origin, connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': crypto.randomBytes(16).toString('base64'), 'sec-websocket-protocol': 'xw-live-1' },
      });
      request.on('upgrade', (answer, socket) => {
        socket.destroy();
        resolve(answer.statusCode);
      });
      request.on('response', (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      });
      request.on('error', reject);
      request.end();
    });
  assert.equal(await upgrade(`https://localhost:${center.port}`), 101);
  assert.equal(await upgrade(`http://localhost:${center.port}`), 403);
});

test('a request in the clear gets nothing', async () => {
  const answer = await new Promise((resolve) => {
    const socket = net.connect(center.port, '127.0.0.1', () => socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'));
    let text = '';
    socket.on('data', (data) => (text += data));
    socket.on('error', () => {});
    socket.on('close', () => resolve(text));
    setTimeout(() => socket.destroy(), 3000);
  });
  assert.doesNotMatch(answer, /^HTTP\/1\.1 2/);
  assert.equal((await ask('/healthz')).status, 200);
});

test('an old version of TLS is refused', async () => {
  const error = await new Promise((resolve) => {
    const socket = tls.connect({ host: 'localhost', port: center.port, ca, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' }, () => {
      socket.destroy();
      resolve(null);
    });
    socket.on('error', resolve);
  });
  assert.ok(error);
});

test('any address but loopback without a certificate is a configuration error', () => {
  const run = spawnSync(process.env.XW_CENTER, ['--config', center.config, '--set', 'web.cert=', '--set', 'web.key=', '--check'], { encoding: 'utf8' });
  assert.notEqual(run.status, 0);
  assert.match(run.stdout + run.stderr, /not loopback needs cert and key/);
});
