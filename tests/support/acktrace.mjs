// Judges a trace of trace_preload.c: had the commit that holds a block been synced when the block
// was acknowledged?
//
// A block is found by its own bytes, as the device sent them, in the pages of a transaction of the
// spool's write-ahead log. It is durable when the first sync returned that began after the commit
// frame of that transaction was written. An acknowledgement (or "accepted", which says what is
// held) that covers a block at an earlier time is a violation; so is one of a block that never
// reached the log. Facts (markers, leads) carry no bytes of their own into the log: of them it is
// asked that some sync began after they came and returned before they were acknowledged.
import fs from 'node:fs';
import path from 'node:path';
import { Vault } from './vault.mjs';
import { Deframer, parse } from './wire.mjs';

const HEAD_BYTES = 34;
const WINDOW = 16; // bytes of a block that are looked for; three windows, one may lie across pages

export function readTrace(file) {
  const bytes = fs.readFileSync(file);
  const entries = [];
  for (let at = 0; at + HEAD_BYTES <= bytes.length; ) {
    const dataN = bytes.readUInt32LE(at + 28);
    const nameN = bytes[at + 33];
    const end = at + HEAD_BYTES + nameN + dataN;
    if (end > bytes.length) break; // the last entry of a killed process
    entries.push({
      ns: bytes.readBigUInt64LE(at),
      inode: bytes.readBigUInt64LE(at + 8),
      offset: bytes.readBigInt64LE(at + 16),
      thread: bytes.readUInt32LE(at + 24),
      kind: String.fromCharCode(bytes[at + 32]),
      name: bytes.toString('latin1', at + HEAD_BYTES, at + HEAD_BYTES + nameN),
      data: bytes.subarray(at + HEAD_BYTES + nameN, end),
    });
    at = end;
  }
  return entries.sort((a, b) => (a.ns < b.ns ? -1 : a.ns > b.ns ? 1 : 0));
}

// Entries that would be one thing said by the gateway: { at, inode, message } in order of time.
function messages(entries, kind) {
  const framers = new Map();
  const out = [];
  for (const [index, entry] of entries.entries()) {
    if (entry.kind !== kind) continue;
    if (!framers.has(entry.inode)) framers.set(entry.inode, new Deframer());
    for (const bytes of framers.get(entry.inode).push(entry.data))
      out.push({ at: entry.ns, inode: entry.inode, entry: index, bytes });
  }
  return out;
}

const num = (value) => Number(value ?? 0);

// What devices sent: blocks with their coded bytes, gaps, facts; and who is behind which socket.
function received(entries) {
  const deviceOf = new Map();
  const blocks = [];
  const gaps = [];
  const facts = [];
  for (const { at, inode, bytes } of messages(entries, 'R')) {
    const body = parse(bytes);
    if (body[1]) {
      const hello = parse(body[1]);
      deviceOf.set(inode, `${Buffer.from(hello[2])}/${hello[5] ?? 0}`);
    }
    const device = deviceOf.get(inode);
    if (body[3]) {
      const block = parse(body[3]);
      const first = num(block[2]);
      blocks.push({ device, signal: num(block[1]), first, end: first + num(block[3]), at, data: Buffer.from(block[6] ?? []) });
    }
    if (body[4]) {
      const gap = parse(body[4]);
      gaps.push({ device, signal: num(gap[1]), first: num(gap[2]), end: num(gap[2]) + num(gap[3]), at });
    }
    for (const kind of [5, 6, 7]) if (body[kind]) facts.push({ device, seq: num(parse(body[kind])[1]), at });
  }
  return { deviceOf, blocks, gaps, facts };
}

// Transactions of every write-ahead log: pages of each, decrypted, when its commit frame was written.
function transactions(entries, spool) {
  const logs = new Map();
  const out = [];
  for (const entry of entries) {
    if (entry.kind !== 'W' || !entry.name.endsWith('-wal')) continue;
    if (!logs.has(entry.inode)) logs.set(entry.inode, { pages: [], commit: false, headers: new Map() });
    const log = logs.get(entry.inode);
    if (entry.data.length === 24) {
      log.headers.set(entry.offset, entry.data);
      log.commit = entry.data.readUInt32BE(4) !== 0; // size of the database after a commit
    } else if (entry.data.length >= 512) {
      const page = spool.page(entry.name, log.headers.get(entry.offset - 24n), entry.data);
      if (!page) continue; // nobody could read it again: nothing is durable by it
      log.pages.push(page);
      if (log.commit) {
        out.push({ inode: entry.inode, at: entry.ns, bytes: Buffer.concat(log.pages) });
        log.pages = [];
        log.commit = false;
      }
    }
  }
  return out;
}

function holds(transaction, data) {
  if (data.length < 3 * WINDOW) return transaction.bytes.indexOf(data) >= 0;
  let found = 0;
  for (const at of [0, Math.floor((data.length - WINDOW) / 2), data.length - WINDOW])
    if (transaction.bytes.indexOf(data.subarray(at, at + WINDOW)) >= 0) found += 1;
  return found >= 2;
}

const key = (block) => `${block.device}#${block.signal}#${block.first}`;

// Map from block to the time when its bytes were durable.
function durables(entries, blocks, spool) {
  const syncs = entries.filter((entry) => entry.kind === 'S');
  const open = [...blocks].sort((a, b) => (a.at < b.at ? -1 : 1));
  const durable = new Map();
  let next = 0;
  let waiting = [];
  for (const transaction of transactions(entries, spool)) {
    while (next < open.length && open[next].at <= transaction.at) waiting.push(open[next++]);
    const inside = waiting.filter((block) => holds(transaction, block.data));
    if (!inside.length) continue;
    waiting = waiting.filter((block) => !inside.includes(block));
    const sync = syncs.find((one) => one.inode === transaction.inode && one.offset >= transaction.at);
    if (!sync) continue;
    for (const block of inside) {
      const before = durable.get(key(block));
      if (before === undefined || sync.ns < before) durable.set(key(block), sync.ns);
    }
  }
  return { durable, syncs };
}

const covers = (held, block) =>
  block.end <= held.upto || held.ranges.some((range) => range.first <= block.first && block.end <= range.end);

function heldOf(bytes) {
  const held = parse(bytes, [3]);
  return {
    signal: num(held[1]),
    upto: num(held[2]),
    ranges: (held[3] ?? []).map((one) => {
      const range = parse(one);
      return { first: num(range[1]), end: num(range[1]) + num(range[2]) };
    }),
  };
}

// Keys of the spool, and the names of its databases, while it is there.
export function readSpool(dir) {
  const vault = new Vault(dir);
  const ids = new Map();
  for (const name of fs.readdirSync(dir).filter((one) => one.endsWith('.db')))
    ids.set(`${name}-wal`, fs.readFileSync(path.join(dir, name)).subarray(4, 16));
  return { page: (log, header, data) => (header && ids.has(log) ? vault.frame(ids.get(log), header, data) : null) };
}

// entries: of readTrace; spool: of readSpool. Returns counts, violations as text, and the smallest time between a sync's
// return and the acknowledgement that rests on it.
export function judgeTrace(entries, spool) {
  const { deviceOf, blocks, gaps, facts } = received(entries);
  const { durable, syncs } = durables(entries, blocks, spool);
  const verdict = { blocks: blocks.length, facts: facts.length, syncs: syncs.length, acks: 0, blocksAcked: 0, factsAcked: 0, violations: [], marginUs: Infinity, rests: [] };
  const done = new Set();
  const wrong = (text) => verdict.violations.length < 1000 && verdict.violations.push(text);
  for (const { at, inode, entry, bytes } of messages(entries, 'A')) {
    const body = parse(bytes);
    const told = body[4] ? parse(body[4], [1]) : body[3] ? parse(body[3], [2]) : null;
    if (!told) continue;
    const device = deviceOf.get(inode);
    verdict.acks += 1;
    const factsUpto = num(body[4] ? told[2] : told[3]);
    for (const held of ((body[4] ? told[1] : told[2]) ?? []).map(heldOf)) {
      const mine = (one) => one.device === device && one.signal === held.signal;
      for (const block of blocks) {
        if (!mine(block) || done.has(key(block)) || !covers(held, block)) continue;
        if (block.at > at) continue; // sent again after it was acknowledged in an earlier life
        done.add(key(block));
        verdict.blocksAcked += 1;
        const kept = durable.get(key(block));
        if (kept === undefined) wrong(`${key(block)} acknowledged and never synced`);
        else if (kept > at) wrong(`${key(block)} acknowledged ${(Number(kept - at) / 1000).toFixed(0)} us before its sync returned`);
        else {
          const marginUs = Number(at - kept) / 1000;
          verdict.rests.push({ entry, kept });
          if (marginUs < verdict.marginUs) verdict.marginUs = marginUs;
        }
      }
      const most = Math.max(0, ...[...blocks, ...gaps].filter((one) => mine(one) && one.at <= at).map((one) => one.end));
      if (held.upto > most && body[4]) wrong(`${device}: acknowledged up to ${held.upto}, sent up to ${most}`);
    }
    for (const fact of facts) {
      const id = `${fact.device} fact ${fact.seq}`;
      if (fact.device !== device || fact.seq > factsUpto || done.has(id) || fact.at > at) continue;
      done.add(id);
      verdict.factsAcked += 1;
      if (!syncs.some((sync) => sync.offset >= fact.at && sync.ns <= at)) wrong(`${id} acknowledged without a sync since it came`);
    }
  }
  return verdict;
}

// The same trace with one acknowledgement moved to just before the sync that it rests on.
export function withEarlyAck(entries, verdict, which = Math.floor(verdict.rests.length / 2)) {
  const { entry, kept } = verdict.rests[which];
  const moved = entries.map((one, index) => (index === entry ? { ...one, ns: kept - 1000n } : one));
  return moved.sort((a, b) => (a.ns < b.ns ? -1 : a.ns > b.ns ? 1 : 0));
}
