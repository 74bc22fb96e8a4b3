// Starts, watches and ends the real processes of a demo, a scenario or a bench. A process is only
// ever ended by its own handle, never by name.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';

// Nothing started here outlives the one who started it, even if that one dies of an error.
const children = new Set();
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

export class Process {
  constructor(name, file, args, { env = {}, logDir, cwd } = {}) {
    Object.assign(this, { name, file, args, env, logDir, cwd });
    this.starts = 0;
    this.child = null;
    this.power = null; // of a process whose power can be cut: gives the rules of the fault file layer, by its name, at each start
  }

  get running() {
    return this.child !== null && this.child.exitCode === null && this.child.signalCode === null;
  }

  start(extraEnv = {}) {
    if (this.running) throw new Error(`${this.name} is running already`);
    this.starts += 1;
    this.logFile = path.join(this.logDir, `${this.name}.log`);
    const log = fs.openSync(this.logFile, 'a');
    const faults = [this.power?.(this.name), extraEnv.XW_FAULT].filter(Boolean).join(';');
    const child = spawn(this.file, this.args, {
      env: { ...process.env, ...this.env, ...extraEnv, ...(faults ? { XW_FAULT: faults } : {}) },
      stdio: ['ignore', log, log],
      cwd: this.cwd,
    });
    fs.closeSync(log);
    this.child = child;
    children.add(child);
    child.once('exit', () => children.delete(child));
    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => resolve({ code, signal }));
      child.once('error', (error) => resolve({ code: -1, signal: null, error }));
    });
    return this;
  }

  async kill(signal = 'SIGKILL') {
    if (!this.running) return;
    this.child.kill(signal);
    await this.exited;
  }

  // What was not synced is lost in part. True: it was a power cut; false: some other end; null: so
  // soon after the start that the layer was not there yet, nor anything written.
  async cutPower() {
    if (!this.running) return false;
    const before = fs.statSync(this.logFile).size;
    await this.kill('SIGPWR');
    if (this.child.signalCode === 'SIGPWR') return null;
    return fs.readFileSync(this.logFile, 'utf8').slice(before).includes('disk: power cut');
  }

  // SIGTERM, and SIGKILL only if it does not go within the grace.
  async stop(graceMs = 5000) {
    if (!this.running) return this.exited;
    this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.running && this.child.kill('SIGKILL'), graceMs);
    const how = await this.exited;
    clearTimeout(timer);
    return how;
  }

  logTail(lines = 30) {
    try {
      return fs.readFileSync(this.logFile, 'utf8').split('\n').slice(-lines).join('\n');
    } catch {
      return '';
    }
  }
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Polls until the condition holds; says what it waited for when it does not.
export async function until(what, condition, { timeoutMs = 10000, stepMs = 50 } = {}) {
  const end = performance.now() + timeoutMs;
  let last;
  for (;;) {
    try {
      const value = await condition();
      if (value) return value;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (performance.now() > end)
      throw new Error(`waited ${timeoutMs} ms for: ${what}${last ? ` (${last.message})` : ''}`);
    await sleep(stepMs);
  }
}

// Free loopback ports, held together until all are known so that none is given twice.
export async function freePorts(n) {
  const servers = await Promise.all(
    Array.from(
      { length: n },
      () =>
        new Promise((resolve, reject) => {
          const server = net.createServer();
          server.once('error', reject);
          server.listen(0, '127.0.0.1', () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

// One JSON line to a unix socket, one JSON line back.
export function askSocket(socketPath, request, timeoutMs = 5000) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(socketPath);
    let text = '';
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`no answer from ${path.basename(socketPath)} in ${timeoutMs} ms`));
    }, timeoutMs);
    socket.on('connect', () => socket.write(`${JSON.stringify(request)}\n`));
    socket.on('data', (chunk) => {
      text += chunk;
      const end = text.indexOf('\n');
      if (end < 0) return;
      clearTimeout(timer);
      socket.destroy();
      try {
        resolve(JSON.parse(text.slice(0, end)));
      } catch (error) {
        reject(error);
      }
    });
    socket.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
  });
}
