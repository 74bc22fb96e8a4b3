// What is now, what is old, what is missing.
import { assert, fresh, geometry, open, paperSize, stats, until } from './help.mjs';
import { onPaper } from './pixels.mjs';

const PX = 3.78;
const STORAGE = { 'xw.ruler': JSON.stringify({ '1280x800@1': PX }), 'xw.filter': '"raw"' };
const HATCH = { colour: [122, 134, 153], tol: 12 };
const SPECKS = 150; // edges of letters in the colour of the hatch
const INK = { colour: [17, 17, 17], tol: 40 };
const GREY = { colour: [154, 161, 171], tol: 10 };

const strip = async (page) => {
  const size = await paperSize(page);
  const g = geometry({ ...size, pxPerMm: PX });
  return { x0: g.left + 50, x1: g.left + g.strip - 2, y0: g.upper + 30, y1: size.height - 42, left: g.left, width: g.strip };
};

// On a paused ramp stream: each column of the strip must show the sample that belongs there.
async function compareRamp(page, { allowed = 0.03 } = {}) {
  const b = await strip(page);
  const p = await onPaper(page, 'profile', b);
  const end = (await stats(page)).drawn;
  const pps = (25 * PX) / 500;
  const expected = (x) => {
    const i = end - (b.left + b.width - x) / pps;
    return { v: ((((i % 1000) + 1000) % 1000) / 1000) * 10 * PX, edge: Math.min(((i % 1000) + 1000) % 1000, 1000 - (((i % 1000) + 1000) % 1000)) < 12 };
  };
  const offsets = p.map((c, k) => (c && !expected(b.x0 + k).edge ? c.mean + expected(b.x0 + k).v : null)).filter((v) => v !== null).sort((x, y) => x - y);
  const zero = offsets[offsets.length >> 1];
  let bad = 0;
  let seen = 0;
  p.forEach((c, k) => {
    const e = expected(b.x0 + k);
    if (e.edge || zero - e.v > b.y1 - 6 || zero - e.v < b.y0 + 4) return; // the times lie below, beat marks above
    seen++;
    if (!c || Math.abs(c.mean + e.v - zero) > 2.5) bad++;
  });
  assert.ok(seen > 400);
  assert.ok(bad <= seen * allowed, `${bad} of ${seen} columns do not show their sample`);
}

export const cases = [
  {
    name: 'a cut link is visible within 2 s, grey after 5 s with the time it began',
    center: { streams: 6 },
    storage: STORAGE,
    async run({ page, center, url }) {
      await open(page, center, url, 'ecg-01');
      await page.waitForTimeout(2500);
      const size = await paperSize(page);
      const all = { x0: 60, x1: size.width - 60, y0: 60, y1: size.height - 60 };
      assert.ok((await onPaper(page, 'colourCount', { ...HATCH, ...all })) < SPECKS, 'hatched while live');
      center.cut('gw-dongcun');
      const ms = await until('hatch', async () => (await onPaper(page, 'colourCount', { ...HATCH, ...all })) > 2 * SPECKS, 2000, 20);
      console.log(`  # hatched after ${ms} ms`);
      await until('the badge', async () => (await fresh(page)) === 'stale', 600);
      const b0 = await strip(page);
      const a = await onPaper(page, 'colourCount', { ...HATCH, ...b0 });
      await page.waitForTimeout(600);
      assert.ok((await onPaper(page, 'colourCount', { ...HATCH, ...b0 })) > a * 1.1, 'the hatch does not grow');
      await until('grey', async () => (await fresh(page)) === 'lost', 3600);
      await page.waitForTimeout(200);
      assert.match(await page.textContent('.badge'), /信号中断 \d\d:\d\d:\d\d 起/);
      const b = await strip(page);
      assert.ok((await onPaper(page, 'colourCount', { ...GREY, ...b })) > 50, 'no grey trace');
      assert.ok((await onPaper(page, 'colourCount', { ...INK, ...b, y1: b.y1 - 20 })) < 30, 'black trace on a dead picture');
    },
  },
  {
    name: 'after healing the present comes at once, the hole is hatched, counted and filled with the right samples',
    center: { streams: 6 },
    storage: STORAGE,
    async run({ page, center, url }) {
      await open(page, center, url, 'ramp');
      await page.waitForTimeout(3000);
      center.cut('gw-beicun');
      await page.waitForTimeout(4000);
      center.heal('gw-beicun', 700);
      const ms = await until('live again', async () => (await fresh(page)) === 'live', 1000, 20);
      console.log(`  # live ${ms} ms after the link`);
      await page.waitForTimeout(300);
      const b = await strip(page);
      assert.ok((await onPaper(page, 'colourCount', { ...HATCH, ...b })) > 400, 'the hole is not hatched');
      const note = await page.textContent('[data-hole=open]');
      assert.match(note, /补传中：缺 [\d.]+ s，已补回 [\d.]+ s/);
      const back = async () => Number(/已补回 ([\d.]+) s/.exec(await page.textContent('.hole'))?.[1] ?? '99');
      const first = await back();
      await page.waitForTimeout(900);
      assert.ok((await back()) > first, 'the seconds do not count up');
      await page.waitForSelector('[data-hole=closed]', { timeout: 9000 });
      assert.match(await page.textContent('[data-hole=closed]'), /补传完成：[\d.]+ s，丢失 0 s/);
      await page.waitForTimeout(700);
      await page.keyboard.press(' ');
      await page.waitForTimeout(500);
      const c = await strip(page);
      assert.ok((await onPaper(page, 'colourCount', { ...HATCH, ...c })) < SPECKS, 'still hatched');
      await compareRamp(page);
    },
  },
  {
    name: 'a lost stretch is outlined, not hatched, and stays empty',
    center: { streams: 6 },
    storage: STORAGE,
    async run({ page, center, url }) {
      await open(page, center, url, 'ramp');
      const s = center.stream('ramp');
      await page.waitForTimeout(2000);
      center.cut('gw-beicun');
      await page.waitForTimeout(3000);
      const from = s.newest;
      center.heal('gw-beicun', 4000);
      center.gap('ramp', from, s.newest - from, 'spool_limit');
      const b = await strip(page);
      await until('the outline', async () => (await onPaper(page, 'colourCount', { colour: [91, 100, 114], tol: 14, ...b })) > 60, 4000);
      assert.ok((await onPaper(page, 'colourCount', { ...HATCH, ...b })) < SPECKS, 'hatched');
      const p = await onPaper(page, 'profile', { ...b, least: 1 });
      assert.ok(p.filter((c) => c === null).length > 50, // beside the label
         'something is drawn where nothing is known');
    },
  },
  {
    name: 'a browser that lost its own socket comes back by itself without a hole',
    center: { streams: 6 },
    storage: STORAGE,
    async run({ page, center, url }) {
      await open(page, center, url, 'ramp');
      await page.waitForTimeout(2500);
      center.closeSockets();
      await until('live again', async () => (await page.evaluate(() => xwStats.reconnects)) > 0 && (await fresh(page)) === 'live', 4000);
      await page.waitForTimeout(1800);
      await page.keyboard.press(' ');
      await page.waitForTimeout(600);
      await compareRamp(page);
    },
  },
  {
    name: 'blocks that the county dropped for a slow socket are fetched by range',
    center: { streams: 6 },
    storage: STORAGE,
    async run({ page, center, url }) {
      await open(page, center, url, 'ramp');
      await page.waitForTimeout(1500);
      center.dropFor('ramp', 1300);
      await page.waitForTimeout(4000);
      assert.equal(await fresh(page), 'live');
      await page.keyboard.press(' ');
      await page.waitForTimeout(600);
      await compareRamp(page);
    },
  },
  {
    name: 'while the county is away the page says so and what is safe, and recovers',
    center: { streams: 4 },
    storage: STORAGE,
    async run({ page, center, url }) {
      await open(page, center, url, 'ecg-01');
      center.httpDown = true;
      center.closeSockets();
      await page.waitForSelector('.link-bar[data-state=offline]', { timeout: 3000 });
      assert.match(await page.textContent('.link-bar'), /正在自动重连/);
      await until('lost', async () => (await fresh(page)) === 'lost', 7000);
      assert.match(await page.textContent('.badge'), /断开 \d\d:\d\d:\d\d 起/);
      center.httpDown = false;
      await until('back', async () => (await fresh(page)) === 'live', 8000);
      await page.waitForSelector('.link-bar', { state: 'detached', timeout: 2000 });
    },
  },
  {
    name: 'age is measured in county time, whatever the clock of this computer says',
    center: { streams: 4 },
    async run({ page, center, url }) {
      center.offsetUs = 3_600_000_000; // the county is an hour ahead of this computer
      await open(page, center, url, 'ecg-01');
      await page.waitForTimeout(2500);
      const { age } = await stats(page);
      assert.ok(age > 0.02 && age < 0.6, `age ${age} s`);
      assert.match(await page.textContent('.badge'), /实时 0\.\d\d s/);
    },
  },
  {
    name: 'an alarm says its priority in words and stars, shows its evidence, and can be acknowledged',
    center: { streams: 4 },
    async run({ page, center, url }) {
      await open(page, center, url, 'ecg-01');
      center.vf(center.stream('ecg-01'));
      await page.waitForSelector('.alarm-top .priority-high', { timeout: 6000 });
      const text = await page.textContent('.alarm-top');
      assert.match(text, /\*\*\*/);
      assert.match(text, /高危/);
      assert.match(text, /心室颤动/);
      const rate = await page.evaluate(() => 1 / parseFloat(getComputedStyle(document.querySelector('.alarm-top .priority-high')).animationDuration));
      assert.ok(rate >= 1.4 && rate <= 2.8, `flashes at ${rate} Hz`);
      await page.click('.alarm-top .alarm-body');
      await page.waitForSelector('[data-evidence]');
      const evidence = await page.textContent('[data-evidence]');
      assert.match(evidence, /vf-leakage/);
      assert.match(evidence, /0\.38/);
      assert.match(evidence, /0\.45/);
      assert.match(evidence, /仅供医师参考/);
      await page.click('.alarm-top .ack');
      await until('acknowledged', () => center.alarms[0].acked_by === 'demo-reader', 2000);
      await page.waitForSelector('.alarm-top.acked');
      assert.match(await page.textContent('.alarm-top'), /demo-reader 已确认/);
    },
  },
  {
    name: 'a click on what the machine found lights its beats, with rule, limits and confidence; only alarms have their colours',
    center: { streams: 4 },
    storage: STORAGE,
    async run({ page, center, url }) {
      await open(page, center, url, 'ecg-01');
      await page.waitForTimeout(1500);
      const s = center.stream('ecg-01');
      const r = (back) => s.events.filter((e) => e.kind === 'beat').at(-1 - back).first;
      const value = (name, v, unit, threshold = false) => ({ name, value: v, unit, threshold });
      const common = { leads: 0xfff, rule_version: '1/3-0a1b2c3d', confidence: 0.83 };
      const names = [
        [3, 'COUPLET', '室性早搏成对', 1], [3, 'VRUN', '短阵室速', 2], [3, 'R_ON_T', 'R-on-T', 1], [3, 'SVT', '室上性心动过速', 2], [3, 'AVB2', '二度房室阻滞', 1], [3, 'AVB3', '三度房室阻滞', 2],
        [2, 'AFIB', '心房颤动', 0], [2, 'BIGEMINY', '室早二联律', 0], [2, 'TRIGEMINY', '室早三联律', 0], [4, 'ALARM_DENIED', '脉搏波否决了报警', 0],
      ];
      const beats = [r(2), r(1)];
      for (const [kind, code, , priority] of names)
        center.event(s, { ...common, kind, code, priority, first: beats[0], end: beats[1] + 1, rule: `rule-${code.toLowerCase()}`, beats: kind === 4 ? [] : beats, evidence: [value('beats', 2, '1'), value('beats', 3, '1', true), value('pulse-rate', 75, '/min')] });
      const lit = async () => onPaper(page, 'colourCount', { colour: [206, 220, 241], tol: 6, ...(await strip(page)) });
      for (const [kind, code, word] of names) {
        const row = kind === 3 ? page.locator('.side .alarm').filter({ hasText: word }).first() : page.locator(`.side [data-finding=${code}]`);
        await row.waitFor({ timeout: 4000 });
        assert.match(await row.textContent(), new RegExp(word));
        await (kind === 3 ? row.locator('.alarm-body') : row).click();
        await until(`the evidence of ${code}`, async () => (await page.textContent('[data-evidence]')).includes(`rule-${code.toLowerCase()}`), 3000);
        const evidence = await page.textContent('[data-evidence]');
        for (const said of [word, 'v1/3-0a1b2c3d', '83 %', '心搏数', '3.00', '脉率']) assert.ok(evidence.includes(said), `${code}: ${said} in ${evidence}`);
        if (kind === 4) continue;
        assert.match(evidence, /所据心搏 2 个/);
        await until(`the beats of ${code} to be lit`, async () => (await lit()) > 500, 3000);
      }
      // Not one of them in a colour that says danger.
      const coloured = await page.evaluate(() => {
        const probe = document.createElement('i');
        document.body.append(probe);
        const danger = ['--high', '--medium', '--low'].map((name) => ((probe.style.color = `var(${name})`), getComputedStyle(probe).color));
        probe.remove();
        return [...document.querySelectorAll('.findings, .findings *, [data-evidence], [data-evidence] *')].filter((e) => { const c = getComputedStyle(e); return danger.includes(c.color) || danger.includes(c.backgroundColor); }).length;
      });
      assert.equal(coloured, 0);
      if (process.env.XW_WEB_KEEP) await page.screenshot({ path: process.env.XW_WEB_KEEP });
    },
  },
  {
    name: 'a lead that is off says so beside its name, and is drawn grey',
    center: { streams: 4 },
    storage: STORAGE,
    async run({ page, center, url }) {
      await open(page, center, url, 'ecg-01');
      await page.waitForTimeout(1000);
      const size = await paperSize(page);
      const cyan = { colour: [8, 124, 134], tol: 12, x0: 0, x1: size.width, y0: 0, y1: size.height };
      assert.equal(await onPaper(page, 'colourCount', cyan), 0);
      center.stream('ecg-01').leadsOff = 0x40;
      await until('the label', async () => (await onPaper(page, 'colourCount', cyan)) > 100, 2500);
    },
  },
];
