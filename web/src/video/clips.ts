// Recordings of one attachment: the list as the county tells it, kept fresh, and which one covers a moment.

import { useEffect, useState } from 'preact/hooks';
import { api, ApiError, type JsonClip } from '../api';
import { uuidText } from '../base/hex';
import { live } from '../live/client';

const OFTEN_MS = 3000; // while something is on its way
const SELDOM_MS = 15_000;

export const clipHeld = (c: JsonClip): boolean => c.sha256 !== null && c.size > 0 && c.held >= c.size;

// County time at which the clip ends; a running one covers everything up to now.
export function clipEndUs(c: JsonClip, nowUs: number): number {
  return c.end_wall_us ?? Math.max(c.start_wall_us, nowUs);
}

// The clip that shows the moment; of two the one that began last.
export function clipAt(clips: readonly JsonClip[], wallUs: number, nowUs: number): JsonClip | null {
  let best: JsonClip | null = null;
  for (const c of clips) {
    if (c.start_wall_us > wallUs || clipEndUs(c, nowUs) < wallUs) continue;
    if (!best || c.start_wall_us > best.start_wall_us) best = c;
  }
  return best;
}

export function useClips(attachment: string): { clips: JsonClip[]; loaded: boolean; error: ApiError | null } {
  const [clips, setClips] = useState<JsonClip[]>([]);
  const [loaded, setLoaded] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  useEffect(() => {
    let gone = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    setClips([]);
    setLoaded(false);
    if (!attachment) return;
    const read = (): void => {
      clearTimeout(timer);
      api.clips(attachment)
        .then((all) => {
          if (gone) return;
          setClips(all);
          setLoaded(true);
          setError(null);
          timer = setTimeout(read, all.some((c) => !clipHeld(c)) ? OFTEN_MS : SELDOM_MS);
        })
        .catch((e: unknown) => {
          if (gone) return;
          setError(e instanceof ApiError ? e : new ApiError('internal', 0, String(e)));
          timer = setTimeout(read, OFTEN_MS);
        });
    };
    read();
    const off = live.onRecord((r) => {
      if (!r.clip || uuidText(r.clip.attachment_id) !== attachment) return;
      clearTimeout(timer);
      timer = setTimeout(read, 200);
    });
    return () => {
      gone = true;
      clearTimeout(timer);
      off();
    };
  }, [attachment]);
  return { clips, loaded, error };
}
