// Holds the simulator's journal against what the county gives back: every sample generated is there
// exactly once, with the values that were generated.
import fs from 'node:fs';
import { until } from './processes.mjs';
import { readStream } from './samples.mjs';

export function readJournal(file) {
  const devices = new Map();
  const of = (id) => {
    if (!devices.has(id)) devices.set(id, { id, streams: [], ranges: [], truths: [], facts: [], actions: [], givenUp: [] });
    return devices.get(id);
  };
  for (const line of fs.readFileSync(file, 'utf8').split('\n')) {
    if (!line) continue;
    let entry;
    try {
      entry = JSON.parse(line);
    } catch {
      continue; // the last line of a killed simulator
    }
    if (!entry.device) continue;
    const device = of(entry.device);
    if (entry.t === 'device') Object.assign(device, { info: entry });
    else if (entry.t === 'stream') device.streams.push(entry.stream);
    else if (entry.t === 'range') device.ranges.push(entry);
    else if (entry.t === 'truth') device.truths.push(entry);
    else if (entry.t === 'fact') device.facts.push(entry);
    else if (entry.t === 'action') device.actions.push(entry);
    else if (entry.t === 'given_up') device.givenUp.push(entry);
  }
  return devices;
}

// One device's stream against its journal: counts of samples that are missing, twice or wrong.
export async function judgeStream(api, device) {
  const verdict = { device: device.id, generated: 0, missing: 0, twice: 0, differing: 0, wrongRanges: 0, streams: device.streams.length };
  if (!device.ranges.length) return verdict;
  const stream = device.streams.at(-1);
  if (!stream) return { ...verdict, missing: device.ranges.reduce((n, r) => n + r.count, 0) };
  const channels = device.info.channels;
  // In parts, so that a day does not have to fit into memory.
  const partLength = 60 * Math.ceil(device.info.rate_num / device.info.rate_den);
  let part = [];
  const judgePart = async () => {
    if (!part.length) return;
    const first = part[0].first;
    const end = part.at(-1).first + part.at(-1).count;
    const back = await readStream(api, stream, first, end - first, channels);
    verdict.missing += back.missing;
    verdict.twice += back.twice;
    verdict.differing += back.differing;
    for (const range of part) {
      verdict.generated += range.count;
      if (back.sha256(range.first, range.count) !== range.sha256) verdict.wrongRanges += 1;
    }
    part = [];
  };
  for (const range of device.ranges) {
    part.push(range);
    if (range.first + range.count - part[0].first >= partLength) await judgePart();
  }
  await judgePart();
  return verdict;
}

export async function judge(api, journalFile) {
  const verdicts = [];
  for (const device of readJournal(journalFile).values()) verdicts.push(await judgeStream(api, device));
  const sum = (key) => verdicts.reduce((n, verdict) => n + verdict[key], 0);
  return {
    verdicts,
    generated: sum('generated'),
    missing: sum('missing'),
    twice: sum('twice'),
    differing: sum('differing'),
    wrongRanges: sum('wrongRanges'),
    splitStreams: verdicts.filter((verdict) => verdict.streams > 1).length,
  };
}

// Stops generation, waits until everything is acknowledged to its device, then until the county
// holds it (or the time is up): the last verdict.
export async function judgeAtRest(county, { quiesceMs = 60000, timeoutMs = 30000 } = {}) {
  await county.quiesce(quiesceMs);
  let verdict;
  await until('the county to hold everything', async () => {
    verdict = await judge(county.api, county.journal);
    return verdict.missing === 0 && verdict.wrongRanges === 0;
  }, { timeoutMs, stepMs: 500 }).catch(() => {});
  return verdict;
}

export const brief = (verdict) => JSON.stringify({ ...verdict, verdicts: verdict.verdicts.filter((one) => one.missing || one.twice || one.differing || one.wrongRanges) });
export const exact = (verdict) =>
  verdict.generated > 0 && verdict.missing === 0 && verdict.twice === 0 && verdict.differing === 0 && verdict.wrongRanges === 0 && verdict.splitStreams === 0;
