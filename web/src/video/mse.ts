// Media Source Extensions, for browsers without WebCodecs or outside a secure context: each frame becomes
// a fragment of MP4 of its own, and a hidden <video> is kept at its live edge. The timeline is made here,
// without holes; which frame is seen is looked up by its time.

import { avcConfig, lengthCoded, nalsOf } from './annexb';
import { fragment, initSegment, TIMESCALE } from './fmp4';
import type { Frame, Player, PlayerEvents } from './player';

const FIRST_FRAME_US = 40_000; // until the rate is known
const QUEUE_MOST = 4 << 20; // bytes that wait for the browser
const AIM_S = 0.06; // to the live edge
const HURRY_S = 0.2; // farther away: play a little faster
const JUMP_S = 0.8; // farther: jump
const KEEP_S = 8;
const KEPT = 600;

export class MsePlayer implements Player {
  readonly kind = 'mse';
  readonly software = false;
  private source = new MediaSource();
  private url = URL.createObjectURL(this.source);
  private buffer: SourceBuffer | null = null;
  private queue: Uint8Array<ArrayBuffer>[] = [];
  private queued = 0;
  private config = '';
  private type = '';
  private sequence = 0;
  private nextUs = 0;
  private intervalUs = FIRST_FRAME_US;
  private lastCaptureUs = 0;
  private times: { us: number; f: Frame }[] = [];
  private stopped = false;
  private shown = -1;
  private callback = 0;
  private timer: ReturnType<typeof setInterval>;

  constructor(private video: HTMLVideoElement, private events: PlayerEvents) {
    video.muted = true;
    video.playsInline = true;
    video.disableRemotePlayback = true;
    this.source.addEventListener('sourceopen', this.opened);
    video.addEventListener('error', this.broke);
    video.src = this.url;
    this.timer = setInterval(() => this.chase(), 100);
    this.await();
  }

  get held(): number {
    return this.times.filter((t) => t.f.frame > this.shown).length;
  }

  push(f: Frame): void {
    if (this.stopped) return;
    const nals = nalsOf(f.data);
    if (f.key && !this.configure(f, avcConfig(f.data, nals))) return;
    if (this.config === '') return;
    // The interval between pictures, from their capture, smoothed: the browser plays at this pace.
    const step = f.captureWallUs - this.lastCaptureUs;
    if (this.lastCaptureUs > 0 && step > 5_000 && step < 200_000) this.intervalUs += (step - this.intervalUs) * 0.1;
    this.lastCaptureUs = f.captureWallUs;
    const us = Math.round(this.intervalUs);
    this.add(fragment(++this.sequence, this.nextUs, us, f.key, lengthCoded(f.data, nals)));
    this.times.push({ us: this.nextUs, f });
    if (this.times.length > KEPT) this.times.shift();
    this.nextUs += us;
    if (this.queued > QUEUE_MOST) {
      this.fail('slow', `${this.queued}`);
      return;
    }
    this.feed();
  }

  private configure(f: Frame, avcC: Uint8Array | null): boolean {
    if (!avcC) {
      if (this.config !== '') return true;
      this.fail('error', 'no parameter sets');
      return false;
    }
    const config = `${f.codec} ${f.width}x${f.height} ${avcC.join()}`;
    if (config === this.config) return true;
    this.config = config;
    this.type = `video/mp4; codecs="${f.codec}"`;
    this.add(initSegment(avcC, f.width, f.height));
    return true;
  }

  private opened = (): void => {
    this.feed();
  };

  private add(bytes: Uint8Array<ArrayBuffer>): void {
    this.queue.push(bytes);
    this.queued += bytes.length;
  }

  private feed = (): void => {
    if (this.stopped || this.source.readyState !== 'open' || this.queue.length === 0) return;
    try {
      if (!this.buffer) {
        this.buffer = this.source.addSourceBuffer(this.type);
        this.buffer.addEventListener('updateend', this.updated);
      }
      if (this.buffer.updating) return;
      const all = new Uint8Array(this.queued);
      let at = 0;
      for (const q of this.queue) {
        all.set(q, at);
        at += q.length;
      }
      this.queue = [];
      this.queued = 0;
      this.buffer.appendBuffer(all);
    } catch (e) {
      this.fail('error', String(e));
    }
  };

  private updated = (): void => {
    if (this.stopped) return;
    this.chase();
    const b = this.buffer;
    if (b && !b.updating && this.queue.length === 0 && b.buffered.length > 0 && this.video.currentTime - b.buffered.start(0) > 2 * KEEP_S) {
      b.remove(0, this.video.currentTime - KEEP_S);
      return;
    }
    this.feed();
  };

  // Keeps the play head close to the newest frame.
  private chase(): void {
    const b = this.buffer;
    if (this.stopped || !b || b.buffered.length === 0) return;
    const v = this.video;
    const end = b.buffered.end(b.buffered.length - 1);
    const behind = end - v.currentTime;
    const start = b.buffered.start(b.buffered.length - 1);
    if (v.currentTime < start || behind > JUMP_S) v.currentTime = Math.max(start, end - AIM_S);
    v.playbackRate = behind > HURRY_S ? 1.25 : 1;
    if (v.paused) v.play().catch(() => {}); // tried again at the next tick
  }

  // One callback a frame that the browser presents.
  private await(): void {
    if (this.stopped) return;
    const v = this.video;
    if (typeof v.requestVideoFrameCallback === 'function') {
      this.callback = v.requestVideoFrameCallback((_now, meta) => {
        this.present(meta.mediaTime, meta.width, meta.height);
        this.await();
      });
      return;
    }
    // Older browsers: the play head says which frame it must be.
    this.callback = requestAnimationFrame(() => {
      if (v.readyState >= 2) this.present(v.currentTime, v.videoWidth, v.videoHeight);
      this.await();
    });
  }

  private present(mediaTime: number, width: number, height: number): void {
    if (this.stopped) return;
    const us = mediaTime * TIMESCALE;
    let hit: Frame | null = null;
    for (let i = this.times.length - 1; i >= 0 && !hit; i--) {
      const t = this.times[i] as { us: number; f: Frame };
      if (t.us <= us + 2000) hit = t.f;
    }
    if (!hit || hit.frame === this.shown) return;
    this.shown = hit.frame;
    this.events.picture({ source: this.video, width, height, frame: hit.frame, captureWallUs: hit.captureWallUs, close: () => {} });
  }

  private broke = (): void => {
    if (this.video.error) this.fail('error', `${this.video.error.code} ${this.video.error.message}`);
  };

  private fail(why: 'error' | 'slow', text: string): void {
    if (this.stopped) return;
    this.stop();
    this.events.lost(why, text);
  }

  stop(): void {
    if (this.stopped) return;
    this.stopped = true;
    clearInterval(this.timer);
    if (typeof this.video.cancelVideoFrameCallback === 'function') this.video.cancelVideoFrameCallback(this.callback);
    else cancelAnimationFrame(this.callback);
    this.video.removeEventListener('error', this.broke);
    this.source.removeEventListener('sourceopen', this.opened);
    this.buffer?.removeEventListener('updateend', this.updated);
    this.video.removeAttribute('src');
    this.video.load();
    URL.revokeObjectURL(this.url);
    this.times = [];
    this.queue = [];
  }
}
