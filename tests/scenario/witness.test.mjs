// A pulse wave at the same bed is a witness: an ECG in which no QRS is seen while the pulse goes on
// raises no asystole, and the county can read why; when the pulse ends too, the alarm comes.
// The ECG and the oximeter are two devices of one bed; a third, at another bed, has the same ECG and no wave.
import { check, finish, scenario } from '../support/checks.mjs';
import { County } from '../support/county.mjs';
import { RawDevice, block, channel, hello, signal } from '../support/device.mjs';
import { metrics, total } from '../support/metrics.mjs';
import { until } from '../support/processes.mjs';

const ECG_HZ = 250, WAVE_HZ = 125, STEP_MS = 40;
const QRS_END_S = 14, PULSE_END_S = 22;
const bell = (t, width) => Math.exp((-t * t) / (2 * width * width));
const noise = (i) => ((i * 7919) % 13) - 6;

// 75 a minute: R of 1 mV at 0.4 s of each 0.8 s, a T wave behind it.
function ecg(i) {
  const t = i / ECG_HZ, at = (t % 0.8) - 0.4;
  return Math.round((t < QRS_END_S ? 1000 * bell(at, 0.012) + 200 * bell(at - 0.28, 0.04) : 0) + noise(i));
}
function pulse(i) {
  const t = i / WAVE_HZ, phase = (t + 0.2) % 0.8;
  return Math.round(2000 + (t < PULSE_END_S ? 800 * (phase < 0.12 ? phase / 0.12 : Math.exp(-(phase - 0.12) / 0.25)) : 0) + noise(i) / 3);
}

// Sends what a device would have captured by now, 40 ms at a time.
class Live {
  constructor(port, id, parts) {
    Object.assign(this, { port, id, parts });
  }

  async start(began) {
    this.device = await new RawDevice(this.port).open();
    this.device.say(hello({ id: this.id, signals: this.parts.map((part, number) => signal({ number, ...part.signal })) }));
    await this.device.accepted(20000);
    this.next = 0;
    this.timer = setInterval(() => this.#tick(began), STEP_MS);
  }

  #tick(began) {
    for (; began + (this.next + 1) * STEP_MS <= performance.now(); this.next++)
      this.parts.forEach((part, number) => {
        const count = (part.hz * STEP_MS) / 1000, first = this.next * count, n = part.signal.channels.length;
        const x = Int32Array.from({ length: count * n }, (_, i) => part.at(first + Math.floor(i / n)));
        this.device.say(block({ number, first, count, channels: n, x, clock: began * 1000 }));
      });
  }

  stop() {
    clearInterval(this.timer);
    this.device?.close();
  }
}

const leads = ['I', 'II'].map((code) => channel({ code }));
const ecgPart = { hz: ECG_HZ, at: ecg, signal: { rate: [ECG_HZ, 1], channels: leads } };
const wavePart = { hz: WAVE_HZ, at: pulse, signal: { modality: 4, rate: [WAVE_HZ, 1], channels: [channel({ code: 'PLETH', unit: '1' })] } };

const county = await new County({ gateways: 1, relays: false }).prepare();
county.reconfigure('gw-01.conf', 'device', 'beds', 'ecg-1=A, oxi-1=A, ecg-2=B');
const devices = [];
const patience = { timeoutMs: 60000, stepMs: 250 };

await scenario(
  'a pulse wave as a witness',
  async () => {
    await county.start();
    const port = county.gateways[0].devicePort;
    devices.push(new Live(port, 'ecg-1', [ecgPart]), new Live(port, 'oxi-1', [wavePart]), new Live(port, 'ecg-2', [ecgPart]));
    const began = performance.now();
    for (const one of devices) await one.start(began);
    await county.liveStreams(3);
    const streams = Object.fromEntries((await county.api.json('/api/streams')).streams.map((one) => [one.device, one.id]));
    const events = async (device) => (await county.api.json(`/api/streams/${streams[device]}/events?first=0&count=${2 ** 40}`)).events;
    const asystole = async (device) => (await events(device)).filter((one) => one.kind === 'alarm' && one.code === 'ASYSTOLE');

    await until('the ECG without a witness to raise its alarm', async () => (await asystole('ecg-2')).length > 0, patience);
    await until('the denial to be at the county', async () => (await events('ecg-1')).some((one) => one.code === 'ALARM_DENIED'), patience);
    const denied = (await events('ecg-1')).filter((one) => one.code === 'ALARM_DENIED');
    check('the denial says which alarm, once', denied.length === 1 && denied[0].rule === 'pulse-denies-asystole', JSON.stringify(denied));
    const value = (name) => denied[0].evidence.find((one) => one.name === name && !one.threshold)?.value;
    check('and rests on the pulses', value('pulses') >= 3 && Math.abs(value('pulse-rate') - 75) < 5, JSON.stringify(denied[0].evidence));
    check('what was denied was not raised', (await asystole('ecg-1')).every((one) => one.first > PULSE_END_S * ECG_HZ - 9 * ECG_HZ && performance.now() - began > PULSE_END_S * 1000), JSON.stringify(await asystole('ecg-1')));
    await until('the alarm when the pulse has ended', async () => (await asystole('ecg-1')).length > 0, patience);
    const [raised] = await asystole('ecg-1');
    check('the alarm comes only after the last pulse', raised.emitted_at > PULSE_END_S * ECG_HZ, JSON.stringify(raised));
    check('one alarm at each bed', (await asystole('ecg-1')).length === 1 && (await asystole('ecg-2')).length === 1);
    const counted = await metrics(county.gateways[0].statusPort);
    check('the gateway counts what it told', total(counted, 'xw_edge_pulse_values_total') > 10 * WAVE_HZ, String(total(counted, 'xw_edge_pulse_values_total')));
  },
  { logs: () => county.logs() },
);
for (const one of devices) one.stop();
await county.stop();
finish();
