// The engine of a CTG panel: one stream from the live socket to the canvas, and what the page needs to
// know of it ten times a second. The paper is moved by the county's clock, so the distance of the trace's
// end from the right edge is its age; the trace is drawn as soon as it is here. No words, no widgets.

import { effect, signal } from '@preact/signals';
import { ApiError } from '../api';
import { monoMs } from '../base/clock';
import { RangeSet } from '../base/ranges';
import type { CursorSignal } from '../bed/cursor';
import { FrameStats } from '../ecg/stats';
import { live } from '../live/client';
import type { StreamModel } from '../live/stream';
import { freshnessOf, holeStateOf, type Freshness, type HoleState } from '../trace/fresh';
import type { AgeState } from '../trace/badges';
import { maternalAt } from './marks';
import { indexAt, PastModel } from './past';
import { CtgRenderer, type CtgOptions, type CtgWords } from './renderer';
import { ctgNumbers, type CtgNumber } from './values';
import type { CtgRole } from './channels';

const STALE_SHARE = 0.5; // a stopped stream's hatch covers at most this share of the window
const TICK_MS = 100;
const EVENTS_MS = 15_000; // records are pushed; this catches what was missed while the socket was down
const RANGES_MS = 20_000;

export interface CtgState extends AgeState {
  numbers: CtgNumber[];
  hole: HoleState;
  maternal: CtgRole[]; // may be the mother's rate, now
  offset: boolean;
  eventsError: string;
}

export const EMPTY_CTG: CtgState = {
  freshness: 'loading', paused: false, ageS: NaN, silentS: NaN, silentSinceWallUs: NaN, uncertaintyUs: NaN, endWallUs: NaN,
  numbers: [], hole: null, maternal: [], offset: false, eventsError: '',
};

export class CtgEngine {
  readonly state = signal<CtgState>(EMPTY_CTG);
  readonly renderer: CtgRenderer;
  private past: PastModel | null = null;
  private raf = 0;
  private stopped = false;
  private end = NaN; // right edge as last drawn
  private stillEnd = NaN; // right edge while the cursor is set
  private dirty = true;
  private drawnKey = '';
  private lastTick = 0;
  private lastEvents = 0;
  private lastRanges = 0;
  private eventsHad = new Map<StreamModel, RangeSet>();
  private eventsBusy = false;
  private eventsError = '';
  private findingsVersion = -1;
  private observer: ResizeObserver;
  private unfollow: () => void;

  constructor(
    private canvas: HTMLCanvasElement,
    readonly model: StreamModel,
    private cursor: CursorSignal,
    private options: CtgOptions,
    words: CtgWords,
  ) {
    this.renderer = new CtgRenderer(canvas, model, options, words);
    model.onArrival = (end, atMs) => {
      ctgStats.arrived(end, atMs);
      this.dirty = true;
    };
    ctgStats.reset();
    ctgStats.stream = model.id;
    this.observer = new ResizeObserver(() => {
      this.renderer.resize();
      this.dirty = true;
    });
    this.observer.observe(canvas);
    this.unfollow = effect(() => {
      void this.cursor.value;
      this.follow();
    });
    this.raf = requestAnimationFrame(this.frame);
  }

  stop(): void {
    this.stopped = true;
    cancelAnimationFrame(this.raf);
    this.observer.disconnect();
    this.unfollow();
    this.model.onArrival = null;
  }

  set(options: CtgOptions, words: CtgWords): void {
    this.options = options;
    this.renderer.set(options, words);
    this.dirty = true;
    this.lastTick = 0;
  }

  // ---- time ----

  get paused(): boolean {
    return this.cursor.value.wallUs !== null;
  }

  private get newest(): number {
    return this.model.ring.newest;
  }

  // Index of the present by the county's clock; of the newest sample and the time since where that is
  // not known. A stream that has stopped does not run off its paper.
  private nowIndex(now: number): number {
    const byClock = live.clock.known && this.model.timed ? indexAt(this.model, live.clock.wallUs(now)) : NaN;
    const silent = Number.isNaN(this.model.lastGrowMs) ? 0 : (now - this.model.lastGrowMs) / 1000;
    const line = Number.isFinite(byClock) ? byClock : this.newest + silent * this.model.rateHz;
    return Math.max(this.newest, Math.min(line, this.newest + STALE_SHARE * this.renderer.windowN));
  }

  // The cursor was set or taken away: the window stays where it is as long as it shows the moment.
  private follow(): void {
    const at = this.cursor.value.wallUs;
    this.dirty = true;
    this.lastTick = 0;
    if (at === null) {
      this.stillEnd = NaN;
      return;
    }
    const index = indexAt(this.source.model, at);
    if (!Number.isFinite(index)) return;
    const win = this.renderer.windowN;
    const end = Number.isNaN(this.stillEnd) ? this.end : this.stillEnd;
    if (index <= end && index > end - win) this.stillEnd = end;
    else this.stillEnd = Math.min(Math.max(this.newest, index), index + win / 2);
  }

  // Sets the moment that all panels look at; what lies in the present is the present.
  setWall(wallUs: number): void {
    const newest = this.model.wallUs(this.newest - 1);
    const start = this.model.wallUs(this.start);
    const at = Math.max(Number.isFinite(start) ? start : wallUs, Math.min(wallUs, newest));
    if (Number.isFinite(at)) this.cursor.value = { wallUs: Math.round(at) };
  }
  pause(): void {
    if (!this.paused && this.newest > 0) this.setWall(this.model.wallUs(this.newest - 1));
  }
  resume(): void {
    this.cursor.value = { wallUs: null };
  }
  step(seconds: number): void {
    const from = this.cursor.value.wallUs ?? this.model.wallUs(this.newest);
    if (seconds > 0 && from + seconds * 1e6 >= this.model.wallUs(this.newest)) this.resume();
    else this.setWall(from + seconds * 1e6);
  }
  // Moves the window and the moment with it.
  scroll(seconds: number): void {
    if (!this.paused) {
      if (seconds > 0) return;
      this.pause();
    }
    if (!Number.isNaN(this.stillEnd)) {
      this.stillEnd = Math.max(this.start + this.renderer.windowN / 4, Math.min(this.newest, this.stillEnd + seconds * this.model.rateHz));
    }
    this.step(seconds);
  }
  pointAt(clientX: number): void {
    const box = this.canvas.getBoundingClientRect();
    const end = Number.isNaN(this.stillEnd) ? this.end : this.stillEnd;
    if (!(end > 0)) return;
    this.setWall(this.source.model.wallUs(this.renderer.indexAt(clientX - box.left, end)));
  }

  private get start(): number {
    return this.model.holes.start;
  }

  // ---- what is drawn ----

  private get source(): { model: StreamModel; past: boolean } {
    const end = this.stillEnd;
    const from = end - this.renderer.windowN;
    if (Number.isNaN(end) || this.newest === 0 || Math.max(from, this.start) >= this.model.ring.oldest) return { model: this.model, past: false };
    if (!this.past || !this.past.reaches(Math.max(0, Math.floor(from)))) this.past = new PastModel(this.model);
    void this.past.anchorNear(end);
    return { model: this.past.model, past: true };
  }

  private frame = (frameMs: number): void => {
    if (this.stopped) return;
    this.raf = requestAnimationFrame(this.frame);
    ctgStats.begin(frameMs);
    const now = monoMs();
    if (now - this.lastTick > TICK_MS) {
      this.lastTick = now;
      this.tick(now);
    }
    const { model } = this.source;
    const fresh = freshnessOf(now - this.model.lastGrowMs);
    const still = this.paused && !Number.isNaN(this.stillEnd);
    const end = still ? this.stillEnd : this.nowIndex(now);
    this.end = end;
    const stale = !still && (fresh === 'stale' || fresh === 'lost');
    const grey = !still && fresh === 'lost';
    const key = `${Math.round(end * this.renderer.pps)} ${model.ring.newest} ${stale} ${grey} ${still}`;
    if (this.dirty || key !== this.drawnKey || model.changes.length > 0) {
      model.changes = [];
      this.dirty = false;
      this.drawnKey = key;
      const cursor = this.cursor.value.wallUs;
      this.renderer.draw(model, {
        end, newest: still ? Math.min(model.ring.newest, end) : this.newest, stale, grey, cursor: cursor === null ? null : indexAt(model, cursor),
      });
    }
    ctgStats.end(still ? Math.min(end, model.ring.newest) : this.newest);
  };

  private tick(now: number): void {
    const { model } = this.source;
    const newest = this.newest;
    const win = this.renderer.windowN;
    const end = this.paused && !Number.isNaN(this.stillEnd) ? this.stillEnd : newest;
    if (newest > 0) {
      const first = Math.max(0, Math.floor(end - win) - 8);
      this.model.holes.survey(Math.max(this.start, newest - win, this.model.ring.oldest), newest, now);
      void live.fetchRange(model.id, model, first, Math.ceil(Math.min(end, newest)));
      this.loadRanges(now, model);
      void this.loadEvents(now, model, first, Math.ceil(end));
      // The counts written in a hole go on while seconds come in.
      if (model.holes.list.some((h) => Number.isNaN(h.closedMs))) this.dirty = true;
    }
    if (model.findings.version !== this.findingsVersion) {
      this.findingsVersion = model.findings.version;
      this.dirty = true;
    }
    this.publish(now, model);
  }

  private loadRanges(now: number, model: StreamModel): void {
    if (now - this.lastRanges < RANGES_MS && this.lastRanges > 0) return;
    this.lastRanges = now;
    const into = this.past && model === this.past.model ? [this.model, model] : [this.model];
    for (const m of into) live.fetchRanges(m.id, m).catch((e: unknown) => { if (!(e instanceof ApiError)) throw e; });
  }

  private async loadEvents(now: number, model: StreamModel, first: number, end: number): Promise<void> {
    if (this.eventsBusy) return;
    let had = this.eventsHad.get(model);
    if (!had || now - this.lastEvents > EVENTS_MS) {
      had = new RangeSet();
      this.eventsHad = new Map([[model, had]]);
    }
    const gaps = had.missing(first, end);
    const miss = gaps[gaps.length - 1];
    if (!miss || (had.total > 0 && miss.end - miss.first < 5 * model.nominalHz)) return;
    this.eventsBusy = true;
    try {
      await live.fetchEvents(model.id, model, miss.first, miss.end);
      had.add(miss.first, miss.end);
      this.lastEvents = now;
      this.eventsError = '';
    } catch (e) {
      this.eventsError = e instanceof ApiError ? e.code : 'internal';
      await new Promise((ok) => setTimeout(ok, 2000));
    } finally {
      this.eventsBusy = false;
    }
  }

  private publish(now: number, model: StreamModel): void {
    const silentMs = now - this.model.lastGrowMs;
    const wall = live.clock.wallUs(now);
    const newestWall = this.model.wallUs(this.newest - 1); // the last sample that is here
    const freshness: Freshness = freshnessOf(silentMs);
    const cursor = this.cursor.value.wallUs;
    const at = cursor === null ? this.newest : Math.floor(indexAt(model, cursor) + 1e-3) + 1;
    const ageS = live.clock.known && this.model.timed ? Math.max(0, (wall - newestWall) / 1e6) : NaN;
    const numbers = ctgNumbers(model, this.renderer.channels, at);
    const told = cursor === null && freshness === 'lost';
    const maternal = maternalAt(model, at - 1);
    ctgStats.ageS = ageS;
    ctgStats.offsetUs = wall - now * 1000;
    ctgStats.rttMs = live.clock.rttMs;
    ctgStats.badBlocks = this.model.badBlocks;
    this.state.value = {
      freshness, paused: cursor !== null, ageS, silentS: silentMs / 1000, silentSinceWallUs: wall - silentMs * 1000,
      uncertaintyUs: this.model.anchor?.uncertaintyUs ?? NaN, endWallUs: cursor ?? newestWall,
      numbers: told ? numbers.map((n) => ({ ...n, value: null })) : numbers,
      hole: holeStateOf(this.model, now), maternal, offset: this.options.offset, eventsError: this.eventsError,
    };
  }
}

// For benches, as window.xwStats is for the ECG: what was drawn when.
declare global {
  interface Window {
    xwCtg: FrameStats;
  }
}
export const ctgStats = new FrameStats();
window.xwCtg = ctgStats;
