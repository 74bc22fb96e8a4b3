// What shows frames: by WebCodecs where the browser has it, else by Media Source Extensions. Frames come
// in order from a key frame on; pictures go out newest first.

export interface Frame {
  frame: number;
  key: boolean;
  codec: string; // RFC 6381; of the newest key frame
  width: number;
  height: number;
  captureWallUs: number; // county time; 0 = not known
  atMs: number; // when it came
  data: Uint8Array; // Annex B
}

// A decoded picture. The taker closes it.
export interface Picture {
  source: CanvasImageSource;
  width: number;
  height: number;
  frame: number;
  captureWallUs: number;
  close(): void;
}

export interface PlayerEvents {
  picture(p: Picture): void;
  // Nothing more comes out before the next key frame. slow: this computer could not keep up.
  lost(why: 'error' | 'slow' | 'hardware', text: string): void;
}

export interface Player {
  readonly kind: 'webcodecs' | 'mse';
  readonly software: boolean;
  readonly held: number; // frames handed in that have not come out
  push(f: Frame): void;
  stop(): void;
}

export type PlayerKind = Player['kind'] | 'none';

// The best way for this codec, or why there is none.
export async function choosePlayer(codec: string): Promise<PlayerKind> {
  if (typeof VideoDecoder === 'function') {
    try {
      const s = await VideoDecoder.isConfigSupported({ codec, optimizeForLatency: true });
      if (s.supported) return 'webcodecs';
    } catch {
      // a codec string that it does not know: the other way may
    }
  }
  if (typeof MediaSource === 'function' && MediaSource.isTypeSupported(`video/mp4; codecs="${codec}"`)) return 'mse';
  return 'none';
}
