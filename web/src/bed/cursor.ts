// The one cursor of a patient's panels: a moment by capture, in county wall time. Panels follow it
// and set it; null is live.

import { signal, type Signal } from '@preact/signals';

export interface Cursor {
  wallUs: number | null; // county wall time in µs; null = now
}
export type CursorSignal = Signal<Cursor>;

export function makeCursor(wallUs: number | null = null): CursorSignal {
  return signal<Cursor>({ wallUs });
}
