// Pictures and figures of the pages against a running demonstration county:
//   XW_WEB_BASE=http://localhost:PORT node tests/web/real.mjs OUTDIR [WIDTHxHEIGHT]
import { mkdirSync } from 'node:fs';
import { launch, newPage } from './browser.mjs';

const base = process.env.XW_WEB_BASE ?? 'http://localhost:8600';
const out = process.argv[2] ?? 'shots';
const [width, height] = (process.argv[3] ?? '1280x800').split('x').map(Number);
mkdirSync(out, { recursive: true });
const browser = await launch();
const { page, faults } = await newPage(browser, { width, height });
const shot = (name) => page.screenshot({ path: `${out}/real-${name}-${width}.png` });
const wait = (ms) => page.waitForTimeout(ms);
const figures = async (what) => console.log(what, await page.evaluate(() => ({
  frames: xwStats.frames, missed: xwStats.missed, p95: xwStats.costP95Ms, script: xwStats.scriptP95Ms, underruns: xwStats.underruns, age: xwStats.ageS,
  held: xwStats.heldBackMs, rtt: xwStats.rttMs, bad: xwStats.badBlocks, fresh: document.querySelector('.badge')?.textContent, hr: document.querySelector('[data-vital=hr]')?.textContent,
})));
await page.goto(base);
await page.click('[data-role=reader]');
await page.waitForSelector('.row');
await wait(3500);
await shot('list');
await page.click('.row .c-bed');
await page.waitForSelector('[data-fresh=live].badge', { timeout: 10_000 });
await page.evaluate(() => xwStats.reset());
await wait(12_000);
await shot('live');
await figures('live');
const act = (a) => page.click(`[data-action=${a}]`);
await act('vf');
await page.waitForSelector('.alarm-top .priority-high', { timeout: 15_000 }).then(() => console.log('alarm seen'), () => console.log('NO ALARM'));
await wait(500);
await shot('alarm');
await page.keyboard.press('e');
await wait(1000);
await shot('evidence');
await page.keyboard.press('End');
await page.click('.alarm-top .ack').catch(() => console.log('no ack button'));
await wait(1200);
await shot('acked');
await act('normal');
await wait(2500);
await act('cut');
await wait(2200);
await shot('stale');
await wait(5000);
await shot('lost');
await act('heal');
await wait(2500);
await shot('healing');
await figures('after heal');
await wait(5000);
await shot('healed');
await figures('healed');
await page.goto(`${base}/#/gateways`);
await wait(1500);
await shot('gateways');
console.log('faults', faults, await page.evaluate(() => window.xwViolations));
await browser.close();
