// A county for browser tests: HTTP and WebSocket as in proto/API.md and live.proto, with signals that
// are pure functions of the sample index, and handles to cut, freeze, drop and heal.
//
//   node tests/web/fake/center.mjs [--port N] [--streams N] [--mothers N] [--no-demo]     to look at the pages by hand

import { createServer } from 'node:http';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, existsSync, statSync } from 'node:fs';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Pbf, WebSocketServer, wire, webRoot } from './packages.mjs';
import { block, kinds, COUNTS_PER_MV } from './signal.mjs';
import { addCtg } from './ctg.mjs';
import { reading } from './reading.mjs';
import { FakeRules } from './rules.mjs';
import { addMonitor } from './vitals.mjs';

export const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; worker-src 'self'; " +
  "manifest-src 'self'; connect-src 'self'; media-src 'self' blob:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

const BLOCK_MS = 40;
const HISTORY_S = 700;
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.json': 'application/json' };

const idOf = (name) => {
  const b = createHash('sha256').update(name).digest().subarray(0, 16);
  b[6] = (b[6] & 0x0f) | 0x80;
  b[8] = (b[8] & 0x3f) | 0x80;
  return new Uint8Array(b);
};
const uuid = (b) => {
  const h = Buffer.from(b).toString('hex');
  return `${h.slice(0, 8)}-${h.slice(8, 12)}-${h.slice(12, 16)}-${h.slice(16, 20)}-${h.slice(20)}`;
};

export class FakeCenter {
  constructor({ port = 0, demo = true, streams = 6, mothers = 0, dist = fileURLToPath(new URL('dist/', webRoot)), log = false } = {}) {
    Object.assign(this, { port, demo, dist, log });
    this.offsetUs = 0; // how far the county's clock is from this machine's
    this.sockets = new Set();
    this.sessions = new Map();
    this.studies = [];
    this.alarms = [];
    this.technical = [];
    this.audit = [];
    this.parts = []; // further devices (fake/video.mjs …): message(w, m), route(q, a, path, url), attachment(), second(), stop()
    this.httpDown = false;
    this.steps = { device_live: true, opened: false, alarm: false, acked: false, cut_seen: false, healed: false };
    this.gateways = [
      { id: 'gw-dongcun', site: '东村卫生院', streams: 0 },
      { id: 'gw-xizhen', site: '西镇卫生院', streams: 0 },
      { id: 'gw-beicun', site: '北村卫生室', streams: 0 },
    ].map((g) => ({ ...g, linked: true, running: true, link: 'up', since: Date.now() - 3_600_000, backfill: 0 }));
    this.rules = new FakeRules(this);
    this.streams = new Map();
    const names = ['ecg-01', 'ecg-02', 'ecg-03', 'pulse', 'two', 'ramp'];
    for (let k = 0; k < streams; k++) {
      const name = names[k] ?? `ecg-${String(k - 2).padStart(2, '0')}`;
      const kind = { pulse: 'pulse', two: 'two', ramp: 'ramp' }[name] ?? 'ecg';
      this.addStream(name, kind, this.gateways[k % 3], { bpm: 60 + ((k * 17) % 45), rate: kind === 'two' ? 360 : 500 });
    }
    for (let k = 0; k < mothers; k++) this.addMother(k);
  }

  // A bed with everything: ECG, CTG (twins at every second), a patient monitor.
  addMother(k) {
    const gateway = this.gateways[k % 3];
    const bed = `产科 ${k + 1} 床`;
    this.addStream(`mother-${k + 1}`, 'ecg', gateway, { bpm: 88, bed });
    addCtg(this, `ctg-${k + 1}`, { gateway, bed, kind: k % 2 ? 'ctgtwin' : 'ctg' });
    addMonitor(this, `monitor-${k + 1}`, { gateway, bed, seed: k });
  }

  addStream(name, kind, gateway, { bpm = 74, rate = 500, bed = '', historyS = HISTORY_S, blockMs = BLOCK_MS } = {}) {
    const idBytes = idOf(name);
    const s = {
      name, kind, bpm, rate, blockMs, modality: kinds[kind].modality ?? 'ecg', idBytes, id: uuid(idBytes), gateway, attachment: idOf(`a-${name}`), run: idOf(`r-${name}`),
      t0: Math.floor(Date.now() / 1000) * 1000 - historyS * 1000, newest: 0, frozen: false, unknown: [], gaps: [], seq: 0,
      events: [], leadsOff: 0, site: gateway.site, bed: bed || `${this.streams.size + 1} 床`, lastGrow: Date.now(), alarm: null, vfFrom: Infinity,
    };
    s.kindAt = (i) => (i >= s.vfFrom ? 'vf' : kind);
    s.newest = this.due(s);
    gateway.streams++;
    this.streams.set(s.id, s);
    for (let b = Math.floor((s.newest / rate / 60) * bpm) - 700; b <= (s.newest / rate / 60) * bpm - 1; b++) if (b > 0 && beats(s)) this.beat(s, b, false);
    s.nextBeat = Math.floor((s.newest / rate / 60) * bpm);
    return s;
  }

  stream(name) {
    return [...this.streams.values()].find((s) => s.name === name);
  }
  now() {
    return Date.now() * 1000 + this.offsetUs;
  }
  due(s) {
    const per = Math.round((s.blockMs / 1000) * s.rate);
    return Math.floor((((Date.now() - s.t0) / 1000) * s.rate) / per) * per;
  }
  wallUs(s, i) {
    return (s.t0 + (i / s.rate) * 1000) * 1000 + this.offsetUs;
  }

  // ---- life ----

  async start() {
    this.server = createServer((q, a) => this.http(q, a));
    this.ws = new WebSocketServer({ noServer: true, handleProtocols: (p) => (p.has('xw-live-1') ? 'xw-live-1' : false) });
    this.server.on('upgrade', (q, socket, head) => {
      if (this.httpDown || !this.session(q) || !q.url.startsWith('/live')) {
        socket.end('HTTP/1.1 401 Unauthorized\r\n\r\n');
        return;
      }
      this.ws.handleUpgrade(q, socket, head, (w) => this.open(w));
    });
    await new Promise((ok) => this.server.listen(this.port, '127.0.0.1', ok));
    this.port = this.server.address().port;
    this.tick = setInterval(() => this.flow(), BLOCK_MS / 2);
    this.second = setInterval(() => {
      this.status();
      for (const p of this.parts) p.second?.();
    }, 1000);
    return `http://localhost:${this.port}`;
  }
  async stop() {
    clearInterval(this.tick);
    clearInterval(this.second);
    for (const p of this.parts) p.stop?.();
    this.closeSockets();
    this.server.closeAllConnections?.();
    await new Promise((ok) => this.server.close(ok));
  }
  closeSockets() {
    for (const w of this.sockets) w.ws.terminate();
  }

  // ---- handles ----

  cut(id) {
    const g = this.gateways.find((x) => x.id === id);
    if (!g?.linked) return;
    Object.assign(g, { linked: false, link: 'cut', since: Date.now() });
    this.raise('link_lost', g.id);
    this.steps.cut_seen = true;
  }
  heal(id, samplesPerSecond = 5000) {
    const g = this.gateways.find((x) => x.id === id);
    if (!g || g.linked) return;
    Object.assign(g, { linked: true, link: 'up', since: Date.now(), backfill: samplesPerSecond });
    for (const t of this.technical) if (t.subject === id && !t.to_wall_us) this.clear(t);
    for (const s of this.streams.values()) {
      if (s.gateway !== g) continue;
      const due = this.due(s);
      if (due > s.newest) {
        s.unknown.push({ first: s.newest, end: due });
        s.newest = due;
      }
    }
    this.steps.healed = true;
  }
  freeze(name, on = true) {
    const s = this.stream(name);
    if (s.frozen && !on) {
      const due = this.due(s);
      if (due > s.newest) this.gap(name, s.newest, due - s.newest, 'not_captured');
      s.newest = due;
    }
    s.frozen = on;
  }
  gap(name, first, count, reason = 'device') {
    const s = this.stream(name);
    const number = { device: 1, not_captured: 2, spool_limit: 3, unreadable: 4, fenced: 5 }[reason];
    s.gaps.push({ first, count, reason });
    s.unknown = s.unknown.flatMap((u) => cutOut(u, first, first + count));
    this.toWatchers(s, { blocks: { blocks: [], gaps: [{ stream_id: s.idBytes, first, count, reason: number }], backfill: true } });
  }
  // The socket's queue overflowed: the next `ms` of live blocks are not sent, then announced.
  dropFor(name, ms) {
    const s = this.stream(name);
    s.dropFrom = s.newest;
    s.dropUntil = Date.now() + ms;
  }
  raise(code, subject, text = '', stream = null) {
    const numbers = { link_lost: 1, spool_low: 2, device_gone: 5, link_narrow: 10, electrodes: 15 };
    const t = { id: uuid(idOf(`t${this.technical.length}`)), code, subject, text, from_wall_us: this.now(), to_wall_us: null, stream: stream?.id ?? null, number: numbers[code] };
    this.technical.unshift(t);
    const body = new Pbf();
    wire.writeTechnicalAlarm({ alarm_id: idOf(`t${this.technical.length - 1}`), code: numbers[code], subject, text, from_wall_us: t.from_wall_us, to_wall_us: 0, stream_id: stream?.idBytes }, body);
    this.record(12, body.finish());
  }
  clear(t) {
    t.to_wall_us = this.now();
    const body = new Pbf();
    wire.writeTechnicalAlarm({ alarm_id: new Uint8Array(Buffer.from(t.id.replaceAll('-', ''), 'hex')), code: t.number, subject: t.subject, text: t.text, from_wall_us: t.from_wall_us, to_wall_us: t.to_wall_us, stream_id: t.stream ? new Uint8Array(Buffer.from(t.stream.replaceAll('-', ''), 'hex')) : undefined }, body);
    this.record(12, body.finish());
  }
  vf(s) {
    s.vfFrom = s.newest;
    this.steps.alarm = true;
    setTimeout(() => this.event(s, {
      kind: 3, code: 'VF', priority: 3, first: s.vfFrom, end: 0, rule: 'vf-leakage', rule_version: '3', confidence: 0.97, rate_bpm: 0,
      leads: 0xfff, evidence: [
        { name: 'vf-leakage', value: 0.38, unit: '1', threshold: false }, { name: 'vf-leakage', value: 0.45, unit: '1', threshold: true },
        { name: 'vf-count2', value: 0.71, unit: '1', threshold: false }, { name: 'vf-count2', value: 0.35, unit: '1', threshold: true },
      ],
    }), 3000);
  }
  normal(s) {
    if (s.vfFrom < Infinity && s.alarm) {
      const { key, ...rest } = s.alarm;
      this.event(s, { ...rest, kind: 3, priority: 3, stage: 0, end: s.newest, revision: 2, seq: s.alarm.seq });
    }
    s.vfFrom = Infinity;
    s.st = undefined;
    s.leadsOff = 0;
    this.event(s, { kind: 5, code: 'LEAD_OFF', first: s.newest - 10, end: s.newest, leads: 0, priority: 4 });
  }

  // ---- what flows ----

  flow() {
    for (const s of this.streams.values()) {
      if (s.frozen || !s.gateway.linked || !s.gateway.running) continue;
      const due = this.due(s);
      const per = Math.round((s.blockMs / 1000) * s.rate);
      const watchers = [...this.sockets].filter((w) => w.watched.has(s.id));
      for (; s.newest < due; s.newest += per) {
        if (watchers.length === 0) continue;
        const message = encode({ blocks: { blocks: [block(s, s.newest, per)], gaps: [], backfill: false } });
        if (!(s.dropUntil > Date.now())) for (const w of watchers) w.ws.send(message);
      }
      if (due === s.grown) {
        this.backfill(s, (s.gateway.backfill * (s.rate / 500) * BLOCK_MS) / 2000);
        continue;
      }
      s.grown = due;
      s.lastGrow = Date.now();
      if (s.dropUntil && s.dropUntil <= Date.now()) {
        this.toWatchers(s, { dropped: { stream_id: s.idBytes, range: { first: s.dropFrom, count: s.newest - s.dropFrom } } });
        s.dropUntil = 0;
      }
      const r = (b) => Math.round((b * 60 * s.rate) / s.bpm);
      while (s.kindAt(s.newest) !== 'vf' && beats(s) && r(s.nextBeat) + 0.3 * s.rate < s.newest) this.beat(s, s.nextBeat++, true);
      if (s.kindAt(s.newest) === 'vf') s.nextBeat = Math.ceil((s.newest / s.rate / 60) * s.bpm);
      this.backfill(s, (s.gateway.backfill * (s.rate / 500) * BLOCK_MS) / 2000);
    }
  }
  backfill(s, samples) {
    if (s.unknown.length === 0) return;
    s.credit = (s.credit ?? 0) + samples;
    if (s.credit < s.rate / 2) return;
    const u = s.unknown[0];
    const n = Math.min(Math.floor(s.credit), u.end - u.first);
    s.credit = 0;
    this.toWatchers(s, { healed: { stream_id: s.idBytes, ranges: [{ first: u.first, count: n }] } });
    u.first += n;
    if (u.first >= u.end) s.unknown.shift();
  }
  known(s, first, end) {
    let spans = [{ first, end }];
    for (const u of s.unknown) spans = spans.flatMap((x) => cutOut(x, u.first, u.end));
    return spans;
  }

  beat(s, b, send) {
    const at = Math.round((b * 60 * s.rate) / s.bpm);
    const e = { kind: 1, code: b % 23 === 7 ? 'V' : 'N', priority: 0, first: at, end: 0, rate_bpm: s.bpm, rr_samples: Math.round((60 * s.rate) / s.bpm), leads: 0xfff, rule: 'qrs', rule_version: '1', confidence: 0.99, evidence: [] };
    this.event(s, e, send);
  }
  event(s, e, send = true) {
    const revision = e.revision ?? 1;
    const full = {
      stream_id: s.idBytes, run_id: s.run, seq: e.seq ?? ++s.seq, stage: 0, emitted_at: s.newest, late: false, beats: [], rr_samples: 0, rate_bpm: 0, leads: 0,
      rule: '', rule_version: '', evidence: [], confidence: 1, priority: 0, ...e,
    };
    const seq = Buffer.alloc(8);
    seq.writeBigUInt64BE(BigInt(full.seq));
    const key = Buffer.concat([s.idBytes, s.run, seq]).toString('hex');
    const json = {
      ...full, stream_id: undefined, run_id: undefined, key, stream: s.id, run: uuid(s.run), revision,
      kind: ['unspecified', 'beat', 'rhythm', 'alarm', 'quality', 'leads_off', 'marker', 'pace', 'measurement', 'noise', 'summary'][full.kind],
      stage: 'final', priority: ['none', 'low', 'medium', 'high', 'technical'][full.priority], end: full.end || null, wall_us: this.wallUs(s, full.first),
    };
    s.events.push(json);
    if (s.events.length > 3000) s.events.shift();
    if (full.kind === 3) {
      this.alarms = this.alarms.filter((a) => a.key !== key);
      this.alarms.unshift({ ...json, acked_by: null, acked_wall_us: null });
      s.alarm = json;
    }
    if (!send) return;
    const body = new Pbf();
    wire.writeEvent(full, body);
    this.record(1, body.finish(), Buffer.from(key, 'hex'), full.kind === 1 ? s : null, revision);
  }
  record(kind, body, key = randomBytes(8), only = null, revision = 1) {
    const m = encode({ record: { record: { key: new Uint8Array(key), revision, kind, body: new Uint8Array(body), origin: 'gw', wall_us: this.now() } } });
    for (const w of this.sockets) if (!only || w.watched.has(only.id)) w.ws.send(m);
  }
  to(w, message) {
    w.ws.send(encode(message));
  }
  toWatchers(s, message) {
    const bytes = encode(message);
    for (const w of this.sockets) if (w.watched.has(s.id)) w.ws.send(bytes);
  }
  // 0 cannot be told, 1 not yet, 2 proven.
  lightsOf(s) {
    const alive = Date.now() - s.lastGrow < 1500;
    const { linked } = s.gateway;
    return { captured: alive ? 2 : linked ? 1 : 0, gateway_stored: linked ? 2 : 0, county_stored: s.unknown.length || this.due(s) - s.newest > 3 * s.rate ? 1 : linked ? 2 : 0 };
  }
  // What a gateway told of itself; `said` of a gateway overrides it.
  told(g) {
    const behind = Math.max(0, ...[...this.streams.values()].filter((s) => s.gateway === g).map((s) => (Math.max(0, this.due(s) - s.newest - s.rate) + s.unknown.reduce((n, u) => n + u.end - u.first, 0)) / s.rate));
    return {
      seen: true, report_wall_us: this.now(), uplink_bytes_per_s: 1_250_000, backlog_bytes: Math.round(behind * 12_000), backlog_ms: Math.round(behind * 1000),
      oldest_unsent_wall_us: behind > 0 ? this.now() - Math.round(behind * 1e6) : 0, spool_bytes: 3.2e9, spool_free_bytes: 17e9, spool_low: false, spool_full: false, suspended_n: 0,
      clock_uncertainty_us: 4100, clock_drift_ppb: 12_300, clock_drift_known: true, ...g.said,
    };
  }
  pathOf(g) {
    return { state: 1, since_wall_us: this.now() - 3e9, leg: 0, proven_wall_us: this.now() - 12e6, legs_us: [300, 9000, 21_000, 7000, 4000, 17_000, 20_000], ...g.path };
  }
  // Asks every alarm screen, as for a gateway's probe; answers come to `seen`.
  probe(probe, gatewayId = 'gw-dongcun') {
    const screens = [...this.sockets].filter((w) => w.screen);
    for (const w of screens) w.ws.send(encode({ alarm_probe: { probe, gateway_id: gatewayId } }));
    return screens.length;
  }
  status() {
    const streams = [...this.streams.values()].map((s) => ({
      stream_id: s.idBytes, newest: s.newest, newest_wall_us: this.wallUs(s, s.newest), rate_bpm: s.vfFrom < Infinity || !beats(s) ? 0 : s.bpm,
      alarm: s.alarm ? 3 : 0, alarm_code: s.alarm?.code ?? '', live: Date.now() - s.lastGrow < 1500, suspended: false, leads_off: s.leadsOff,
      missing: s.unknown.reduce((n, u) => n + u.end - u.first, 0), gateway_id: s.gateway.id, ...this.lightsOf(s),
    }));
    const gateways = this.gateways.map((g) => ({
      ...this.told(g), alarm_path: this.pathOf(g), gateway_id: g.id, site_name: g.site, linked: g.linked, since_wall_us: g.since * 1000, rtt_us: 8200, clock_offset_us: this.clockOff ?? -1300,
      backlog_samples: [...this.streams.values()].filter((s) => s.gateway === g).reduce((n, s) => n + Math.max(0, this.due(s) - s.newest) + s.unknown.reduce((k, u) => k + u.end - u.first, 0), 0),
      received_bytes_per_s: g.linked ? 21000 * g.streams : 0, backfill_samples_per_s: 0, software: '0.1.0',
    }));
    const m = encode({ status: { county_wall_us: this.now(), streams, gateways, alarm_screens: [...this.sockets].filter((w) => w.screen).length } });
    for (const w of this.sockets) if (w.list) w.ws.send(m);
  }

  // ---- sockets ----

  open(ws) {
    const w = { ws, watched: new Set(), list: false };
    this.sockets.add(w);
    ws.on('close', () => this.sockets.delete(w));
    ws.on('error', () => {});
    ws.send(encode({ hello: { version: 1, county_wall_us: this.now(), demo: this.demo } }));
    ws.on('message', (data) => {
      const m = wire.readBrowserMessage(new Pbf(new Uint8Array(data)));
      for (const p of this.parts) p.message?.(w, m);
      if (m.body === 'alarm_screen') w.screen = m.alarm_screen.on;
      if (m.body === 'alarm_seen') (this.seen ??= []).push(m.alarm_seen);
      if (m.body === 'ping') ws.send(encode({ pong: { client_us: m.ping.client_us, county_wall_us: this.now() } }));
      if (m.body === 'list') {
        w.list = m.list.on;
        this.status();
      }
      if (m.body === 'unwatch') w.watched.delete(uuid(m.unwatch.stream_id));
      if (m.body === 'watch') this.watch(w, this.streams.get(uuid(m.watch.stream_id)), m.watch.history_ms);
    });
  }
  watch(w, s, historyMs) {
    if (!s) {
      w.ws.send(encode({ fault: { code: 'not_found', text: 'no such stream', stream_id: new Uint8Array(16) } }));
      return;
    }
    this.steps.opened = true;
    const from = Math.max(0, s.newest - Math.round((historyMs / 1000) * s.rate));
    const hour = this.known(s, Math.max(0, s.newest - 3600 * s.rate), s.newest).map((k) => ({ first: k.first, count: k.end - k.first }));
    w.ws.send(encode({ stream: { header: this.header(s), anchor: this.anchor(s), known: hour, live_first: from } }));
    const blocks = this.known(s, from, s.newest).map((k) => block(s, k.first, k.end - k.first));
    w.ws.send(encode({ blocks: { blocks, gaps: [], backfill: false } }));
    w.watched.add(s.id);
  }
  header(s) {
    return {
      stream_id: s.idBytes, attachment_id: s.attachment, modality: s.modality === 'ctg' ? 3 : 1, rate: { num: s.rate, den: 1 },
      channels: channelsOf(s).map((c) => ({ ...c, has_invalid: c.invalid !== null, invalid: c.invalid ?? 0, adc_min: -32768, adc_max: 32767, label: c.code })),
      device_id: s.name, gateway_id: s.gateway.id, index_source: 0, device_epoch: 1, device_model: 'XW-SIM 12', demo: this.demo,
    };
  }
  anchor(s) {
    const index = Math.floor(s.newest / (10 * s.rate)) * 10 * s.rate;
    return {
      stream_id: s.idBytes, index, boot_id: new Uint8Array(16), boottime_us: 1, gateway_wall_us: this.wallUs(s, index) - 5000, county_offset_us: 5000,
      uncertainty_us: 900, rate_hz: s.rate, device_clock_us: 0, ordinal: 1, county_offset_known: true,
    };
  }

  // ---- requests ----

  session(q) {
    const m = /xw_session=(\w+)/.exec(q.headers.cookie ?? '');
    return m ? this.sessions.get(m[1]) : null;
  }
  enter(answer, user, role) {
    const token = randomBytes(16).toString('hex');
    const me = { user, name: { reader: '王医生', technician: '李技师', village: '赵村医', admin: '管理员' }[role], role, csrf: randomBytes(8).toString('hex'), site: role === 'technician' ? '东村卫生院' : role === 'village' ? '北村卫生室' : null };
    this.sessions.set(token, me);
    answer.setHeader('Set-Cookie', `xw_session=${token}; HttpOnly; SameSite=Strict; Path=/`);
    return { ...me, demo: this.demo };
  }
  http(q, a) {
    if (this.httpDown) {
      q.socket.destroy();
      return;
    }
    let body = '';
    q.on('data', (d) => { body += d; });
    q.on('end', () => {
      try {
        this.route(q, a, body ? JSON.parse(body) : {});
      } catch (e) {
        if (this.log) console.error(e);
        this.json(a, e.status ?? 500, { error: e.code ?? 'internal', text: String(e.message) });
      }
    });
  }
  json(a, status, value) {
    a.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-store' });
    a.end(JSON.stringify(value));
  }
  fail(status, code, text = '') {
    throw Object.assign(new Error(text), { status, code });
  }
  route(q, a, body) {
    const url = new URL(q.url, 'http://x');
    const path = url.pathname;
    if (!path.startsWith('/api/') && path !== '/healthz') return this.file(path, a);
    if (path === '/healthz') return this.json(a, 200, { status: 'ok', checks: { store: 'ok', disk: 'ok' } });
    const me = this.session(q);
    if (path === '/api/me') return this.json(a, 200, me ? { ...me, demo: this.demo } : { user: null, demo: this.demo });
    if (path === '/api/demo') {
      return this.json(a, 200, this.demo ? {
        demo: true, steps: Object.entries(this.steps).map(([id, done]) => ({ id, done })),
        roles: ['reader', 'technician', 'village', 'admin'].map((role) => ({ role, user: `demo-${role}` })),
        gateways: this.gateways.map((g) => ({ id: g.id, site: g.site, link: g.link, running: g.running })),
        patients: [...this.streams.values()].slice(0, 12).map((s) => ({ id: s.name, device: s.name, gateway: s.gateway.id })),
        actions: ['cut', 'heal', 'slow', 'power_off', 'power_on', 'lead_off', 'lead_on', 'vf', 'chest_pain', 'arms_reversed', 'normal'],
      } : { demo: false, steps: [], roles: [], gateways: [], patients: [], actions: [] });
    }
    if (path === '/api/demo/enter') {
      if (!this.demo) this.fail(404, 'not_found');
      return this.json(a, 200, this.enter(a, `demo-${body.role}`, body.role));
    }
    if (path === '/api/login') {
      if (body.password !== 'correct') this.fail(401, 'unauthorized', 'wrong user or password');
      return this.json(a, 200, this.enter(a, body.user, body.user === 'admin' ? 'admin' : 'reader'));
    }
    if (!me) this.fail(401, 'unauthorized');
    if (q.method === 'POST' && q.headers['x-xinwang-csrf'] !== me.csrf) this.fail(403, 'forbidden', 'CSRF token');
    if (path === '/api/logout') {
      this.sessions.delete(/xw_session=(\w+)/.exec(q.headers.cookie)[1]);
      return this.json(a, 200, {});
    }
    if (path === '/api/demo/action') return this.action(a, body);
    const sees = (s) => !me.site || s.site === me.site;
    for (const p of this.parts) if (p.route?.(q, a, path, url)) return;
    if (path.startsWith('/api/beds')) return this.bedRoute(a, path.slice(10), sees);
    if (path === '/api/streams') return this.json(a, 200, { streams: [...this.streams.values()].filter(sees).map((s) => this.streamJson(s)) });
    const m = /^\/api\/streams\/([0-9a-f-]{36})(?:\/(\w+))?$/.exec(path);
    if (m) {
      const s = this.streams.get(m[1]);
      if (!s || !sees(s)) this.fail(404, 'not_found');
      return this.streamRoute(a, s, m[2], url.searchParams);
    }
    if (path === '/api/gateways') {
      return this.json(a, 200, { gateways: this.gateways.filter((g) => !me.site || g.site === me.site).map((g) => ({
        id: g.id, site: g.site, linked: g.linked, since_wall_us: g.since * 1000, rtt_us: 8200, clock_offset_us: -1300,
        backlog_samples: g.linked ? 0 : 12345, received_bytes_per_s: g.linked ? 63000 : 0, backfill_samples_per_s: 0, software: '0.1.0', streams: g.streams,
        rules: this.rules.told(g), certificate_until_wall_us: (Date.now() + 200 * 86400e3) * 1000, revoked_wall_us: g.revoked ?? null, seen: g.said?.seen ?? true })) });
    }
    if (path.startsWith('/api/enrolments') || path.endsWith('/revoke')) return this.enrolling(a, path, q.method, body, me);
    if (path.startsWith('/api/rules')) return this.rules.route(q, a, path, body, me, url.searchParams);
    if (path === '/api/alarms') return this.json(a, 200, { alarms: this.alarms.slice(0, 100), technical: this.technical });
    const k = /^\/api\/alarms\/([0-9a-f]+)\/ack$/.exec(path);
    if (k) return this.ack(a, k[1], me);
    if (path === '/api/studies' && q.method === 'POST') return this.newStudy(a, body, me);
    if (path === '/api/studies') return this.json(a, 200, { studies: this.studies, more: false });
    const study = q.method === 'GET' && /^\/api\/studies\/([0-9a-f-]{36})$/.exec(path);
    if (study) {
      const found = this.studies.find((one) => one.id === study[1]);
      return found ? this.json(a, 200, found) : this.json(a, 404, { error: 'not_found', text: 'no such study' });
    }
    const st = /^\/api\/studies\/([0-9a-f-]+)\/state$/.exec(path);
    if (st) {
      const study = this.studies.find((x) => x.id === st[1]);
      if (!study) this.fail(404, 'not_found');
      study.state = body.state;
      study.changes.push({ wall_us: this.now(), author: me.user, what: body.state });
      return this.json(a, 200, study);
    }
    if (path === '/api/audit') {
      if (me.role !== 'admin') this.fail(403, 'forbidden');
      return this.json(a, 200, { entries: this.audit, more: false });
    }
    this.fail(404, 'not_found');
  }
  file(path, a) {
    let at = join(this.dist, normalize(path));
    if (!existsSync(at) || !statSync(at).isFile()) at = join(this.dist, 'index.html');
    a.writeHead(200, { 'Content-Type': TYPES[extname(at)] ?? 'application/octet-stream', 'Content-Security-Policy': CSP, 'X-Content-Type-Options': 'nosniff' });
    a.end(readFileSync(at));
  }
  streamJson(s) {
    return {
      id: s.id, attachment: uuid(s.attachment), modality: s.modality, rate: { num: s.rate, den: 1 },
      channels: channelsOf(s),
      device: s.name, model: 'XW-SIM 12', gateway: s.gateway.id, site: s.site, bed: s.bed, demo: this.demo, newest: s.newest,
      newest_wall_us: this.wallUs(s, s.newest), live: Date.now() - s.lastGrow < 1500, rate_bpm: s.bpm, alarm: s.alarm ? 'high' : 'none', alarm_code: s.alarm?.code ?? '',
    };
  }
  // Codes for new gateways, and revoking one.
  enrolling(a, path, method, body, me) {
    if (me.role !== 'admin') this.fail(403, 'forbidden');
    this.codes ??= [];
    const revoke = /^\/api\/gateways\/([^/]+)\/revoke$/.exec(path);
    if (revoke) {
      const g = this.gateways.find((one) => one.id === decodeURIComponent(revoke[1]));
      if (!g) this.fail(404, 'not_found');
      if (g.revoked) this.fail(409, 'conflict');
      g.revoked = this.now();
      this.endCodes(g.id);
      this.cut(g.id);
      return this.json(a, 200, { id: g.id, revoked_wall_us: g.revoked });
    }
    if (method === 'GET') return this.json(a, 200, { codes: this.codes.map(({ code, ...rest }) => rest), open: true, port: 8702 });
    const withdraw = /^\/api\/enrolments\/([0-9a-f]{32})\/withdraw$/.exec(path);
    if (withdraw) {
      const known = this.codes.find((one) => one.id === withdraw[1]);
      if (!known) this.fail(404, 'not_found');
      known.state = 'withdrawn';
      return this.json(a, 200, known);
    }
    if (this.gateways.some((g) => g.id === body.gateway && !g.revoked) && !body.replace) this.fail(409, 'conflict');
    this.endCodes(body.gateway);
    const made = { id: String(this.codes.length).padStart(32, '0'), gateway: body.gateway, site: body.site, state: 'open', by: me.user, made_wall_us: this.now(), expires_wall_us: this.now() + 86400e6, code: '7KQ4-M2XN-09RT-V8HC-3' };
    this.codes.push(made);
    return this.json(a, 200, made);
  }

  endCodes(gateway) {
    for (const one of this.codes ?? []) if (one.gateway === gateway && one.state === 'open') one.state = 'withdrawn';
  }
  // The gateway's end: its open code is used.
  useCode(gateway) {
    const one = this.codes.find((code) => code.gateway === gateway && code.state === 'open');
    Object.assign(one, { state: 'used', used_wall_us: this.now() });
    const g = this.gateways.find((each) => each.id === gateway);
    if (g) g.revoked = null;
    if (g) this.heal(gateway);
  }

  streamRoute(a, s, what, query) {
    const first = Number(query.get('first') ?? 0);
    const end = Math.min(first + Number(query.get('count') ?? 0), s.newest);
    if (!what) return this.json(a, 200, this.streamJson(s));
    if (what === 'ranges') {
      return this.json(a, 200, { known: this.known(s, 0, s.newest).map((k) => ({ first: k.first, count: k.end - k.first })), gaps: s.gaps, newest: s.newest });
    }
    if (what === 'events') {
      const kindsWanted = (query.get('kinds') ?? '').split(',').filter(Boolean);
      const all = s.events.filter((e) => e.first < end && (e.end ?? Math.max(e.first + 1, e.kind === 'beat' ? 0 : Infinity)) > first && (kindsWanted.length === 0 || kindsWanted.includes(e.kind)));
      return this.json(a, 200, { events: all.slice(0, 1000), more: all.length > 1000 });
    }
    if (what === 'anchors') {
      const x = this.anchor(s);
      return this.json(a, 200, { before: { index: x.index, boottime_us: 1, gateway_wall_us: x.gateway_wall_us, county_offset_us: x.county_offset_us, uncertainty_us: 900, rate_hz: s.rate }, after: null });
    }
    if (what === 'reading') {
      this.readings = (this.readings ?? []).concat(query.get('from'));
      if (this.refuse) {
        a.setHeader('Retry-After', '2');
        return this.json(a, this.refuse.status, this.refuse.body ?? { error: this.refuse.error, text: '' });
      }
      const from = query.get('from') === null ? Math.max(0, s.newest - 10 * s.rate) : Number(query.get('from'));
      const n = Math.min(10 * s.rate, s.newest - from);
      if (n < 9 * s.rate) this.fail(404, 'not_found', 'fewer than nine seconds');
      return setTimeout(() => this.json(a, 200, reading(s, from, n)), this.slowReadingMs ?? 0);
    }
    if (what === 'samples') {
      const out = { blocks: [], gaps: [], unknown: [], next: end };
      for (const g of s.gaps) if (g.first < end && g.first + g.count > first) out.gaps.push({ stream_id: s.idBytes, first: g.first, count: g.count, reason: { device: 1, not_captured: 2, spool_limit: 3, unreadable: 4, fenced: 5 }[g.reason] });
      for (const u of s.unknown) if (u.first < end && u.end > first) out.unknown.push({ first: u.first, count: u.end - u.first });
      let spans = this.known(s, first, end);
      for (const g of s.gaps) spans = spans.flatMap((x) => cutOut(x, g.first, g.first + g.count));
      for (const k of spans) for (let i = k.first; i < k.end; i += s.rate) out.blocks.push(block(s, i, Math.min(s.rate, k.end - i)));
      const pbf = new Pbf();
      wire.writeSampleRange(out, pbf);
      a.writeHead(200, { 'Content-Type': 'application/x-protobuf' });
      return a.end(Buffer.from(pbf.finish()));
    }
    this.fail(404, 'not_found');
  }
  // Places of patients: what stands at one bed of one gateway belongs to one of them.
  beds() {
    const beds = new Map();
    const at = (gateway, bed) => {
      const id = uuid(createHash('sha256').update(`${gateway.id}\0${bed}`).digest().subarray(0, 16));
      if (!beds.has(id)) beds.set(id, { id, gateway: gateway.id, site: gateway.site, bed, demo: this.demo, attachments: [] });
      return beds.get(id).attachments;
    };
    for (const s of this.streams.values()) {
      at(s.gateway, s.bed).push({
        id: uuid(s.attachment), device: s.name, model: 'XW-SIM 12', kind: '', attached: true, since_wall_us: this.wallUs(s, 0), streams: [this.streamJson(s)], clips_n: 0,
      });
    }
    for (const p of this.parts) {
      const x = p.attachment?.();
      if (x) at(x.gateway, x.bed).push(x.json);
    }
    return [...beds.values()];
  }
  bedRoute(a, id, sees) {
    const all = this.beds().filter(sees);
    if (!id) return this.json(a, 200, { beds: all });
    const bed = all.find((b) => b.id === id);
    if (!bed) this.fail(404, 'not_found');
    this.json(a, 200, bed);
  }
  ack(a, key, me) {
    const alarm = this.alarms.find((x) => x.key === key);
    if (!alarm) this.fail(404, 'not_found');
    Object.assign(alarm, { acked_by: me.user, acked_wall_us: this.now() });
    this.streams.get(alarm.stream).alarm = null;
    this.steps.acked = true;
    const body = new Pbf();
    wire.writeAlarmAck({ event_key: new Uint8Array(Buffer.from(key, 'hex')), author: me.user, wall_us: alarm.acked_wall_us }, body);
    this.record(8, body.finish());
    this.audit.unshift({ id: this.audit.length + 1, wall_us: this.now(), user: me.user, action: 'alarm.ack', subject: key.slice(0, 16), outcome: 'ok' });
    this.json(a, 200, { acked_by: me.user, acked_wall_us: alarm.acked_wall_us });
  }
  newStudy(a, body, me) {
    const s = this.streams.get(body.stream);
    const study = {
      id: uuid(randomBytes(16)), kind: 'ecg_12', site: s.site, reason: body.reason, urgent: body.urgent, state: 'captured',
      items: [{ stream: body.stream, first: body.first, count: body.count }], created_wall_us: this.now(), author: me.user, lights: { captured: 'proven', gateway: 'unknown', county: 'waiting' },
      changes: [{ wall_us: this.now(), author: me.user, what: 'captured' }],
    };
    this.studies.unshift(study);
    this.json(a, 200, study);
  }
  action(a, { action, target }) {
    const s = this.stream(target);
    const g = this.gateways.find((x) => x.id === target);
    if (action === 'cut') this.cut(target);
    else if (action === 'heal') this.heal(target);
    else if (action === 'slow' && g) g.link = 'slow';
    else if (action === 'power_off' && g) {
      g.running = false;
      this.cut(target);
    } else if (action === 'power_on' && g) {
      g.running = true;
      this.heal(target);
    } else if (action === 'vf' && s) this.vf(s);
    else if (action === 'chest_pain' && s) s.st = { II: 0.25, III: 0.3, aVF: 0.28, I: -0.1, aVL: -0.15 };
    else if (action === 'lead_off' && s) {
      s.leadsOff = 0x40;
      this.event(s, { kind: 5, code: 'LEAD_OFF', first: s.newest, leads: 0x40, priority: 4 });
    } else if (action === 'lead_on' && s) s.leadsOff = 0;
    else if (action === 'normal' && s) this.normal(s);
    else if (action !== 'arms_reversed') this.fail(400, 'bad_request', 'target');
    this.json(a, 200, {});
  }
}

const beats = (s) => s.kind !== 'pulse' && kinds[s.kind].channels === undefined;
const channelsOf = (s) => kinds[s.kind].channels ?? kinds[s.kind].leads.map((code) => ({ code, unit: 'mV', gain: { num: COUNTS_PER_MV, den: 1 }, baseline: 0, invalid: -32768 }));
function cutOut(u, first, end) {
  if (end <= u.first || first >= u.end) return [u];
  const out = [];
  if (first > u.first) out.push({ first: u.first, end: first });
  if (end < u.end) out.push({ first: end, end: u.end });
  return out;
}
function encode(m) {
  const pbf = new Pbf();
  wire.writeLiveMessage(m, pbf);
  return Buffer.from(pbf.finish());
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const arg = (name, fallback) => {
    const i = process.argv.indexOf(`--${name}`);
    return i > 0 ? Number(process.argv[i + 1]) : fallback;
  };
  const c = new FakeCenter({ port: arg('port', 8099), streams: arg('streams', 6), mothers: arg('mothers', 2), demo: !process.argv.includes('--no-demo'), log: true });
  console.log(await c.start());
}
