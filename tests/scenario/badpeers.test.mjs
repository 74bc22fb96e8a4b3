// Peers that break the rules: a device, a gateway, a browser. Each is closed with a reason, counted
// and logged once, and a healthy device, gateway and reader beside it lose nothing.
//   XW_SEED  of the random bytes (printed)
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { check, finish, scenario } from '../support/checks.mjs';
import { County, seeded } from '../support/county.mjs';
import { RawDevice, block, channel, gap, hello, ping, signal } from '../support/device.mjs';
import { GatewayPeer, linkHello, strangerCertificate } from '../support/gatewaypeer.mjs';
import { LiveSocket } from '../support/live.mjs';
import { metrics, total } from '../support/metrics.mjs';
import { brief, exact, judgeAtRest, readJournal } from '../support/oracle.mjs';
import { sleep, until } from '../support/processes.mjs';
import { bytesField, crc32c, fixed32Field, framed, intField, parse } from '../support/wire.mjs';

const seed = Number(process.env.XW_SEED ?? 1);
const random = seeded(seed);
const noise = (n) => Buffer.from(Array.from({ length: n }, () => random.int(0, 255)));
console.log(`seed ${seed}`);

const county = new County({ gateways: 2, relays: false });
// How often an event was logged: a call site that says too much is counted ("repeated=N") instead.
const logged = (file, event) =>
  fs.readFileSync(file, 'utf8').split('\n').filter((line) => event.test(line))
    .reduce((n, line) => n + (/^\S+ \w+ \S+ repeated=\d+$/.test(line) ? 0 : 1) + Number(line.match(/ repeated=(\d+)/)?.[1] ?? 0), 0);
const faultsN = { device: 0, gateway: 0, browser: 0 }; // counted by the processes, checked against their logs at the end
const LIVE_FAULTS = /^xw_center_live_(bad|faults)\w*_total$/;
const codes = (names) => names.split('|');

// ---- devices ----

const live = async (device, id, more = {}) => {
  device.say(hello({ id, ...more }));
  if (!(await device.accepted())) throw new Error(`${id} was not accepted: ${JSON.stringify(await device.fault(10))}`);
  return device;
};
// [what, the fault it must be told, what it does]. `id` is a device of its own each time.
const deviceCases = [
  ['random bytes', 'MALFORMED|TOO_LARGE', (d) => d.raw(Buffer.concat([Buffer.from([20]), noise(400)]))],
  ['a message of 4 GiB', 'TOO_LARGE|MALFORMED', (d) => d.raw(Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f]))],
  ['a length that never ends', 'TOO_LARGE|MALFORMED', (d) => d.raw(Buffer.alloc(16, 0xff))],
  ['a length not in shortest form', 'TOO_LARGE|MALFORMED', (d) => d.raw(Buffer.from([0x85, 0x00, 1, 2, 3, 4, 5]))],
  ['an HTTP request', 'MALFORMED|TOO_LARGE', (d) => d.raw('GET / HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(8))],
  ['an empty message', 'MALFORMED', (d) => d.raw(Buffer.from([0]))],
  ['version 9', 'VERSION', (d, id) => d.say(hello({ id, version: 9 }))],
  ['a block before the hello', 'STATE', (d) => d.say(block())],
  ['a ping before the hello', 'STATE', (d) => d.say(ping())],
  ['an id with a slash', 'IDENTITY', (d) => d.say(hello({ id: '../../etc/passwd' }))],
  ['an id of 65', 'IDENTITY', (d) => d.say(hello({ id: 'x'.repeat(65) }))],
  ['no signals', 'HEADER', (d, id) => d.say(hello({ id, signals: [] }))],
  ['a rate over zero', 'HEADER', (d, id) => d.say(hello({ id, signals: [signal({ rate: [500, 0] })] }))],
  ['a million samples a second', 'HEADER', (d, id) => d.say(hello({ id, signals: [signal({ rate: [1000000, 1] })] }))],
  ['a gain of zero', 'HEADER', (d, id) => d.say(hello({ id, signals: [signal({ channels: [channel({ gain: [0, 1] })] })] }))],
  ['forty channels', 'HEADER', (d, id) => d.say(hello({ id, signals: [signal({ channels: Array.from({ length: 40 }, (_, i) => channel({ code: `X${i}` })) })] }))],
  ['one lead twice', 'HEADER', (d, id) => d.say(hello({ id, signals: [signal({ channels: [channel(), channel()] })] }))],
  ['one signal twice', 'HEADER', (d, id) => d.say(hello({ id, signals: [signal(), signal()] }))],
  ['an unknown modality', 'HEADER', (d, id) => d.say(hello({ id, signals: [signal({ modality: 14 })] }))],
  ['two hellos', 'STATE', async (d, id) => (await live(d, id)).say(hello({ id }))],
  ['an answer that nobody asked for', 'STATE', async (d, id) => (await live(d, id)).say(bytesField(2, bytesField(1, noise(32))))],
  ['a wrong CRC', 'CRC', async (d, id) => (await live(d, id)).say(block({ crc: 1 }))],
  ['a block of no samples', 'TOO_LARGE|MALFORMED', async (d, id) => (await live(d, id)).say(bytesField(3, Buffer.concat([intField(2, 0), fixed32Field(5, crc32c(Buffer.alloc(0)))])))],
  ['a block of 2^31 samples', 'TOO_LARGE|MALFORMED', async (d, id) => (await live(d, id)).say(bytesField(3, Buffer.concat([intField(3, 2 ** 31), bytesField(6, Buffer.alloc(50))])))],
  ['a block of two seconds', 'TOO_LARGE', async (d, id) => (await live(d, id)).say(block({ count: 1000 }))],
  ['a truncated block', 'MALFORMED', async (d, id) => (await live(d, id)).say(block({ data: Buffer.from([2, 4, 6]) }))],
  ['a coding of the future', 'MALFORMED', async (d, id) => (await live(d, id)).say(block({ coding: 9 }))],
  ['another lead set than announced', 'CHANNELS', async (d, id) => (await live(d, id)).say(block({ channels: 5 }))],
  ['a signal that was not announced', 'CHANNELS', async (d, id) => (await live(d, id)).say(block({ number: 3 }))],
  ['an index beyond 2^62', 'INDEX', async (d, id) => (await live(d, id)).say(block({ first: 2 ** 62 }))],
  ['a jump of a day without a gap', 'INDEX', async (d, id) => (await live(d, id)).say(block()).say(block({ first: 500 * 86400 }))],
  ['a gap of a thousand years', 'INDEX', async (d, id) => (await live(d, id)).say(gap({ first: 0, count: 500 * 86400 * 365000 }))],
  ['time going back (a device that cannot resume)', 'INDEX', async (d, id) => (await live(d, id, { resume: false })).say(block({ first: 100 })).say(block({ first: 0 }))],
  ['300 samples a second by its own clock, 500 announced', 'RATE', async (d, id) => {
    await live(d, id);
    for (let first = 0; first < 300 * 60; first += 20) d.say(block({ first, clock: 1e6 + ((first + 20) / 300) * 1e6 }));
  }, 30000],
  ['a hello that does not come', 'TIMEOUT', () => {}, 30000],
  ['half a hello', 'TIMEOUT', (d, id) => d.raw(framed(hello({ id })).subarray(0, 30)), 30000],
];

async function badDevices(gateway) {
  for (const [i, [what, expected, attack, waitMs = 20000]] of deviceCases.entries()) {
    const before = total(await metrics(gateway.statusPort), 'xw_edge_device_faults_total');
    const device = await new RawDevice(gateway.devicePort).open();
    try {
      await attack(device, `bad-${i}`);
      const fault = await device.fault(waitMs);
      const counted = total(await metrics(gateway.statusPort), 'xw_edge_device_faults_total') - before;
      faultsN.device += counted;
      check(`device, ${what}: told, closed and counted once`,
        device.closed && codes(expected).includes(fault?.code) && fault.text.length > 3 && fault.fatal && counted === 1,
        `${JSON.stringify(fault)}, closed ${device.closed}, counted ${counted}; ${expected} expected`);
    } catch (error) {
      check(`device, ${what}`, false, error.message);
    } finally {
      device.close();
    }
  }
}

async function oddButAllowed(gateway) {
  const device = await new RawDevice(gateway.devicePort).open();
  const future = Buffer.concat([intField(900, 5), bytesField(901, 'later')]);
  device.say(hello({ id: 'odd-1', extra: future }));
  check('device: unknown fields of a later version are tolerated', Boolean(await device.accepted()));
  device.say(bytesField(99, 'a message of a later version')).say(block());
  check('device: a message of a later version is passed over', Boolean(await device.until(() => device.upto === 20, 5000)) && !device.closed);
  // The same block again, and one byte at a time.
  for (const byte of framed(block())) device.raw(Buffer.from([byte]));
  device.say(block({ first: 20 }));
  check('device: a block sent again, in single bytes, changes nothing', Boolean(await device.until(() => device.upto === 40, 5000)) && !device.closed);
  device.close();
}

// ---- gateways ----

async function badGateways(ca) {
  const port = county.linkPort;
  const own = (id) => ({ cert: fs.readFileSync(path.join(county.dirs.certs, `${id}.pem`)), key: fs.readFileSync(path.join(county.dirs.certs, `${id}.key`)) });
  const refused = async (what, tls, expectOpen = false) => {
    const peer = new GatewayPeer({ port, ca, tls });
    const how = await peer.open().then(() => 'open', (error) => error.message);
    check(`gateway, ${what}: not let in`, (how === 'open') === expectOpen, how.trim());
    peer.close();
  };
  await refused('a certificate of its own making', strangerCertificate(county.dirs.run, 'self', 'self-signed'));
  await refused('a certificate of another authority', strangerCertificate(county.dirs.run, 'other-gw', 'other'));
  await refused('no certificate', {});

  const header = bytesField(1, Buffer.alloc(16, 1));
  const cases = [
    ['random bytes', 'MALFORMED', (p) => p.say(noise(300))],
    ['an empty message', 'MALFORMED|STATE', (p) => p.say(Buffer.alloc(0))],
    ['version 7', 'VERSION', (p) => p.say(linkHello({ id: 'bad-gw', version: 7 }))],
    ['the name of another gateway', 'IDENTITY', (p) => p.say(linkHello({ id: county.gateways[0].id }))],
    ['blocks before the hello', 'STATE', (p) => p.say(bytesField(6, bytesField(2, Buffer.concat([header, intField(3, 1), bytesField(6, Buffer.from([2]))]))))],
    ['a message of the county', 'STATE|MALFORMED', (p) => p.say(bytesField(3, intField(1, 1)))],
    ['a hello twice', 'STATE', async (p) => {
      p.say(linkHello({ id: 'bad-gw' }));
      await p.welcome();
      p.say(linkHello({ id: 'bad-gw' }));
    }],
    ['half a hello', 'MALFORMED', (p) => p.say(linkHello({ id: 'bad-gw' }).subarray(0, 40))],
    ['a stream without a header', 'HEADER|MALFORMED', async (p) => {
      p.say(linkHello({ id: 'bad-gw' }));
      await p.welcome();
      p.say(bytesField(5, bytesField(1, bytesField(1, Buffer.alloc(16, 9)))));
    }],
    ['a block of a stream that was never opened', 'STATE|HEADER|MALFORMED', async (p) => {
      p.say(linkHello({ id: 'bad-gw' }));
      await p.welcome();
      p.say(bytesField(6, Buffer.concat([intField(1, 1), bytesField(2, Buffer.concat([bytesField(1, Buffer.alloc(16, 7)), intField(3, 1), fixed32Field(5, 1), bytesField(6, Buffer.from([2]))]))])));
    }],
    ['a message of 1 MiB', 'TOO_LARGE', (p) => p.say(Buffer.alloc(1 << 20, 0x0a))],
    ['a text message', 'MALFORMED', (p) => p.say('hello?')],
    ['nothing at all', 'TIMEOUT', () => {}, 30000],
  ];
  for (const [what, expected, attack, waitMs = 20000] of cases) {
    const before = total(await metrics(county.webPort), 'xw_link_faults_total');
    const peer = new GatewayPeer({ port, ca, tls: own('bad-gw') });
    try {
      await peer.open();
      await attack(peer);
      const end = await peer.ended(waitMs);
      const counted = total(await metrics(county.webPort), 'xw_link_faults_total') - before;
      faultsN.gateway += counted;
      check(`gateway, ${what}: told, closed and counted once`,
        peer.closed && codes(expected).includes(end?.code) && counted === 1,
        `${JSON.stringify(end)}, closed ${peer.closed} ${peer.closeCode ?? ''}, counted ${counted}; ${expected} expected`);
    } catch (error) {
      check(`gateway, ${what}`, false, error.message);
    } finally {
      peer.close();
    }
  }
}

// ---- browsers ----

// Raw bytes to the web port; what came back and whether it was closed in time.
function raw(bytes, { waitMs = 5000, port = county.webPort, drip = 0 } = {}) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    let text = '';
    let at = 0;
    const began = performance.now();
    const timers = [setTimeout(() => end(false), waitMs)];
    const end = (closed) => {
      for (const timer of timers) clearInterval(timer);
      socket.destroy();
      resolve({ text, closed, ms: Math.round(performance.now() - began) });
    };
    socket.on('data', (chunk) => {
      if (text.length < 65536) text += chunk.toString('latin1');
    });
    socket.on('error', () => end(true));
    socket.on('close', () => end(true));
    socket.on('connect', () => {
      if (!drip) return socket.write(bytes);
      timers.push(setInterval(() => at < bytes.length && socket.write(bytes.subarray(at, ++at)), drip));
    });
  });
}
const status = (answer) => Number(answer.text.match(/^HTTP\/1\.[01] (\d+)/)?.[1] ?? 0);
const request = (line, headers = [], body = '') =>
  Buffer.from([`${line} HTTP/1.1`, `Host: 127.0.0.1:${county.webPort}`, ...headers, '', body].join('\r\n'));

async function badBrowsers() {
  for (const [what, send, expected] of [
    ['random bytes', (s) => s.send(Buffer.concat([Buffer.from([0xff]), noise(64)])), 'malformed'],
    ['a text message', (s) => s.send('watch everything'), 'malformed'],
    ['a message of 64 KiB', (s) => s.send(Buffer.alloc(65536, 0x0a)), 'too_large'],
    ['a stream id of 3 bytes', (s) => s.send(bytesField(1, bytesField(1, Buffer.from([1, 2, 3])))), 'malformed'],
    ['a thousand messages at once', (s) => {
      for (let i = 0; i < 1000; i++) s.send(bytesField(4, intField(1, i)));
    }, 'too_many'],
  ]) {
    const before = total(await metrics(county.webPort), LIVE_FAULTS);
    let fault = '';
    const socket = await new LiveSocket(county.api, {
      onMessage: (number, bytes) => {
        if (number === 9) fault = Buffer.from(parse(bytes)[1] ?? []).toString();
      },
    }).open();
    send(socket.socket);
    await until('the county to close it', () => socket.closed, { timeoutMs: 20000 }).catch(() => {});
    const counted = total(await metrics(county.webPort), LIVE_FAULTS) - before;
    faultsN.browser += counted;
    check(`browser, ${what} on /live: told, closed and counted once`, socket.closed && fault === expected && counted === 1, `closed ${socket.closed}, ${fault || 'told nothing'}, ${expected} expected, counted ${counted}`);
    socket.socket.terminate();
  }
  const upgrade = (headers) => request('GET /live', ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Protocol: xw-live-1', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==', ...headers]);
  const origin = `Origin: ${county.api.base}`;
  for (const [what, bytes, expected] of [
    ['/live without a session', upgrade([origin]), [401, 403]],
    ['/live from another page', upgrade(['Origin: http://evil.example', `Cookie: ${county.api.cookie}`]), [403]],
    ['another Host (rebinding)', Buffer.from(`GET /api/streams HTTP/1.1\r\nHost: evil.example\r\nCookie: ${county.api.cookie}\r\n\r\n`), [400, 403, 421]],
    ['a body of 100 MB', request('POST /api/login', ['Content-Type: application/json', 'Content-Length: 104857600'], '{"user":"'), [413]],
    ['a body without a length', request('POST /api/login', ['Content-Type: application/json', 'Transfer-Encoding: chunked'], 'zz\r\n'), [400, 411]],
    ['a path out of the pages', request('GET /../../../../etc/passwd'), [200, 400, 403, 404]],
    ['a path out of the pages, hidden', request('GET /%2e%2e/%2e%2e/%2e%2e/etc/passwd'), [200, 400, 403, 404]],
    ['a method of its own', request('BREW /api/streams', [`Cookie: ${county.api.cookie}`]), [0, 400, 403, 404, 405, 501]],
    ['a header of 64 KiB', request('GET /healthz', [`X-Long: ${'x'.repeat(65536)}`]), [0, 400, 403, 413, 431]],
    ['garbage', noise(2000), [0, 400, 403]],
  ]) {
    const answer = await raw(bytes);
    check(`browser, ${what}: refused`, expected.includes(status(answer)) && !answer.text.includes('root:'), `${status(answer)} ${answer.closed ? 'closed' : 'open'} ${answer.ms} ms`);
  }
  for (const [what, body] of [['half a JSON', '{"stream":'], ['JSON 5,000 deep', '['.repeat(5000)], ['a number for a name', '{"role": 5}'], ['not UTF-8', '{"role": "\xff\xfe"}']]) {
    const answer = await raw(request('POST /api/demo/enter', ['Content-Type: application/json', origin, `Content-Length: ${Buffer.byteLength(body, 'latin1')}`], '').toString('latin1') + body);
    check(`browser, ${what}: 400`, status(answer) === 400, `${status(answer)}`);
  }
  for (const query of ['first=-1&count=5', 'first=1e9&count=x', 'first=0&count=99999999999999999999', 'first=9007199254740993&count=1', 'count=5', ''])
    check(`browser, samples?${query}: 400`, (await county.api.request(`/api/streams/${stream()}/samples?${query}`)).status === 400);

  // Slow ones: 60 at once, a byte a second. They are let go, and the others are served meanwhile.
  const slow = Array.from({ length: 60 }, () => raw(request('GET /api/streams', ['X-Slow: '.padEnd(4000, 'x')]), { drip: 1000, waitMs: 45000 }));
  await sleep(2000);
  const took = [];
  for (let i = 0; i < 5; i++) {
    const began = performance.now();
    const served = (await county.api.request('/api/streams')).status;
    took.push(served === 200 ? Math.round(performance.now() - began) : Infinity);
  }
  // The quickest: a busy machine may hold up one of them, slow readers that are in the way hold up all.
  check('browser, slow ones: the others are served at once', Math.min(...took) < 1000 && took.every(Number.isFinite), `${took} ms`);
  const ended = await Promise.all(slow);
  check('browser, slow ones: closed within 40 s', ended.every((one) => one.closed && one.ms < 40000), `the last after ${Math.max(...ended.map((one) => one.ms))} ms, ${ended.filter((one) => !one.closed).length} still open`);
}
const stream = () => [...readJournal(county.journal).values()][0].streams.at(-1);

await scenario(
  'bad peers harm only themselves',
  async () => {
    await county.start();
    const { execFileSync } = await import('node:child_process');
    execFileSync(path.join(new URL('../..', import.meta.url).pathname, 'deploy', 'certs.sh'), [county.dirs.certs, 'gateway', 'bad-gw']);
    const ca = fs.readFileSync(path.join(county.dirs.certs, 'ca.pem'));
    county.startSim({
      devices: county.gateways.map((gateway, i) => ({
        id: `good-${i + 1}`, gateway: `127.0.0.1:${gateway.devicePort}`, rate: 500, block_ms: 40,
        source: i ? { kind: 'synth', rhythm: 'sinus', seed } : { kind: 'pattern', channels: 12 },
      })),
    });
    await until('two live streams', async () => (await county.api.json('/api/streams')).streams.filter((one) => one.live).length === 2, { timeoutMs: 20000 });
    // A healthy reader: every sample of both streams must come over its socket, once, in order.
    const reader = { next: new Map(), breaks: 0, blocks: 0 };
    const healthy = await new LiveSocket(county.api, {
      onBlock: (one) => {
        if (one.backfill) return;
        reader.blocks += 1;
        if (reader.next.has(one.stream) && reader.next.get(one.stream) !== one.first) reader.breaks += 1;
        reader.next.set(one.stream, one.first + one.count);
      },
    }).open();
    for (const device of readJournal(county.journal).values()) healthy.watch(device.streams.at(-1));
    await sleep(500);
    const connects = (await county.askSim('stats')).devices.map((device) => device.connects);

    await badDevices(county.gateways[0]);
    await oddButAllowed(county.gateways[0]);
    await badGateways(ca);
    await badBrowsers();

    const stats = (await county.askSim('stats')).devices;
    check('the healthy devices stayed connected', stats.every((device, i) => device.connects === connects[i] && device.faults === 0), JSON.stringify(stats));
    const { gateways } = await county.api.json('/api/gateways');
    check('the healthy gateways stayed linked', county.gateways.every((gateway) => gateways.find((one) => one.id === gateway.id)?.linked));
    check('the healthy reader missed nothing', !healthy.closed && reader.breaks === 0 && reader.blocks > 100, `${reader.blocks} blocks, ${reader.breaks} breaks, closed ${healthy.closed}`);
    healthy.close();
    const verdict = await judgeAtRest(county);
    check('every sample of the healthy devices is at the county exactly once', verdict.generated > 5000 && exact(verdict), brief(verdict));
    check('the processes lived through it', county.center.running && county.center.starts === 1 && county.gateways.every((gateway) => gateway.process.running));
    // What a silenced call site still owes is written at the end.
    await Promise.all([county.center, ...county.gateways.map((gateway) => gateway.process)].map((one) => one.stop(8000)));
    for (const [who, file, event] of [
      ['device', county.gateways[0].process.logFile, /device\.fault |technical\.alarm /], // a fenced device is an alarm
      ['gateway', county.center.logFile, /link\.closed /],
      ['browser', county.center.logFile, /live\.fault /],
    ])
      check(`each fault of a ${who} is logged`, logged(file, event) >= faultsN[who] && faultsN[who] > 0, `${logged(file, event)} lines for ${faultsN[who]} faults`);
  },
  { logs: () => county.logs() },
);
await county.stop();
finish();
