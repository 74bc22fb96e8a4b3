// A model of a stretch that need not be live: from what the county says of the stream, filled by range.

import { api, type JsonStream } from '../api';
import { fromHex } from '../base/hex';
import { Modality } from '../generated/xw.js';
import { modalityWord } from '../wire/words';
import { gapNumber } from './client';
import { StreamModel } from './stream';

// end: one after the newest sample that is to be seen.
export function stillModel(s: JsonStream, end: number, keepS = 60): StreamModel {
  const model = new StreamModel({
    stream_id: fromHex(s.id), modality: modalityWord(s.modality) === 'holter' ? Modality.MODALITY_HOLTER : Modality.MODALITY_ECG, rate: s.rate, device_id: s.device,
    gateway_id: s.gateway, index_source: 0, device_epoch: 0, device_model: s.model, demo: s.demo, high_pass_hz: 0, low_pass_hz: 0, attachment_id: fromHex(s.attachment ?? ''),
    channels: s.channels.map((c) => ({
      code: c.code, unit: c.unit, gain: c.gain, baseline: c.baseline, invalid: c.invalid ?? 0, has_invalid: c.invalid !== null, adc_min: 0, adc_max: 0, label: c.code,
    })),
  }, keepS);
  model.ring.newest = end;
  return model;
}

export async function loadAnchor(m: StreamModel, index: number): Promise<void> {
  const anchor = await api.anchors(m.id, index).catch(() => ({ before: null, after: null })); // without times the trace still stands
  const near = anchor.before ?? anchor.after;
  if (near) {
    m.anchorCame({ index: near.index, gatewayWallUs: near.gateway_wall_us, countyOffsetUs: near.county_offset_us, uncertaintyUs: near.uncertainty_us, rateHz: near.rate_hz });
  }
}

export async function loadRanges(m: StreamModel): Promise<void> {
  const ranges = await api.ranges(m.id);
  for (const k of ranges.known) m.holes.addKnown(k.first, k.first + k.count);
  for (const g of ranges.gaps) m.gap({ stream_id: undefined, first: g.first, count: g.count, reason: gapNumber(g.reason) });
}

export async function loadSamples(m: StreamModel, first: number, end: number): Promise<void> {
  for (let at = first; at < end; ) {
    const got = await api.samples(m.id, at, end - at);
    for (const b of got.blocks) m.block(b, false, NaN);
    for (const g of got.gaps) m.gap(g);
    if (got.next <= at) break;
    at = got.next;
  }
}
