// A browser's live socket without a browser: watches streams and tells when which samples arrived.
import { createRequire } from 'node:module';
import path from 'node:path';
import { root } from './county.mjs';
import { fields } from './samples.mjs';
import { bytesField, intField, uuidBytes, uuidText } from './wire.mjs';

const require = createRequire(path.join(root, 'web', 'package.json'));

export class LiveSocket {
  // onBlock({stream, first, count, backfill}); onMessage(number, bytes) sees every message.
  constructor(api, { onBlock, onMessage } = {}) {
    Object.assign(this, { api, onBlock, onMessage });
    this.closed = false;
  }

  open() {
    const WebSocket = require('ws');
    this.socket = new WebSocket(`${this.api.base.replace('http', 'ws')}/live`, 'xw-live-1', {
      headers: { cookie: this.api.cookie, origin: this.api.base },
      perMessageDeflate: false,
    });
    this.socket.binaryType = 'nodebuffer';
    this.socket.on('message', (data) => this.#take(data));
    this.socket.on('close', () => (this.closed = true));
    return new Promise((resolve, reject) => {
      this.socket.once('open', () => resolve(this));
      this.socket.once('error', reject);
    });
  }

  watch(stream, historyMs = 0) {
    const inner = Buffer.concat([bytesField(1, uuidBytes(stream)), ...(historyMs ? [intField(2, historyMs)] : [])]);
    this.socket.send(bytesField(1, inner));
  }

  watchList(on = true) {
    this.socket.send(bytesField(3, on ? intField(1, 1) : Buffer.alloc(0)));
  }

  #take(data) {
    for (const { number, value } of fields(data)) {
      this.onMessage?.(number, value);
      if (number !== 3 || !this.onBlock) continue;
      let backfill = false;
      const blocks = [];
      for (const one of fields(value)) {
        if (one.number === 1) blocks.push(one.value);
        else if (one.number === 3) backfill = one.value !== 0n;
      }
      for (const bytes of blocks) {
        const block = { first: 0, count: 0, backfill };
        for (const one of fields(bytes)) {
          if (one.number === 1) block.stream = uuidText(one.value);
          else if (one.number === 2) block.first = Number(one.value);
          else if (one.number === 3) block.count = Number(one.value);
        }
        this.onBlock(block);
      }
    }
  }

  close() {
    this.socket.close();
  }
}
