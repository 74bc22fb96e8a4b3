// Gateways that are not enrolled yet, the county's administrator, and strangers at its ports.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import tls from 'node:tls';
import { Process, freePorts, until } from './processes.mjs';

export class Newcomer {
  constructor(county, name) {
    this.county = county;
    this.name = name;
    this.dir = path.join(county.dirs.data, name);
    this.identity = path.join(this.dir, 'identity');
  }

  async prepare() {
    [this.devicePort, this.statusPort] = await freePorts(2);
    const file = path.join(this.county.dirs.conf, `${this.name}.conf`);
    fs.writeFileSync(file, `[gateway]\ndemo = yes\n[device]\nport = ${this.devicePort}\naccept = all\n[spool]\ndir = ${this.dir}/spool\nkey_file = ${this.dir}/spool.key\nreserve = 64MiB\nlow = 256MiB\n[enrol]\ndir = ${this.identity}\n[status]\nport = ${this.statusPort}\ntoken = script\n`);
    this.args = ['--config', file];
    this.process = new Process(this.name, path.join(this.county.bin, 'xinwang-gateway'), this.args, {
      logDir: this.county.dirs.logs,
      env: { GST_PLUGIN_PATH: path.join(this.county.bin, '..', 'gst'), GST_REGISTRY: path.join(this.county.dirs.run, 'gst.registry') },
    });
    return this;
  }

  // code: enrols from the command line.
  async start({ code, env = {}, port = this.county.enrolPort } = {}) {
    if (!this.process) await this.prepare();
    this.process.args = code ? [...this.args, '--enrol', code, '--county', `127.0.0.1:${port}`] : this.args;
    this.process.start(env);
    return this;
  }

  async status() {
    return (await fetch(`http://127.0.0.1:${this.statusPort}/status.json`, { signal: AbortSignal.timeout(3000) })).json();
  }

  async up() {
    await until(`${this.name} to show its page`, () => this.status(), { timeoutMs: 20000 });
    return this;
  }

  // What a person types on its page; the status of the answer.
  async type(code, county = `127.0.0.1:${this.county.enrolPort}`, token = 'script') {
    const answer = await fetch(`http://127.0.0.1:${this.statusPort}/enrol`, { method: 'POST', headers: { 'x-xinwang-token': token }, body: JSON.stringify({ county, code }), signal: AbortSignal.timeout(5000) });
    return answer.status;
  }

  // The word with which it was refused.
  async refusal(timeoutMs = 20000) {
    return until(`${this.name} to be refused`, async () => {
      const { enrolment } = await this.status();
      return enrolment.state === 'refused' && enrolment;
    }, { timeoutMs });
  }

  linked(timeoutMs = 20000) {
    return until(`${this.name} to be linked`, async () => {
      const status = await this.status();
      return status.link?.linked && status;
    }, { timeoutMs });
  }
}

export const admin = (county, ...args) =>
  JSON.parse(execFileSync(path.join(county.bin, 'xinwang-admin'), ['--config', path.join(county.dirs.conf, 'center.conf'), '--json', ...args], { encoding: 'utf8' }));

// A server of a stranger's own, with a certificate of its own making. forward: passes what comes on
// to the county (in the middle), else answers junk.
export function impostor({ cert, key }, forward) {
  const server = tls.createServer({ cert, key, minVersion: 'TLSv1.3' }, (socket) => {
    socket.on('error', () => {});
    if (!forward) {
      socket.on('data', () => {
        const body = JSON.stringify({ nonce: '00'.repeat(32), proof: '11'.repeat(32) });
        socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      });
      return;
    }
    const onward = tls.connect({ host: '127.0.0.1', port: forward, rejectUnauthorized: false });
    onward.on('error', () => socket.destroy());
    socket.on('close', () => onward.destroy());
    socket.pipe(onward).pipe(socket);
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

// Connects, says a little, and waits. Resolves when the other end has closed: after how long.
// from: its own address.
export function loris(port, { say = '', secure = false, dripMs = 500, waitMs = 40000, from } = {}) {
  return new Promise((resolve) => {
    const began = performance.now();
    const socket = secure ? tls.connect({ host: '127.0.0.1', port, rejectUnauthorized: false }) : net.connect({ port, host: '127.0.0.1', localAddress: from });
    let at = 0;
    const drip = setInterval(() => at < say.length && socket.writable && socket.write(say[at++]), dripMs);
    const done = (closed) => {
      clearInterval(drip);
      clearTimeout(late);
      socket.destroy();
      resolve({ closed, ms: performance.now() - began });
    };
    const late = setTimeout(() => done(false), waitMs);
    socket.on('error', () => {});
    socket.on('close', () => done(true));
    socket.resume();
  });
}

// Can this be negotiated? null, or the error.
export const handshake = (port, options) =>
  new Promise((resolve) => {
    const socket = tls.connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options }, () => {
      const how = { protocol: socket.getProtocol(), cipher: socket.getCipher().name };
      socket.destroy();
      resolve(how);
    });
    socket.setTimeout(8000, () => socket.destroy(new Error('time-out')));
    socket.on('error', (error) => resolve({ error: error.code ?? error.message }));
  });

// A WebSocket by hand over a TLS session that may be resumed: { resumed, status, close: {code, text} }.
export function resume(port, { ca, cert, key, session, waitSession = false }) {
  return new Promise((resolve) => {
    const out = { resumed: false, status: 0, session: null, text: '' };
    const socket = tls.connect({ host: '127.0.0.1', servername: 'localhost', port, ca, cert, key, session, maxVersion: 'TLSv1.3' }, () => {
      out.resumed = socket.isSessionReused();
      socket.write(`GET /link HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Protocol: xw-link-1\r\n\r\n`);
    });
    const done = () => {
      clearTimeout(timer);
      socket.destroy();
      resolve(out);
    };
    const timer = setTimeout(done, 6000);
    socket.on('session', (one) => {
      out.session = one;
      if (waitSession && out.status) done();
    });
    socket.on('data', (data) => {
      out.text += data.toString('latin1');
      out.status = Number(out.text.match(/^HTTP\/1\.1 (\d+)/)?.[1] ?? 0);
      if (waitSession && out.session) done();
    });
    socket.on('error', done);
    socket.on('close', done);
  });
}
