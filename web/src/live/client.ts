// The live socket of this browser: one connection, any number of watched streams, reconnect with
// back-off, the county's clock, the status of all streams, and the fetching by range of what the
// socket did not bring.

import Pbf from 'pbf';
import { signal } from '@preact/signals';
import { api, ApiError } from '../api';
import { CountyClock, monoMs } from '../base/clock';
import { uuidBytes, uuidText, toHex } from '../base/hex';
import {
  readAlarmAck, readAnchor, readAttachment, readClip, readEvent, readLiveMessage, readObservation, readTechnicalAlarm, writeBrowserMessage,
  RecordKind, type Attachment, type BrowserMessage, type Clip, type GatewayStatus, type LiveMessage, type LiveRecord, type LiveVideo,
  type Observation, type StreamStatus, type VideoStatus,
} from '../generated/xw.js';
import { findingFromJson, findingFromWire, type Finding } from './events';
import { anchorOf, StreamModel } from './stream';

export type LinkState = 'connecting' | 'open' | 'down' | 'refused';

const BACKOFF_MS = [250, 500, 1000, 2000, 4000, 5000];
const SILENCE_MS = 4000; // no message for so long: the connection is dead
const PING_MS = 2000;
// A viewer asks for all the history there is: the county counts it as opening a patient. A strip of a
// list, which holds little, asks for less.
const VIEW_HISTORY_MS = 2000;
const STRIP_HISTORY_MS = 1500;
const VIEW_KEEP_S = 60;
const FETCH_S = 20; // one request by range brings so much at most,
const FETCH_N = 10_000; // or so many samples of a slow stream

export const linkState = signal<LinkState>('connecting');
export const linkSinceMs = signal(monoMs());
export const statusVersion = signal(0); // grows with each LiveStatus
export const videoVersion = signal(0); // grows with each VideoStatus
export const liveFault = signal<{ code: string; text: string } | null>(null);

export type RecordListener = (r: {
  finding?: Finding;
  ackKey?: string;
  ackBy?: string;
  ackWallUs?: number;
  technical?: { id: string; code: number; subject: string; text: string; fromWallUs: number; toWallUs: number; stream: string };
  observation?: Observation; // of a watched attachment; times by the gateway's clock, with their offset
  clip?: Clip;
  attachment?: Attachment;
  other?: number; // kind of any other record
}) => void;

// One access unit, as it came, and when (monotonic).
export type VideoListener = (f: LiveVideo, atMs: number) => void;

export interface VideoSaid {
  status: VideoStatus;
  atMs: number; // when it came: a status that is not renewed is no status
}

const MOST_ATTACHMENTS = 64;

interface Watched {
  model: StreamModel | null;
  users: number;
  keepS: number;
  waiting: ((m: StreamModel) => void)[];
}

class LiveClient {
  readonly clock = new CountyClock();
  readonly streams = new Map<string, StreamStatus>();
  readonly gateways = new Map<string, GatewayStatus>();
  readonly watched = new Map<string, Watched>();
  alarmScreens = 0; // open at the county
  reconnects = 0;
  badMessages = 0;
  private socket: WebSocket | null = null;
  private tries = 0;
  private lastMessageMs = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private beat: ReturnType<typeof setInterval> | undefined;
  private running = false;
  private fetching = new Set<string>();
  private listeners = new Set<RecordListener>();
  readonly videoStatus = new Map<string, VideoSaid>(); // by attachment
  private attachments = new Map<string, number>(); // whose records are wanted, by how many
  private videos = new Map<string, Set<VideoListener>>();

  start(): void {
    if (this.running) return;
    this.running = true;
    window.addEventListener('online', this.retryNow);
    document.addEventListener('visibilitychange', this.sendScreen);
    this.connect();
    this.beat = setInterval(() => this.heartbeat(), 500);
  }

  stop(): void {
    this.running = false;
    window.removeEventListener('online', this.retryNow);
    document.removeEventListener('visibilitychange', this.sendScreen);
    clearTimeout(this.timer);
    clearInterval(this.beat);
    this.socket?.close();
    this.socket = null;
    this.watched.clear();
    this.streams.clear();
    this.gateways.clear();
    this.videoStatus.clear();
    this.attachments.clear();
    this.videos.clear();
    this.setState('connecting');
  }

  onRecord(fn: RecordListener): () => void {
    this.listeners.add(fn);
    return () => this.listeners.delete(fn);
  }

  private retryNow = (): void => {
    if (this.running && !this.socket) {
      clearTimeout(this.timer);
      this.tries = 0;
      this.connect();
    }
  };

  private setState(s: LinkState): void {
    if (linkState.value !== s) {
      linkState.value = s;
      linkSinceMs.value = monoMs();
    }
  }

  private connect(): void {
    const url = `${location.protocol === 'https:' ? 'wss:' : 'ws:'}//${location.host}/live`;
    const socket = new WebSocket(url, 'xw-live-1');
    socket.binaryType = 'arraybuffer';
    this.socket = socket;
    this.lastMessageMs = monoMs();
    socket.onopen = () => {
      if (this.socket !== socket) return;
      this.tries = 0;
      this.setState('open');
      this.send({ list: { on: true } });
      for (const id of this.watched.keys()) this.sendWatch(id);
      if (this.attachments.size > 0) this.sendAttachments();
      for (const id of this.videos.keys()) this.sendVideo(id, true, true);
      this.sendScreen();
      for (let i = 0; i < 4; i++) setTimeout(() => this.ping(), i * 120);
    };
    socket.onmessage = (e: MessageEvent) => {
      if (this.socket !== socket) return;
      this.lastMessageMs = monoMs();
      if (e.data instanceof ArrayBuffer) this.receive(e.data);
    };
    socket.onclose = () => this.lost(socket);
    socket.onerror = () => this.lost(socket);
  }

  private lost(socket: WebSocket): void {
    if (this.socket !== socket) return;
    this.socket = null;
    socket.onclose = null;
    socket.close();
    if (!this.running) return;
    this.setState('down');
    this.reconnects++;
    const wait = BACKOFF_MS[Math.min(this.tries++, BACKOFF_MS.length - 1)] as number;
    this.timer = setTimeout(() => this.connect(), wait * (0.75 + Math.random() * 0.5));
    // The socket cannot say why it was refused; a plain request can (an ended session, for one).
    if (this.tries === 3) void api.me().then((me) => { if (!me.user) this.setState('refused'); }).catch(() => {});
  }

  private heartbeat(): void {
    const now = monoMs();
    if (this.socket && now - this.lastMessageMs > SILENCE_MS) this.lost(this.socket);
    if (this.socket?.readyState === WebSocket.OPEN && now - this.lastPingMs > PING_MS) this.ping();
    for (const [id, w] of this.watched) if (w.model) void this.fetchWanted(id, w.model);
  }

  private lastPingMs = 0;
  private ping(): void {
    this.lastPingMs = monoMs();
    this.send({ ping: { client_us: Math.round(this.lastPingMs * 1000) } });
  }

  private send(m: Partial<BrowserMessage>): void {
    if (this.socket?.readyState !== WebSocket.OPEN) return;
    const pbf = new Pbf();
    writeBrowserMessage(m, pbf);
    this.socket.send(pbf.finish() as Uint8Array<ArrayBuffer>);
  }

  private sendWatch(id: string): void {
    this.send({ watch: { stream_id: uuidBytes(id), history_ms: (this.watched.get(id)?.keepS ?? 0) >= VIEW_KEEP_S ? VIEW_HISTORY_MS : STRIP_HISTORY_MS } });
  }

  // The model comes when the county has told what the stream is. keepS: how long a past it holds; a
  // longer wish than that of those who watch already makes a new model.
  watch(id: string, keepS: number, then: (m: StreamModel) => void): () => void {
    let w = this.watched.get(id);
    if (!w || w.keepS < keepS) {
      w = { model: null, users: 0, keepS, waiting: [] };
      this.watched.set(id, w);
      this.sendWatch(id);
    }
    const mine = w;
    mine.users++;
    if (mine.model) then(mine.model);
    else mine.waiting.push(then);
    let done = false;
    return () => {
      if (done) return;
      done = true;
      mine.waiting = mine.waiting.filter((f) => f !== then);
      if (--mine.users === 0 && this.watched.get(id) === mine) {
        this.watched.delete(id);
        this.faults.delete(id);
        this.send({ unwatch: { stream_id: uuidBytes(id) } });
      }
    };
  }

  // ---- attachments and pictures ----

  // Records of these attachments are told to onRecord() until the returned function is called. All
  // wishes of a page together are one list on the wire.
  watchAttachments(ids: readonly string[]): () => void {
    for (const id of ids) this.attachments.set(id, (this.attachments.get(id) ?? 0) + 1);
    this.sendAttachments();
    let done = false;
    return () => {
      if (done) return;
      done = true;
      for (const id of ids) {
        const n = (this.attachments.get(id) ?? 0) - 1;
        if (n > 0) this.attachments.set(id, n);
        else this.attachments.delete(id);
      }
      this.sendAttachments();
    };
  }

  private attachmentsAsked = false;
  private sendAttachments(): void {
    if (this.attachmentsAsked) return;
    this.attachmentsAsked = true;
    queueMicrotask(() => {
      this.attachmentsAsked = false;
      this.send({ attachments: { attachment_ids: [...this.attachments.keys()].slice(0, MOST_ATTACHMENTS).map(uuidBytes) } });
    });
  }

  // Pictures of one attachment, from its next key frame on.
  watchVideo(id: string, fn: VideoListener): () => void {
    let all = this.videos.get(id);
    if (!all) this.videos.set(id, (all = new Set()));
    all.add(fn);
    this.sendVideo(id, true, true);
    const mine = all;
    return () => {
      if (!mine.delete(fn) || mine.size > 0 || this.videos.get(id) !== mine) return;
      this.videos.delete(id);
      this.sendVideo(id, false, false);
    };
  }

  // The decoder lost its place: begin again with a key frame.
  needKey(id: string): void {
    if (this.videos.has(id)) this.sendVideo(id, true, true);
  }

  private sendVideo(id: string, on: boolean, needKey: boolean): void {
    this.send({ video: { attachment_id: uuidBytes(id), on, need_key: needKey } });
  }

  // ---- alarm screen ----

  private screens = 0;
  // This page shows all alarms until the returned function is called.
  alarmScreen(): () => void {
    this.screens++;
    this.sendScreen();
    let done = false;
    return () => {
      if (done) return;
      done = true;
      this.screens--;
      // The next page may be one as well: nothing is said in between.
      queueMicrotask(this.sendScreen);
    };
  }

  // A tab in the background shows nothing to anybody.
  private get isScreen(): boolean {
    return this.screens > 0 && document.visibilityState === 'visible';
  }
  private sendScreen = (): void => this.send({ alarm_screen: { on: this.isScreen } });

  private answerProbe(probe: number, atMs: number): void {
    if (!this.isScreen) return;
    // Within a frame, and after it: what was to be drawn has been drawn.
    requestAnimationFrame(() => setTimeout(() => this.send({ alarm_seen: { probe, held_us: Math.round((monoMs() - atMs) * 1000) } })));
  }

  private receive(data: ArrayBuffer): void {
    let m: LiveMessage;
    try {
      m = readLiveMessage(new Pbf(new Uint8Array(data)));
    } catch {
      this.badMessages++;
      return;
    }
    const now = monoMs();
    switch (m.body) {
      case 'hello':
        if (m.hello) this.clock.hint(now, m.hello.county_wall_us);
        break;
      case 'stream': {
        const id = uuidText(m.stream?.header?.stream_id);
        const w = this.watched.get(id);
        if (!m.stream?.header || !w) break;
        if (!w.model) w.model = new StreamModel(m.stream.header, w.keepS);
        w.model.opened(m.stream);
        for (const f of w.waiting.splice(0)) f(w.model);
        break;
      }
      case 'blocks':
        for (const b of m.blocks?.blocks ?? []) {
          this.watched.get(uuidText(b.stream_id))?.model?.block(b, !m.blocks?.backfill, this.clock.wallUs(now), now);
        }
        for (const g of m.blocks?.gaps ?? []) this.watched.get(uuidText(g.stream_id))?.model?.gap(g);
        break;
      case 'record':
        if (m.record) this.record(m.record);
        break;
      case 'dropped': {
        const model = this.watched.get(uuidText(m.dropped?.stream_id))?.model;
        const r = m.dropped?.range;
        if (model && r) {
          model.healed(r.first, r.first + r.count);
          model.wanted.push({ first: r.first, end: r.first + r.count });
        }
        break;
      }
      case 'healed': {
        const model = this.watched.get(uuidText(m.healed?.stream_id))?.model;
        if (model) for (const r of m.healed?.ranges ?? []) model.healed(r.first, r.first + r.count);
        break;
      }
      case 'status':
        this.clock.hint(now, m.status?.county_wall_us ?? 0);
        for (const s of m.status?.streams ?? []) this.streams.set(uuidText(s.stream_id), s);
        for (const g of m.status?.gateways ?? []) this.gateways.set(g.gateway_id, g);
        this.alarmScreens = m.status?.alarm_screens ?? 0;
        for (const w of this.watched.values()) {
          const g = w.model && this.gateways.get(w.model.header.gateway_id);
          if (w.model && g?.linked) w.model.gatewayOffsetUs = -g.clock_offset_us;
        }
        statusVersion.value++;
        break;
      case 'pong':
        if (m.pong) this.clock.pong(m.pong.client_us / 1000, now, m.pong.county_wall_us);
        break;
      case 'video': {
        const all = this.videos.get(uuidText(m.video?.attachment_id));
        if (m.video && all) for (const fn of [...all]) fn(m.video, now);
        break;
      }
      case 'video_status':
        if (m.video_status) this.videoStatus.set(uuidText(m.video_status.attachment_id), { status: m.video_status, atMs: now });
        videoVersion.value++;
        break;
      case 'alarm_probe':
        if (m.alarm_probe) this.answerProbe(m.alarm_probe.probe, now);
        break;
      case 'fault':
        if (m.fault) {
          liveFault.value = { code: m.fault.code, text: m.fault.text };
          const id = uuidText(m.fault.stream_id);
          if (id) this.faults.set(id, m.fault.code);
        }
        break;
      default:
        break; // a message of a newer county
    }
  }

  readonly faults = new Map<string, string>();

  private record(m: LiveRecord): void {
    const r = m.record;
    if (!r?.body) return;
    const tell = (x: Parameters<RecordListener>[0]): void => {
      for (const fn of this.listeners) fn(x);
    };
    // A copy: the reader of floats takes no notice of where a part of a buffer begins.
    const body = new Pbf(r.body.slice());
    switch (r.kind) {
      case RecordKind.RECORD_EVENT: {
        const f = findingFromWire(readEvent(body), r.revision, r.wall_us);
        if (!f) break;
        this.watched.get(f.stream)?.model?.findings.put(f);
        tell({ finding: f });
        break;
      }
      case RecordKind.RECORD_ANCHOR: {
        const a = readAnchor(body);
        this.watched.get(uuidText(a.stream_id))?.model?.anchorCame(anchorOf(a));
        break;
      }
      case RecordKind.RECORD_ALARM_ACK: {
        const a = readAlarmAck(body);
        if (!a.event_key) break;
        const key = toHex(a.event_key);
        for (const w of this.watched.values()) w.model?.findings.acked(key, a.author, a.wall_us);
        tell({ ackKey: key, ackBy: a.author, ackWallUs: a.wall_us });
        break;
      }
      case RecordKind.RECORD_TECHNICAL: {
        const t = readTechnicalAlarm(body);
        tell({
          technical: {
            id: uuidText(t.alarm_id), code: t.code, subject: t.subject, text: t.text,
            fromWallUs: t.from_wall_us, toWallUs: t.to_wall_us, stream: t.stream_id?.length === 16 ? uuidText(t.stream_id) : '',
          },
        });
        break;
      }
      case RecordKind.RECORD_OBSERVATION:
        tell({ observation: readObservation(body) });
        break;
      case RecordKind.RECORD_CLIP:
        tell({ clip: readClip(body) });
        break;
      case RecordKind.RECORD_ATTACHMENT:
        tell({ attachment: readAttachment(body) });
        break;
      default:
        tell({ other: r.kind });
    }
  }

  // ---- by range ----

  private async fetchWanted(id: string, model: StreamModel): Promise<void> {
    const next = model.wanted.shift();
    if (next) await this.fetchRange(id, model, next.first, next.end);
  }

  // Brings what of [first, end) the county holds and this browser does not. One request a stream at a
  // time; returns whether anything was asked for.
  async fetchRange(id: string, model: StreamModel, first: number, end: number): Promise<boolean> {
    if (this.fetching.has(id) || linkState.value !== 'open') return false;
    const lo = Math.max(first, model.ring.oldest, 0);
    let span: { first: number; end: number } | null = null;
    const gaps = model.ring.held.missing(lo, end);
    for (let i = gaps.length - 1; i >= 0 && !span; i--) {
      const g = gaps[i] as { first: number; end: number };
      const have = model.holes.known.within(g.first, g.end).flatMap((k) => model.holes.lost.missing(k.first, k.end));
      span = have[have.length - 1] ?? null;
    }
    if (!span) return false;
    const most = Math.max(FETCH_N, Math.round(FETCH_S * model.nominalHz));
    const from = Math.max(span.first, span.end - most);
    this.fetching.add(id);
    try {
      let at = from;
      while (at < span.end) {
        const got = await api.samples(id, at, span.end - at);
        for (const b of got.blocks) model.block(b, false, NaN);
        for (const g of got.gaps) model.gap(g);
        // What the county does not have after all is on its way again.
        for (const u of got.unknown) model.holes.known.remove(u.first, u.first + u.count);
        if (got.next <= at) break;
        at = got.next;
      }
      return true;
    } catch (e) {
      if (!(e instanceof ApiError)) throw e;
      return false;
    } finally {
      setTimeout(() => this.fetching.delete(id), 50);
    }
  }

  async fetchEvents(id: string, model: StreamModel, first: number, end: number): Promise<void> {
    const kinds = 'beat,rhythm,alarm,quality,leads_off,marker,measurement,noise';
    let at = Math.max(0, Math.floor(first));
    for (let page = 0; page < 20 && at < end; page++) {
      const got = await api.events(id, at, Math.ceil(end - at), kinds);
      let last = at;
      for (const e of got.events) {
        model.findings.put(findingFromJson(e));
        last = Math.max(last, e.first);
      }
      if (!got.more || got.events.length === 0) break;
      at = last > at ? last : last + 1;
    }
    model.markAll();
  }

  async fetchRanges(id: string, model: StreamModel): Promise<void> {
    const r = await api.ranges(id);
    for (const k of r.known) model.holes.addKnown(k.first, k.first + k.count);
    for (const g of r.gaps) model.gap({ stream_id: undefined, first: g.first, count: g.count, reason: gapNumber(g.reason) });
  }
}

const GAP_NUMBERS: Record<string, number> = { device: 1, not_captured: 2, spool_limit: 3, unreadable: 4, fenced: 5 };
export function gapNumber(v: string | number): number {
  return typeof v === 'number' ? v : (GAP_NUMBERS[v.toLowerCase().replace('gap_', '').replace('-', '_')] ?? 0);
}

export const live = new LiveClient();
