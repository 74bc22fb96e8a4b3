// Byte-exact scripts against a real xinwang-gateway: what is taken, what is fenced off, with which
// words. usage: node device.test.mjs PATH/xinwang-gateway [NAME…]
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { rows } from '../../support/vault.mjs';
import { Gateway } from './gateway.mjs';
import * as w from './wire.mjs';

const binary = process.argv[2];
const only = process.argv.slice(3);
const key = Buffer.alloc(32, 7);
const keyDir = fs.mkdtempSync(path.join(os.tmpdir(), 'xw-keys-'));
fs.writeFileSync(path.join(keyDir, 'keys'), `# a comment\nkeyed ${key.toString('hex')}\n`, { mode: 0o600 });

const gateway = await new Gateway(binary, { 'device.hello_timeout': '4s', 'device.keys': path.join(keyDir, 'keys') }).start();
let names = 0;
const name = () => `dev-${++names}`;
const connect = () => new w.Device(gateway.port);
// A device that is accepted and live.
async function live(o = {}) {
  const d = connect();
  d.id = o.device ?? name();
  d.send(w.hello({ ...o, device: d.id }));
  d.accepted = await d.next('accepted');
  return d;
}

const tests = {
  async blocks_are_acknowledged_after_the_spool_has_them() {
    const d = await live();
    assert.deepEqual(w.held(d.accepted, 2), { upto: 0, ranges: [], stream: w.held(d.accepted, 2).stream });
    assert.equal(w.held(d.accepted, 2).stream.length, 32);
    d.send(w.block({ first: 0 }), w.block({ first: 10 }));
    await d.acked(20);
    const s = await gateway.until((x) => x.devices.some((y) => y.device === d.id && y.streams[0].kept === 20));
    assert.equal(s.spool.conflicts, 0);
    d.end();
  },
  async all_codings_are_taken() {
    const d = await live();
    const x = [3, -3, 3, 0, -32768, 32767, 0, 1];
    const raw = (size) => Buffer.concat(x.map((v) => { const b = Buffer.alloc(8); b.writeBigInt64LE(BigInt(v)); return b.subarray(0, size); }));
    let last = 0;
    const delta = Buffer.concat(x.map((v) => { const dlt = v - last; last = v; return w.varint(dlt < 0 ? -2 * dlt - 1 : 2 * dlt); }));
    [[0, delta], [1, raw(2)], [2, raw(4)], [3, raw(3)]].forEach(([coding, data], i) => d.send(w.block({ first: 8 * i, x: [x], coding, data })));
    await d.acked(32);
    d.end();
  },
  async any_cut_of_the_bytes_is_the_same() {
    const d = connect();
    const bytes = Buffer.concat([w.hello({ device: name() }), w.block({ first: 0 }), w.block({ first: 10 })].map(w.frame));
    for (const b of bytes) {
      d.raw(Buffer.from([b]));
      if (Math.random() < 0.1) await new Promise((r) => setTimeout(r, 1));
    }
    await d.next('accepted');
    await d.acked(20);
    d.end();
  },
  async an_unknown_field_and_an_unknown_message_are_passed_over() {
    const d = await live({ extra: w.all(w.text(99, 'later'), w.num(100, 5)) });
    d.send(w.msg(40, Buffer.from('a message of a later version')), w.block());
    await d.acked(10);
    d.end();
  },
  async ping_gets_its_clock_back() {
    const d = await live();
    d.send(w.ping(123456789));
    assert.equal(w.number(await d.next('pong'), 1), 123456789);
    d.end();
  },
  async a_repeated_block_is_acknowledged_and_stored_once() {
    const d = await live();
    d.send(w.block(), w.block(), w.block({ first: 10 }));
    await d.acked(20);
    const s = await gateway.status();
    assert.equal(s.devices.find((x) => x.device === d.id).streams[0].kept, 20);
    d.end();
  },
  async a_hole_is_told_as_ranges_and_can_be_filled_or_declared() {
    const d = await live();
    d.send(w.block({ first: 0 }), w.block({ first: 30 }), w.block({ first: 60 }));
    const ack = await d.next('ack', (b) => w.held(b, 1).ranges.length === 2);
    assert.deepEqual(w.held(ack, 1).ranges, [[30, 10], [60, 10]]);
    d.send(w.block({ first: 10 }), w.block({ first: 20 }), w.gap(40, 20));
    await d.acked(70);
    d.end();
  },
  async resume_after_a_cut_tells_what_is_held() {
    const id = name();
    let d = await live({ device: id });
    const stream = w.held(d.accepted, 2).stream;
    d.send(w.block({ first: 0 }), w.block({ first: 10 }));
    await d.acked(20);
    d.end();
    d = await live({ device: id });
    assert.equal(w.held(d.accepted, 2).upto, 20);
    assert.equal(w.held(d.accepted, 2).stream, stream);
    d.end();
  },
  async resume_after_a_killed_gateway_goes_on_in_the_same_stream() {
    const id = name();
    let d = await live({ device: id });
    const stream = w.held(d.accepted, 2).stream;
    for (let i = 0; i < 200; i++) d.send(w.block({ first: 10 * i, x: [w.ramp(10, i)] }));
    d.send(w.leads(1, 5, ['RA']));
    await d.next('ack', (b) => w.held(b, 1).upto >= 2000 && w.number(b, 2) === 1);
    await gateway.restart();
    d = await live({ device: id });
    assert.equal(w.held(d.accepted, 2).upto, 2000);
    assert.equal(w.held(d.accepted, 2).stream, stream);
    assert.equal(w.number(d.accepted, 3), 1, 'facts held');
    d.send(w.leads(1, 5, ['RA']), w.marker(2, 1990, 1), w.block({ first: 2000 }));
    await d.next('ack', (b) => w.held(b, 1).upto >= 2010 && w.number(b, 2) === 2);
    d.end();
  },
  async another_epoch_is_another_stream() {
    const id = name();
    let d = await live({ device: id, epoch: 5n });
    const stream = w.held(d.accepted, 2).stream;
    d.send(w.block());
    await d.acked(10);
    d.end();
    d = await live({ device: id, epoch: 6n });
    assert.notEqual(w.held(d.accepted, 2).stream, stream);
    assert.equal(w.held(d.accepted, 2).upto, 0);
    d.end();
  },
  async several_rates_are_several_streams_of_one_attachment() {
    const d = await live({ signals: [w.signal({ number: 0 }), w.signal({ number: 3, modality: 4, num: 4, channels: [w.channel({ code: 'PLETH', unit: '1' })] })] });
    assert.notEqual(w.held(d.accepted, 2, 0).stream, w.held(d.accepted, 2, 3).stream);
    d.send(w.block({ signal: 3, first: 0, x: [[1, 2, 3, 4]] }), w.block());
    await d.acked(10, 0);
    d.send(w.ping());
    d.end();
  },
  async a_device_that_does_not_resume_gets_its_index_here() {
    const id = name();
    let d = await live({ device: id, resume: 0 });
    const stream = w.held(d.accepted, 2).stream;
    d.send(w.block({ first: 1000 }), w.block({ first: 1010 }));
    await d.acked(1020);
    d.end();
    d = await live({ device: id, resume: 0 });
    assert.equal(w.held(d.accepted, 2).stream, stream, 'the same gateway process: the same stream');
    d.send(w.block({ first: 0 }));
    await d.acked(10);
    d.send(w.block({ first: 5 }));
    assert.match(await d.fault(w.FAULT.INDEX), /goes back/);
  },
  async facts_are_acknowledged_by_their_count() {
    const d = await live();
    d.send(w.block(), w.leads(1, 2, ['RA', 'C1']), w.pace(2, 3), w.marker(3, 4, 3), w.marker(4, 5, 4));
    await d.next('ack', (b) => w.number(b, 2) === 4);
    d.end();
  },
  async samples_equal_to_the_invalid_value_are_data() {
    const c = w.all(w.channel(), w.sint(5, -32768), w.num(9, 1));
    const d = await live({ signals: [w.signal({ channels: [c] })] });
    d.send(w.block({ x: [[-32768, -32768, 1, 2, 3, 4, 5, 6, 7, -32768]] }));
    await d.acked(10);
    d.end();
  },
  async overlap_that_differs_is_a_conflict_and_both_are_kept() {
    const d = await live();
    const before = (await gateway.status()).spool.conflicts;
    d.send(w.block({ x: [[1, 1, 1, 1, 1, 1, 1, 1, 1, 1]] }));
    await d.acked(10);
    d.send(w.block({ x: [[2, 2, 2, 2, 2, 2, 2, 2, 2, 2]] }), w.block({ first: 10 }));
    await d.acked(20);
    const s = await gateway.until((x) => x.spool.conflicts > before);
    assert.ok(s.alarms.some((a) => a.code === 'conflict'));
    d.end();
  },

  // ---- fences ----
  async a_length_that_is_not_canonical_is_refused() {
    await connect().raw(Buffer.from([0x81, 0x00])).fault(w.FAULT.TOO_LARGE);
  },
  async a_length_above_the_limit_is_refused_before_its_bytes_come() {
    await connect().raw(w.varint(256 * 1024 + 1)).fault(w.FAULT.TOO_LARGE);
  },
  async bytes_that_are_no_message_are_malformed() {
    await connect().raw(w.frame(Buffer.from([0xff, 0xff, 0xff]))).fault(w.FAULT.MALFORMED);
    await connect().raw(w.frame(Buffer.alloc(0))).fault(w.FAULT.MALFORMED);
  },
  async a_truncated_message_only_times_out() {
    await connect().raw(Buffer.from([20, 1, 2])).fault(w.FAULT.TIMEOUT);
  },
  async nothing_before_the_hello() {
    for (const m of [w.block(), w.gap(0, 1), w.ping(), w.auth(Buffer.alloc(32)), w.leads(1, 0, [])]) await connect().send(m).fault(w.FAULT.STATE);
  },
  async no_hello_twice() {
    const d = await live();
    await d.send(w.hello({ device: d.id })).fault(w.FAULT.STATE);
  },
  async the_version_is_checked() {
    assert.match(await connect().send(w.hello({ version: 2 })).fault(w.FAULT.VERSION), /version/);
  },
  async the_identity_is_checked() {
    for (const device of ['', 'a b', 'x'.repeat(65), '../x', 'ä']) await connect().send(w.hello({ device })).fault(w.FAULT.IDENTITY);
  },
  async impossible_headers_are_fenced_with_the_field() {
    const cases = [
      [/signals/, { signals: [] }],
      [/rate/, { signals: [w.signal({ num: 0 })] }],
      [/rate/, { signals: [w.signal({ den: 0 })] }],
      [/rate/, { signals: [w.signal({ num: 5 })] }],
      [/rate/, { signals: [w.signal({ num: 100000 })] }],
      [/channels/, { signals: [w.signal({ channels: [] })] }],
      [/channels/, { signals: [w.signal({ channels: Array.from({ length: 19 }, (_, i) => w.channel({ code: `V${i}` })) })] }],
      [/gain/, { signals: [w.signal({ channels: [w.channel({ num: 0 })] })] }],
      [/gain/, { signals: [w.signal({ channels: [w.channel({ num: 1, den: 1000 })] })] }],
      [/unit/, { signals: [w.signal({ channels: [w.channel({ unit: 'kg' })] })] }],
      [/code/, { signals: [w.signal({ channels: [w.channel({ code: '' })] })] }],
      [/twice/, { signals: [w.signal({ channels: [w.channel(), w.channel()] })] }],
      [/twice/, { signals: [w.signal(), w.signal()] }],
      [/the same/, { signals: [w.signal(), w.signal({ number: 1 })] }],
      [/modality/, { signals: [w.signal({ modality: 77 })] }],
      [/adc_min/, { signals: [w.signal({ channels: [w.channel({ min: 5, max: 4 })] })] }],
      [/model/, { model: 'm'.repeat(65) }],
    ];
    for (const [words, o] of cases) assert.match(await connect().send(w.hello({ device: name(), ...o })).fault(w.FAULT.HEADER), words);
  },
  async fetal_headers_are_fenced_with_the_field() {
    const of = (...channels) => ({ signals: [w.ctg({ channels })] });
    const c = w.ctgChannel;
    const cases = [
      [/channels\[0\]\.code.*FHR1 is the first/, of(c('UC'))],
      [/channels\[0\]\.code.*FHR1 is the first/, of(c('FHR2'), c('UC'))],
      [/channels\[1\]\.code.*PLETH is no channel of a CTG/, of(c('FHR1'), w.channel({ code: 'PLETH', unit: '1' }))],
      [/channels\[2\]\.code.*order/, of(c('FHR1'), c('UC'), c('MHR'))],
      [/twice/, of(c('FHR1'), c('FHR1'))],
      [/channels\[0\]\.unit.*FHR1 is in \/min/, of(c('FHR1', { unit: 'bpm' }))],
      [/channels\[1\]\.unit.*\{toco\} or mm\[Hg\]/, of(c('FHR1'), c('UC', { unit: 'kPa' }))],
      [/channels\[0\]\.has_invalid.*no value/, of(c('FHR1', { invalid: undefined }))],
      [/channels\[1\]\.has_invalid.*no value/, of(c('FHR1'), c('UC', { invalid: undefined }))],
      [/channels\[1\]\.gain.*bits/, of(c('FHR1'), c('FLAGS', { num: 2 }))],
      [/rate/, { signals: [w.ctg({ num: 1, den: 120 })] }],
    ];
    for (const [words, o] of cases) assert.match(await connect().send(w.hello({ device: name(), ...o })).fault(w.FAULT.HEADER), words);
  },
  async fetal_monitors_of_every_kind_are_taken() {
    const all = Object.keys(w.CTG).map((code) => w.ctgChannel(code));
    const kinds = [
      { channels: all },
      { channels: [w.ctgChannel('FHR1')] },
      { channels: [w.ctgChannel('FHR1', { num: 100 }), w.ctgChannel('UC', { unit: 'mm[Hg]' })] },
      { channels: [w.ctgChannel('FHR1'), w.ctgChannel('FLAGS', { invalid: undefined })] },
      { num: 1, den: 2 },
      { num: 8 },
      { num: 25 }, // above what is analysed: kept all the same
    ];
    for (const o of kinds) {
      const d = await live({ signals: [w.ctg(o)] });
      const n = o.channels?.length ?? 4;
      d.send(w.block({ x: Array.from({ length: n }, () => [560]) }));
      await d.acked(1);
      d.end();
    }
    assert.match(gateway.log, /unanalysed.*rate_num=25.*0\.5 to 8 samples/);
  },
  async blocks_of_a_slow_stream_may_last_a_second() {
    const four = (n) => Array.from({ length: 4 }, () => w.ramp(n));
    const d = await live({ signals: [w.ctg()] });
    d.send(w.block({ x: four(4) }), w.block({ first: 4, x: four(1) }));
    await d.acked(5);
    await d.send(w.block({ first: 5, x: four(5) })).fault(w.FAULT.TOO_LARGE);
  },
  // An ECG, a CTG and a pulse wave of one device: three streams of one attachment, each with its own
  // analysis or none, and all of it once after a kill.
  async signals_of_three_rates_travel_in_one_attachment_through_a_kill() {
    const g = await new Gateway(binary).start();
    const id = name();
    const signals = [w.signal({ num: 500 }), w.ctg({ number: 1 }), w.signal({ number: 2, modality: 4, num: 125, channels: [w.channel({ code: 'PLETH', unit: '1' })] })];
    const open = async () => {
      const d = new w.Device(g.port);
      d.send(w.hello({ device: id, signals }));
      d.accepted = await d.next('accepted');
      return d;
    };
    const us = (s) => Math.round(s * 1e6);
    // Seconds from..to of all three; the fetal probe is off from 60 s to 90 s.
    const send = (d, from, to) => {
      for (let s = from; s < to; s++) {
        for (let k = 0; k < 5; k++) {
          d.send(w.block({ first: 500 * s + 100 * k, x: [w.ramp(100, 100 * k)], clock: us(s + (k + 1) / 5) }));
          d.send(w.block({ signal: 2, first: 125 * s + 25 * k, x: [w.ramp(25)], clock: us(s + (k + 1) / 5) }));
        }
        const fhr = [0, 1, 2, 3].map((i) => (s >= 60 && s < 90 ? 0 : 560 + (i % 2)));
        d.send(w.block({ signal: 1, first: 4 * s, x: [fhr, [320, 320, 320, 320], [20, 20, 20, 20], [0, 0, 0, s === 30 ? 32768 - 65536 : 0]], clock: us(s + 1) }));
      }
      d.send(w.marker(from ? 3 : 1, 4 * from, 2, 1), w.marker(from ? 4 : 2, 500 * from, 1, 0));
    };
    const kept = (x, seconds) => x.devices.length === 1 && x.devices[0].streams.length === 3 &&
      [500, 4, 125].every((hz, i) => x.devices[0].streams.find((y) => y.signal === i)?.kept === hz * seconds);
    const first = await open();
    send(first, 0, 100);
    await g.until((x) => kept(x, 100) && x.devices[0].facts >= 2, 20000);
    await g.restart();
    const again = await open();
    assert.deepEqual([0, 1, 2].map((i) => w.held(again.accepted, 2, i).upto), [50000, 400, 12500]);
    send(again, 100, 250);
    const s = await g.until((x) => kept(x, 250) && x.devices[0].facts >= 4, 20000);
    assert.equal(s.spool.conflicts, 0);
    assert.equal(s.alarms.length, 0);
    again.end();
    await g.kill('SIGTERM');
    const spool = path.join(g.dir, 'spool');
    const bodies = rows(spool, 'SELECT hex(body), max(revision) FROM record WHERE kind = 1 GROUP BY key').map((row) => Buffer.from(row.split('|')[0], 'hex'));
    const events = bodies.map((b) => ({ code: String(w.field(b, 9)), first: w.number(b, 6), end: w.number(b, 7), stream: w.field(b, 1).toString('hex') }))
      .filter((e) => e.stream === w.held(again.accepted, 2, 1).stream);
    const of = (code) => events.filter((e) => e.code === code).sort((a, b) => a.first - b.first);
    assert.deepEqual(of('FHR1_SIGNAL').map((e) => e.first), [240, 480, 720]);
    assert.deepEqual(of('FHR1_LOSS').map((e) => [e.first, e.end]), [[240, 360]]);
    assert.deepEqual(of('MOVEMENT').map((e) => e.first), [0, 123, 400]); // two by the mother, one by the monitor
    await g.stop().catch(() => {});
  },
  // 75 beats a minute; killed between the end of the five minutes and the word on them.
  async five_minutes_of_an_ecg_are_summed_up_once_through_a_kill() {
    const g = await new Gateway(binary).start();
    const id = name();
    const open = async () => {
      const d = new w.Device(g.port);
      d.send(w.hello({ device: id, signals: [w.signal({ num: 500 })] }));
      d.accepted = await d.next('accepted');
      return d;
    };
    const ecg = (i) => Math.round(1000 * Math.exp(-(((i % 400) - 100) ** 2) / 72) + 200 * Math.exp(-(((i % 400) - 240) ** 2) / 1800));
    const send = (d, from, to) => {
      for (let b = 5 * from; b < 5 * to; b++) {
        const x = Array.from({ length: 100 }, (_, i) => ecg(100 * b + i));
        d.send(w.block({ first: 100 * b, x: [x], clock: (b + 1) * 200000 }));
      }
    };
    const kept = (x, seconds) => x.devices.length === 1 && x.devices[0].streams[0]?.kept === 500 * seconds;
    send(await open(), 0, 340);
    await g.until((x) => kept(x, 340), 30000);
    await g.restart();
    const again = await open();
    assert.equal(w.held(again.accepted, 2).upto, 170000);
    send(again, 340, 370);
    await g.until((x) => kept(x, 370), 30000);
    again.end();
    await g.kill('SIGTERM');
    const bodies = rows(path.join(g.dir, 'spool'), 'SELECT hex(body), max(revision) FROM record WHERE kind = 1 GROUP BY key').map((row) => Buffer.from(row.split('|')[0], 'hex'));
    const sums = bodies.filter((b) => w.number(b, 4) === 10).map((b) => [String(w.field(b, 9)), w.number(b, 6), w.number(b, 7)]);
    assert.deepEqual(sums.sort(), [['BURDEN', 0, 150000], ['HRV', 0, 150000]]);
    await g.stop().catch(() => {});
  },
  async a_wrong_crc_is_fenced() {
    assert.match(await (await live()).send(w.block({ crc: 1 })).fault(w.FAULT.CRC), /crc32c/);
  },
  async an_unannounced_change_of_the_leads_is_fenced() {
    const two = [w.ramp(10), w.ramp(10)];
    assert.match(await (await live()).send(w.block({ x: two })).fault(w.FAULT.CHANNELS), /2 channels; 1 were announced/);
    await (await live()).send(w.block({ signal: 1 })).fault(w.FAULT.CHANNELS);
  },
  async data_that_does_not_fit_its_count_is_malformed() {
    const data = Buffer.alloc(21);
    await (await live()).send(w.block({ data })).fault(w.FAULT.MALFORMED);
    await (await live()).send(w.block({ data: Buffer.alloc(0) })).fault(w.FAULT.MALFORMED);
    await (await live()).send(w.block({ coding: 9 })).fault(w.FAULT.MALFORMED);
  },
  async blocks_longer_than_250_ms_are_fenced() {
    const d = await live();
    d.send(w.block({ x: [w.ramp(62)] }));
    await d.acked(62);
    await d.send(w.block({ first: 62, x: [w.ramp(63)] })).fault(w.FAULT.TOO_LARGE);
    await (await live()).send(w.block({ count: 0 })).fault(w.FAULT.TOO_LARGE);
  },
  async a_jump_of_more_than_an_hour_needs_a_gap_message() {
    assert.match(await (await live()).send(w.block({ first: 250 * 3600 + 1 })).fault(w.FAULT.INDEX), /without a gap/);
    const free = await live({ resume: 0 }); // which may begin anywhere, and then must not jump either
    free.send(w.block({ first: 10 ** 12 }));
    await free.acked(10 ** 12 + 10);
    free.send(w.block({ first: 10 ** 12 + 250 * 3600 + 11 }));
    assert.match(await free.fault(w.FAULT.INDEX), /without a gap/);
    const d = await live();
    d.send(w.gap(0, 250 * 7200), w.block({ first: 250 * 7200 }));
    await d.acked(250 * 7200 + 10);
    d.end();
  },
  async a_stream_in_too_many_pieces_is_fenced_and_others_are_unharmed() {
    const other = await live();
    let d = await live();
    const id = d.id;
    for (let i = 0; i < 8192; i++) d.send(w.block({ first: 2 * i, x: [[i]] }));
    await gateway.until((s) => s.devices.some((x) => x.device === id && x.streams[0].kept === 16383));
    d.send(w.block({ first: 20000 }));
    assert.match(await d.fault(w.FAULT.INDEX), /too many holes/);
    other.send(w.block());
    await other.acked(10);
    d = await live({ device: id });
    d.send(w.block({ first: 1, x: [[7]] })); // to fill one is allowed
    await d.acked(3);
    d.end();
    other.end();
  },
  async a_fact_before_the_first_block_is_at_the_end_of_the_stream() {
    const id = name();
    let d = await live({ device: id, resume: 0 });
    d.send(w.block({ first: 5000 }));
    await d.acked(5010);
    d.end();
    d = await live({ device: id, resume: 0 });
    d.send(w.leads(1, 0, ['RA']), w.block({ first: 0 }));
    await d.acked(10);
    d.end();
  },
  async absurd_indices_are_fenced() {
    await (await live()).send(w.block({ first: 2n ** 63n })).fault(w.FAULT.INDEX);
    await (await live()).send(w.gap(2n ** 63n, 1)).fault(w.FAULT.INDEX);
    await (await live()).send(w.gap(0, 2n ** 61n)).fault(w.FAULT.INDEX);
    await (await live()).send(w.gap(0, 0)).fault(w.FAULT.MALFORMED);
  },
  async facts_are_counted_without_holes() {
    await (await live()).send(w.leads(1, 0, []), w.leads(3, 0, [])).fault(w.FAULT.INDEX);
    await (await live()).send(w.leads(0, 0, [])).fault(w.FAULT.MALFORMED);
    await (await live()).send(w.marker(1, 10 ** 9, 1)).fault(w.FAULT.INDEX);
  },
  async a_fenced_device_raises_one_alarm_and_others_are_unharmed() {
    const other = await live();
    const bad = name();
    for (let i = 0; i < 3; i++) await (await live({ device: bad })).send(w.block({ crc: 1 })).fault(w.FAULT.CRC);
    other.send(w.block());
    await other.acked(10);
    const s = await gateway.status();
    assert.equal(s.alarms.filter((a) => a.code === 'device_fenced' && a.subject === bad).length, 1);
    const lines = gateway.log.split('\n').filter((l) => l.includes('device_fenced') && l.includes(`subject=${bad} `));
    assert.ok(lines.length <= 1, 'logged once');
    other.end();
  },
  async a_device_that_is_attached_is_not_attached_twice() {
    const d = await live();
    await connect().send(w.hello({ device: d.id })).fault(w.FAULT.BUSY);
    d.send(w.block());
    await d.acked(10);
    d.end();
  },
  async silence_instead_of_a_hello_times_out() {
    await connect().fault(w.FAULT.TIMEOUT);
  },
  async one_message_of_many_blocks_pauses_and_goes_on() {
    const d = await live();
    for (let i = 0; i < 3000; i++) d.send(w.block({ first: i, x: [[i]] }));
    await d.acked(3000);
    d.end();
  },

  // ---- proof and acceptance ----
  async a_device_with_a_key_must_prove_it() {
    const d = connect().send(w.hello({ device: 'keyed' }));
    const nonce = w.field(await d.next('challenge'), 1);
    assert.equal(nonce.length, 32);
    const right = crypto.createHmac('sha256', key).update('xw-device-1').update(nonce).update('keyed').digest();
    d.send(w.auth(right));
    await d.next('accepted');
    d.send(w.block());
    await d.acked(10);
    d.end();
    const e = connect().send(w.hello({ device: 'keyed' }));
    await e.next('challenge');
    await e.send(w.auth(right)).fault(w.FAULT.IDENTITY); /* an old answer is no answer */
    const f = connect().send(w.hello({ device: 'keyed' }));
    await f.next('challenge');
    await f.send(w.block()).fault(w.FAULT.STATE);
  },
  async unknown_devices_wait_until_somebody_accepts_them() {
    const g = await new Gateway(binary, { 'device.accept': 'listed', 'device.listed': 'known' }).start();
    const post = (url, headers) => fetch(`${g.url}${url}`, { method: 'POST', headers }).then((r) => r.status);
    try {
      const known = new w.Device(g.port).send(w.hello({ device: 'known' }));
      await known.next('accepted');
      const d = new w.Device(g.port).send(w.hello({ device: 'new-1' }));
      await d.next('waiting');
      d.send(w.ping(5));
      await d.next('pong');
      const s = await g.until((x) => x.waiting.length === 1);
      assert.equal(s.waiting[0].device, 'new-1');
      assert.equal(await post('/devices/new-1/accept', {}), 403, 'without the token');
      assert.equal(await post('/devices/new-1/accept', { 'X-Xinwang-Token': 'wrong' }), 403);
      assert.equal(await post('/devices/new-1/accept', { 'X-Xinwang-Token': 'script' }), 200);
      await d.next('accepted');
      d.send(w.block());
      await d.acked(10);
      const e = new w.Device(g.port).send(w.hello({ device: 'new-2' }));
      await e.next('waiting');
      assert.equal(await post('/devices/new-2/refuse', { 'X-Xinwang-Token': 'script' }), 200);
      await e.fault(w.FAULT.IDENTITY);
      await g.restart();
      const again = new w.Device(g.port).send(w.hello({ device: 'new-1' }));
      await again.next('accepted');
      await new w.Device(g.port).send(w.hello({ device: 'new-2' })).fault(w.FAULT.IDENTITY);
      await new w.Device(g.port).send(w.hello({ device: 'new-3' })).send(w.block()).fault(w.FAULT.STATE);
      for (const x of [known, d, again]) x.end();
    } finally {
      await g.stop();
    }
  },
  async a_stopping_gateway_says_so() {
    const g = await new Gateway(binary).start();
    const d = new w.Device(g.port).send(w.hello());
    await d.next('accepted');
    d.send(w.block());
    await d.acked(10);
    const fault = d.fault(w.FAULT.SHUTDOWN);
    await g.stop();
    await fault;
  },

  // ---- the status page ----
  async the_page_is_served_with_a_strict_policy_and_its_token() {
    const page = await fetch(`${gateway.url}/`);
    assert.equal(page.status, 200);
    assert.match(page.headers.get('content-security-policy'), /default-src 'none'/);
    const html = await page.text();
    assert.match(html, /name="xw-token" content="[0-9a-f]{48}"/);
    assert.doesNotMatch(html, /<script>|onclick=/);
    for (const file of ['/status.js', '/status.css']) assert.equal((await fetch(gateway.url + file)).status, 200);
    assert.equal((await fetch(`${gateway.url}/nothing`)).status, 404);
    assert.equal((await (await fetch(`${gateway.url}/healthz`)).json()).checks.spool, 'ok');
    assert.match(await (await fetch(`${gateway.url}/metrics`)).text(), /xw_edge_blocks_total \d+/);
  },
};

let failed = 0;
for (const [title, run] of Object.entries(tests)) {
  if (only.length && !only.includes(title)) continue;
  const begin = Date.now();
  try {
    await run();
    console.log(`ok   ${title} (${Date.now() - begin} ms)`);
  } catch (e) {
    failed++;
    console.log(`FAIL ${title}: ${e.stack}`);
  }
}
try {
  await gateway.stop();
} catch (e) {
  failed++;
  console.log(`FAIL at the end: ${e.message}`);
}
fs.rmSync(keyDir, { recursive: true, force: true });
console.log(`${Object.keys(tests).length} scripts, ${failed} failed`);
process.exit(failed ? 1 : 0);
