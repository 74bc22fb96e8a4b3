// What a picture is worth now, and why it is not better: one place, no clocks, no words.

import { VideoState } from '../generated/xw.js';

export const LATE_MS = 1000; // delay that is marked
export const STALLED_MS = 1000; // without a newer picture: framed, since when
export const FROZEN_MS = 5000; // grey
export const STATUS_OLD_MS = 5000; // a status comes each second

export interface Facts {
  linkOpen: boolean; // this browser to the county
  gatewayLinked: boolean | null; // the gateway to the county; null = not known
  status: { state: number; yielded: boolean; lowered?: boolean } | null; // null: none came, or it is old
  askedMs: number; // since the picture was asked for
  pictureMs: number; // since the newest picture came out; NaN = never
  delayMs: number; // NaN = not known
  noDecoder: '' | 'insecure' | 'unsupported';
  waitingKey: boolean; // frames come, and the next key frame is awaited
}

export type Freshness = 'none' | 'live' | 'late' | 'stalled' | 'frozen';
export type Cause =
  | '' | 'insecure' | 'unsupported' | 'link' | 'gateway' | 'failed' | 'nosignal' | 'idle' | 'starting' | 'yielded' | 'lowered' | 'key' | 'nostatus' | 'waiting';

export function judge(f: Facts): { freshness: Freshness; cause: Cause } {
  const freshness: Freshness = Number.isNaN(f.pictureMs)
    ? 'none'
    : f.pictureMs > FROZEN_MS ? 'frozen' : f.pictureMs > STALLED_MS ? 'stalled' : f.delayMs > LATE_MS ? 'late' : 'live';
  const moving = freshness === 'live' || freshness === 'late';
  return { freshness, cause: moving ? causeMoving(f) : causeStill(f) };
}

// A picture moves: only what the viewer must know of it beside that.
function causeMoving(f: Facts): Cause {
  if (f.waitingKey) return 'key';
  return f.status?.yielded ? 'yielded' : f.status?.lowered ? 'lowered' : '';
}

function causeStill(f: Facts): Cause {
  if (f.noDecoder) return f.noDecoder;
  if (!f.linkOpen) return 'link';
  if (f.gatewayLinked === false) return 'gateway';
  if (!f.status) return f.askedMs > 3000 ? 'nostatus' : 'waiting';
  switch (f.status.state) {
    case VideoState.VIDEO_FAILED: return 'failed';
    case VideoState.VIDEO_NO_SIGNAL: return 'nosignal';
    case VideoState.VIDEO_IDLE: return 'idle';
    case VideoState.VIDEO_STARTING: return 'starting';
    case VideoState.VIDEO_UNREACHABLE: return 'nostatus';
    default: return f.status.yielded ? 'yielded' : f.waitingKey ? 'key' : 'waiting';
  }
}
