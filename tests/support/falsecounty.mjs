// A county's end of the link, written by hand, with the county's own certificate: it lies.
import fs from 'node:fs';
import https from 'node:https';
import { createRequire } from 'node:module';
import path from 'node:path';
import crypto from 'node:crypto';
import { LINK_FAULTS } from './gatewaypeer.mjs';
import { root } from './county.mjs';
import { bytesField, intField, parse } from './wire.mjs';

const require = createRequire(path.join(root, 'web', 'package.json'));
const HELLO = 1, HELD = 2, WELCOME = 3, WANTED = 4, OPEN = 5, BLOCKS = 6, BLOCK_ACK = 7, RECORDS = 8, RECORD_ACK = 9, CREDIT = 16, CLOSE = 18;

export class FalseCounty {
  // lie: { welcome(hello): fields instead of the true ones; afterwards(say, hello): once it is welcomed; acks: claims
  // to have stored whatever it hears of }
  constructor(county, lie) {
    Object.assign(this, { county, lie, ends: [], streams: new Map(), sessions: 0, blocks: 0, log: crypto.randomBytes(16), store: crypto.randomBytes(16) });
  }

  async start() {
    const file = (name) => fs.readFileSync(path.join(this.county.dirs.certs, name));
    const { WebSocketServer } = require('ws');
    this.server = https.createServer({ cert: file('county.pem'), key: file('county.key'), ca: file('ca.pem'), requestCert: true });
    new WebSocketServer({ server: this.server, perMessageDeflate: false }).on('connection', (socket) => this.#serve(socket));
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.port = this.server.address().port;
    this.sockets = new Set();
    this.timer = setInterval(() => this.#acknowledge(), 100);
    return this;
  }

  stop() {
    clearInterval(this.timer);
    for (const socket of this.sockets) socket.terminate();
    this.server.close();
  }

  #serve(socket) {
    this.sockets.add(socket);
    socket.on('close', () => this.sockets.delete(socket));
    socket.on('error', () => {});
    socket.on('message', (data) => {
      const message = parse(data);
      if (message[CLOSE]) {
        const close = parse(message[CLOSE]);
        this.ends.push({ code: LINK_FAULTS[Number(close[1] ?? 0)], text: Buffer.from(close[2] ?? []).toString() });
      } else this.#hear(socket, message);
    });
  }

  #hear(socket, message) {
    const say = (number, body) => socket.readyState === 1 && socket.send(bytesField(number, body));
    if (message[HELLO]) {
      const hello = parse(message[HELLO]);
      const own = { version: 1, spool: hello[7], upto: Number(hello[8] ?? 0), ...this.lie.welcome?.(hello) };
      Object.assign(socket, { signals: !hello[3], spool: hello[7], records: own.upto });
      this.sessions += 1;
      say(WELCOME, Buffer.concat([intField(1, own.version), bytesField(2, this.store), intField(3, this.sessions), bytesField(4, own.spool), intField(5, own.upto), bytesField(7, this.log), intField(10, 2 ** 40)]));
      say(CREDIT, intField(1, 2 ** 40));
      this.lie.afterwards?.(say, hello);
    } else if (message[HELD] || message[OPEN]) {
      const id = Buffer.from(parse(parse(message[HELD] ?? message[OPEN])[1])[1]);
      this.streams.set(id.toString('hex'), id);
      say(WANTED, bytesField(1, id)); // nothing: all is here
    } else if (message[BLOCKS]) this.blocks += 1;
    else if (message[RECORDS]) {
      for (const logged of parse(message[RECORDS], [3])[3] ?? []) socket.records = Math.max(socket.records, Number(parse(logged)[1]));
    }
  }

  // Of all that it heard of, and far beyond.
  #acknowledge() {
    if (!this.lie.acks) return;
    for (const socket of this.sockets) {
      if (socket.readyState !== 1 || !socket.signals) continue;
      for (const id of this.streams.values()) socket.send(bytesField(BLOCK_ACK, bytesField(1, Buffer.concat([bytesField(1, id), intField(2, this.lie.acks)]))));
      socket.send(bytesField(RECORD_ACK, Buffer.concat([bytesField(1, socket.spool), intField(2, socket.records)])));
    }
  }
}
export const wantedOf = (id) => [WANTED, bytesField(1, id)];
export const recordAck = (log, upto) => [RECORD_ACK, Buffer.concat([bytesField(1, log), intField(2, upto)])];
