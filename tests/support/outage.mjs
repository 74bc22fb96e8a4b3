// What benches and scenarios of outages share: when a hole has healed, and whose clock is whose.
import { monoUs } from './figures.mjs';
import { until } from './processes.mjs';

// The wall clock (µs) at an instant of the monotonic one.
export const wallOfMonoUs = (us) => Date.now() * 1000 - (monoUs() - us);

// Waits until the county holds, of every stream, what was taken between two instants; when that was.
export async function healed(county, fanout, fromUs, toUs, timeoutMs = 120000) {
  const open = new Map(fanout.ids().map((id) => [id, fanout.streams.get(id)]));
  const look = async () => {
    for (const [id, one] of open) {
      const index = (us) => Math.max(0, Math.floor(((us - one.startUs) / 1e6) * one.rateHz));
      const [first, end] = [index(fromUs), index(toUs)];
      const { known } = await county.api.json(`/api/streams/${id}/ranges`);
      if (!known.some((range) => range.first <= first && range.first + range.count >= end)) return false;
      open.delete(id);
    }
    return true;
  };
  await until('the hole to heal', look, { timeoutMs, stepMs: 100 });
  return { atUs: monoUs() };
}
