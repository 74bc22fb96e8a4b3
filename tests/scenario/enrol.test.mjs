// Who gets into the county: enrolment with a code, bad certificates, rotation, revocation, slow ones.
// A healthy gateway beside all this loses nothing.
//   XW_LIFE_S  life of the certificates (default 36): rotated after two thirds of it
import { execFileSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import { Api, County } from '../support/county.mjs';
import { check, finish, scenario } from '../support/checks.mjs';
import { admin, handshake, impostor, loris, Newcomer, resume } from '../support/enrolling.mjs';
import { GatewayPeer, linkHello, strangerCertificate } from '../support/gatewaypeer.mjs';
import { metrics, total } from '../support/metrics.mjs';
import { brief, exact, judgeAtRest } from '../support/oracle.mjs';
import { sleep, until } from '../support/processes.mjs';

const lifeS = Number(process.env.XW_LIFE_S ?? 36);
const county = new County({ gateways: 1, relays: false, enrol: { certificate_life: `${lifeS}s`, tries: 20 } });
const newcomers = [];
const newcomer = async (name) => {
  const one = await new Newcomer(county, name).prepare();
  newcomers.push(one);
  return one;
};
const counted = async (name, labels) => total(await metrics(county.webPort), name, labels);
const refusedCodes = (reason) => counted('xw_center_enrolments_refused_total', new RegExp(`"${reason}"`));
const code = (id, ...more) => admin(county, 'gateway', 'code', id, '--site', '新村卫生室', ...more).code;
const centerLog = () => fs.readFileSync(county.center.logFile, 'utf8');
const gatewayOf = async (id) => (await county.api.json('/api/gateways')).gateways.find((one) => one.id === id);
let boss;

async function enrolling() {
  const one = await newcomer('new-1');
  await one.start();
  await one.up();
  const health = await fetch(`http://127.0.0.1:${one.statusPort}/healthz`);
  check('a gateway without an identity shows its page and says what it waits for', health.status === 503 && (await health.json()).checks.enrolment === 'not enrolled' && (await one.status()).enrolment.needed);
  check('its page takes no code without the token', (await one.type('0000-0000-0000-0000-0', undefined, 'wrong')) === 403);
  check('a mistyped code is found there', (await one.type('0000-0000-0000-0000-1')) === 400 && (await one.status()).enrolment.word === 'mistyped');

  check('a code that nobody made: typed', (await one.type('0000-0000-0000-0000-0')) === 200);
  check('a code that nobody made: refused with the reason, counted', (await one.refusal()).word === 'unknown_code' && (await refusedCodes('unknown_code')) === 1);
  const expired = code('new-x', '--for', '1s');
  await sleep(1200);
  await one.type(expired);
  check('an expired code: refused with the reason, counted', (await one.refusal()).word === 'expired_code' && (await refusedCodes('expired_code')) === 1);
  const made = await boss.json('/api/enrolments', { method: 'POST', body: { gateway: 'new-y', site: '新村' } });
  await boss.json(`/api/enrolments/${made.id}/withdraw`, { method: 'POST', body: {} });
  await one.type(made.code);
  check('a withdrawn code: refused with the reason', (await one.refusal()).word === 'withdrawn_code');

  const self = strangerCertificate(county.dirs.run, 'impostor', 'self-signed');
  for (const [what, forward] of [['that answers anything', 0], ['in the middle, that passes everything on', county.enrolPort]]) {
    const server = await impostor(self, forward);
    const secret = code(`new-z${forward ? 1 : 2}`);
    await one.type(secret, `127.0.0.1:${server.address().port}`);
    const refusal = await one.refusal();
    check(`a county ${what}: the gateway does not show it the code`, refusal.word === 'county', JSON.stringify(refusal));
    server.close();
  }

  const { pid } = one.process.child;
  const good = (await boss.json('/api/enrolments', { method: 'POST', body: { gateway: 'new-1', site: '新村卫生室' } })).code;
  check('the right code is typed, in small letters and without hyphens', (await one.type(good.toLowerCase().replaceAll('-', ' '))) === 200);
  const status = await one.linked();
  check('it is live without a restart, under its name and place', status.gateway === 'new-1' && status.site === '新村卫生室' && one.process.child.pid === pid && one.process.starts === 1);
  check('the county shows it, and until when its certificate holds', (await gatewayOf('new-1'))?.certificate_until_wall_us > Date.now() * 1000);
  const files = fs.readdirSync(one.identity);
  check('its key is for its owner alone', files.includes('identity.json') && !files.includes('pending.key') && ['identity.json', 'key.pem'].every((name) => (fs.statSync(path.join(one.identity, name)).mode & 0o77) === 0), files.join(' '));

  const second = await newcomer('thief');
  await second.start({ code: good });
  await second.up();
  check('the same code a second time: refused with the reason, counted, audited', (await second.refusal()).word === 'used_code' && (await refusedCodes('used_code')) === 1
    && (await boss.json('/api/audit?limit=20')).entries.some((entry) => entry.action === 'gateway_enrol' && entry.outcome === 'used code'));
  check('a code given on the command line does not stay in the list of processes', !fs.readFileSync(`/proc/${second.process.child.pid}/cmdline`, 'utf8').includes(good));
  await second.process.stop();
  const taken = await boss.request('/api/enrolments', { method: 'POST', body: { gateway: 'new-1', site: 'x' } });
  check('a code for a name that is taken: 409 unless it is to be replaced', taken.status === 409);
  check('a reader may make no code and revoke nobody', (await county.api.request('/api/enrolments', { method: 'POST', body: { gateway: 'a', site: 'b' } })).status === 403
    && (await county.api.request('/api/gateways/new-1/revoke', { method: 'POST', body: {} })).status === 403);
  return one;
}

// Killed when the county had signed and the gateway had not written it: the same key with the same code.
async function lostAnswers() {
  for (const [i, [point, repeats]] of [['identity.save', 1], ['identity.saved', 0]].entries()) {
    const name = `lost-${i}`;
    const one = await newcomer(name);
    const secret = code(name);
    const before = await counted('xw_center_enrolments_repeated_total');
    await one.start({ code: secret, env: { XW_FAULT: point } });
    await one.process.exited;
    await one.start({ code: secret });
    const status = await one.linked();
    const again = (await counted('xw_center_enrolments_repeated_total')) - before;
    check(`killed at ${point}: enrolled all the same, ${repeats ? 'with the certificate that was signed' : 'nothing is asked again'}`, status.gateway === name && again === repeats, `${again} answers repeated`);
    await one.process.stop();
  }
}

async function strangers(ca) {
  const dir = county.dirs.certs;
  const authority = path.join(dir, 'authority');
  const issue = (what, name, ...more) => {
    execFileSync(path.join(county.bin, 'xinwang-admin'), ['authority', what, authority, name, '--out', path.join(county.dirs.run, 'issued'), ...more]);
    return Object.fromEntries(['cert', 'key'].map((kind) => [kind, fs.readFileSync(path.join(county.dirs.run, 'issued', `${name}.${kind === 'cert' ? 'pem' : 'key'}`))]));
  };
  const short = issue('gateway', 'short', '--for', '1s');
  const peer = issue('gateway', 'peer-gw');
  await sleep(2100);
  for (const [what, tls, reason, why] of [
    ['no certificate', {}, 'none', /no certificate/],
    ['a certificate of its own making', strangerCertificate(county.dirs.run, 'self', 'self-signed'), 'self_signed', /self.signed/],
    ['a certificate of another authority', strangerCertificate(county.dirs.run, 'other-gw', 'other'), 'authority', /issuer|signature|self.signed/],
    ['an expired certificate', short, 'expired', /expired/],
    ["a server's certificate", issue('server', 'other-county'), 'purpose', /purpose/],
  ]) {
    const before = await counted('xw_link_refused_certificates_total', new RegExp(`"${reason}"`));
    const stranger = new GatewayPeer({ port: county.linkPort, ca, tls });
    const how = await stranger.open().then(() => 'open', (error) => error.message);
    stranger.close();
    const n = (await counted('xw_link_refused_certificates_total', new RegExp(`"${reason}"`))) - before;
    const line = centerLog().split('\n').find((one) => one.includes('link.refused') && why.test(one)) ?? '';
    check(`${what}: not let in, counted, the county's log says why`, how !== 'open' && n === 1 && line !== '', `${how.trim()}; ${n}; ${line.slice(-80)}`);
  }
  const named = await new GatewayPeer({ port: county.linkPort, ca, tls: peer }).open();
  named.say(linkHello({ id: county.gateways[0].id }));
  const end = await named.ended();
  check("another gateway's name: told IDENTITY", end?.code === 'IDENTITY', JSON.stringify(end));
  check('the right name: let in', (await (async () => {
    const right = await new GatewayPeer({ port: county.linkPort, ca, tls: peer }).open();
    right.say(linkHello({ id: 'peer-gw' }));
    const welcome = Boolean(await right.welcome());
    right.close();
    return welcome;
  })()));

  // A gateway whose certificate has run out says on its own page what the county said.
  const late = await newcomer('late');
  fs.appendFileSync(path.join(county.dirs.conf, 'late.conf'), `[uplink]\nhost = localhost\naddress = 127.0.0.1\nport = ${county.linkPort}\ncertificate = ${county.dirs.run}/issued/short.pem\nkey = ${county.dirs.run}/issued/short.key\nca = ${dir}/ca.pem\n`);
  late.args.push('--set', 'gateway.id=short');
  await late.start();
  await late.up();
  const told = await until('the gateway to say why', async () => (await late.status()).link.text.match(/refuses our certificate: .*expired.*/)?.[0]).catch((error) => error.message);
  check('an expired gateway says so itself, and counts it', /expired/.test(told) && total(await metrics(late.statusPort), 'xw_link_refused_by_county_total') > 0, told);
  await late.process.stop();
  return peer;
}

async function downgrades() {
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' };
  const cbc = { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES128-SHA256:AES128-GCM-SHA256' };
  check('TLS 1.1 is refused on every port of TLS', Boolean((await handshake(county.linkPort, old)).error) && Boolean((await handshake(county.enrolPort, old)).error));
  check('suites without forward secrecy or AEAD are refused', Boolean((await handshake(county.linkPort, cbc)).error), JSON.stringify(await handshake(county.linkPort, cbc)));
  check('enrolment speaks TLS 1.3 only', Boolean((await handshake(county.enrolPort, { maxVersion: 'TLSv1.2' })).error) && (await handshake(county.enrolPort, {})).protocol === 'TLSv1.3');
  const two = await handshake(county.linkPort, { ...peerTls, maxVersion: 'TLSv1.2' });
  check('TLS 1.2 with a good suite is served, 1.3 preferred', /GCM|CHACHA/.test(two.cipher ?? '') && (await handshake(county.linkPort, peerTls)).protocol === 'TLSv1.3', JSON.stringify(two));
}
let peerTls;

async function revoking(ca) {
  const one = await newcomer('new-2');
  await one.start({ code: code('new-2') });
  await one.linked();
  const own = { ca, cert: fs.readFileSync(path.join(one.identity, 'certificate.pem')), key: fs.readFileSync(path.join(one.identity, 'key.pem')) };
  const first = await resume(county.linkPort, { ...own, waitSession: true });
  const again = await resume(county.linkPort, { ...own, session: first.session, waitSession: true });
  check('a TLS session can be resumed', first.status === 101 && again.resumed && again.status === 101, `${first.status}, ${again.resumed}, ${again.status}`);

  const began = performance.now();
  const answer = await boss.json('/api/gateways/new-2/revoke', { method: 'POST', body: {} });
  await until('its session to end', async () => !(await gatewayOf('new-2')).linked, { timeoutMs: 8000, stepMs: 20 });
  const took = performance.now() - began;
  check('revoked with one request: its live session ends within 3 s', took < 3000 && answer.revoked_wall_us > 0, `${Math.round(took)} ms`);
  const text = await until('the gateway to know', async () => (await one.status()).link.text.match(/revoked/) && (await one.status()).link.text);
  check('the gateway is told why', /revoked/.test(text), text);
  const resumed = await resume(county.linkPort, { ...own, session: again.session ?? first.session });
  check('a resumed TLS session does not get around it', /revoked/.test(resumed.text), `resumed ${resumed.resumed}, status ${resumed.status}`);
  check('it is counted and in the audit', (await counted('xw_link_refused_identities_total')) >= 2 && (await boss.json('/api/audit?limit=50')).entries.some((entry) => entry.action === 'gateway_revoke' && entry.subject === 'new-2'));
  check('twice is told', (await boss.request('/api/gateways/new-2/revoke', { method: 'POST', body: {} })).status === 409);
  check('xinwang-admin lists it as revoked', admin(county, 'gateway', 'list').gateways.find((g) => g.id === 'new-2')?.revoked_wall_us > 0);
  return own;
}

// Another machine with the same disk.
async function cloned(one, ca) {
  const [cert, key] = ['certificate.pem', 'key.pem'].map((name) => fs.readFileSync(path.join(one.identity, name)));
  const twin = await new GatewayPeer({ port: county.linkPort, ca, tls: { cert, key } }).open();
  twin.say(linkHello({ id: 'new-1' }));
  const welcome = Boolean(await twin.welcome());
  const alarm = await until('two machines to be told', async () => (await county.api.json('/api/alarms')).technical.find((each) => each.code === 'conflict' && each.subject === 'new-1' && !each.to_wall_us)).catch((error) => error.message);
  check('two machines with one identity: a technical alarm, counted', welcome && /two machines/.test(alarm.text) && (await counted('xw_link_two_machines_total')) > 0, JSON.stringify(alarm));
  twin.close();
  check('the first one is back as soon as the other has gone', (await one.linked()).gateway === 'new-1');
}

// Codes by the dozen: the address is made to wait.
async function guessing() {
  const statuses = [];
  for (let i = 0; i < 24; i++) {
    const body = JSON.stringify({ id: crypto.randomBytes(16).toString('hex'), nonce: '00'.repeat(32) });
    statuses.push(await new Promise((resolve) => {
      const request = https.request({ host: '127.0.0.1', port: county.enrolPort, path: '/enrol/hello', method: 'POST', rejectUnauthorized: false, agent: false, headers: { 'content-length': body.length } }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      });
      request.on('error', () => resolve(0));
      request.end(body);
    }));
  }
  const right = await newcomer('right');
  await right.start({ code: code('right') });
  check('... and a right code from the same address is taken all the same', (await right.linked()).gateway === 'right');
  await right.process.stop();
  check('guessing codes is slowed down: 404, then 429', statuses[0] === 404 && statuses.at(-1) === 429 && statuses.every((one) => one === 404 || one === 429) && (await refusedCodes('too_many')) > 0, statuses.join(' '));
}

async function killedRevoking() {
  const revoke = () => boss.request('/api/gateways/lost-1/revoke', { method: 'POST', body: {} });
  await county.center.stop(8000);
  county.center.start({ XW_FAULT: 'center.revoked' });
  await county.centerBack();
  const first = await revoke().then((answer) => `answered ${answer.status}`, () => 'no answer');
  await county.center.exited;
  county.center.start();
  await county.centerBack();
  const again = (await gatewayOf('lost-1')).revoked_wall_us > 0 || (await revoke()).status === 200;
  check('the center killed in the middle of revoking: no answer, and asked again it is done', first === 'no answer' && again && (await gatewayOf('lost-1')).revoked_wall_us > 0, first);
}

async function afterRestart(own) {
  await county.center.stop(8000);
  const offline = admin(county, 'revoke', 'lost-0'); // without a running center: on its store
  county.center.start();
  await county.centerBack();
  const resumed = await resume(county.linkPort, own);
  check('after a restart of the center it is revoked still', /revoked/.test(resumed.text), `status ${resumed.status}`);
  check('revoking works on the store of a stopped center too', offline.id === 'lost-0' && (await gatewayOf('lost-0')).revoked_wall_us > 0);
  const again = await newcomer('new-2b');
  await again.start({ code: code('new-2') });
  const status = await again.linked();
  check('enrolled anew, another gateway takes the name; the old one stays out', status.gateway === 'new-2' && /revoked/.test((await resume(county.linkPort, own)).text));
  await again.process.stop();
}

// The revoked box itself gets a code: on its own page, while it runs.
async function enrolledAnew() {
  const box = newcomers.find((each) => each.name === 'new-2');
  const { pid } = box.process.child;
  const before = await until('the revoked gateway to know', async () => {
    const status = await box.status();
    return status.link.refused && status;
  });
  check('a revoked gateway says so and offers to be enrolled anew', before.enrolment.possible && !before.enrolment.needed && before.enrolment.was === 'new-2', JSON.stringify(before.enrolment));
  const others = code('new-other');
  await box.type(others);
  check("a code for another gateway is refused there", (await box.refusal()).word === 'other_gateway' && (await refusedCodes('other_gateway')) === 1);
  check('... and is not used up', (await boss.json('/api/enrolments')).codes.some((each) => each.gateway === 'new-other' && each.state === 'open'));
  await box.type(code('new-2', '--replace'));
  const status = await box.linked();
  check('with a code of its own it is back: same process, same id, no longer refused', status.gateway === 'new-2' && box.process.child.pid === pid && !status.link.refused && status.alarms.every((each) => each.code !== 'link_lost'), JSON.stringify(status.alarms));
  check('while it is linked its page takes no code', !status.enrolment.possible && (await box.type(others)) === 409);
  await box.process.stop();
  await box.start();
  check('after a restart it is who it was', (await box.linked()).gateway === 'new-2');

  // Its identity is lost and its spool is not: no other gateway may be made of it.
  await box.process.stop();
  fs.rmSync(box.identity, { recursive: true });
  await box.start({ code: others });
  await box.up();
  check('a box whose spool holds the data of one gateway does not become another', (await box.refusal()).word === 'other_gateway' && (await box.status()).enrolment.was === 'new-2');
  await box.type(code('new-2', '--replace'));
  check('as who it was it is taken', (await box.linked()).gateway === 'new-2');
  // The file is broken: it is kept, and the gateway asks instead of never starting again.
  await box.process.stop();
  fs.writeFileSync(path.join(box.identity, 'identity.json'), '{"gateway": "new-2", ');
  await box.start();
  await box.up();
  check('a broken identity is put aside, and a code is asked for', (await box.status()).enrolment.needed && fs.existsSync(path.join(box.identity, 'identity.json.broken')));
  await box.process.stop();
}

async function rotated(one) {
  const renewed = async () => total(await metrics(one.statusPort), 'xw_edge_certificates_renewed_total');
  await until('its certificate to be rotated', async () => (await renewed()) >= 1, { timeoutMs: lifeS * 1000, stepMs: 300 });
  const status = await one.status();
  check('rotated before it expires, without losing the link', status.link.linked && one.process.starts === 1 && status.link.certificate_until_wall_us > Date.now() * 1000 + (lifeS / 2) * 1e6);
  check('the county knows the new one', (await gatewayOf('new-1')).certificate_until_wall_us === status.link.certificate_until_wall_us && (await counted('xw_center_certificates_renewed_total')) >= 0);
  // Killed between asking for the next one and using it: what was, or what has become, is there.
  await one.process.stop();
  await one.start();
  check('after a restart it is who it was, with the new certificate', (await one.linked()).link.certificate_until_wall_us >= status.link.certificate_until_wall_us);
}

await scenario(
  'nobody joins who should not, and nobody is lost who should',
  async () => {
    await county.start();
    boss = await new Api(county.api.base).enter('admin');
    const ca = fs.readFileSync(path.join(county.dirs.certs, 'ca.pem'));
    county.startSim({ devices: [{ id: 'good-1', gateway: `127.0.0.1:${county.gateways[0].devicePort}`, rate: 500, block_ms: 40, source: { kind: 'pattern', channels: 12 } }] });
    await county.liveStreams(1);

    // More than either port lets wait, from an address of their own: who is honest is not shut out.
    const slow = [
      ...Array.from({ length: 560 }, () => loris(county.linkPort, { from: '127.0.0.9' })),
      ...Array.from({ length: 150 }, () => loris(county.enrolPort, { from: '127.0.0.9' })),
      ...Array.from({ length: 60 }, () => loris(county.linkPort)),
      ...Array.from({ length: 60 }, () => loris(county.enrolPort)),
      ...Array.from({ length: 20 }, () => loris(county.enrolPort, { secure: true, say: 'POST /enrol/hello HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{' })),
      ...Array.from({ length: 20 }, () => loris(county.linkPort, { say: '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03' })),
    ];
    const one = await enrolling();
    check('more connections than may wait: the crowd makes room for the others', (await counted('xw_link_refused_connections_total', /"waiting"/)) > 0 && (await counted('xw_center_enrol_connections_refused_total')) > 0);
    const [, peer] = await Promise.all([lostAnswers(), strangers(ca)]);
    peerTls = peer;
    await downgrades();
    const own = await revoking(ca);
    const ended = await Promise.all(slow);
    check('slow ones are closed within 20 s', ended.every((each) => each.closed && each.ms < 20000), `the last after ${Math.round(Math.max(...ended.map((each) => each.ms)))} ms, ${ended.filter((each) => !each.closed).length} open`);
    await rotated(one);
    await cloned(one, ca);
    await guessing();
    await killedRevoking();
    await afterRestart(own);
    await enrolledAnew();
    for (const each of newcomers) await each.process?.stop();
    check('the healthy gateway and its device were not disturbed', county.gateways[0].process.starts === 1 && (await county.askSim('stats')).devices[0].connects === 1);
    const verdict = await judgeAtRest(county);
    check('every sample of the healthy device is at the county exactly once', verdict.generated > 5000 && exact(verdict), brief(verdict));
  },
  { logs: () => county.logs() },
);
for (const each of newcomers) await each.process?.stop();
await county.stop();
finish();
