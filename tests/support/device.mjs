// A device on the device port, written by hand: says what a test wants it to say, right or wrong.
import net from 'node:net';
import { Peer } from './peer.mjs';
import { Deframer, bytesField, crc32c, encodeBlock, fixed32Field, fixed64Field, framed, intField, parse, zigzagField } from './wire.mjs';

export const DEVICE_FAULTS = {
  MALFORMED: 1, TOO_LARGE: 2, VERSION: 3, STATE: 4, IDENTITY: 5, HEADER: 6, INDEX: 7, CHANNELS: 8,
  CRC: 9, BUSY: 10, STORAGE: 11, SHUTDOWN: 12, TIMEOUT: 13, RATE: 14,
};
export const faultName = (code) => Object.keys(DEVICE_FAULTS).find((name) => DEVICE_FAULTS[name] === code) ?? String(code);

const fraction = (num, den = 1) => Buffer.concat([intField(1, num), intField(2, den)]);
const CODES = ['I', 'II', 'III', 'aVR', 'aVL', 'aVF', 'V1', 'V2', 'V3', 'V4', 'V5', 'V6'];

export const channel = ({ code = 'II', unit = 'mV', gain = [1000, 1], min = -32768, max = 32767 } = {}) =>
  Buffer.concat([bytesField(1, code), bytesField(2, unit), bytesField(3, fraction(...gain)), zigzagField(6, min), zigzagField(7, max)]);

export const signal = ({ number = 0, modality = 1, rate = [500, 1], channels = CODES.slice(0, 3).map((code) => channel({ code })) } = {}) =>
  Buffer.concat([intField(1, number), intField(2, modality), bytesField(3, fraction(...rate)), ...channels.map((one) => bytesField(4, one))]);

export const hello = ({ version = 1, id = 'raw-1', epoch = 1n, resume = true, signals = [signal()], demo = true, extra = Buffer.alloc(0) } = {}) =>
  bytesField(1, Buffer.concat([
    intField(1, version), bytesField(2, id), bytesField(3, 'raw'), fixed64Field(5, epoch),
    ...(resume ? [intField(6, 1)] : []), ...signals.map((one) => bytesField(7, one)), ...(demo ? [intField(8, 1)] : []), extra,
  ]));

// x: interleaved Int32Array; without one, a ramp that tells every sample from every other.
export const block = ({ number = 0, first = 0, count = 20, channels = 3, x, coding = 0, crc, data, clock = 0 } = {}) => {
  const samples = x ?? Int32Array.from({ length: count * channels }, (_, i) => (first * channels + i) % 30000);
  const coded = encodeBlock(samples, channels);
  return bytesField(3, Buffer.concat([
    intField(1, number), intField(2, first), intField(3, count), ...(coding ? [intField(4, coding)] : []),
    fixed32Field(5, crc ?? coded.crc), bytesField(6, data ?? coded.data), ...(clock ? [intField(7, Math.round(clock))] : []),
  ]));
};
export const gap = ({ number = 0, first = 0, count = 1 } = {}) =>
  bytesField(4, Buffer.concat([intField(1, number), intField(2, first), intField(3, count)]));
export const ping = (clock = 1) => bytesField(8, intField(1, clock));

// heard: GatewayMessages by field number: 3 accepted, 4 ack, 5 fault …
export class RawDevice extends Peer {
  constructor(port) {
    super(5000);
    this.port = port;
  }

  async open() {
    this.socket = net.connect({ port: this.port, host: '127.0.0.1', noDelay: true });
    const deframer = new Deframer();
    this.socket.on('data', (chunk) => {
      for (const bytes of deframer.push(chunk)) this.heard.push(parse(bytes));
      this.wake();
    });
    this.socket.on('error', () => {});
    this.socket.on('close', () => this.over());
    await new Promise((resolve, reject) => {
      this.socket.once('connect', resolve);
      this.socket.once('error', reject);
    });
    return this;
  }

  raw(bytes) {
    if (!this.closed) this.socket.write(bytes);
    return this;
  }

  say(message) {
    return this.raw(framed(message));
  }

  accepted(timeoutMs) {
    return this.hears(3, timeoutMs);
  }

  // { code, text, fatal } of the fault that it was sent, once the connection is closed.
  async fault(timeoutMs) {
    await this.until(() => this.closed, timeoutMs);
    const bytes = this.heard.find((message) => message[5])?.[5];
    if (!bytes) return null;
    const fault = parse(bytes);
    return { code: faultName(Number(fault[1] ?? 0)), text: Buffer.from(fault[2] ?? []).toString(), fatal: fault[3] === 1n };
  }

  // Everything before this index of a signal is acknowledged.
  get upto() {
    let upto = 0;
    for (const message of this.heard)
      if (message[4]) upto = Math.max(upto, Number(parse(parse(message[4])[1] ?? Buffer.alloc(0))[2] ?? 0));
    return upto;
  }

  close() {
    this.socket.destroy();
  }
}

export { crc32c };
