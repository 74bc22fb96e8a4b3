// A gateway's end of the link, written by hand over real TLS: says what a test wants it to say.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import crypto from 'node:crypto';
import { root } from './county.mjs';
import { Peer } from './peer.mjs';
import { bytesField, intField, parse } from './wire.mjs';

const require = createRequire(path.join(root, 'web', 'package.json'));

export const LINK_FAULTS = [
  'UNSPECIFIED', 'MALFORMED', 'TOO_LARGE', 'VERSION', 'STATE', 'IDENTITY', 'HEADER', 'CRC', 'CREDIT',
  'SUPERSEDED', 'STORAGE', 'SHUTDOWN', 'TIMEOUT', 'LIMIT',
];

export const linkHello = ({ version = 1, session = crypto.randomBytes(16), role = 0, id, boot = crypto.randomBytes(16), spool = crypto.randomBytes(16), streams = 0 }) =>
  bytesField(1, Buffer.concat([
    intField(1, version), bytesField(2, session), ...(role ? [intField(3, role)] : []), bytesField(4, id), bytesField(5, 'bad peer'),
    bytesField(6, boot), bytesField(7, spool), ...(streams ? [intField(12, streams)] : []), bytesField(13, 'test'), intField(14, 1),
  ]));

// A certificate that nobody here signed, or that another authority signed.
export function strangerCertificate(dir, name, how) {
  const file = (kind) => path.join(dir, `${name}.${kind}`);
  const run = (...args) => execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'ignore'] });
  if (how === 'self-signed') {
    run('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', `/CN=${name}`, '-keyout', file('key'), '-out', file('pem'));
  } else {
    execFileSync(path.join(root, 'deploy', 'certs.sh'), [path.join(dir, 'other'), 'gateway', name]);
    for (const kind of ['key', 'pem']) fs.copyFileSync(path.join(dir, 'other', `${name}.${kind}`), file(kind));
  }
  return { cert: fs.readFileSync(file('pem')), key: fs.readFileSync(file('key')) };
}

export class GatewayPeer extends Peer {
  // tls: { cert, key } or {} for none.
  constructor({ port, ca, tls, url = '/link', protocol = 'xw-link-1' }) {
    super(8000);
    Object.assign(this, { port, ca, tls, url, protocol });
  }

  // Resolves when the WebSocket is open; rejects when it is refused.
  open() {
    const WebSocket = require('ws');
    this.socket = new WebSocket(`wss://127.0.0.1:${this.port}${this.url}`, this.protocol, {
      ca: this.ca, ...this.tls, perMessageDeflate: false, handshakeTimeout: 8000,
    });
    this.socket.binaryType = 'nodebuffer';
    this.socket.on('message', (data) => {
      try {
        this.heard.push(parse(data));
      } catch {
        this.heard.push({});
      }
      this.wake();
    });
    const opened = new Promise((resolve, reject) => {
      this.socket.once('open', () => resolve(this));
      this.socket.once('error', reject);
      this.socket.once('close', () => reject(new Error('closed')));
    });
    this.socket.on('error', () => {});
    this.socket.on('close', (code) => {
      this.closeCode = code;
      this.over();
    });
    return opened;
  }

  say(message) {
    if (this.socket.readyState === 1) this.socket.send(message);
    return this;
  }

  welcome(timeoutMs) {
    return this.hears(3, timeoutMs);
  }

  // { code, text } of the LinkClose, once the socket is closed; null without one.
  async ended(timeoutMs) {
    await this.until(() => this.closed, timeoutMs);
    const bytes = this.heard.find((message) => message[18])?.[18];
    if (!bytes) return null;
    const close = parse(bytes);
    return { code: LINK_FAULTS[Number(close[1] ?? 0)], text: Buffer.from(close[2] ?? []).toString() };
  }

  close() {
    this.socket.terminate();
  }
}
