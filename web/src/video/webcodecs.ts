// VideoDecoder on Annex B without a description, tuned for the least delay. Hardware decoders that keep
// frames back (more than two) are given up for software; a computer that is too slow goes on at a key frame.

import { monoMs } from '../base/clock';
import type { Frame, Player, PlayerEvents } from './player';

const HELD_MOST = 2;
const HELD_FRAMES = 30; // so many frames in a row with more held back than that: another decoder
const SLOW_MS = 400; // the oldest frame in the decoder is older: skip to a key frame
const KEPT = 256;

export class WebCodecsPlayer implements Player {
  readonly kind = 'webcodecs';
  software: boolean;
  private decoder: VideoDecoder | null = null;
  private config = '';
  private inside: Frame[] = []; // handed in, not come out
  private heldFor = 0;
  private stopped = false;

  constructor(private events: PlayerEvents, software = false) {
    this.software = software;
  }

  get held(): number {
    return this.inside.length;
  }

  push(f: Frame): void {
    if (this.stopped) return;
    if (f.key && !this.configure(f)) return;
    if (!this.decoder) return;
    this.watch(f);
    if (!this.decoder) return;
    this.inside.push(f);
    if (this.inside.length > KEPT) this.inside.shift();
    try {
      // The number is the time stamp: that is how a picture tells which frame it is.
      this.decoder.decode(new EncodedVideoChunk({ type: f.key ? 'key' : 'delta', timestamp: f.frame, data: f.data }));
    } catch (e) {
      this.fail('error', String(e));
    }
  }

  private configure(f: Frame): boolean {
    const config = `${f.codec} ${f.width}x${f.height} ${this.software}`;
    if (this.decoder && this.config === config) return true;
    this.drop();
    const decoder = new VideoDecoder({
      output: (v) => this.out(decoder, v),
      error: (e) => {
        if (this.decoder === decoder) this.fail('error', e.message);
      },
    });
    try {
      decoder.configure({
        codec: f.codec, optimizeForLatency: true, hardwareAcceleration: this.software ? 'prefer-software' : 'no-preference',
        ...(f.width > 0 && f.height > 0 ? { codedWidth: f.width, codedHeight: f.height } : {}),
      });
    } catch (e) {
      decoder.close();
      this.fail('error', String(e));
      return false;
    }
    this.decoder = decoder;
    this.config = config;
    this.heldFor = 0;
    return true;
  }

  // Two troubles that look alike: a decoder that is behind, and one that holds back on principle.
  private watch(f: Frame): void {
    const oldest = this.inside[0];
    const queued = this.decoder?.decodeQueueSize ?? 0;
    if (oldest && !f.key && f.atMs - oldest.atMs > SLOW_MS && monoMs() - oldest.atMs > SLOW_MS && queued > HELD_MOST) {
      this.fail('slow', `${this.inside.length}`);
      return;
    }
    this.heldFor = this.inside.length > HELD_MOST && queued <= 1 ? this.heldFor + 1 : 0;
    if (this.heldFor > HELD_FRAMES && !this.software) {
      this.software = true;
      this.fail('hardware', `${this.inside.length}`);
    }
  }

  private out(from: VideoDecoder, v: VideoFrame): void {
    const i = this.inside.findIndex((f) => f.frame === v.timestamp);
    const f = i >= 0 ? this.inside[i] : undefined;
    if (this.stopped || from !== this.decoder || !f) {
      v.close();
      return;
    }
    this.inside.splice(0, i + 1);
    this.events.picture({
      source: v, width: v.displayWidth, height: v.displayHeight, frame: f.frame, captureWallUs: f.captureWallUs, close: () => v.close(),
    });
  }

  private fail(why: 'error' | 'slow' | 'hardware', text: string): void {
    this.drop();
    if (!this.stopped) this.events.lost(why, text);
  }

  private drop(): void {
    const d = this.decoder;
    this.decoder = null;
    this.inside = [];
    this.config = '';
    if (d && d.state !== 'closed') d.close();
  }

  stop(): void {
    this.stopped = true;
    this.drop();
  }
}
