// A spool that refuses one batch while a device goes on sending: what is kept of it has no hole at any
// moment, so that whatever process starts next reads on where the last one was; and in the end
// everything is there, sent again by the device.
import { check, finish, scenario } from '../support/checks.mjs';
import { County } from '../support/county.mjs';
import { RawDevice, block, channel, hello, signal } from '../support/device.mjs';
import { sleep, until } from '../support/processes.mjs';
import { parse } from '../support/wire.mjs';

// One batch in the middle of what comes.
const county = new County({ gateways: 1, relays: false, power: (name) => (name === 'gw-01' ? 'edge.commit.append:error=ENOSPC:after=20:times=1' : '') });
const [COUNT, MS] = [20, 40];
const told = hello({ id: 'goes-on', signals: [signal({ channels: [channel()] })] });

// Sends a block each 40 ms, whatever it is told: from here on, else from where it is asked to.
async function speak(first, ms) {
  const device = await new RawDevice(county.gateways[0].devicePort).open();
  device.say(told);
  await device.accepted(5000);
  let next = first ?? heldOf(device).upto;
  for (const end = performance.now() + ms; performance.now() < end && !device.closed; next += COUNT) {
    device.say(block({ first: next, count: COUNT, channels: 1 }));
    await sleep(MS);
  }
  return { device, next };
}

// What it was told to be kept: up to where, and how many ranges ever lay behind that.
function heldOf(device) {
  let upto = 0;
  let beyond = 0;
  for (const message of device.heard) {
    const held = message[4] ? parse(message[4])[1] : message[3] ? parse(message[3])[2] : undefined;
    if (!held) continue;
    const one = parse(held);
    upto = Math.max(upto, Number(one[2] ?? 0));
    beyond += one[3] ? 1 : 0;
  }
  return { upto, beyond };
}

await scenario(
  'a batch that the spool refuses leaves no hole',
  async () => {
    await county.start();

    const { device, next } = await speak(0, 12000);
    await until('the device to be sent away when there is room', () => device.closed, { timeoutMs: 10000 }).catch(() => {});
    const before = heldOf(device);
    check('it was told to keep what is not acknowledged, and to come again', device.closed, `${before.upto} of ${next} kept`);
    check('nothing behind the refused batch was kept', before.upto > 0 && before.upto < next && before.beyond === 0, `up to ${before.upto} of ${next}, ${before.beyond} times with a hole`);

    const again = await speak(null, 2000);
    await until('all to be kept', () => heldOf(again.device).upto >= again.next, { timeoutMs: 10000, stepMs: 50 }).catch(() => {});
    const after = heldOf(again.device);
    check('all is there when the device has sent it again', after.upto === again.next && after.beyond === 0, `${after.upto} of ${again.next}`);
    again.device.close();
  },
  { logs: () => county.logs() },
);
await county.stop();
finish();
