// A simulated ultrasound probe beside a county, and what is known of clips on both sides.
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { Process, askSocket, until } from './processes.mjs';
import { readContent, rows } from './vault.mjs';
import { parse, uuidText } from './wire.mjs';

export class Probe {
  constructor(county, { name = 'probe', port, args = [] }) {
    Object.assign(this, { county, name, port });
    this.socket = path.join(county.dirs.run, `${name}.sock`);
    this.process = new Process(name, path.join(county.bin, 'xinwang-sim'), ['ultrasound', '--port', String(port), '--control', this.socket, ...args], { logDir: county.dirs.logs });
  }

  get source() {
    return `rtspsrc location=rtsp://127.0.0.1:${this.port}/probe latency=0 protocols=tcp ! rtpjpegdepay ! jpegdec`;
  }

  // Of the gateway that shows it.
  config({ video = {}, source = {} } = {}) {
    const lines = (entries) => Object.entries(entries).map(([key, value]) => `${key} = ${value}\n`).join('');
    return `\n[video]\n${lines(video)}[video1]\nid = ${this.name}\nlabel = 探头\nbed = 一号床\nsource = "${this.source}"\n${lines(source)}`;
  }

  async start() {
    this.process.start();
    await until('the probe to answer', () => this.ask('stats'), { timeoutMs: 10000 });
    return this;
  }

  ask(action, more = {}) {
    return askSocket(this.socket, { action, ...more });
  }
}

export async function status(gateway) {
  const answer = await fetch(`http://127.0.0.1:${gateway.statusPort}/status.json`, { signal: AbortSignal.timeout(5000) });
  return answer.json();
}
export const picture = async (gateway, id = 'probe') => (await status(gateway)).pictures.find((one) => one.id === id);

// Of a county whose token is TOKEN.
export const TOKEN = 'script';
export async function run(gateway, what, id = 'probe') {
  const answer = await fetch(`http://127.0.0.1:${gateway.statusPort}/video/${id}/${what}`, { method: 'POST', headers: { 'x-xinwang-token': TOKEN }, signal: AbortSignal.timeout(5000) });
  if (!answer.ok) throw new Error(`${what}: ${answer.status}`);
}

export const ENDS = ['running', 'stopped', 'no_signal', 'changed', 'interrupted', 'no_room', 'failed', 'long'];

// The newest revision of every clip's record in a store.
export function clips(dir) {
  return rows(dir, 'SELECT hex(key), revision, hex(body) FROM record WHERE kind = 14 AND top = 1').map((row) => {
    const [, revision, body] = row.split('|');
    const m = parse(Buffer.from(body, 'hex'));
    return {
      id: uuidText(m[1]), revision: Number(revision), study: m[3] ? uuidText(m[3]) : null, label: Buffer.from(m[4] ?? []).toString(), codec: Buffer.from(m[5] ?? []).toString(),
      width: Number(m[7] ?? 0), height: Number(m[8] ?? 0), startUs: Number(m[9] ?? 0), endUs: Number(m[10] ?? 0), frames: Number(m[13] ?? 0),
      end: ENDS[Number(m[14] ?? 0)], sha256: m[15] ? Buffer.from(m[15]).toString('hex') : null, size: Number(m[16] ?? 0),
    };
  });
}

// Bytes of the object as it lies in a store, or null.
export function object(dir, sha256) {
  const file = path.join(dir, 'objects', sha256.slice(0, 2), sha256);
  return readContent(dir, file);
}
export const sha256Of = (bytes) => crypto.createHash('sha256').update(bytes).digest('hex');

// Whole fragments of a recording, read by nobody's code but this.
export function fragmentsOf(bytes) {
  let at = 0;
  let whole = 0;
  let n = 0;
  let type = '';
  while (at + 8 <= bytes.length) {
    const size = bytes.readUInt32BE(at);
    const before = type;
    type = bytes.toString('latin1', at + 4, at + 8);
    if (size < 8 || at + size > bytes.length) break;
    at += size;
    if (type === 'mdat' && before === 'moof') {
      whole = at;
      n += 1;
    }
  }
  return { whole, n, rest: bytes.length - whole };
}
