// The reading of ten seconds beside the paper: what is asked for, what is shown, what is refused.
import { assert, enter, open, until } from './help.mjs';
import { onPaper } from './pixels.mjs';

const ready = (page) => page.waitForSelector('.reading[data-reading=ready]', { timeout: 8000 });
const range = (page) => page.evaluate(() => {
  const b = document.querySelector('.rd-when b');
  return [Number(b.dataset.from), Number(b.dataset.to)];
});
async function measured(page, center, url, name = 'ecg-01') {
  await open(page, center, url, name);
  await page.keyboard.press('r');
  await ready(page);
}
// Nothing runs out of its box to the right, but what may be scrolled.
const cutOff = (page) => page.evaluate(() => {
  const panel = document.querySelector('.reading').getBoundingClientRect();
  const all = [...document.querySelectorAll('.reading *')].filter((e) => !e.closest('.rd-table') || e.matches('.rd-table'));
  const out = all.filter((e) => { const b = e.getBoundingClientRect(); return b.width > 0 && (b.right > panel.right + 11 || b.left < panel.left - 11 || b.right > window.innerWidth + 1); });
  const narrow = all.filter((e) => getComputedStyle(e).overflowX === 'visible' && e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0 && getComputedStyle(e).display !== 'inline');
  return [...out, ...narrow].map((e) => `${e.tagName}.${e.className}: ${e.textContent.slice(0, 40)}`);
});

const fits = (width, height) => ({
  name: `the reading fits at ${width}x${height} in both languages, and the paper stays the larger part`,
  center: { streams: 4 },
  view: { width, height },
  async run({ page, center, url }) {
    const s = center.stream('ecg-01');
    s.st = { II: 0.25, III: 0.3, aVF: 0.28, I: -0.1, aVL: -0.15 };
    s.reversed = true;
    await measured(page, center, url);
    await page.click('[data-statement=stemi_inferior] button');
    for (const lang of ['zh', 'en']) {
      if (lang === 'en') await page.keyboard.press('l');
      await page.waitForTimeout(150);
      assert.deepEqual(await cutOff(page), [], lang);
      const paper = await page.evaluate(() => document.querySelector('canvas.paper').getBoundingClientRect().width);
      assert.ok(paper > width * 0.6, `the paper is ${paper} px wide`);
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), 'the page is wider than the screen');
    }
  },
});

export const cases = [
  {
    name: 'a live ECG of any county is measured with one key',
    anyCounty: true,
    async run({ page, url }) {
      await enter(page, url);
      await page.waitForSelector('.row');
      await page.click('.row .c-bed');
      await page.waitForSelector('[data-fresh=live].badge', { timeout: 8000 });
      // A stream that has just begun is refused until the county holds nine seconds of it.
      await until('a reading', async () => {
        await page.keyboard.press('r');
        await page.waitForSelector('.reading:not([data-reading=busy])', { timeout: 8000 });
        return (await page.getAttribute('.reading', 'data-reading')) === 'ready';
      }, 20000, 1000);
      assert.match(await page.textContent('.rd-machine'), /未经医师审核/);
      assert.match(await page.textContent('.rd-when b'), /\d\d:\d\d:\d\d – \d\d:\d\d:\d\d/);
      assert.ok((await page.locator('.rd-table tbody tr').count()) >= 1);
    },
  },
  {
    name: 'R measures the newest ten seconds and Esc closes; it says that no physician has seen it',
    center: { streams: 4 },
    async run({ page, center, url }) {
      await measured(page, center, url);
      assert.deepEqual(center.readings, [null]);
      const text = await page.textContent('.reading');
      assert.match(text, /机器判读，未经医师审核/);
      for (const word of ['心率', 'PR 间期', 'QRS 时限', 'QT 间期', 'Bazett', 'Fridericia', 'Framingham', 'Hodges', 'QRS 电轴', 'RV5+SV1', '窦性心律', 'Sinus rhythm', '信号质量：可接受', '大致正常']) assert.ok(text.includes(word), word);
      assert.match(await page.textContent('[data-measure=hr_bpm]'), /^60\s*次\/分|^60/);
      assert.equal(await page.locator('.rd-table tbody tr').count(), 12);
      const [first, end] = await range(page);
      assert.equal(end - first, 5000);
      assert.ok(center.stream('ecg-01').newest - end < 1500);
      await page.keyboard.press('Escape');
      assert.equal(await page.locator('.reading').count(), 0);
      await page.click('[data-do=measure]');
      await ready(page);
      await page.keyboard.press('l');
      assert.match(await page.textContent('.rd-machine'), /Machine reading, not reviewed by a physician/);
      const english = (await page.textContent('.reading')).replace(/[^\u4e00-\u9fff]/g, '');
      const inStatements = (await page.locator('.rd-words span').allTextContents()).join('').replace(/[^\u4e00-\u9fff]/g, '');
      assert.equal(english, inStatements, 'Chinese beside the second wording of statements');
    },
  },
  {
    name: 'a held paper is measured where it stands: the ten seconds that end at its right',
    center: { streams: 4 },
    async run({ page, center, url }) {
      await open(page, center, url, 'ecg-01');
      await page.keyboard.press(' ');
      for (let k = 0; k < 3; k++) await page.keyboard.press('Shift+ArrowLeft');
      await page.waitForTimeout(300);
      await page.keyboard.press('r');
      await ready(page);
      const [first, end] = await range(page);
      assert.equal(String(first), center.readings[0]);
      const behind = (center.stream('ecg-01').newest - end) / 500;
      assert.ok(behind > 28 && behind < 40, `${behind} s before the newest`);
      assert.equal(await page.getAttribute('.rd-age', 'data-old'), 'true');
      assert.match(await page.textContent('.rd-age'), /不是当前/);
    },
  },
  {
    name: 'a statement opens its basis, and its beats light up on the paper in its leads alone',
    center: { streams: 4 },
    async run({ page, center, url }) {
      center.stream('ecg-01').st = { II: 0.25, III: 0.3, aVF: 0.28, I: -0.1, aVL: -0.15 };
      await measured(page, center, url);
      assert.equal(await page.getAttribute('.rd-head-line .rd-grade', 'data-grade'), 'critical');
      assert.match(await page.textContent('.rd-head-line .rd-grade'), /危急/);
      await page.focus('[data-statement=stemi_inferior] button');
      await page.keyboard.press('Enter');
      const basis = await page.textContent('[data-evidence=stemi_inferior]');
      assert.match(basis, /II ST（J 点）/);
      assert.match(basis, /0\.250 mV/);
      assert.match(basis, /≥ 0\.100 mV/);
      assert.match(await page.textContent('[data-statement=stemi_inferior] .rd-rules'), /stemi\.inferior v1/);
      await page.waitForTimeout(400);
      const lit = await page.evaluate(() => {
        const c = document.querySelector('canvas.paper');
        const g = c.getContext('2d');
        const upper = c.height - Math.round(c.height * 0.25);
        // rows of the first column: I, II, III; light blue of a lit beat
        return [0, 1, 2].map((r) => {
          const d = g.getImageData(45, Math.round((r * upper) / 3) + 22, 150, Math.round(upper / 3) - 44).data;
          let n = 0;
          for (let i = 0; i < d.length; i += 4) if (d[i + 2] - d[i] > 25 && d[i + 2] > 200) n++;
          return n;
        });
      });
      assert.ok(lit[1] > 500 && lit[2] > 500 && lit[0] < lit[1] / 10, `lit pixels of I, II, III: ${lit}`);
      await page.keyboard.press('Enter');
      assert.equal(await page.locator('.rd-evidence').count(), 0);
      // A statement of one beat shows that beat.
      await page.click('[data-statement=vpc] button');
      assert.match(await page.textContent('[data-evidence=vpc] [data-lit]'), /第 2 个心搏/);
    },
  },
  {
    name: 'what was measured grows old in sight while the trace goes on',
    center: { streams: 4 },
    async run({ page, center, url }) {
      await measured(page, center, url);
      assert.equal(await page.getAttribute('.rd-age', 'data-old'), 'false');
      const before = await range(page);
      await until('old', async () => (await page.getAttribute('.rd-age', 'data-old')) === 'true', 15000, 250);
      assert.deepEqual(await range(page), before);
      assert.match(await page.textContent('.rd-age'), /已过去/);
    },
  },
  {
    name: 'it grows old too when the link is cut and nothing new comes',
    center: { streams: 4 },
    async run({ page, center, url }) {
      await measured(page, center, url);
      center.cut('gw-dongcun');
      await until('old', async () => (await page.getAttribute('.rd-age', 'data-old')) === 'true', 15000, 250);
    },
  },
  {
    name: 'an earlier reading of the page is offered to compare with, as differences alone',
    center: { streams: 4 },
    async run({ page, center, url }) {
      const s = center.stream('ecg-01');
      await open(page, center, url, 'ecg-01');
      await page.keyboard.press(' ');
      for (let k = 0; k < 2; k++) await page.keyboard.press('Shift+ArrowLeft');
      await page.waitForTimeout(300);
      await page.keyboard.press('r');
      await ready(page);
      const [before] = await range(page);
      assert.equal(await page.locator('[data-do=compare]').count(), 0);
      await page.keyboard.press('End');
      s.st = { II: 0.25, III: 0.3, aVF: 0.28 };
      await page.keyboard.press('r');
      await page.waitForSelector('[data-do=compare]');
      await page.click('[data-do=compare]');
      assert.equal(await page.getAttribute('.rd-compare', 'data-before'), String(before));
      assert.match(await page.textContent('.rd-compare'), /未计测量误差/);
      assert.match(await page.textContent('[data-change=hr_bpm]'), /60.*60.*0/);
      assert.match(await page.textContent('[data-change="st II"]'), /\+0\.2\d/);
      assert.match(await page.textContent('[data-change="st V2"]'), /0\.0\d/);
      assert.deepEqual(await cutOff(page), []);
    },
  },
  {
    name: 'electrodes that the gateway suspects exchanged stand beside the live paper until they are mended',
    center: { streams: 4 },
    async run({ page, center, url }) {
      const s = center.stream('ecg-01');
      await open(page, center, url, 'ecg-01');
      assert.equal(await page.locator('[data-electrodes]').count(), 0);
      center.raise('electrodes', 'ecg-02', 'RA/LL: P 100 QRS 123 T 108', center.stream('ecg-02'));
      center.raise('electrodes', 'ecg-01', 'RA/LA: P 100 QRS 123 T -108 I/V6 -1.00', s);
      await page.waitForSelector('[data-electrodes="RA/LA"]');
      assert.equal(await page.locator('[data-electrodes]').count(), 1);
      assert.match(await page.textContent('[data-electrodes]'), /疑似导联接反.*RA\/LA.*电轴 P 100° QRS 123° T -108°.*请核对电极/);
      await page.keyboard.press('r');
      await ready(page);
      await page.waitForTimeout(300);
      assert.ok(await page.evaluate(() => document.querySelector('.reading [data-electrodes]').getBoundingClientRect().top < window.innerHeight / 2), 'also above a reading');
      await page.keyboard.press('Escape');
      center.clear(center.technical[0]);
      await until('gone', async () => (await page.locator('[data-electrodes]').count()) === 0, 3000);
      await page.keyboard.press('l');
      center.raise('electrodes', 'ecg-01', 'V1/V2: row 2.1', s);
      await page.waitForSelector('[data-electrodes="V1/V2"]');
      assert.match(await page.textContent('[data-electrodes]'), /Electrodes exchanged\?/);
    },
  },
  {
    name: 'the previous ECG: differences with their uncertainty, marked in words and by a sign',
    center: { streams: 4 },
    async run({ page, center, url }) {
      const s = center.stream('ecg-01');
      s.patient = { age: 63.4, sex: 'F' };
      s.previous = { study: '018f6f4e-0000-7000-8000-000000000001', st: { II: 0.21, III: 0.26, aVF: 0.24 } };
      await measured(page, center, url);
      assert.match(await page.textContent('[data-judged]'), /63 岁、女/);
      const block = page.locator('[data-previous-of]');
      assert.equal(await block.getAttribute('data-beyond-n'), '7');
      assert.match(await block.textContent(), /7 项变化超出测量不确定度/);
      assert.match(await page.textContent('[data-said=new]'), /危急.*下壁ST段抬高/);
      assert.match(await page.textContent('[data-previous=hr_bpm]'), /60\.0.*74\.0.*◆ \+14\.0 ±3\.1.*超出/);
      assert.match(await page.textContent('[data-previous=qrs_ms]'), /\+3 ±12.*之内/);
      assert.match(await page.textContent('[data-previous=pr_ms]'), /--.*未比较/);
      assert.match(await page.textContent('[data-previous-lead=III] [data-height=st_60_uv]'), /◆ \+0\.26 ±0\.03/);
      assert.equal(await page.locator('[data-previous-lead=V2] [data-beyond=true]').count(), 0);
      assert.match(await page.textContent('[data-previous-lead=aVL] [data-height=t_uv]'), /--/);
      assert.match(await block.textContent(), /0\.50–40 Hz.*没有注明滤波/);
      assert.equal(await page.locator('.reading a[href="#/study/018f6f4e-0000-7000-8000-000000000001"]').count(), 1);
      assert.equal(await page.locator('[data-previous-reversal]').count(), 0);
      assert.deepEqual(await cutOff(page), []);
      assert.ok(await page.evaluate(() => document.documentElement.scrollHeight <= window.innerHeight), 'the page is higher than the screen');
    },
  },
  {
    name: 'the previous ECG: electrodes exchanged against it, not comparable, none, nobody\'s',
    center: { streams: 4 },
    async run({ page, center, url }) {
      const s = center.stream('ecg-01');
      s.patient = { sex: 'M' };
      s.previous = { limb: 'LA/LL', band_known: true };
      await measured(page, center, url);
      assert.match(await page.textContent('[data-judged]'), /年龄未知（按成人标准）、男/);
      assert.match(await page.textContent('[data-previous-reversal="LA/LL"]'), /与前次相比，可疑肢体导联电极接错：LA\/LL.*8\.3 倍.*也可能是前次/);
      assert.equal(await page.locator('[data-limit=band]').count(), 0);
      const again = async () => {
        await page.keyboard.press('r');
        await page.waitForTimeout(200);
        await ready(page);
      };
      s.previous = { why_not: 'before-unread' };
      await again();
      assert.match(await page.textContent('[data-previous-not=before-unread]'), /前次心电图读不出/);
      s.previous = null;
      await again();
      assert.match(await page.textContent('[data-previous-none=first]'), /没有该患者更早/);
      s.patient = null;
      await again();
      assert.match(await page.textContent('[data-previous-none=patient]'), /未登记患者/);
      assert.match(await page.textContent('[data-judged=nothing]'), /年龄、性别未知/);
    },
  },
  {
    name: 'reversed electrodes stand before everything else',
    center: { streams: 4 },
    async run({ page, center, url }) {
      center.stream('ecg-01').reversed = true;
      await measured(page, center, url);
      assert.match(await page.textContent('.rd-reversal'), /可疑肢体导联电极接错：RA\/LA/);
      const [warning, grade] = await page.evaluate(() => ['.rd-reversal', '.rd-head-line'].map((s) => document.querySelector(s).getBoundingClientRect().top));
      assert.ok(warning < grade);
    },
  },
  {
    name: 'two leads and a hole are said to be what they are',
    center: { streams: 5 },
    async run({ page, center, url }) {
      await open(page, center, url, 'two');
      const s = center.stream('two');
      center.gap('two', s.newest - 5 * s.rate, 2 * s.rate, 'device');
      await page.keyboard.press('r');
      await ready(page);
      assert.match(await page.textContent('[data-limit=few]'), /只有 2 个导联/);
      assert.match(await page.textContent('[data-limit=hole]'), /2\.0 s 没有数据/);
      assert.match(await page.textContent('[data-verdict]'), /受限.*不足十二个导联/);
      assert.match(await page.textContent('[data-measure=qrs_axis_deg]'), /^--/);
    },
  },
  {
    name: 'refusals are said with what to do, and nothing of another reading stands beside them',
    center: { streams: 4 },
    async run({ page, center, url }) {
      await measured(page, center, url);
      for (const [status, error, words] of [[400, 'bad_request', /不能按心电测量/], [404, 'not_found', /不足 9 秒/], [422, 'unprocessable', /读不出可测量的心电/], [503, 'busy', /正在为其他医师测量/]]) {
        center.refuse = { status, error };
        if (status === 400) {
          await page.click('[data-statement=sinus_rhythm] button');
          await page.evaluate(() => document.querySelector('.rd-table').scrollIntoView());
        }
        await page.keyboard.press('r');
        await page.waitForSelector(`.reading [data-status="${status}"]`);
        const box = await page.evaluate(() => document.querySelector('.reading .state').getBoundingClientRect().toJSON());
        assert.ok(box.top > 100 && box.bottom < 800, `the refusal is out of sight: ${box.top} to ${box.bottom}`);
        assert.match(await page.textContent('.reading .state'), words);
        assert.match(await page.textContent('.reading .state'), new RegExp(`${status}`));
        assert.equal(await page.locator('.rd-values, .rd-statements').count(), 0);
      }
      center.refuse = { status: 200, body: { verdict: 'acceptable' } };
      await page.click('.reading .state button');
      await page.waitForSelector('.reading [data-status="0"]');
      assert.match(await page.textContent('.reading .state'), /回答不完整（.*）/);
      center.refuse = null;
      await page.click('.reading .state button');
      await ready(page);
    },
  },
  {
    name: 'the median beat is to scale: its 1 mV pulse is 10 mm, and it follows the paper speed',
    center: { streams: 4 },
    storage: { 'xw.ruler': JSON.stringify({ '1280x800@1': 4 }) },
    async run({ page, center, url }) {
      await measured(page, center, url);
      const pulse = () => page.evaluate(() => {
        const c = document.querySelector('.rd-median');
        const g = c.getContext('2d');
        const d = g.getImageData(0, 0, 62, 160).data;
        // the top of the pulse: the longest dark run of a line at the left
        let best = { n: 0, y: 0 };
        const dark = (x, y) => d[(y * 62 + x) * 4] < 120 && d[(y * 62 + x) * 4 + 1] < 120;
        const runs = [];
        for (let y = 0; y < 160; y++) {
          let n = 0;
          let most = 0;
          for (let x = 0; x < 62; x++) { n = dark(x, y) ? n + 1 : 0; most = Math.max(most, n); }
          runs.push(most);
          if (most > best.n) best = { n: most, y };
        }
        let high = 0;
        for (let x = 0; x < 62; x++) {
          let n = 0;
          for (let y = 0; y < 160; y++) { n = dark(x, y) ? n + 1 : 0; high = Math.max(high, n); }
        }
        return { wide: best.n, high, height: c.clientHeight };
      });
      const a = await pulse();
      assert.ok(Math.abs(a.high - 40) <= 2, `the pulse is ${a.high} px high, wanted 40`);
      assert.ok(Math.abs(a.wide - 20) <= 2, `and ${a.wide} px wide, wanted 20`);
      await page.keyboard.press('s');
      await page.waitForTimeout(300);
      const b = await pulse();
      assert.ok(Math.abs(b.wide - 40) <= 2, `at 50 mm/s ${b.wide} px wide, wanted 40`);
    },
  },
  {
    name: 'a captured study is measured from its own first sample',
    center: { streams: 4 },
    async run({ page, center, url }) {
      await open(page, center, url, 'ecg-01');
      await page.waitForTimeout(500);
      await page.keyboard.press('c');
      await page.click('[data-reason=chest_pain]');
      await until('study', () => center.studies.length > 0, 3000);
      const item = center.studies[0].items[0];
      await page.goto(`${url}/#/study/${center.studies[0].id}`);
      await page.waitForSelector('[data-do=measure]');
      await page.keyboard.press('r');
      await ready(page);
      assert.deepEqual(await range(page), [item.first, item.first + 5000]);
      assert.equal(await page.locator('.rd-age').count(), 0);
      await page.keyboard.press('Escape');
      assert.equal(await page.locator('.reading').count(), 0);
      assert.ok((await onPaper(page, 'inkCount')) > 500);
    },
  },
  fits(1280, 800),
  fits(1366, 768),
  fits(1920, 1080),
];
