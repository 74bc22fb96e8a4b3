// Steps that many cases share.
import assert from 'node:assert/strict';

export { assert };

export async function enter(page, url, role = 'reader') {
  await page.goto(url);
  await page.click(`[data-role=${role}]`);
  await page.waitForSelector('.list-page, .page');
}

// Opens a stream of the fake county and waits until it moves.
export async function open(page, center, url, name, query = '') {
  await enter(page, url);
  await page.goto(`${url}/${query}#/live/${center.stream(name).id}`);
  await page.waitForSelector('[data-fresh=live].badge', { timeout: 8000 });
}

export async function until(what, test, timeoutMs, everyMs = 50) {
  const started = Date.now();
  for (;;) {
    const v = await test();
    if (v) return Date.now() - started;
    if (Date.now() - started > timeoutMs) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await new Promise((ok) => setTimeout(ok, everyMs));
  }
}

export const fresh = (page) => page.getAttribute('.viewer', 'data-fresh');
export const stats = (page) => page.evaluate(() => ({
  frames: xwStats.frames, missed: xwStats.missed, underruns: xwStats.underruns, drawn: xwStats.drawn, newest: xwStats.newest,
  p95: xwStats.costP95Ms, script: xwStats.scriptP95Ms, age: xwStats.ageS, held: xwStats.heldBackMs,
}));

// Paper geometry as documented: 10 mm (25 mm/s) or 15 mm (50 mm/s) at the left for the pulse.
export function geometry({ pxPerMm = 96 / 25.4, mmPerS = 25, width, height, layout = '3x4+1R' }) {
  const left = Math.round((mmPerS === 25 ? 10 : 15) * pxPerMm);
  const upper = height - Math.round(height * 0.25);
  const column = Math.round(Math.floor(((width - left) / 4 / (5 * pxPerMm)) * 2) * 2.5 * pxPerMm);
  return { left, upper, strip: layout === '3x4+1R' ? 4 * column : width - left, column };
}
export const paperSize = (page) => page.evaluate(() => {
  const c = document.querySelector('canvas.paper');
  return { width: c.width, height: c.height };
});
