// A real xinwang-gateway of the test's own, with a fresh spool.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export class Gateway {
  constructor(binary, settings = {}) {
    this.binary = binary;
    this.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'xw-device-'));
    this.settings = { 'gateway.id': 'gateway', 'device.accept': 'all', 'device.port': 0, 'status.port': 0, 'spool.dir': path.join(this.dir, 'spool'), 'spool.key_file': path.join(this.dir, 'spool.key'),
      'spool.reserve': '1MiB', 'spool.low': '2MiB', 'status.token': 'script', ...settings };
    this.log = '';
  }
  async start(env = {}) {
    const args = Object.entries(this.settings).flatMap(([k, v]) => ['--set', `${k}=${v}`]);
    this.child = spawn(this.binary, args, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, ...env } });
    this.ended = new Promise((r) => this.child.on('exit', (code, signal) => r(signal ?? code)));
    const from = this.log.length;
    await new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`not ready: ${this.log}`)), 60000);
      this.child.on('exit', () => reject(new Error(`ended at once: ${this.log}`)));
      this.child.stderr.on('data', (d) => {
        this.log += d;
        const ready = /gateway\.ready .*device_port=(\d+) .*status_port=(\d+)/.exec(this.log.slice(from));
        if (!ready) return;
        clearTimeout(late);
        this.port = Number(ready[1]);
        this.statusPort = Number(ready[2]);
        resolve();
      });
    });
    return this;
  }
  async kill(signal = 'SIGKILL') {
    this.child.kill(signal);
    return this.ended;
  }
  async restart() {
    await this.kill();
    return this.start();
  }
  get url() {
    return `http://127.0.0.1:${this.statusPort}`;
  }
  async status() {
    return (await fetch(`${this.url}/status.json`)).json();
  }
  async until(test, ms = 40000) {
    const end = Date.now() + ms;
    for (;;) {
      const s = await this.status();
      if (test(s)) return s;
      if (Date.now() > end) throw new Error(`not so within ${ms} ms: ${JSON.stringify(s)}`);
      await new Promise((r) => setTimeout(r, 50));
    }
  }
  // Ends in order; leaks and errors of a sanitizer show in the exit status.
  async stop() {
    const code = await this.kill('SIGTERM');
    fs.rmSync(this.dir, { recursive: true, force: true });
    if (code !== 0) throw new Error(`the gateway ended with ${code}: ${this.log.slice(-3000)}`);
  }
}
