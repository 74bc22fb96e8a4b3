// A stretch of a stream that lies before what the live model keeps: fetched by range when it is looked
// at, with the time anchors of then. As long as the county holds it, it can be seen here.

import { api, ApiError } from '../api';
import { indexAtWallUs } from '../base/anchor';
import { StreamModel } from '../live/stream';

const KEEP_S = 4 * 3600;

export class PastModel {
  readonly model: StreamModel;
  private asked = -Infinity;
  private busy = false;

  constructor(live: StreamModel) {
    this.model = new StreamModel(live.header, KEEP_S);
    this.model.anchor = live.anchor;
    this.model.gatewayOffsetUs = live.gatewayOffsetUs;
    for (const s of live.holes.known.spans) this.model.holes.addKnown(s.first, s.end);
    for (const g of live.holes.gaps) this.model.holes.addGap(g.first, g.end, g.reason);
  }

  // Whether [first, …) fits into what this model can still take.
  reaches(first: number): boolean {
    return this.model.ring.newest === 0 || first >= this.model.ring.oldest;
  }

  // The anchor of then: asked for again when the window has moved by an hour.
  async anchorNear(index: number): Promise<void> {
    if (this.busy || Math.abs(index - this.asked) < 3600 * this.model.nominalHz) return;
    this.busy = true;
    try {
      const a = await api.anchors(this.model.id, Math.max(0, Math.round(index)));
      const got = a.before ?? a.after;
      this.asked = index;
      if (got) {
        this.model.anchor = {
          index: got.index, gatewayWallUs: got.gateway_wall_us, countyOffsetUs: got.county_offset_us, uncertaintyUs: got.uncertainty_us, rateHz: got.rate_hz,
        };
      }
    } catch (e) {
      if (!(e instanceof ApiError)) throw e;
    } finally {
      this.busy = false;
    }
  }
}

// The sample that was taken at a county wall time.
export function indexAt(model: StreamModel, wallUs: number): number {
  const shift = model.anchor && model.anchor.countyOffsetUs === null ? (model.gatewayOffsetUs ?? 0) : 0;
  return indexAtWallUs(wallUs - shift, model.nominalHz, model.anchor);
}
