// A TCP relay on loopback that stands for the radio link between a gateway and the county.
// Modes: up (passes everything on), cut (nothing gets through and nobody is told, as when a mast
// goes dark), slow (bytesPerSecond in each direction), reset() (every connection is torn down).
import net from 'node:net';

const QUEUE_LIMIT_BYTES = 256 * 1024; // per direction; beyond it the sender is not read

class Direction {
  constructor(relay, from, to) {
    this.relay = relay;
    this.from = from;
    this.to = to;
    this.queue = [];
    this.queued = 0;
    this.ended = false;
    from.on('data', (chunk) => {
      this.queue.push(chunk);
      this.queued += chunk.length;
      if (this.queued > relay.queueLimit) from.pause();
      this.pump();
    });
    from.on('end', () => {
      this.ended = true;
      this.pump();
    });
  }

  // Passes on at most `budget` bytes (Infinity when the link is not slowed down).
  pump(budget = this.relay.mode === 'up' ? Infinity : 0) {
    let left = budget;
    while (this.queue.length && left > 0 && !this.to.destroyed && !this.to.connecting) {
      const head = this.queue[0];
      const part = head.length <= left ? head : head.subarray(0, left);
      this.to.write(part);
      if (part.length === head.length) this.queue.shift();
      else this.queue[0] = head.subarray(part.length);
      left -= part.length;
      this.queued -= part.length;
      this.relay.passedBytes += part.length;
    }
    if (this.queued <= this.relay.queueLimit / 2) this.from.resume();
    if (this.ended && !this.queue.length && this.relay.mode !== 'cut') this.to.end();
    return budget - left;
  }
}

export class Relay {
  constructor({ listenPort = 0, listenHost = '127.0.0.1', targetPort, targetHost = '127.0.0.1' }) {
    Object.assign(this, { listenPort, listenHost, targetPort, targetHost });
    this.mode = 'up';
    this.bytesPerSecond = 0;
    this.passedBytes = 0;
    this.turn = 0;
    this.pairs = new Set();
    this.waiting = new Set(); // accepted during a cut: connected when the link is back
  }

  // A narrow link holds a tenth of a second, as a good radio does.
  get queueLimit() {
    return this.mode === 'slow' ? Math.max(4096, this.bytesPerSecond / 10) : QUEUE_LIMIT_BYTES;
  }

  async start() {
    this.server = net.createServer((socket) => this.#accept(socket));
    await new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(this.listenPort, this.listenHost, resolve);
    });
    this.listenPort = this.server.address().port;
    this.timer = setInterval(() => this.#tick(), 20);
    this.timer.unref();
    return this;
  }

  #accept(socket) {
    socket.setNoDelay(true);
    socket.on('error', () => {});
    if (this.mode === 'cut') {
      this.waiting.add(socket);
      socket.on('close', () => this.waiting.delete(socket));
      return;
    }
    this.#connect(socket);
  }

  #connect(socket) {
    const target = net.connect({ port: this.targetPort, host: this.targetHost, noDelay: true });
    const pair = { socket, target };
    pair.up = new Direction(this, socket, target);
    pair.down = new Direction(this, target, socket);
    this.pairs.add(pair);
    target.on('connect', () => this.#pumpPair(pair));
    for (const one of [socket, target]) {
      one.on('error', () => {});
      one.on('close', () => {
        // While the link is cut, nobody at the far end hears of a close.
        pair.closed = true;
        if (this.mode !== 'cut') this.#drop(pair);
      });
    }
  }

  #pumpPair(pair) {
    pair.up.pump();
    pair.down.pump();
  }

  #drop(pair) {
    this.pairs.delete(pair);
    pair.socket.destroy();
    pair.target.destroy();
  }

  #tick() {
    if (this.mode !== 'slow') return;
    let up = this.bytesPerSecond / 50;
    let down = this.bytesPerSecond / 50;
    // In turn: first everybody his share, then what is left.
    const pairs = [...this.pairs];
    pairs.push(...pairs.splice(0, this.turn++ % Math.max(1, pairs.length)));
    for (const share of [pairs.length, 1]) {
      for (const pair of pairs) {
        up -= pair.up.pump(Math.max(0, Math.min(up, Math.floor(this.bytesPerSecond / 50 / share))));
        down -= pair.down.pump(Math.max(0, Math.min(down, Math.floor(this.bytesPerSecond / 50 / share))));
      }
    }
  }

  set(mode, bytesPerSecond = 8000) {
    this.mode = mode;
    this.bytesPerSecond = bytesPerSecond;
    if (mode === 'cut') return;
    for (const pair of [...this.pairs]) {
      if (pair.closed) this.#drop(pair);
      else this.#pumpPair(pair);
    }
    for (const socket of [...this.waiting]) {
      this.waiting.delete(socket);
      this.#connect(socket);
    }
  }

  reset() {
    for (const pair of [...this.pairs]) {
      pair.socket.resetAndDestroy?.() ?? pair.socket.destroy();
      this.#drop(pair);
    }
  }

  async stop() {
    clearInterval(this.timer);
    for (const pair of [...this.pairs]) this.#drop(pair);
    for (const socket of this.waiting) socket.destroy();
    if (this.server?.listening) await new Promise((resolve) => this.server.close(resolve));
  }
}
