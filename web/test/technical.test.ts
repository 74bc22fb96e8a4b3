import { describe, expect, it } from 'vitest';
import type { Technical } from '../src/live/alarms';
import { mergeTechnical, technicalDetail } from '../src/live/technical';

const S = 1e6;
const alarm = (o: Partial<Technical>): Technical => ({ id: '1', code: 'link_lost', subject: 'gw-a', text: '', fromWallUs: 0, toWallUs: 0, ...o }) as Technical;

describe('technical alarms', () => {
  it('of both ends of one cut are one, from the first to the last', () => {
    const [one, ...rest] = mergeTechnical([alarm({ id: 'g', fromWallUs: 103 * S, toWallUs: 160 * S }), alarm({ id: 'c', fromWallUs: 101 * S, toWallUs: 161 * S })]);
    expect(rest).toEqual([]);
    expect(one).toMatchObject({ id: 'c', fromWallUs: 101 * S, toWallUs: 161 * S });
  });
  it('go on while one end says so', () => {
    expect(mergeTechnical([alarm({ id: 'g', fromWallUs: 103 * S }), alarm({ id: 'c', fromWallUs: 101 * S, toWallUs: 161 * S })])[0]?.toWallUs).toBe(0);
  });
  it('of two cuts, two gateways and other faults stay apart', () => {
    const list = [
      alarm({ id: '1', fromWallUs: 100 * S, toWallUs: 110 * S }), alarm({ id: '2', fromWallUs: 300 * S, toWallUs: 310 * S }),
      alarm({ id: '3', subject: 'gw-b', fromWallUs: 101 * S, toWallUs: 110 * S }), alarm({ id: '4', code: 'device_gone', fromWallUs: 100 * S }),
      alarm({ id: '5', code: 'device_gone', fromWallUs: 101 * S }),
    ];
    expect(mergeTechnical(list).length).toBe(5);
  });
  it('of an alarm path that both ends find broken at one leg are one, at two legs two', () => {
    const path = (o: Partial<Technical>): Technical => alarm({ code: 'alarm_path', text: 'leg uplink', ...o });
    expect(mergeTechnical([path({ id: 'g', fromWallUs: 103 * S }), path({ id: 'c', fromWallUs: 101 * S })]).length).toBe(1);
    expect(mergeTechnical([path({ id: 'g', fromWallUs: 103 * S, text: 'leg spool' }), path({ id: 'c', fromWallUs: 101 * S })]).length).toBe(2);
  });
  it('say their numbers in words of the vocabulary', () => {
    expect(technicalDetail({ code: 'spool_low', text: '812 MiB left' })).toEqual({ key: 'techtext.left', fill: { n: '812' } });
    expect(technicalDetail({ code: 'conflict', text: 'samples 0 to 10 came twice and differ: both are kept' })?.fill).toEqual({ first: '0', end: '10' });
    expect(technicalDetail({ code: 'device_fenced', text: 'block.crc32c: does not fit the samples from 0 on' })).toEqual({ key: 'techtext.field', fill: { field: 'block.crc32c' } });
    expect(technicalDetail({ code: 'device_fenced', text: 'signal 0: 250 samples per second come, 500 announced' })?.key).toBe('techtext.rate');
    expect(technicalDetail({ code: 'link_lost', text: 'no connection to the county' })?.key).toBe('techtext.link_lost');
    expect(technicalDetail({ code: 'alarm_path', text: 'leg uplink' })).toEqual({ key: 'techtext.leg', fill: { leg: 'uplink' } });
    expect(technicalDetail({ code: 'electrodes', text: 'RA/LA: P 100 QRS 123 T -108 I/V6 -1.00' })).toEqual({ key: 'techtext.limbs', fill: { kind: 'RA/LA', p: '100', qrs: '123', t: '-108' } });
    expect(technicalDetail({ code: 'electrodes', text: 'RA/RL: QRS 9' })).toEqual({ key: 'techtext.electrodes', fill: { kind: 'RA/RL' } });
    expect(technicalDetail({ code: 'electrodes', text: 'V2/V3: row 2.1' })?.fill).toEqual({ kind: 'V2/V3' });
    expect(technicalDetail({ code: 'other', text: 'whatever' })).toBeNull();
  });
});
