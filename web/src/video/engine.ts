// One live picture: from the socket through the decoder to the canvas, newest first, and what is to be
// said of it ten times a second. No words, no widgets.

import { signal } from '@preact/signals';
import { monoMs } from '../base/clock';
import { toHex } from '../base/hex';
import { VideoState, type LiveVideo } from '../generated/xw.js';
import { linkState, live } from '../live/client';
import { judge, STATUS_OLD_MS, type Cause, type Freshness } from './judge';
import { MsePlayer } from './mse';
import { choosePlayer, type Frame, type Picture, type Player, type PlayerKind } from './player';
import { Rates } from './rates';
import { Sequence } from './sequence';
import { VideoStats } from './stats';
import { WebCodecsPlayer } from './webcodecs';

const TICK_MS = 100;
const ASK_AGAIN_MS = 1000;
const NOTE_MS = 3000; // how long a mended hole is spoken of
const PENDING_MOST = 60; // frames while the browser is asked what it can decode
const ERRORS_S = 30;
const FIGURES_MS = 500; // numbers that change faster cannot be read
const HIDDEN_MS = 30_000; // nobody looks: the uplink is not used

export interface VideoView {
  freshness: Freshness;
  cause: Cause;
  text: string; // of the gateway or the decoder
  sinceWallUs: number; // county time of the newest picture, or of the state
  pictureMs: number; // since the newest picture came out
  note: '' | 'missing' | 'error' | 'slow' | 'hardware'; // just happened, or being mended
  fps: number;
  kbitPerS: number;
  delayMs: number;
  width: number;
  height: number;
  player: PlayerKind;
  frozenWallUs: number | null; // capture time of the picture that is held fast; null = moves
  label: string;
  clipSinceWallUs: number; // 0 = not recording
  clipSize: number;
  aimKbitPerS: number;
  statusKnown: boolean; // the source told of itself just now
}

const EMPTY: VideoView = {
  freshness: 'none', cause: 'waiting', text: '', sinceWallUs: NaN, pictureMs: NaN, note: '', fps: 0, kbitPerS: 0, delayMs: NaN, width: 0, height: 0,
  player: 'none', frozenWallUs: null, label: '', clipSinceWallUs: 0, clipSize: 0, aimKbitPerS: 0, statusKnown: false,
};

export class VideoEngine {
  readonly view = signal<VideoView>(EMPTY);
  readonly stats = new VideoStats();
  private ctx: CanvasRenderingContext2D;
  private player: Player | null = null;
  private kind: PlayerKind | '' = ''; // '' = not asked yet
  private choosing = false;
  private pending: Frame[] = [];
  private sequence = new Sequence();
  private rates = new Rates();
  private codec = '';
  private width = 0;
  private height = 0;
  private next: Picture | null = null;
  private raf = 0;
  private lastPictureMs = NaN;
  private lastWallUs = NaN; // county time when it came out
  private drawnWallUs = 0; // capture time of what is on the canvas
  private askedMs = monoMs();
  private keyAskedMs = -Infinity;
  private note: VideoView['note'] = '';
  private noteMs = -Infinity;
  private errorsMs: number[] = [];
  private software = false;
  private failText = '';
  private frozen: number | null = null;
  private unwatch: (() => void) | null = null;
  private hiddenMs = NaN;
  private figures = { fps: 0, kbitPerS: 0, delayMs: NaN, atMs: -Infinity };
  private timer: ReturnType<typeof setInterval>;

  constructor(private canvas: HTMLCanvasElement, private video: HTMLVideoElement, readonly attachment: string, main: boolean) {
    const ctx = canvas.getContext('2d', { alpha: false });
    if (!ctx) throw new Error('canvas');
    this.ctx = ctx;
    this.stats.attachment = attachment;
    if (main) window.xwVideo = this.stats;
    this.watch();
    this.timer = setInterval(() => this.tick(), TICK_MS);
  }

  stop(): void {
    clearInterval(this.timer);
    cancelAnimationFrame(this.raf);
    this.unwatch?.();
    this.player?.stop();
    this.player = null;
    this.next?.close();
    this.next = null;
  }

  freeze(): void {
    if (this.frozen === null && this.stats.drawn > 0) this.frozen = this.drawnWallUs;
    this.tick();
  }

  thaw(): void {
    this.frozen = null;
    this.drawSoon();
    this.tick();
  }

  private watch(): void {
    this.askedMs = monoMs();
    this.keyAskedMs = this.askedMs;
    this.sequence.lost();
    this.unwatch = live.watchVideo(this.attachment, (f, atMs) => this.came(f, atMs));
  }

  // ---- frames ----

  private came(m: LiveVideo, atMs: number): void {
    const data = m.data;
    if (!data) return;
    this.stats.received++;
    this.stats.bytes += data.length;
    this.rates.arrived(atMs, data.length);
    const verdict = this.sequence.take({ run: m.run_id ? toHex(m.run_id) : '', frame: m.frame, key: m.key });
    if (verdict === 'hole') {
      this.say('missing');
      this.askKey();
    }
    if (verdict !== 'feed') return;
    if (m.key) {
      this.codec = m.codec || this.codec;
      this.width = m.width || this.width;
      this.height = m.height || this.height;
    }
    const f: Frame = {
      frame: m.frame, key: m.key, codec: this.codec, width: this.width, height: this.height, captureWallUs: m.capture_wall_us, atMs, data,
    };
    if (this.player) this.player.push(f);
    else this.wait(f);
  }

  private wait(f: Frame): void {
    if (f.key) this.pending = [];
    this.pending.push(f);
    if (this.pending.length > PENDING_MOST) {
      this.pending = [];
      this.sequence.lost();
    }
    if (!this.choosing && this.kind !== 'none') void this.choose(f.codec);
  }

  private async choose(codec: string): Promise<void> {
    this.choosing = true;
    if (this.kind === '') this.kind = await choosePlayer(codec);
    this.choosing = false;
    const events = {
      picture: (p: Picture) => this.picture(p),
      lost: (why: 'error' | 'slow' | 'hardware', text: string) => this.lost(why, text),
    };
    if (this.kind === 'webcodecs') this.player = new WebCodecsPlayer(events, this.software);
    else if (this.kind === 'mse') this.player = new MsePlayer(this.video, events);
    for (const f of this.pending.splice(0)) this.player?.push(f);
  }

  private lost(why: 'error' | 'slow' | 'hardware', text: string): void {
    this.say(why);
    this.sequence.lost();
    if (why === 'slow') this.stats.slowDrops++;
    if (why === 'hardware') this.software = true;
    if (why === 'error') {
      this.failText = text.slice(0, 160);
      this.stats.decodeErrors++;
      this.worse();
    }
    if (this.player?.kind === 'mse') this.player = null; // made anew with the next key frame
    this.askKey();
  }

  // Errors that go on: software, then the other way, then none.
  private worse(): void {
    const now = monoMs();
    this.errorsMs = [...this.errorsMs.filter((t) => now - t < ERRORS_S * 1000), now];
    if (this.errorsMs.length < 4) return;
    this.errorsMs = [];
    this.player?.stop();
    this.player = null;
    if (this.kind === 'webcodecs' && !this.software) this.software = true;
    else if (this.kind === 'webcodecs' && typeof MediaSource === 'function') this.kind = 'mse';
    else this.kind = 'none';
  }

  private say(what: VideoView['note']): void {
    this.note = what;
    this.noteMs = monoMs();
  }

  private askKey(): void {
    const now = monoMs();
    if (now - this.keyAskedMs < 300) return; // asked just now: at most one is made in that time
    this.keyAskedMs = now;
    this.stats.keysAsked++;
    live.needKey(this.attachment);
  }

  private picture(p: Picture): void {
    if (this.next) {
      this.next.close();
      this.stats.superseded++;
    }
    this.next = p;
    this.lastPictureMs = monoMs();
    this.lastWallUs = live.clock.wallUs(this.lastPictureMs);
    if (this.frozen !== null) this.rates.drawn(this.lastPictureMs, this.delayMs(p, this.lastPictureMs)); // it goes on behind the frozen one
    // A <video> shows what it shows now: its picture cannot wait.
    if (this.player?.kind === 'mse') this.draw();
    else this.drawSoon();
  }

  private drawSoon(): void {
    if (this.raf === 0 && this.next) this.raf = requestAnimationFrame(() => this.draw());
  }

  private draw(): void {
    this.raf = 0;
    const p = this.next;
    if (!p || this.frozen !== null) return;
    this.next = null;
    if (this.canvas.width !== p.width || this.canvas.height !== p.height) {
      this.canvas.width = p.width;
      this.canvas.height = p.height;
    }
    this.ctx.drawImage(p.source, 0, 0, p.width, p.height);
    const now = monoMs();
    const delayMs = this.delayMs(p, now);
    this.drawnWallUs = p.captureWallUs;
    this.rates.drawn(now, delayMs);
    this.stats.put(now, p.frame, p.captureWallUs, delayMs);
    const resized = this.stats.width !== p.width || this.stats.height !== p.height;
    this.stats.width = p.width;
    this.stats.height = p.height;
    p.close();
    if (resized) this.tick();
  }

  private delayMs(p: Picture, nowMs: number): number {
    return p.captureWallUs > 0 && live.clock.known ? (live.clock.wallUs(nowMs) - p.captureWallUs) / 1000 : NaN;
  }

  // ---- what is to be said ----

  private tick(): void {
    const now = monoMs();
    this.lookedAt(now);
    const said = live.videoStatus.get(this.attachment);
    const fresh = said && now - said.atMs < STATUS_OLD_MS ? said.status : null;
    const expected = fresh?.state === VideoState.VIDEO_LIVE && linkState.value === 'open';
    if (this.sequence.waiting && expected && now - this.keyAskedMs > ASK_AGAIN_MS) this.askKey();
    const pictureMs = now - this.lastPictureMs;
    const delayMs = this.rates.delayMs(now);
    const { freshness, cause } = judge({
      linkOpen: linkState.value === 'open', gatewayLinked: this.gatewayLinked(), status: fresh, askedMs: now - this.askedMs, pictureMs, delayMs,
      noDecoder: this.kind !== 'none' ? '' : window.isSecureContext ? 'unsupported' : 'insecure',
      waitingKey: this.sequence.waiting && this.stats.received > 0,
    });
    if (now - this.noteMs > NOTE_MS) this.note = '';
    if (now - this.figures.atMs > FIGURES_MS || freshness !== this.view.value.freshness) this.figures = { fps: this.rates.fps(now), kbitPerS: this.rates.kbitPerS(now), delayMs, atMs: now };
    this.view.value = {
      freshness, cause, text: fresh?.text || (cause === 'unsupported' ? this.failText : ''), pictureMs, note: this.note,
      sinceWallUs: freshness === 'none' ? (fresh?.since_wall_us ?? NaN) : this.drawnWallUs > 0 ? this.drawnWallUs : this.lastWallUs,
      fps: this.figures.fps, kbitPerS: this.figures.kbitPerS, delayMs: this.figures.delayMs, width: this.stats.width, height: this.stats.height,
      player: this.kind === '' ? 'none' : this.kind, frozenWallUs: this.frozen, label: said?.status.label ?? '',
      clipSinceWallUs: fresh && fresh.clip_id && fresh.clip_id.length > 0 ? fresh.clip_since_wall_us : 0, clipSize: fresh?.clip_size ?? 0,
      aimKbitPerS: fresh?.kbit_per_s ?? 0, statusKnown: fresh !== null,
    };
    this.publish(now, freshness);
  }

  gateway = ''; // set by who knows it: link lost is told from a source that is silent
  private gatewayLinked(): boolean | null {
    return live.gateways.get(this.gateway)?.linked ?? null;
  }

  // A page that nobody sees for long asks for no pictures.
  private lookedAt(now: number): void {
    if (!document.hidden) {
      this.hiddenMs = NaN;
      if (!this.unwatch) this.watch();
      return;
    }
    if (Number.isNaN(this.hiddenMs)) this.hiddenMs = now;
    if (this.unwatch && now - this.hiddenMs > HIDDEN_MS) {
      this.unwatch();
      this.unwatch = null;
    }
  }

  private publish(now: number, freshness: Freshness): void {
    const s = this.stats;
    const v = this.view.value;
    s.decoder = v.player;
    s.software = this.player?.software ?? this.software;
    s.heldFrames = this.player?.held ?? 0;
    s.missed = this.sequence.missed;
    s.holes = this.sequence.holes;
    s.skipped = this.sequence.skipped;
    s.state = v.cause ? `${freshness} ${v.cause}` : freshness;
    s.sinceDrawnMs = now - this.lastPictureMs;
    s.fps = v.fps;
    s.kbitPerS = v.kbitPerS;
    s.delayMs = v.delayMs;
  }
}
