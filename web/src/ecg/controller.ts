// The viewer's engine: takes one stream from the live socket to the canvas, frame by frame, and tells
// the page what it needs to know ten times a second. No words, no widgets.

import { signal } from '@preact/signals';
import { monoMs } from '../base/clock';
import { live, linkState } from '../live/client';
import type { StreamModel } from '../live/stream';
import { makeBank, type FilterChoice } from '../filter/make';
import { drawOverview, overviewSpan, OVERVIEW_S } from './overview';
import { Playout } from './playout';
import type { PaperOptions, PaperWords } from './ground';
import { EcgRenderer } from './renderer';
import { stats } from './stats';
import { freshnessOf, GREY_AFTER_MS, HATCH_AFTER_MS, holeStateOf, type Freshness, type HoleState } from '../trace/fresh';

const WARM_S = 6; // fetched before the window, so that the high pass has settled where it begins

export interface ViewerState {
  freshness: Freshness;
  ageS: number; // of the newest sample on the paper
  silentS: number; // since the newest index grew
  silentSinceWallUs: number;
  uncertaintyUs: number;
  paused: boolean;
  endWallUs: number; // right end of the paper
  endIndex: number;
  rateBpm: number;
  leadsOff: number;
  hole: HoleState;
  eventsLoading: boolean;
  eventsError: string;
  st: StState;
}

// ST levels of one measurement; irregular: it was looked at and could not be measured; old: a newer one is overdue.
export interface StState {
  levels: { lead: string; mv: number }[];
  irregular: boolean;
  old: boolean;
  wallUs: number;
}
const NO_ST: StState = { levels: [], irregular: false, old: false, wallUs: NaN };
const ST_EVERY_S = 10;

const EMPTY: ViewerState = {
  freshness: 'loading', ageS: NaN, silentS: NaN, silentSinceWallUs: NaN, uncertaintyUs: NaN, paused: false, endWallUs: NaN,
  endIndex: NaN, rateBpm: 0, leadsOff: 0, hole: null, eventsLoading: true, eventsError: '', st: NO_ST,
};

export class EcgController {
  readonly state = signal<ViewerState>(EMPTY);
  readonly renderer: EcgRenderer;
  private playout: Playout;
  private raf = 0;
  private lastTick = 0;
  private lastOverview = 0;
  private pausedEnd = NaN;
  private dirty = true;
  private findingsVersion = -1;
  private beatKeys = new Set<string>();
  private observer: ResizeObserver;
  private eventsFrom = Infinity;
  private eventsLoading = true;
  private eventsError = '';
  private stopped = false;

  constructor(
    canvas: HTMLCanvasElement,
    private overview: HTMLCanvasElement | null,
    readonly model: StreamModel,
    private options: PaperOptions,
    words: PaperWords,
    filter: FilterChoice,
    private still: { first: number; end: number } | null = null, // a study: nothing moves
  ) {
    model.ring.setBank(makeBank(filter, model.nominalHz));
    this.renderer = new EcgRenderer(canvas, model, options, words);
    this.playout = new Playout(model.rateHz);
    if (still) this.pausedEnd = still.end;
    if (model.ring.newest > 0 && !still) this.playout.arrived(model.ring.newest, model.lastGrowMs || monoMs());
    model.onArrival = (end, atMs) => {
      this.playout.arrived(end, atMs);
      stats.arrived(end, atMs);
    };
    stats.reset();
    stats.stream = model.id;
    this.observer = new ResizeObserver(() => {
      this.renderer.resize();
      this.dirty = true;
      this.lastOverview = 0;
    });
    this.observer.observe(canvas);
    void this.loadEvents();
    this.raf = requestAnimationFrame(this.frame);
  }

  stop(): void {
    this.stopped = true;
    cancelAnimationFrame(this.raf);
    this.observer.disconnect();
    this.model.onArrival = null;
  }

  set(options: PaperOptions, words: PaperWords): void {
    this.options = options;
    this.renderer.set(options, words);
    this.dirty = true;
    this.lastOverview = 0;
  }

  setFilter(filter: FilterChoice): void {
    this.model.ring.setBank(makeBank(filter, this.model.nominalHz));
    this.renderer.invalidate();
    this.dirty = true;
  }

  // ---- time ----

  get paused(): boolean {
    return !Number.isNaN(this.pausedEnd);
  }
  get end(): number {
    return this.paused ? this.pausedEnd : this.renderer.end;
  }
  get newest(): number {
    return this.still ? this.still.end : Math.max(this.model.ring.newest, this.playout.newest);
  }

  pause(): void {
    if (!this.paused && this.renderer.end > 0) this.pauseAt(this.renderer.end);
  }
  resume(): void {
    if (this.still) return;
    this.pausedEnd = NaN;
    this.unlight();
    this.renderer.invalidate();
    this.lastTick = 0;
  }
  pauseAt(end: number): void {
    const newest = this.newest;
    const oldest = Math.max(this.model.holes.start, newest - OVERVIEW_S * this.model.rateHz) + this.renderer.windowN;
    this.pausedEnd = Math.round(Math.max(Math.min(oldest, newest), Math.min(newest, end)));
    this.dirty = true;
    this.lastTick = 0;
    this.lastOverview = 0;
  }
  step(seconds: number): void {
    if (!(this.end > 0)) return;
    this.pauseAt(this.end + seconds * this.model.rateHz);
  }
  // Centre the window on a finding and light what it rests on.
  show(first: number, end: number, beats: number[]): void {
    const hz = this.model.rateHz;
    const win = this.renderer.windowN;
    const last = beats.length > 0 ? Math.max(...beats) : end > 0 ? Math.min(end, first + win / 2) : first;
    this.renderer.marks.litLeads = 0;
    this.renderer.marks.lit = beats.length > 0
      ? beats.map((b) => ({ first: b - 0.06 * hz, end: b + 0.1 * hz, beat: true }))
      : [{ first, end: end > 0 ? end : this.newest, beat: false }];
    this.pauseAt(Math.max(last + 0.15 * win, first + 0.8 * win));
  }
  // Light beats (indices of their R) in some leads (mask of channels, 0 = all) of a stretch, and stand
  // where the last of them is seen in every column.
  light(first: number, end: number, beats: number[], leads: number): void {
    const hz = this.model.rateHz;
    this.renderer.marks.litLeads = leads;
    this.renderer.marks.lit = beats.map((b) => ({ first: b - 0.06 * hz, end: b + 0.1 * hz, beat: true }));
    const last = beats.length > 0 ? Math.max(...beats) + 0.6 * hz : end;
    this.pauseAt(Math.min(end, Math.max(last, first + Math.min(this.renderer.windowN, end - first))));
  }
  unlight(): void {
    if (this.renderer.marks.lit.length === 0) return;
    this.renderer.marks.lit = [];
    this.renderer.marks.litLeads = 0;
    this.renderer.invalidate();
    this.dirty = true;
  }
  pointAt(clientX: number): void {
    if (!this.overview) return;
    const box = this.overview.getBoundingClientRect();
    const { first, end } = overviewSpan(this.model, this.newest);
    const at = first + ((clientX - box.left) / box.width) * (end - first);
    if (at + this.renderer.windowN / 2 >= end) this.resume();
    else this.pauseAt(at + this.renderer.windowN / 2);
  }

  // ---- frames ----

  private frame = (frameMs: number): void => {
    if (this.stopped) return;
    this.raf = requestAnimationFrame(this.frame);
    stats.begin(frameMs);
    const now = monoMs();
    const model = this.model;
    if (this.paused) {
      if (this.dirty || model.changes.length > 0) {
        this.renderer.drawStill(this.pausedEnd);
        this.dirty = false;
      }
      stats.end(this.pausedEnd);
    } else {
      this.playout.setRate(model.rateHz);
      const silent = now - model.lastGrowMs;
      const head = this.playout.head(now) - model.ring.delay;
      const line = this.playout.lineAt(now) - model.ring.delay;
      this.renderer.drawLive(head, silent > HATCH_AFTER_MS, line, silent > GREY_AFTER_MS);
      stats.underruns = this.playout.underruns;
      stats.heldBackMs = this.playout.heldBackMs;
      stats.end(head);
    }
    if (now - this.lastTick > 100) {
      this.lastTick = now;
      this.tick(now);
    }
    if (now - this.lastOverview > 1000) {
      this.lastOverview = now;
      this.paintOverview();
    }
  };

  private paintOverview(): void {
    if (!this.overview || !(this.newest > 0)) return;
    const end = this.end;
    drawOverview(this.overview, this.model, {
      theme: this.options.theme, newest: this.newest, windowEnd: end, windowFirst: end - this.renderer.windowN, paused: this.paused, rateLabel: '',
    });
  }

  private tick(now: number): void {
    const model = this.model;
    const newest = this.newest;
    const hz = model.rateHz;
    if (newest > 0 && !this.still) {
      model.holes.survey(Math.max(model.holes.start, newest - OVERVIEW_S * hz), newest, now);
    }
    this.updateMarks();
    const leadsOff = this.currentLeadsOff();
    this.renderer.setLeadsOff(leadsOff);
    const end = this.end;
    if (end > 0) {
      const first = Math.max(model.holes.start, Math.floor(end - this.renderer.windowN - WARM_S * hz));
      void live.fetchRange(model.id, model, first, Math.ceil(end));
      // The counts written in a hole go on while seconds come in.
      for (const h of model.holes.list) {
        if (Number.isNaN(h.closedMs) && h.end > first && h.first < end) this.renderer.repaint(h.first, h.end);
      }
    }
    this.publish(now, end, leadsOff);
  }

  private updateMarks(): void {
    const v = this.model.findings.version;
    const end = this.end;
    if (!(end > 0)) return;
    const first = end - this.renderer.windowN * 1.1;
    const beats = this.model.findings.beats(first, end + this.model.rateHz);
    this.renderer.marks.beats = beats.map((b) => ({ index: b.first, letter: letterOf(b.code) }));
    if (v === this.findingsVersion) return;
    this.findingsVersion = v;
    const keys = new Set(beats.map((b) => `${b.key}.${b.revision}`));
    for (const b of beats) {
      if (!this.beatKeys.has(`${b.key}.${b.revision}`)) {
        const half = (12 * this.renderer.scale.dpr) / this.renderer.scale.pps;
        this.renderer.repaint(b.first - half, b.first + half);
      }
    }
    this.beatKeys = keys;
    this.dirty = this.dirty || this.paused;
  }

  private currentLeadsOff(): number {
    const status = live.streams.get(this.model.id);
    if (this.paused) {
      let mask = 0;
      for (const f of this.model.findings.others(this.end - this.renderer.windowN, this.end, 'leads_off')) mask |= f.leads;
      return mask;
    }
    return status?.leads_off ?? 0;
  }

  private publish(now: number, end: number, leadsOff: number): void {
    const model = this.model;
    const silentMs = now - model.lastGrowMs;
    const wall = live.clock.wallUs(now);
    const endWall = model.wallUs(end);
    const ageS = live.clock.known && model.timed ? (wall - endWall) / 1e6 : NaN;
    const freshness: Freshness = this.still ? 'live' : freshnessOf(silentMs);
    const status = live.streams.get(model.id);
    stats.ageS = ageS;
    stats.offsetUs = wall - now * 1000;
    stats.rttMs = live.clock.rttMs;
    stats.badBlocks = model.badBlocks;
    stats.reconnects = live.reconnects;
    stats.playoutDelayMs = stats.heldBackMs;
    this.state.value = {
      freshness, ageS, silentS: silentMs / 1000, silentSinceWallUs: wall - silentMs * 1000,
      uncertaintyUs: model.anchor?.uncertaintyUs ?? NaN, paused: this.paused, endWallUs: endWall, endIndex: end,
      rateBpm: freshness === 'lost' || linkState.value !== 'open' ? 0 : (status?.rate_bpm ?? 0), leadsOff, hole: holeStateOf(model, now),
      eventsLoading: this.eventsLoading, eventsError: this.eventsError, st: stOf(model, end),
    };
  }

  private async loadEvents(): Promise<void> {
    for (let tries = 0; !this.stopped; tries++) {
      const newest = this.newest;
      if (newest > 0) {
        const first = this.still ? this.still.first : Math.max(0, newest - OVERVIEW_S * this.model.nominalHz);
        try {
          if (!this.still) await live.fetchRanges(this.model.id, this.model);
          await live.fetchEvents(this.model.id, this.model, Math.min(first, this.eventsFrom), newest);
          this.eventsLoading = false;
          this.eventsError = '';
          this.lastOverview = 0;
          return;
        } catch (e) {
          this.eventsError = e instanceof Error && 'code' in e ? String(e.code) : 'internal';
        }
      }
      await new Promise((ok) => setTimeout(ok, newest > 0 ? Math.min(10_000, 1000 * 2 ** tries) : 200));
      if (newest <= 0) tries = -1;
    }
  }
}

export function letterOf(code: string): string {
  return code === '/' ? 'P' : code.slice(0, 2) || 'N';
}

// ST levels of the newest measurement before `end`: evidence named after leads.
function stOf(model: StreamModel, end: number): StState {
  const f = model.findings.latest('measurement', (m) => m.code.toUpperCase().startsWith('ST') && m.first <= end && m.first > end - 60 * model.rateHz);
  if (!f) return NO_ST;
  const levels: StState['levels'] = [];
  for (const e of f.evidence) {
    if (e.threshold) continue;
    const lead = e.name.replace(/^st[._ ]/i, '');
    const hit = model.channels.find((c) => c.code.toUpperCase() === lead.toUpperCase());
    if (hit) levels.push({ lead: hit.code, mv: e.unit === 'mV' ? e.value : e.value / 1000 });
  }
  const irregular = levels.length === 0 && f.evidence.some((e) => /^rr[-_]spread$/.test(e.name));
  return { levels, irregular, old: end - f.first > 1.5 * ST_EVERY_S * model.rateHz, wallUs: model.wallUs(f.first) };
}
