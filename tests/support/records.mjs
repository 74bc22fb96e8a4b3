// Counts records in both directions: what stands in a store's outgoing log must stand in the other
// store, byte for byte. Read from outside (xw-sql), while or after the daemons run.
import path from 'node:path';
import { rows } from './vault.mjs';

const LOGGED = (log) => `SELECT hex(r.key), r.revision, r.kind, hex(r.body) FROM log l JOIN record r ON r.id = l.record
  JOIN log_name n ON n.no = l.log WHERE n.name = '${log}'`;
const HELD = 'SELECT hex(key), revision, kind, hex(body) FROM record WHERE kind < 1000';
const KIND_NAMES = { 1: 'event', 2: 'run', 3: 'anchor', 4: 'attachment', 5: 'study', 8: 'alarm ack', 9: 'device', 10: 'rule list', 12: 'technical' };

function compare(logged, held) {
  const there = new Set(held);
  const missing = logged.filter((row) => !there.has(row));
  const kinds = {};
  for (const row of logged) {
    const kind = KIND_NAMES[row.split('|')[2]] ?? row.split('|')[2];
    kinds[kind] = (kinds[kind] ?? 0) + 1;
  }
  return { logged: logged.length, missing, kinds };
}

// { up: [{ gateway, logged, missing, kinds }], down: [...], conflicts }
export function judgeRecords(county) {
  const centerDir = path.join(county.dirs.data, 'center');
  const atCounty = rows(centerDir, HELD);
  const verdict = { up: [], down: [], conflicts: 0 };
  const conflicts = (dir) => rows(dir, 'SELECT (SELECT count(*) FROM conflict) + (SELECT count(*) FROM record_conflict)').reduce((n, row) => n + Number(row), 0);
  verdict.conflicts += conflicts(centerDir);
  for (const gateway of county.gateways) {
    const dir = path.join(county.dirs.data, gateway.id);
    verdict.conflicts += conflicts(dir);
    verdict.up.push({ gateway: gateway.id, ...compare(rows(dir, LOGGED('county')), atCounty) });
    verdict.down.push({ gateway: gateway.id, ...compare(rows(centerDir, LOGGED(`gw/${gateway.id}`)), rows(dir, HELD)) });
  }
  return verdict;
}

export const recordsExact = (verdict) => verdict.conflicts === 0 && [...verdict.up, ...verdict.down].every((one) => one.missing.length === 0);
export const briefRecords = (verdict) =>
  JSON.stringify({
    conflicts: verdict.conflicts,
    ...Object.fromEntries(['up', 'down'].map((way) => [way, verdict[way].map((one) => ({ gateway: one.gateway, logged: one.logged, missing: one.missing.length, kinds: one.kinds }))])),
  });
