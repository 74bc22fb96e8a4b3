// Fetal monitor: what is on the paper is true to scale, is the signal, and says what is missing.
import { assert, enter, until } from './help.mjs';
import { onPaper } from './pixels.mjs';
import { addCtg, ctgEvent, CTG_HZ, STEP_N } from './fake/ctg.mjs';

const PX = 3.78;
const ON = 'canvas.ctg-paper';
const storage = (cm, px = PX, more = {}) => ({ 'xw.ruler': JSON.stringify({ '1280x800@1': px }), 'xw.ctg.speed': String(cm), ...more });
const HATCH = { colour: [122, 134, 153], tol: 12 };
const CYAN = { colour: [8, 124, 134], tol: 12 };
const BLUE = { colour: [31, 95, 191], tol: 14 };
const AXIS = 44;
const FHR_TOP = 6;

async function openCtg(page, center, url, name) {
  await enter(page, url);
  await page.goto(`${url}/#/live/${center.stream(name).id}`);
  await page.waitForSelector('.ctg[data-fresh=live]', { timeout: 8000 });
}
const size = (page) => page.evaluate(() => ({ width: document.querySelector('canvas.ctg-paper').width, height: document.querySelector('canvas.ctg-paper').height }));
const drawn = (page) => page.evaluate(() => xwCtg.drawn);
const middle = (v) => [...v].sort((a, b) => a - b)[v.length >> 1];

// Bands of the paper: 210 to 50 bpm at 20 bpm/cm from the top, UC 100 to 0 at 25/cm below the lanes.
function bands(s, px = PX) {
  const fhr = 80 * px;
  return { x0: AXIS + 2, x1: s.width - 1, y0: FHR_TOP + 2, y1: Math.round(FHR_TOP + fhr - 2), ucY0: Math.round(FHR_TOP + fhr + 1 + 14 + 17 + 2), ucY1: Math.round(FHR_TOP + fhr + 1 + 14 + 17 + 40 * px - 2) };
}

const levelY = (bpm) => FHR_TOP + ((210 - bpm) / 2) * PX;

// The calibrator's steps: levels and the columns at which they change.
async function steps(page, b) {
  const p = await onPaper(page, 'profile', { on: ON, x0: b.x0, x1: b.x1, y0: b.y0, y1: b.y1, least: 0.5 });
  const flat = p.filter((c) => c && c.bottom !== null && c.bottom - c.top < 6).map((c) => c.mean);
  const half = (Math.min(...flat) + Math.max(...flat)) / 2;
  const high = middle(flat.filter((y) => y < half));
  const low = middle(flat.filter((y) => y > half));
  const changes = [];
  let before = null;
  p.forEach((c, k) => {
    if (!c || c.bottom === null || c.bottom - c.top >= 6) return;
    const up = c.mean < half;
    if (before !== null && up !== before) changes.push(b.x0 + k);
    before = up;
  });
  return { p, high, low, half, changes };
}

const scaleCase = (cm, px) => ({
  name: `CTG at ${cm} cm/min: a minute is ${cm * 10} mm and 20 bpm are 10 mm at a ruler of ${px} px/mm`,
  center: { streams: 0 },
  storage: storage(cm, px),
  async run({ page, center, url }) {
    addCtg(center, 'step', { kind: 'ctgstep' });
    await openCtg(page, center, url, 'step');
    await page.waitForTimeout(1500);
    const s = await size(page);
    const m = await steps(page, bands(s, px));
    const bpm20 = (m.low - m.high) / px;
    assert.ok(Math.abs(bpm20 - 10) <= 0.3, `20 bpm are ${bpm20.toFixed(2)} mm`);
    // Over three minutes, the period of the signal: an edge is seen to a pixel.
    const minutes = m.changes.slice(3).map((x, k) => (x - m.changes[k]) / px / 3);
    assert.ok(minutes.length >= 2, `${m.changes.length} changes seen`);
    assert.ok(minutes.every((v) => Math.abs(v - cm * 10) <= 0.3), `minutes of ${minutes.map((v) => v.toFixed(2)).join(' ')} mm`);
    console.log(`  # 20 bpm = ${bpm20.toFixed(2)} mm, minute = ${middle(minutes).toFixed(2)} mm`);
  },
});

export const cases = [
  scaleCase(1, 3.78),
  scaleCase(2, 3.78),
  scaleCase(3, 3.78),
  scaleCase(1, 3.4),
  {
    name: 'CTG without signal the pen is lifted: ten seconds are blank, the loss track is filled, activity goes on',
    center: { streams: 0 },
    storage: storage(3),
    async run({ page, center, url }) {
      const s = addCtg(center, 'step', { kind: 'ctgstep' });
      await openCtg(page, center, url, 'step');
      await page.waitForTimeout(1200);
      const box = await size(page);
      const b = bands(box);
      const p = await onPaper(page, 'profile', { on: ON, x0: b.x0, x1: b.x1, y0: b.y0, y1: b.y1, least: 0.5 });
      const runs = [];
      p.forEach((c, k) => {
        if (c) return;
        const last = runs[runs.length - 1];
        if (last && last.end === k) last.end++;
        else runs.push({ from: k, end: k + 1 });
      });
      const gaps = runs.filter((r) => r.from > 2 && r.end < p.length - 12);
      assert.ok(gaps.length >= 2, `${gaps.length} gaps`);
      for (const g of gaps) {
        const mm = (g.end - g.from) / PX;
        assert.ok(Math.abs(mm - 5) <= 0.6, `10 s without signal are ${mm.toFixed(2)} mm`);
        const lane = Math.round(FHR_TOP + 80 * PX + 1 + 3);
        const filled = await onPaper(page, 'colourCount', { on: ON, colour: [91, 100, 114], tol: 10, x0: b.x0 + g.from + 2, x1: b.x0 + g.end - 2, y0: lane - 2, y1: lane + 5 });
        assert.ok(filled > 20, 'the loss track is empty');
        const u = await onPaper(page, 'profile', { on: ON, x0: b.x0 + g.from, x1: b.x0 + g.end, y0: b.ucY0, y1: b.ucY1, least: 0.5 });
        assert.ok(u.every((c) => c), 'activity is broken too');
      }
      assert.match(await page.textContent('[data-ctg=FHR1]'), /信号 9\d %/);
      void s;
    },
  },
  {
    name: 'CTG of a monitor without any signal: no number, a blank paper, and it says so',
    center: { streams: 0 },
    storage: storage(1),
    async run({ page, center, url }) {
      addCtg(center, 'none', { kind: 'ctgnone' });
      await openCtg(page, center, url, 'none');
      await page.waitForTimeout(1200);
      const b = bands(await size(page));
      const p = await onPaper(page, 'profile', { on: ON, x0: b.x0, x1: b.x1, y0: b.y0, y1: b.y1, least: 0.5 });
      assert.ok(p.every((c) => c === null), 'something is drawn');
      assert.equal(await page.getAttribute('[data-ctg=FHR1]', 'data-value'), '');
      assert.match(await page.textContent('[data-ctg=FHR1]'), /--/);
      assert.match(await page.textContent('[data-ctg=FHR1]'), /无信号/);
    },
  },
  {
    name: 'CTG hole: hatched while it comes, counted, then filled with the right samples; a lost one is outlined with its reason',
    center: { streams: 0 },
    storage: storage(1),
    async run({ page, center, url }) {
      const s = addCtg(center, 'step', { kind: 'ctgstep' });
      const gap = { first: s.newest - 16 * STEP_N, count: 5 * STEP_N };
      s.gaps.push({ ...gap, reason: 'spool_limit' });
      s.unknown.push({ first: s.newest - 6 * STEP_N, end: s.newest - 4 * STEP_N });
      await openCtg(page, center, url, 'step');
      await page.waitForSelector('[data-hole=open]', { timeout: 4000 });
      await page.waitForTimeout(600);
      const box = await size(page);
      const b = bands(box);
      const pps = (10 * PX) / 60 / CTG_HZ;
      const at = (i, newest) => Math.round(box.width - (newest - i) * pps);
      const newest = await drawn(page);
      const hole = { on: ON, ...HATCH, x0: at(s.unknown[0].first, newest) + 4, x1: at(s.unknown[0].end, newest) - 4, y0: b.y0, y1: b.y1 };
      assert.ok((await onPaper(page, 'colourCount', hole)) > 800, 'the hole is not hatched');
      assert.match(await page.textContent('[data-hole=open]'), /补传中：缺 1[012]\d\.\d s/);
      const lost = { on: ON, colour: [91, 100, 114], tol: 14, x0: at(gap.first, newest) - 6, x1: at(gap.first + gap.count, newest) + 6, y0: b.y0, y1: b.y1 };
      assert.ok((await onPaper(page, 'colourCount', lost)) > 120, 'the lost stretch is not outlined');
      assert.ok((await onPaper(page, 'colourCount', { ...lost, ...HATCH })) < 200, 'the lost stretch is hatched'); // edges of letters
      const blank = await onPaper(page, 'profile', { on: ON, x0: at(gap.first, newest) + 12, x1: at(gap.first + gap.count, newest) - 12, y0: b.y0 + 6, y1: b.y0 + 100, least: 1 });
      assert.ok(blank.every((c) => c === null), 'something is drawn where nothing is known');
      s.gateway.backfill = 6000;
      const back = async () => Number(/已补回 ([\d.]+) s/.exec((await page.textContent('.hole')) ?? '')?.[1] ?? '999');
      const first = await back();
      await page.waitForTimeout(1200);
      assert.ok((await back()) > first, 'the seconds do not count up');
      await page.waitForSelector('[data-hole=closed]', { timeout: 20000 });
      assert.match(await page.textContent('[data-hole=closed]'), /补传完成/);
      await page.keyboard.press(' ');
      await page.waitForTimeout(1500);
      const m = await steps(page, b);
      const end = await drawn(page);
      assert.ok((await onPaper(page, 'colourCount', { ...hole, x0: at(end - 8 * STEP_N, end), x1: b.x1 })) < 60, 'still hatched');
      let bad = 0;
      let seen = 0;
      for (let x = at(end - 7 * STEP_N, end); x < box.width - 6; x++) {
        const i = end - (box.width - x) / pps;
        const n = ((i % STEP_N) + STEP_N) % STEP_N;
        const minute = Math.floor(i / STEP_N);
        if (n < 14 || n > STEP_N - 14 || (minute % 3 === 2 && n > 46 * CTG_HZ)) continue;
        seen++;
        const c = m.p[x - b.x0];
        if (!c || Math.abs(c.mean - levelY(minute % 2 ? 140 : 120)) > 2.5) bad++;
      }
      assert.ok(seen > 150 && bad <= seen * 0.03, `${bad} of ${seen} columns do not show their sample`);
    },
  },
  {
    name: 'CTG cut link: hatched within 2 s, grey after 5 s with the time it began, no number, and healed after',
    center: { streams: 0 },
    storage: storage(3),
    async run({ page, center, url }) {
      addCtg(center, 'step', { kind: 'ctgstep', blockMs: 1000 });
      await openCtg(page, center, url, 'step');
      // Blocks of a whole second do not make the badge flicker.
      const seen = await page.evaluate(async () => {
        const all = new Set();
        const until = performance.now() + 4000;
        while (performance.now() < until) {
          all.add(document.querySelector('.ctg').dataset.fresh);
          await new Promise((ok) => requestAnimationFrame(ok));
        }
        return [...all];
      });
      assert.deepEqual(seen, ['live']);
      const b = bands(await size(page));
      const right = { on: ON, ...HATCH, x0: b.x1 - 60, x1: b.x1, y0: b.y0, y1: b.y1 };
      center.cut('gw-dongcun');
      const ms = await until('stale', async () => (await page.getAttribute('.ctg', 'data-fresh')) === 'stale', 3000, 20);
      console.log(`  # stale ${ms} ms after the cut, blocks of 1 s`);
      await until('hatch', async () => (await onPaper(page, 'colourCount', right)) > 60, 2500, 50);
      await until('grey', async () => (await page.getAttribute('.ctg', 'data-fresh')) === 'lost', 4500);
      assert.match(await page.textContent('.ctg .badge'), /信号中断 \d\d:\d\d:\d\d 起/);
      assert.equal(await page.getAttribute('[data-ctg=FHR1]', 'data-value'), '');
      const ink = await onPaper(page, 'colourCount', { on: ON, colour: [17, 17, 17], tol: 40, x0: b.x0, x1: b.x1 - 220, y0: b.y0, y1: b.y1 });
      assert.ok(ink < 60, `black trace on a dead picture: ${ink}`);
      center.heal('gw-dongcun', 5000);
      await until('live again', async () => (await page.getAttribute('.ctg', 'data-fresh')) === 'live', 2500);
      await until('no hatch', async () => (await onPaper(page, 'colourCount', { ...right, x0: b.x0 })) < 60, 8000);
    },
  },
  {
    name: 'CTG twins: two lines of different weight with their names; drawn apart only when asked, and told on the trace',
    center: { streams: 0 },
    storage: storage(1),
    async run({ page, center, url }) {
      addCtg(center, 'twin', { kind: 'ctgtwin' });
      await openCtg(page, center, url, 'twin');
      await page.waitForTimeout(1500);
      // Its signal is lost for a quarter of a minute now and then.
      for (const role of ['FHR1', 'FHR2', 'MHR', 'UC']) await until(role, async () => Number(await page.getAttribute(`[data-ctg=${role}]`, 'data-value')) > 0, 40000);
      const b = bands(await size(page));
      const level = async () => {
        const d = await onPaper(page, 'rows', { on: ON, ...BLUE, x0: b.x0, x1: b.x1, y0: b.y0, y1: b.y1 });
        return d;
      };
      const before = await level();
      assert.ok(before.n > 1500, `${before.n} pixels of the second line`);
      await page.click('.chip:has-text("双胎错开")');
      await page.waitForTimeout(500);
      const after = await level();
      assert.ok(Math.abs(before.mean - after.mean - 10 * PX) < 4, `moved by ${((before.mean - after.mean) / PX).toFixed(1)} mm`);
    },
  },
  {
    name: 'CTG that may be the mother says so in words on the trace and beside the number',
    center: { streams: 0 },
    storage: storage(1),
    async run({ page, center, url }) {
      const s = addCtg(center, 'ctg', { kind: 'ctg' });
      await openCtg(page, center, url, 'ctg');
      await page.waitForTimeout(800);
      const b = bands(await size(page));
      const cyan = { on: ON, ...CYAN, x0: b.x0, x1: b.x1, y0: b.y0, y1: b.y1 };
      assert.equal(await onPaper(page, 'colourCount', cyan), 0);
      ctgEvent(center, s, 'fhr1-mhr', s.newest - 600, 0, { evidence: [{ name: 'difference_bpm', value: 2, unit: '/min', threshold: false }] });
      ctgEvent(center, s, 'fhr1-signal', s.newest - 20, s.newest, { kind: 8, evidence: [{ name: 'loss_10min', value: 14, unit: '%', threshold: false }] });
      await until('the words', async () => (await onPaper(page, 'colourCount', cyan)) > 150, 3000);
      // The numbers are drawn anew some times a second, the trace each frame.
      await until('both beside the number', async () => /可能为母体心率.*信号 86 %/s.test(await page.textContent('[data-ctg=FHR1]')), 3000);
    },
  },
  {
    name: 'CTG look back: an hour and more before what is kept is fetched, at its own time, and back to now',
    center: { streams: 0 },
    storage: storage(1),
    async run({ page, center, url }) {
      addCtg(center, 'step', { kind: 'ctgstep', historyS: 8 * 3600 });
      await openCtg(page, center, url, 'step');
      await page.waitForTimeout(800);
      for (let k = 0; k < 30; k++) await page.keyboard.press('Shift+ArrowLeft'); // five hours
      const b = bands(await size(page));
      await until('the past', async () => {
        const p = await onPaper(page, 'profile', { on: ON, x0: b.x0 + 4, x1: b.x1 - 4, y0: b.y0, y1: b.y1, least: 0.5 });
        return p.filter((c) => c === null).length < p.length * 0.12;
      }, 8000);
      const text = await page.textContent('.ctg .badge');
      const [, h, m] = /回看 (\d\d):(\d\d)/.exec(text);
      const want = new Date(Date.now() - 5 * 3600e3);
      const local = new Date(want.getTime() + 8 * 3600e3); // the page is in Shanghai
      assert.ok(Math.abs(Number(h) * 60 + Number(m) - (local.getUTCHours() * 60 + local.getUTCMinutes())) <= 1, text);
      const level = await page.getAttribute('[data-ctg=FHR1]', 'data-value');
      assert.ok(['120', '140', ''].includes(level), level);
      await page.keyboard.press('End');
      await page.waitForSelector('.ctg[data-paused=false] [data-fresh=live].badge');
    },
  },
  {
    name: 'CTG click sets the moment: the line stands there, the numbers are those of then',
    center: { streams: 0 },
    storage: storage(3),
    async run({ page, center, url }) {
      addCtg(center, 'step', { kind: 'ctgstep' });
      await openCtg(page, center, url, 'step');
      await page.waitForTimeout(800);
      const box = await page.locator(ON).boundingBox();
      const s = await size(page);
      const b = bands(s);
      const seen = new Set();
      for (const x of [200, 320, 440, 560, 680]) {
        await page.mouse.click(box.x + x, box.y + 150);
        await page.waitForTimeout(350);
        const d = await onPaper(page, 'rows', { on: ON, ...BLUE, x0: x - 3, x1: x + 4, y0: b.y0, y1: b.y1 });
        assert.ok(d.n > 250, `no line at ${x}`);
        const p = await onPaper(page, 'profile', { on: ON, x0: x - 6, x1: x - 2, y0: b.y0, y1: b.y1, least: 0.5 });
        const shown = await page.getAttribute('[data-ctg=FHR1]', 'data-value');
        seen.add(shown);
        const c = p.filter(Boolean);
        if (c.length === 4 && shown !== '') {
          const bpm = 210 - ((middle(c.map((q) => q.mean)) - FHR_TOP) / PX) * 2;
          assert.ok(Math.abs(bpm - Number(shown)) < 21, `${shown} shown, ${bpm.toFixed(0)} drawn`);
        }
      }
      assert.ok(seen.has('120') && seen.has('140'), [...seen].join(' '));
    },
  },
  {
    name: 'CTG frames are cheap, and the strip is drawn as soon as a block is here',
    center: { streams: 0, mothers: 2 },
    storage: storage(3),
    async run({ page, center, url }) {
      await openCtg(page, center, url, 'ctg-2');
      await page.waitForTimeout(1500);
      await page.evaluate(() => xwCtg.reset());
      await page.waitForTimeout(4000);
      const r = await page.evaluate(() => ({ frames: xwCtg.frames, missed: xwCtg.missed, p95: xwCtg.costP95Ms, script: xwCtg.scriptP95Ms, age: xwCtg.ageS, drawn: xwCtg.drawn, newest: xwCtg.newest }));
      console.log(`  # ${r.frames} frames, ${r.missed} missed, script+paint p95 ${r.p95.toFixed(2)} ms, script p95 ${r.script.toFixed(2)} ms, age ${r.age.toFixed(2)} s`);
      assert.ok(r.frames > 60);
      assert.equal(r.drawn, r.newest);
      assert.ok(r.age < 1.2);
      void center;
    },
  },
];
