// A patient monitor written by hand: HL7 v2 over MLLP, byte for byte.
import net from 'node:net';
import { until } from './processes.mjs';

export const framed = (text) => Buffer.concat([Buffer.from([0x0b]), Buffer.from(text, typeof text === 'string' ? 'utf8' : undefined), Buffer.from([0x1c, 0x0d])]);

let control = 0;
export const nextControl = () => `t${process.pid}-${++control}`;
const two = (n) => String(n).padStart(2, '0');
export function stamp(ms = Date.now()) {
  const d = new Date(ms);
  return `${d.getUTCFullYear()}${two(d.getUTCMonth() + 1)}${two(d.getUTCDate())}${two(d.getUTCHours())}${two(d.getUTCMinutes())}${two(d.getUTCSeconds())}.${String(d.getUTCMilliseconds()).padStart(3, '0')}+0000`;
}

// obx: ["150456^MDC_PULS_OXIM_SAT_O2^MDC", value, unit, { time, status, channel, type }]
export const obx = (i, [code, value, unit, { time = '', status = 'R', channel = `1.1.1.${i + 1}`, type = 'NM', flags = '' } = {}]) =>
  `OBX|${i + 1}|${type}|${code}|${channel}|${value}|${unit}||${flags}|||${status}|||${time}\r`;
export function oru({ id = '00A0370000099999', control = nextControl(), sent = stamp(), values = [['150456^MDC_PULS_OXIM_SAT_O2^MDC', 97, '262688^MDC_DIM_PERCENT^MDC']], accept = '', application = '', version = '2.6', type = 'ORU^R01^ORU_R01', charset = 'UNICODE UTF-8', extra = '', place = '' } = {}) {
  return (
    `MSH|^~\\&|TEST^${id}^EUI-64|T|||${sent}||${type}|${control}|P|${version}|||${accept}|${application}||${charset}\r` +
    `PID|||1||DOE^JOHN\rPV1||I|${place}\rOBR|1|||182777000^monitoring of patient^SCT|||${sent}\r` + values.map((one, i) => obx(i, one)).join('') + extra
  );
}

export class Mllp {
  // from: another loopback address than 127.0.0.1, as if it were another machine
  constructor(port, from = '127.0.0.1') {
    Object.assign(this, { port, from, bytes: Buffer.alloc(0), answers: [], closed: false });
  }

  open() {
    this.socket = net.connect({ port: this.port, host: '127.0.0.1', localAddress: this.from });
    this.socket.on('data', (chunk) => {
      this.bytes = Buffer.concat([this.bytes, chunk]);
      for (let end; (end = this.bytes.indexOf('\x1c\r')) >= 0; this.bytes = this.bytes.subarray(end + 2)) {
        const text = this.bytes.subarray(1, end).toString('utf8');
        const msa = text.split('\r').find((line) => line.startsWith('MSA')) ?? '';
        const [, code, id, why = ''] = msa.split(text[3]);
        this.answers.push({ code, id, why, text });
      }
    });
    this.socket.on('error', () => {});
    this.socket.on('close', () => (this.closed = true));
    return new Promise((resolve, reject) => {
      this.socket.once('connect', () => resolve(this));
      this.socket.once('error', reject);
    });
  }

  raw(bytes) {
    this.socket.write(bytes);
    return this;
  }

  async say(text, timeoutMs = 8000) {
    const n = this.answers.length;
    this.raw(framed(text));
    await until('an answer', () => this.answers.length > n || this.closed, { timeoutMs, stepMs: 5 }).catch(() => {});
    return this.answers[n];
  }

  close() {
    this.socket.destroy();
  }
}
