// Vital signs and the list by bed: what is old looks old, what is no value is no number.
import { assert, enter, until } from './help.mjs';
import { addCtg } from './fake/ctg.mjs';
import { addMonitor, observe, pressure } from './fake/vitals.mjs';

const BED = '产科 1 床';
function mother(center, options = {}) {
  const gateway = center.gateways[0];
  addCtg(center, 'ctg', { gateway, bed: BED });
  return addMonitor(center, 'monitor', { gateway, bed: BED, ...options });
}
async function openLine(page, center, url) {
  await enter(page, url);
  await page.goto(`${url}/#/live/${center.stream('ctg').id}`);
  await page.waitForSelector('.vitals-line [data-vital]', { timeout: 8000 });
}
const cell = (kind) => `.vitals-line [data-vital=${kind}]`;
const state = (page, kind) => page.getAttribute(cell(kind), 'data-state');

export const cases = [
  {
    name: 'five minutes of beats: numbers, trends and hours; what is not computed is no number',
    center: { streams: 0 },
    async run({ page, center, url }) {
      const s = center.addStream('long', 'ecg', center.gateways[0], { historyS: 1800 });
      const bed = center.beds().find((b) => b.attachments.some((a) => a.streams.some((x) => x.id === s.id)));
      const w = 300 * s.rate;
      const value = (name, v) => ({ name, value: v, unit: '', threshold: false });
      const at = s.newest - 2.5 * w;
      for (const [n, af] of [[0, 0], [1, 40]]) {
        const common = { kind: 10, first: at + n * w, end: at + (n + 1) * w, rule: 'test', rule_version: '1' };
        center.event(s, { ...common, code: 'BURDEN', evidence: [value('seen', 300), value('af-burden', af), value('beats', 375), value('v-beats', 3), value('s-beats', 1), value('nn-clean', af ? 55 : 97)] });
        if (!af) center.event(s, { ...common, code: 'HRV', evidence: [value('nn-mean', 800), value('sdnn', 42), value('rmssd', 31), value('pnn50', 8), value('lf', 200), value('hf', 100)] });
      }
      await enter(page, url);
      await page.goto(`${url}/#/bed/${bed.id}`);
      await page.click('text=心率变异');
      await page.waitForSelector('.trends[data-windows="2"]', { timeout: 8000 });
      const shown = (id) => page.getAttribute(`[data-trend=${id}]`, 'data-value');
      assert.equal(await shown('af'), '40');
      assert.equal(await shown('v'), '3');
      assert.equal(await shown('sdnn'), '');
      assert.match(await page.textContent('[data-trend=sdnn]'), /--.*房颤时不计算/s);
      await page.click('text=按小时');
      assert.match(await page.textContent('.trend-hours tbody'), /42.*31.*2\.00/s);
    },
  },
  {
    name: 'vital signs: each number has unit, source, time and an age that counts up',
    center: { streams: 0 },
    async run({ page, center, url }) {
      const m = mother(center);
      await openLine(page, center, url);
      await until('fresh', async () => (await state(page, 'spo2')) === 'fresh', 4000);
      assert.match(await page.textContent(cell('spo2')), /血氧 血氧探头\s*9[678]%.*\d\d:\d\d:\d\d · 0:0\d 前/s);
      assert.match(await page.textContent(cell('nibp')), /\d+\/\d+ \(\d+\)mmHg/);
      assert.match(await page.textContent(cell('temp')), /腋温.*36\.8°C.*40:\d\d 前/s);
      const before = await page.textContent(`${cell('nibp')} .vital-when`);
      await page.waitForTimeout(1600);
      assert.notEqual(await page.textContent(`${cell('nibp')} .vital-when`), before, 'the age stands still');
      // A new reading comes by the socket.
      pressure(center, m, center.now());
      await until('the new cuff reading', async () => /0:0\d 前/.test(await page.textContent(cell('nibp'))), 2500);
    },
  },
  {
    name: 'vital signs: what stops coming is old after 10 s and says so; a cuff reading is old after half an hour, then greyed',
    center: { streams: 0 },
    async run({ page, center, url }) {
      const m = mother(center, { history: false });
      observe(center, m, 'spo2', 98, { wallUs: center.now() - 7e6 });
      observe(center, m, 'hr', 80, { wallUs: center.now() - 45e6 });
      observe(center, m, 'rr', 17, { wallUs: center.now() - 300e6 });
      pressure(center, m, center.now() - 31 * 60e6);
      observe(center, m, 'temp', 37.2, { wallUs: center.now() - 13 * 3600e6 });
      m.flowing = false;
      await openLine(page, center, url);
      await until('values', async () => (await state(page, 'hr')) === 'old', 4000);
      assert.match(await page.textContent(cell('hr')), /旧值/);
      await until('old', async () => (await state(page, 'spo2')) === 'old', 8000);
      assert.match(await page.textContent(cell('spo2')), /98.*0:1\d 前/s);
      assert.equal(await state(page, 'nibp'), 'old');
      assert.match(await page.textContent(cell('nibp')), /旧值.*31:\d\d 前/s);
      assert.equal(await state(page, 'rr'), 'grey');
      assert.equal(await state(page, 'temp'), 'grey');
      assert.match(await page.textContent(cell('temp')), /过旧.*13:00:\d\d 前/s);
      const opacity = await page.evaluate((s) => getComputedStyle(document.querySelector(`${s} .vital-number`)).opacity, cell('temp'));
      assert.ok(Number(opacity) < 0.5, `grey at ${opacity}`);
      const hatch = await page.evaluate((s) => getComputedStyle(document.querySelector(`${s} .vital-number b`)).backgroundImage, cell('nibp'));
      assert.match(hatch, /repeating-linear-gradient/);
      assert.equal(await state(page, 'pr'), 'never');
      assert.match(await page.textContent(cell('pr')), /--.*未测过/s);
    },
  },
  {
    name: 'vital signs: a sentinel shows no number, the reason, and when the last number was',
    center: { streams: 0 },
    async run({ page, center, url }) {
      const m = mother(center);
      await openLine(page, center, url);
      await until('fresh', async () => (await state(page, 'spo2')) === 'fresh', 4000);
      m.off.add('spo2');
      await until('absent', async () => (await state(page, 'spo2')) === 'absent', 4000);
      const text = await page.textContent(cell('spo2'));
      assert.match(text, /--/);
      assert.match(text, /探头脱落\/无有效值/);
      assert.match(text, /上次 9[678]（\d\d:\d\d:\d\d）/);
      assert.equal(await page.getAttribute(cell('spo2'), 'data-value'), '');
      assert.ok(!/127/.test(text), 'the sentinel is shown');
      observe(center, m, 'temp', 98.2, { absent: 2 });
      await until('impossible', async () => /数值不可能/.test(await page.textContent(cell('temp'))), 2500);
      assert.ok(!/98\.2/.test(await page.textContent(cell('temp'))));
    },
  },
  {
    name: 'vital signs: with the link cut nothing that is watched looks fresh',
    center: { streams: 0 },
    async run({ page, center, url }) {
      mother(center);
      await openLine(page, center, url);
      await until('fresh', async () => (await state(page, 'hr')) === 'fresh', 4000);
      center.cut('gw-dongcun');
      await until('cut', async () => (await state(page, 'hr')) === 'old' && (await page.getAttribute('.vitals-line', 'data-cut')) === 'true', 3000);
      assert.match(await page.textContent(cell('hr')), /链路断开|旧值/);
      assert.match(await page.textContent('.vitals-cut'), /链路断开/);
    },
  },
  {
    name: 'vital signs follow the moment that is looked at on the strip',
    center: { streams: 0 },
    async run({ page, center, url }) {
      const m = mother(center, { history: false });
      for (let t = 1800; t > 0; t -= 5) observe(center, m, 'hr', t > 900 ? 71 : 93, { wallUs: center.now() - t * 1e6, send: false });
      pressure(center, m, center.now() - 25 * 60e6, false);
      observe(center, m, 'temp', 38.4, { wallUs: center.now() - 60e6, send: false });
      await openLine(page, center, url);
      await page.waitForSelector('.ctg[data-fresh=live]');
      await until('live value', async () => ['93', '88', '89', '90', '91', '92', '87', '86', '85', '84'].includes(await page.getAttribute(cell('hr'), 'data-value')), 4000);
      await page.keyboard.press('Shift+ArrowLeft');
      await page.keyboard.press('Shift+ArrowLeft'); // twenty minutes ago
      await until('the value of then', async () => (await page.getAttribute(cell('hr'), 'data-value')) === '71', 4000);
      assert.equal(await state(page, 'hr'), 'fresh');
      assert.equal(await state(page, 'temp'), 'never', 'a value of later is shown');
      assert.match(await page.textContent(cell('nibp')), /[45]:\d\d 前/);
      await page.keyboard.press('End');
      await until('back', async () => (await state(page, 'temp')) === 'fresh', 3000);
    },
  },
  {
    name: 'the list shows a bed once: ECG as before, fetal rates and vital signs below, and opens the bed',
    center: { streams: 2, mothers: 2 },
    async run({ page, center, url }) {
      await enter(page, url);
      await page.waitForSelector('.row [data-bl=ctg] .bl-item');
      assert.equal(await page.locator('.row').count(), 4);
      const row = page.locator('.row[data-device=mother-2]');
      await until('numbers', async () => /FHR1\s*1\d\d.*FHR2\s*1\d\d.*MHR\s*\d\d/s.test(await row.locator('[data-bl=ctg]').textContent()), 40000); // its signal is lost now and then
      assert.match(await row.locator('[data-bl=vitals]').textContent(), /血压\s*\d+\/\d+ \(\d+\)mmHg/);
      assert.match(await row.locator('.row-link').getAttribute('href'), /^#\/bed\/[0-9a-f-]{36}$/);
      assert.match(await page.locator('.row[data-device=ecg-01] .row-link').getAttribute('href'), /^#\/live\//);
      const fits = async () => assert.deepEqual(await page.evaluate(() => [...document.querySelectorAll('.bed-line')]
        .filter((e) => e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1)
        .map((e) => `${e.scrollWidth}x${e.scrollHeight} in ${e.clientWidth}x${e.clientHeight}: ${e.textContent}`)), [], 'the line of a bed is cut off');
      await fits();
      center.stream('ctg-2').frozen = true;
      await until('stale', async () => (await row.locator('[data-bl=ctg]').getAttribute('data-fresh')) !== 'live', 4500);
      assert.match(await row.locator('[data-bl=ctg]').textContent(), /无新数据/);
      await until('no number', async () => /FHR1\s*--/.test(await row.locator('[data-bl=ctg]').textContent()), 6000);
      await fits();
    },
  },
  {
    name: 'a bed without an ECG has a row of its own',
    center: { streams: 1 },
    async run({ page, center, url }) {
      mother(center);
      await enter(page, url);
      await until('two rows', async () => (await page.locator('.row').count()) === 2, 4000);
      const row = page.locator('.row', { hasText: BED });
      assert.match(await row.textContent(), /无心电/);
      assert.equal(await row.locator('canvas').count(), 0);
      assert.match(await page.textContent('.list-head .count'), /共 2 路 · 在线 2/);
    },
  },
  {
    name: 'a county that knows no beds still has its list',
    center: { streams: 3 },
    async run({ page, center, url }) {
      center.bedRoute = () => center.fail(404, 'not_found');
      await enter(page, url);
      await until('rows', async () => (await page.locator('.row').count()) === 3, 4000);
    },
  },
];
