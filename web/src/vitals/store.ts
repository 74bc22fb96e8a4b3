// Observations of some attachments: the newest of each, the window that is looked at, and what comes
// live. A panel has one; its attachments are watched on the socket while it lives.

import { signal } from '@preact/signals';
import { api, ApiError, type JsonObservation } from '../api';
import { uuidText } from '../base/hex';
import { live, linkState } from '../live/client';
import { AbsentReason, type Observation as WireObservation } from '../generated/xw.js';
import { CODES_OF, VITAL_KINDS } from './kinds';
import { Readings, type AbsentWord, type Observation } from './readings';

const PAGES = 3; // of 2,000: a window with more is shown from where it begins
const ABSENT_WORDS: Record<number, AbsentWord> = {
  [AbsentReason.ABSENT_SENTINEL]: 'sentinel', [AbsentReason.ABSENT_IMPOSSIBLE]: 'impossible', [AbsentReason.ABSENT_UNIT]: 'unit',
  [AbsentReason.ABSENT_NOT_NUMBER]: 'not_number', [AbsentReason.ABSENT_STATUS]: 'status',
};

const SPOT_CODES = VITAL_KINDS.filter((k) => k === 'nibp' || k === 'temp' || k === 'glucose').flatMap((k) => CODES_OF[k]);

export function fromJson(o: JsonObservation): Observation {
  const absent = o.absent ? (o.absent.toLowerCase().replace('absent_', '') as AbsentWord | 'none') : null;
  return {
    id: o.id, attachment: o.attachment, code: o.code, mdc: o.mdc ?? 0, value: typeof o.value === 'number' ? o.value : null, unit: o.unit, wallUs: o.wall_us,
    source: o.source ?? '', group: o.group ?? '', absent: absent === 'none' ? null : absent, reported: o.reported_value ?? '', continuous: o.continuous ?? false, demo: o.demo ?? false,
  };
}

// On the wire times are the gateway's, with the county's distance from them then; where that is not
// known, what the county says of the gateway's clock now.
export function fromWire(o: WireObservation, gatewayOffsetUs: number): Observation {
  return {
    id: uuidText(o.observation_id), attachment: uuidText(o.attachment_id), code: o.code, mdc: o.mdc, value: o.value === 'number' && o.number !== undefined ? o.number : null,
    unit: o.unit, wallUs: o.wall_us + (o.county_offset_known ? o.county_offset_us : gatewayOffsetUs), source: o.source,
    group: o.group_id && o.group_id.length > 0 ? uuidText(o.group_id) : '', absent: ABSENT_WORDS[o.absent] ?? null, reported: o.reported_value, continuous: o.continuous, demo: o.demo,
  };
}

export class VitalsStore {
  readonly readings = new Readings();
  readonly version = signal(0);
  readonly error = signal('');
  readonly loaded = signal(false);
  private wanted: Set<string>;
  private unwatch: () => void;
  private unrecord: () => void;
  private had: { from: number; to: number }[] = [];
  private busy = false;
  private stopped = false;

  constructor(
    private ids: readonly string[],
    private gateway = '',
  ) {
    this.wanted = new Set(ids);
    this.unwatch = live.watchAttachments(ids);
    this.unrecord = live.onRecord((r) => {
      if (!r.observation || !this.wanted.has(uuidText(r.observation.attachment_id))) return;
      const g = live.gateways.get(this.gateway);
      if (this.readings.put(fromWire(r.observation, g ? -g.clock_offset_us : 0))) this.version.value++;
    });
    void this.newest();
  }

  stop(): void {
    this.stopped = true;
    this.unwatch();
    this.unrecord();
  }

  // The newest of each code: at first, and after the socket was away.
  async newest(): Promise<void> {
    try {
      for (const id of this.ids) for (const o of (await api.observations(id)).observations) this.readings.put(fromJson(o));
      this.error.value = '';
      this.loaded.value = true;
    } catch (e) {
      this.error.value = e instanceof ApiError ? e.code : 'internal';
    }
    if (!this.stopped) this.version.value++;
  }

  // Brings what the county holds of a window; asked for once.
  async window(fromUs: number, toUs: number): Promise<void> {
    if (this.busy || this.stopped || linkState.value !== 'open') return;
    const span = this.had.find((h) => h.from <= toUs && h.to >= fromUs);
    const from = span && span.from <= fromUs ? span.to : fromUs;
    const to = span && span.to >= toUs ? span.from : toUs;
    if (to - from < 5e6) return;
    this.busy = true;
    try {
      for (const id of this.ids) await this.fetch(id, from, to);
      this.had = [...this.had.filter((h) => h !== span), { from: Math.min(span?.from ?? from, from), to: Math.max(span?.to ?? to, to) }].slice(-20);
      this.error.value = '';
    } catch (e) {
      this.error.value = e instanceof ApiError ? e.code : 'internal';
      await new Promise((ok) => setTimeout(ok, 2000));
    } finally {
      this.busy = false;
      if (!this.stopped) this.version.value++;
    }
  }

  private async fetch(id: string, from: number, to: number): Promise<void> {
    // First what is measured now and then, for the whole window: it is little.
    for (const o of (await api.observations(id, from, to, SPOT_CODES)).observations) this.readings.put(fromJson(o));
    let until = to;
    for (let page = 0; page < PAGES; page++) {
      const got = await api.observations(id, from, until);
      for (const o of got.observations) this.readings.put(fromJson(o));
      const last = got.observations[got.observations.length - 1];
      if (!got.more || !last || last.wall_us >= until) return;
      until = last.wall_us;
    }
  }

  // The newest before a moment of what is measured now and then, however long ago.
  async before(toUs: number): Promise<void> {
    try {
      for (const id of this.ids) for (const o of (await api.observations(id, 0, toUs, SPOT_CODES, 40)).observations) this.readings.put(fromJson(o));
      if (!this.stopped) this.version.value++;
    } catch (e) {
      if (!(e instanceof ApiError)) throw e;
    }
  }
}
