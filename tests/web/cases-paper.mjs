// What is on the paper is true to scale and is the signal.
import { assert, geometry, open, paperSize, stats, until } from './help.mjs';
import { onPaper } from './pixels.mjs';

const RULER = (pxPerMm, w = 1280, h = 800) => ({ 'xw.ruler': JSON.stringify({ [`${w}x${h}@1`]: pxPerMm }), 'xw.filter': '"raw"' });
const plateau = (values) => {
  const v = values.filter((x) => x !== null).sort((a, b) => a - b);
  return v[Math.floor(v.length / 2)];
};

// Height and width of the 1 mV, 200 ms pulses of the signal on the rhythm strip, in mm.
async function measurePulse(page, { pxPerMm, mmPerS, mmPerMv }) {
  const size = await paperSize(page);
  const g = geometry({ ...size, pxPerMm, mmPerS });
  const x0 = g.left + Math.round(12 * pxPerMm); // past the lead's name
  const x1 = g.left + g.strip - 4;
  const band = { x0, x1, y0: g.upper + 2, y1: size.height - 42 }; // this signal has no beat marks
  const p = await onPaper(page, 'profile', band);
  const tops = p.map((c) => (c ? c.top ?? c.mean : null));
  const low = plateau(p.map((c) => (c && c.bottom !== null && c.bottom - c.top < 4 ? c.bottom : null)).filter((v) => v !== null && v > (Math.min(...tops.filter((t) => t !== null)) + 8)));
  const highs = p.map((c) => (c && c.bottom !== null && c.bottom - c.top < 4 && low - c.bottom > mmPerMv * pxPerMm * 0.5 ? c.bottom : null));
  const high = plateau(highs);
  assert.ok(low && high, 'no pulse found on the strip');
  const middle = (low + high) / 2;
  // Edges: where the trace crosses half height.
  const rises = [];
  const falls = [];
  let above = null;
  p.forEach((c, i) => {
    if (!c) return;
    if (c.bottom - c.top > (low - high) * 0.6) {
      (above ? falls : rises).push(x0 + i);
      return;
    }
    above = c.mean < middle;
  });
  const widths = [];
  const edges = p.map((c, i) => (c && c.bottom !== null && c.bottom - c.top > (low - high) * 0.6 ? x0 + i : null)).filter((v) => v !== null);
  const joined = [];
  for (const e of edges) if (joined.length === 0 || e - joined[joined.length - 1][1] > 2) joined.push([e, e]); else joined[joined.length - 1][1] = e;
  for (let k = 1; k < joined.length; k++) {
    const between = p[Math.round((joined[k - 1][1] + joined[k][0]) / 2) - x0];
    if (between && between.mean < middle) widths.push((joined[k][0] + joined[k][1]) / 2 - (joined[k - 1][0] + joined[k - 1][1]) / 2);
  }
  return { height: (low - high) / pxPerMm, width: plateau(widths) / pxPerMm, n: widths.length };
}

const pulseCase = (name, { pxPerMm, mmPerS, mmPerMv, view = { width: 1280, height: 800 } }) => ({
  name,
  center: { streams: 5 },
  view,
  storage: { ...RULER(pxPerMm, view.width, view.height), 'xw.speed': String(mmPerS), 'xw.gain': String(mmPerMv) },
  async run({ page, center, url }) {
    await open(page, center, url, 'pulse');
    await page.waitForTimeout(3200);
    await page.keyboard.press(' ');
    await page.waitForTimeout(400);
    const m = await measurePulse(page, { pxPerMm, mmPerS, mmPerMv });
    assert.ok(Math.abs(m.height - mmPerMv) <= 0.3, `1 mV is ${m.height.toFixed(2)} mm high`);
    const want = 0.2 * mmPerS;
    assert.ok(Math.abs(m.width - want) <= 0.3, `200 ms are ${m.width.toFixed(2)} mm wide (${m.n} pulses)`);
    const caption = await page.getAttribute('canvas.paper', 'data-layout');
    assert.equal(caption, '3x4+1R');
  },
});

export const cases = [
  pulseCase('1 mV and 200 ms measure 10 mm and 5 mm at the ruler of this display', { pxPerMm: 3.78, mmPerS: 25, mmPerMv: 10 }),
  pulseCase('the same on a display with a finer ruler', { pxPerMm: 4.6, mmPerS: 25, mmPerMv: 10 }),
  pulseCase('20 mm/mV and 50 mm/s are twice as large', { pxPerMm: 3.78, mmPerS: 50, mmPerMv: 20, view: { width: 1920, height: 1080 } }),
  pulseCase('5 mm/mV is half as high', { pxPerMm: 3.78, mmPerS: 25, mmPerMv: 5 }),
  {
    name: 'the calibration pulse before each row is 1 mV and 200 ms',
    center: { streams: 5 },
    storage: RULER(4),
    async run({ page, center, url }) {
      await open(page, center, url, 'ecg-01');
      const size = await paperSize(page);
      const p = await onPaper(page, 'profile', { x0: 0, x1: 40, y0: Math.round(size.height * 0.75), y1: size.height - 30, least: 1 });
      const bottoms = p.filter((c) => c && c.bottom !== null).map((c) => c.bottom);
      const tops = p.filter((c) => c && c.top !== null).map((c) => c.top);
      const height = (Math.max(...bottoms) - Math.min(...tops)) / 4;
      assert.ok(Math.abs(height - 10) <= 0.3, `${height} mm high`);
      const at = p.map((c, i) => (c && c.top !== null && c.bottom - c.top > 30 ? i : -1)).filter((i) => i >= 0);
      const width = (at[at.length - 1] - at[0]) / 4;
      assert.ok(Math.abs(width - 5) <= 0.3, `${width} mm wide`);
    },
  },
  {
    name: 'a display whose ruler was not checked says so, and a fitted scale too',
    center: { streams: 5 },
    async run({ page, center, url }) {
      await open(page, center, url, 'ecg-01');
      const before = await onPaper(page, 'hash');
      assert.ok(await page.locator('.chip.warn').count() === 1, 'the ruler button is not marked');
      await page.click('.chip.warn');
      await page.waitForSelector('.ruler-bar');
      const bar = await page.evaluate(() => document.querySelector('.ruler-bar').getBoundingClientRect().width);
      assert.ok(Math.abs(bar - 85.6 * (96 / 25.4)) < 1, `bar ${bar}`);
      await page.locator('.slider input').fill('4');
      await page.click('.dialog .primary');
      assert.equal(await page.locator('.chip.warn').count(), 0);
      const kept = await page.evaluate(() => JSON.parse(localStorage.getItem('xw.ruler'))[`${screen.width}x${screen.height}@${devicePixelRatio}`]);
      assert.equal(kept, 4);
      assert.notEqual(await onPaper(page, 'hash'), before);
    },
  },
  {
    name: 'layouts show four, six and twelve rows',
    center: { streams: 5 },
    storage: RULER(3.78),
    async run({ page, center, url }) {
      await open(page, center, url, 'pulse');
      // Right of the last beat mark and outside of labels: the pulse signal is flat most of the time.
      const rows = async () => {
        const size = await paperSize(page);
        const counts = new Map();
        for (let x = 120; x < size.width - 80; x += 13) {
          const n = await onPaper(page, 'lines', { x });
          counts.set(n, (counts.get(n) ?? 0) + 1);
        }
        return [...counts.entries()].sort((a, b) => b[1] - a[1])[0][0];
      };
      for (const [key, layout, n] of [['1', '3x4+1R', 4], ['2', '6x2', 6], ['3', '12x1', 12]]) {
        await page.keyboard.press(key);
        await page.waitForTimeout(2600);
        await page.keyboard.press(' ');
        await page.waitForTimeout(300);
        assert.equal(await page.getAttribute('canvas.paper', 'data-layout'), layout);
        assert.equal(await rows(), n, layout);
        await page.keyboard.press('End');
      }
    },
  },
  {
    name: 'a stream of two leads falls back to two rows',
    center: { streams: 5 },
    storage: RULER(3.78),
    async run({ page, center, url }) {
      await open(page, center, url, 'two');
      await page.waitForTimeout(2000);
      assert.equal(await page.locator('.choice .chip', { hasText: '3×4' }).count(), 0);
      assert.ok((await onPaper(page, 'inkCount')) > 2000);
    },
  },
  {
    name: 'the pixels of the bench code say which sample was drawn last, frame by frame',
    center: { streams: 3 },
    async run({ page, center, url }) {
      await open(page, center, url, 'ecg-01', '?bench=1');
      await page.waitForTimeout(1500);
      const read = await page.evaluate(async () => {
        const out = [];
        const canvas = document.querySelector('canvas.paper');
        for (let k = 0; k < 40; k++) {
          await new Promise((ok) => requestAnimationFrame(() => setTimeout(ok, 0)));
          const d = canvas.getContext('2d').getImageData(0, 0, canvas.width, 20);
          out.push([window.xwPixelFns.benchCode(d.data, canvas.width, 20, {}), xwStats.drawn]);
        }
        return out;
      });
      let moved = 0;
      read.forEach(([code, drawn], k) => {
        assert.ok(code.ok, 'guard bits');
        assert.equal(code.value, drawn & 0xffff);
        if (k > 0 && code.value !== read[k - 1][0].value) moved++;
      });
      assert.ok(moved >= 36, `moved in ${moved} of 39 frames`);
    },
  },
  {
    name: 'the trace moves, is not blank, and its frames are cheap and even',
    center: { streams: 3 },
    async run({ page, center, url }) {
      await open(page, center, url, 'ecg-01');
      await page.waitForTimeout(1500);
      const a = await onPaper(page, 'hash');
      assert.ok((await onPaper(page, 'inkCount')) > 3000, 'blank');
      await page.waitForTimeout(200);
      assert.notEqual(await onPaper(page, 'hash'), a, 'frozen');
      await page.evaluate(() => xwStats.reset());
      await page.waitForTimeout(6000);
      const s = await stats(page);
      console.log(`  # ${s.frames} frames, ${s.missed} missed, script+paint p95 ${s.p95.toFixed(2)} ms, script p95 ${s.script.toFixed(2)} ms, ${s.underruns} underruns, held back ${s.held.toFixed(0)} ms, age ${s.age.toFixed(3)} s`);
      assert.ok(s.frames > 100);
    },
  },
  {
    name: 'scroll mode keeps the newest sample at the right',
    center: { streams: 6 },
    storage: { ...RULER(3.78), 'xw.mode': '"scroll"' },
    async run({ page, center, url }) {
      await open(page, center, url, 'ramp');
      await page.waitForTimeout(2500);
      const size = await paperSize(page);
      const g = geometry({ ...size, pxPerMm: 3.78 });
      const p = await onPaper(page, 'profile', { x0: g.left + 60, x1: g.left + g.strip - 3, y0: g.upper + 30, y1: size.height - 42 });
      assert.ok(p.filter((c) => c === null).length < p.length * 0.15, 'the strip has holes'); // the ramp's ends lie at the marks
      const a = await onPaper(page, 'hash');
      await page.waitForTimeout(120);
      assert.notEqual(await onPaper(page, 'hash'), a);
    },
  },
  {
    name: 'paused, the picture stands still and the past is fetched when looked at',
    center: { streams: 6 },
    storage: RULER(3.78),
    async run({ page, center, url }) {
      await open(page, center, url, 'ramp');
      await page.waitForTimeout(1500);
      await page.keyboard.press(' ');
      await page.waitForTimeout(400);
      const a = await onPaper(page, 'hash');
      await page.waitForTimeout(500);
      assert.equal(await onPaper(page, 'hash'), a, 'moves while paused');
      for (let k = 0; k < 6; k++) await page.keyboard.press('Shift+ArrowLeft');
      await until('the past', async () => {
        const size = await paperSize(page);
        const g = geometry({ ...size, pxPerMm: 3.78 });
        const p = await onPaper(page, 'profile', { x0: g.left + 60, x1: g.left + g.strip - 3, y0: g.upper + 30, y1: size.height - 42 });
        return p.filter((c) => c === null).length < p.length * 0.15;
      }, 4000);
      const back = await stats(page);
      assert.ok(back.newest - back.drawn > 55 * 500, 'did not go back a minute');
      await page.keyboard.press('End');
      await page.waitForSelector('[data-fresh=live].badge');
    },
  },
];
