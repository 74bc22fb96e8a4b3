// What became of each frame; read by benches as window.xwVideo.

const KEPT = 20_000; // frames remembered: thirteen minutes at 25/s

export interface VideoLog {
  tMs: Float64Array; // performance.now() when it was drawn
  frame: Float64Array; // its number
  captureWallUs: Float64Array; // county time when it was taken; 0 = not known
  delayMs: Float64Array; // county time at the drawing minus that; NaN = not known
  n: number; // frames ever; frame k lies at k mod tMs.length
}

export class VideoStats {
  attachment = '';
  decoder: 'none' | 'webcodecs' | 'mse' = 'none';
  software = false; // asked for a decoder in software
  received = 0;
  bytes = 0;
  drawn = 0;
  superseded = 0; // decoded, and a newer one came before it was drawn
  skipped = 0; // came, and could not be decoded for want of a frame before
  missed = 0; // did not come
  holes = 0;
  keysAsked = 0;
  decodeErrors = 0;
  slowDrops = 0; // times that this computer was too slow and went on at a key frame
  heldFrames = 0; // handed in, not yet come out
  state = '';
  sinceDrawnMs = NaN;
  fps = 0;
  kbitPerS = 0;
  delayMs = NaN; // median of the last second
  width = 0;
  height = 0;
  readonly log: VideoLog = {
    tMs: new Float64Array(KEPT), frame: new Float64Array(KEPT), captureWallUs: new Float64Array(KEPT), delayMs: new Float64Array(KEPT), n: 0,
  };

  reset(): void {
    Object.assign(this, {
      received: 0, bytes: 0, drawn: 0, superseded: 0, skipped: 0, missed: 0, holes: 0, keysAsked: 0, decodeErrors: 0, slowDrops: 0, heldFrames: 0,
    });
    this.log.n = 0;
  }

  put(tMs: number, frame: number, captureWallUs: number, delayMs: number): void {
    const i = this.log.n++ % KEPT;
    this.log.tMs[i] = tMs;
    this.log.frame[i] = frame;
    this.log.captureWallUs[i] = captureWallUs;
    this.log.delayMs[i] = delayMs;
    this.drawn++;
  }

  get timeOriginMs(): number {
    return performance.timeOrigin;
  }
}

declare global {
  interface Window {
    xwVideo: VideoStats; // of the picture that is shown large
  }
}
