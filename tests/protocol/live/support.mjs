// A real center in a folder of its own, a raw WebSocket client, and just enough protobuf.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));
export const sleep = (ms, value) => new Promise((resolve) => setTimeout(() => resolve(value), ms));

// Waits for a condition; never longer than timeoutMs.
export async function until(what, check, timeoutMs = 10000) {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const value = await check();
    if (value) return value;
    if (Date.now() > end) throw new Error(`waited ${timeoutMs} ms for ${what}`);
    await sleep(20);
  }
}

// ---- processes ----

class Daemon {
  constructor(file, args, { stdin = 'ignore' } = {}) {
    this.log = '';
    this.lines = [];
    this.child = spawn(file, args, { stdio: [stdin, 'pipe', 'pipe'] });
    this.child.stderr.on('data', (data) => (this.log += data));
    let rest = '';
    this.child.stdout.on('data', (data) => {
      const parts = (rest + data).split('\n');
      rest = parts.pop();
      this.lines.push(...parts.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line)));
    });
    this.exited = new Promise((resolve) => this.child.on('exit', (code, signal) => resolve({ code, signal })));
  }

  async stop() {
    this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 8000);
    const end = await this.exited;
    clearTimeout(timer);
    return end;
  }
}

export class Center {
  constructor(settings = '') {
    this.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'xw-live-'));
    this.settings = settings;
    this.certs = path.join(this.dir, 'certs');
    this.web = path.join(this.dir, 'web');
    this.config = path.join(this.dir, 'center.conf');
    const certs = path.join(root, 'deploy', 'certs.sh');
    execFileSync('bash', [certs, this.certs, 'county', 'county']);
    execFileSync('bash', [certs, this.certs, 'gateway', 'gw-01', 'gw-02']);
    fs.mkdirSync(path.join(this.web, 'assets'), { recursive: true });
    fs.writeFileSync(path.join(this.web, 'index.html'), '<!doctype html><title>test</title>');
    fs.writeFileSync(path.join(this.web, 'assets', 'app-0123.js'), 'x'.repeat(200000));
    fs.writeFileSync(path.join(this.dir, 'secret.txt'), 'not for browsers');
  }

  async start({ demo = true, env = {} } = {}) {
    fs.writeFileSync(
      this.config,
      `[store]
dir = ${this.dir}/store
key_file = ${this.dir}/store.key
reserve = 1MiB
low = 2MiB
[web]
port = ${this.port ?? 0}
root = ${this.web}
[link]
port = ${this.linkPort ?? 0}
cert = ${this.certs}/county.pem
key = ${this.certs}/county.key
ca = ${this.certs}/ca.pem
lost_after = 1s
[login]
hash_memory = 8MiB
hash_rounds = 1
[demo]
enabled = ${demo ? 'yes' : 'no'}
control = ${this.dir}/control.sock
timeout = 1s
${this.settings}`,
    );
    Object.assign(process.env, env);
    this.daemon = new Daemon(process.env.XW_CENTER, ['--config', this.config]);
    const ready = /center\.ready browser_port=(\d+) gateway_port=(\d+)/;
    await until(`the center to be ready\n${this.daemon.log}`, () => ready.test(this.daemon.log), 20000).catch((error) => {
      throw new Error(`${error.message}\n${this.daemon.log}`);
    });
    [, this.port, this.linkPort] = ready.exec(this.daemon.log).map(Number);
    this.host = `localhost:${this.port}`;
    return this;
  }

  feed(args = [], id = 'gw-01') {
    const feed = new Daemon(process.env.XW_FEED, ['-p', String(this.linkPort), '-c', this.certs, '-i', id, ...args], { stdin: 'pipe' });
    feed.say = (line) => feed.child.stdin.write(`${line}\n`);
    return feed;
  }

  admin(args, input = '') {
    return execFileSync(process.env.XW_ADMIN, ['--config', this.config, '--json', ...args], { input, stdio: ['pipe', 'pipe', 'pipe'] }).toString();
  }

  async stop() {
    const end = await this.daemon.stop();
    assert.deepEqual(end, { code: 0, signal: null }, this.daemon.log);
    // What a sanitizer found is on stderr, whatever the exit status.
    assert.doesNotMatch(this.daemon.log, /ERROR: |WARNING: ThreadSanitizer|runtime error/);
  }

  remove() {
    fs.rmSync(this.dir, { recursive: true, force: true });
  }

  // ---- requests ----

  request(pathname, { method = 'GET', headers = {}, body, agent } = {}) {
    return new Promise((resolve, reject) => {
      const data = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
      const req = http.request(
        {
          host: '127.0.0.1',
          port: this.port,
          path: pathname,
          method,
          agent: agent ?? false,
          headers: { host: this.host, ...(data === undefined ? {} : { 'content-length': Buffer.byteLength(data) }), ...headers },
        },
        (answer) => {
          const parts = [];
          answer.on('data', (part) => parts.push(part));
          answer.on('end', () => {
            const bytes = Buffer.concat(parts);
            let json = null;
            try {
              json = JSON.parse(bytes.toString());
            } catch {
              // not JSON: the test looks at the bytes
            }
            resolve({ status: answer.statusCode, headers: answer.headers, bytes, json });
          });
          answer.on('error', reject);
        },
      );
      req.on('error', reject);
      req.end(data);
    });
  }

  // Bytes as they are; resolves with everything received when the server closes or after a while.
  raw(text, waitMs = 1500) {
    return new Promise((resolve) => {
      let all = '';
      const socket = net.connect(this.port, '127.0.0.1', () => socket.write(text));
      const end = () => {
        clearTimeout(timer);
        socket.destroy();
        resolve(all);
      };
      const timer = setTimeout(end, waitMs);
      socket.on('data', (data) => (all += data));
      socket.on('close', end);
      socket.on('error', end);
    });
  }

  async enter(role = 'reader') {
    return this.#session(await this.request('/api/demo/enter', { method: 'POST', body: { role } }));
  }

  async login(user, password) {
    return this.#session(await this.request('/api/login', { method: 'POST', body: { user, password } }));
  }

  #session(answer) {
    assert.equal(answer.status, 200, answer.bytes.toString());
    const cookie = answer.headers['set-cookie'][0].split(';')[0];
    const headers = { cookie, 'x-xinwang-csrf': answer.json.csrf };
    return {
      ...answer.json,
      cookie,
      headers,
      setCookie: answer.headers['set-cookie'][0],
      get: (pathname) => this.request(pathname, { headers }),
      post: (pathname, body = {}) => this.request(pathname, { method: 'POST', headers, body }),
    };
  }

  socket(options) {
    return new Socket(this, options);
  }
}

// ---- WebSocket, by hand: what is sent may be wrong on purpose ----

export class Socket {
  constructor(center, { cookie, origin = `http://${center.host}`, host = center.host, path: pathname = '/live', protocol = 'xw-live-1' } = {}) {
    this.messages = [];
    this.closed = null;
    this.status = 0;
    const key = crypto.randomBytes(16).toString('base64');
    const head = [
      `GET ${pathname} HTTP/1.1`,
      `Host: ${host}`,
      'Upgrade: websocket',
      'Connection: Upgrade',
      `Sec-WebSocket-Key: ${key}`,
      'Sec-WebSocket-Version: 13',
      ...(protocol ? [`Sec-WebSocket-Protocol: ${protocol}`] : []),
      ...(origin ? [`Origin: ${origin}`] : []),
      ...(cookie ? [`Cookie: ${cookie}`] : []),
    ];
    this.rest = Buffer.alloc(0);
    this.net = net.connect(center.port, '127.0.0.1', () => this.net.write(`${head.join('\r\n')}\r\n\r\n`));
    this.net.on('data', (data) => {
      this.rest = Buffer.concat([this.rest, data]);
      if (!this.status) this.#head();
      if (this.status === 101) this.#frames();
    });
    this.gone = new Promise((resolve) => {
      this.net.on('close', resolve);
      this.net.on('error', () => {});
    });
  }

  #head() {
    const end = this.rest.indexOf('\r\n\r\n');
    if (end < 0) return;
    this.status = Number(/^HTTP\/1\.[01] (\d+)/.exec(this.rest.toString('latin1'))?.[1]);
    this.rest = this.rest.subarray(end + 4);
  }

  #frames() {
    for (;;) {
      if (this.rest.length < 2) return;
      let n = this.rest[1] & 127;
      let at = 2;
      if (n === 126) [n, at] = this.rest.length < 4 ? [Infinity, 4] : [this.rest.readUInt16BE(2), 4];
      else if (n === 127) [n, at] = this.rest.length < 10 ? [Infinity, 10] : [Number(this.rest.readBigUInt64BE(2)), 10];
      if (this.rest.length < at + n) return;
      const opcode = this.rest[0] & 15;
      const payload = this.rest.subarray(at, at + n);
      this.rest = this.rest.subarray(at + n);
      if (opcode === 2) this.messages.push(decode(payload));
      else if (opcode === 8) this.closed = { code: payload.length >= 2 ? payload.readUInt16BE(0) : 0, text: payload.subarray(2).toString() };
      else if (opcode === 9) this.frame(payload, 10);
    }
  }

  frame(payload, opcode = 2, final = true) {
    const data = Buffer.from(payload);
    const mask = crypto.randomBytes(4);
    const head = [(final ? 0x80 : 0) | opcode];
    if (data.length < 126) head.push(0x80 | data.length);
    else if (data.length < 65536) head.push(0x80 | 126, data.length >> 8, data.length & 255);
    else head.push(0x80 | 127, 0, 0, 0, 0, (data.length >>> 24) & 255, (data.length >> 16) & 255, (data.length >> 8) & 255, data.length & 255);
    for (let i = 0; i < data.length; i++) data[i] ^= mask[i & 3];
    this.net.write(Buffer.concat([Buffer.from(head), mask, data]));
  }

  async open() {
    await until('the WebSocket to open', () => this.status || this.net.destroyed);
    assert.equal(this.status, 101);
    return this;
  }

  // The HTTP status that refused it.
  async refused() {
    await until('the WebSocket to be refused', () => this.status || this.net.destroyed);
    this.net.destroy();
    return this.status;
  }

  watch(stream, historyMs = 0) {
    this.frame(lengthDelimited(1, Buffer.concat([lengthDelimited(1, uuidBytes(stream)), varintField(2, historyMs)])));
  }

  list(on = true) {
    this.frame(lengthDelimited(3, on ? varintField(1, 1) : Buffer.alloc(0)));
  }

  attachments(ids) {
    this.frame(lengthDelimited(5, Buffer.concat(ids.map((id) => lengthDelimited(1, uuidBytes(id))))));
  }

  video(attachment, on = true, needKey = false) {
    this.frame(lengthDelimited(6, Buffer.concat([lengthDelimited(1, uuidBytes(attachment)), varintField(2, on ? 1 : 0), varintField(3, needKey ? 1 : 0)])));
  }

  ping(us) {
    this.frame(lengthDelimited(4, varintField(1, us)));
  }

  // The first message of a kind, taken out.
  next(kind, test = () => true, timeoutMs = 10000) {
    return until(`${kind} on the live socket`, () => {
      const i = this.messages.findIndex((message) => message.kind === kind && test(message));
      return i >= 0 && this.messages.splice(i, 1)[0];
    }, timeoutMs);
  }

  end() {
    this.net.destroy();
  }
}

// ---- protobuf ----

const varint = (value) => {
  const bytes = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  bytes.push(Number(rest));
  return Buffer.from(bytes);
};
export const lengthDelimited = (number, payload) => Buffer.concat([varint((number << 3) | 2), varint(payload.length), payload]);
export const varintField = (number, value) => Buffer.concat([varint(number << 3), varint(value)]);
export const uuidBytes = (text) => Buffer.from(text.replaceAll('-', ''), 'hex');
export const uuidText = (bytes) => Buffer.from(bytes).toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');

export function fields(bytes) {
  const out = [];
  let at = 0;
  const read = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = Number(read());
    const number = tag >> 3;
    let value;
    if ((tag & 7) === 0) value = Number(read());
    else if ((tag & 7) === 2) {
      const n = Number(read());
      value = bytes.subarray(at, (at += n));
    } else if ((tag & 7) === 5) value = bytes.readUInt32LE(at, (at += 4) - 4);
    else value = bytes.readBigUInt64LE(at, (at += 8) - 8);
    out.push({ number, value });
  }
  return out;
}

// {name: value} from [number, name, convert]; repeated names (ending in "[]") gather.
function pick(bytes, plan) {
  const out = {};
  for (const [, name] of plan) if (name.endsWith('[]')) out[name.slice(0, -2)] = [];
  for (const { number, value } of fields(bytes)) {
    const line = plan.find(([n]) => n === number);
    if (!line) continue;
    const [, name, convert = (v) => v] = line;
    if (name.endsWith('[]')) out[name.slice(0, -2)].push(convert(value));
    else out[name] = convert(value);
  }
  return out;
}
const text = (bytes) => bytes.toString();
export const range = (bytes) => ({ first: 0, count: 0, ...pick(bytes, [[1, 'first'], [2, 'count']]) });
export const block = (bytes) => ({ first: 0, ...pick(bytes, [[1, 'stream', uuidText], [2, 'first'], [3, 'count'], [5, 'crc'], [6, 'data']]) });
export const gap = (bytes) => ({ first: 0, ...pick(bytes, [[1, 'stream', uuidText], [2, 'first'], [3, 'count'], [4, 'reason']]) });
const status = (bytes) => pick(bytes, [[1, 'stream', uuidText], [2, 'newest'], [3, 'wall'], [5, 'alarm'], [6, 'code', text], [7, 'live'], [11, 'gateway', text]]);
const gatewayStatus = (bytes) => pick(bytes, [[1, 'id', text], [2, 'site', text], [3, 'linked']]);
const record = (bytes) => pick(bytes, [[1, 'key', (v) => v.toString('hex')], [2, 'revision'], [3, 'type'], [4, 'body'], [5, 'origin', text]]);

const float = (bits) => new Float32Array(new Uint32Array([bits]).buffer)[0];
export const observation = (bytes) => pick(bytes, [[1, 'id', uuidText], [2, 'attachment', uuidText], [3, 'code', text], [8, 'wall'], [16, 'absent']]);

const plans = {
  1: ['hello', [[1, 'version'], [2, 'wall'], [3, 'demo']]],
  2: ['stream', [[1, 'header'], [2, 'anchor'], [3, 'known[]', range], [4, 'liveFirst']]],
  3: ['blocks', [[1, 'blocks[]', block], [2, 'gaps[]', gap]]],
  4: ['record', [[1, 'record', record]]],
  5: ['dropped', [[1, 'stream', uuidText], [2, 'range', range]]],
  6: ['healed', [[1, 'stream', uuidText], [2, 'ranges[]', range]]],
  7: ['status', [[1, 'wall'], [2, 'streams[]', status], [3, 'gateways[]', gatewayStatus]]],
  8: ['pong', [[1, 'client'], [2, 'wall']]],
  9: ['fault', [[1, 'code', text], [2, 'text', text]]],
  10: ['video', [[1, 'attachment', uuidText], [2, 'run', uuidText], [3, 'frame'], [4, 'key'], [5, 'wall'], [6, 'codec', text], [7, 'width'], [8, 'height'], [9, 'data']]],
  11: ['video_status', [[1, 'attachment', uuidText], [2, 'state'], [3, 'text', text], [4, 'since'], [7, 'fps', float], [15, 'label', text]]],
};
function decode(bytes) {
  const [{ number, value }] = fields(bytes);
  const [kind, plan] = plans[number];
  return { kind, size: bytes.length, ...(kind === 'stream' ? { liveFirst: 0 } : {}), ...pick(value, plan) };
}
export const sampleRange = (bytes) => ({ next: 0, ...pick(bytes, [[1, 'blocks[]', block], [2, 'gaps[]', gap], [3, 'unknown[]', range], [4, 'next']]) });

// Decodes coding 0 into samples[i][channel].
export function samplesOf({ data, count }, channels) {
  const out = Array.from({ length: count }, () => []);
  let at = 0;
  for (let c = 0; c < channels; c++) {
    let value = 0;
    for (let i = 0; i < count; i++) {
      let z = 0;
      for (let shift = 0; ; shift += 7) {
        const byte = data[at++];
        z = (z | ((byte & 127) << shift)) >>> 0;
        if (byte < 128) break;
      }
      value = (value + ((z >>> 1) ^ -(z & 1))) | 0;
      out[i].push(value);
    }
  }
  assert.equal(at, data.length);
  return out;
}
// What xw-feed made.
export const expected = (stream, channel, index) => ((index * 7 + channel * 13 + stream * 29) % 2001) - 1000;
