// Pictures of the main screens to look at:  node tests/web/shots.mjs OUTDIR [WIDTHxHEIGHT]
import { mkdirSync } from 'node:fs';
import { FakeCenter } from './fake/center.mjs';
import { FakeVideo } from './fake/video.mjs';
import { encoder, h264 } from './fake/h264.mjs';
import { launch, newPage } from './browser.mjs';

const out = process.argv[2] ?? 'shots';
const [width, height] = (process.argv[3] ?? '1280x800').split('x').map(Number);
const only = process.argv[4];
mkdirSync(out, { recursive: true });
const center = new FakeCenter({ streams: 24, mothers: 1 });
const base = await center.start();
const browser = await launch();
const { page, faults } = await newPage(browser, { width, height });
const shot = async (name) => {
  await page.screenshot({ path: `${out}/${name}-${width}.png` });
};
const wait = (ms) => page.waitForTimeout(ms);
const want = (n) => !only || only.split(',').includes(n);
await page.goto(base);
await page.waitForSelector('.tile');
if (want('first')) await shot('first');
await page.click('[data-role=reader]');
await page.waitForSelector('.row');
await wait(3000);
if (want('list')) await shot('list');
const s = center.stream('ecg-01');
await page.goto(`${base}/#/live/${s.id}`);
await wait(4000);
if (want('live')) await shot('live');
if (want('layouts')) {
  await page.keyboard.press('2');
  await wait(1200);
  await shot('live-6x2');
  await page.keyboard.press('3');
  await wait(1200);
  await shot('live-12x1');
  await page.keyboard.press('m');
  await wait(1500);
  await shot('live-scroll');
  await page.keyboard.press('m');
  await page.keyboard.press('1');
}
if (want('reading')) {
  await page.keyboard.press('r');
  await page.waitForSelector('.reading[data-reading=ready]');
  await wait(400);
  await shot('reading');
  await page.evaluate(() => document.querySelector('.rd-median').scrollIntoView());
  await wait(300);
  await shot('reading-median');
  await page.evaluate(() => document.querySelector('.rd-table').scrollIntoView({ block: 'end' }));
  await wait(300);
  await shot('reading-table');
  await page.keyboard.press('Escape');
  await page.keyboard.press(' ');
  for (let k = 0; k < 2; k++) await page.keyboard.press('Shift+ArrowLeft');
  await wait(300);
  await page.keyboard.press('r');
  await page.waitForSelector('.reading[data-reading=ready]');
  await page.keyboard.press('End');
  await page.keyboard.press('r');
  await page.waitForSelector('[data-do=compare]');
  await page.click('[data-do=compare]');
  await page.evaluate(() => document.querySelector('.rd-compare').scrollIntoView({ block: 'center' }));
  await wait(300);
  await shot('reading-compare');
  await page.keyboard.press('Escape');
  const st = center.stream('ecg-02');
  st.st = { II: 0.25, III: 0.3, aVF: 0.28, I: -0.1, aVL: -0.15 };
  st.reversed = true;
  await page.goto(`${base}/#/live/${st.id}`);
  await wait(3500);
  await page.keyboard.press('r');
  await page.waitForSelector('[data-statement=stemi_inferior]');
  await page.click('[data-statement=stemi_inferior] button');
  await wait(600);
  await shot('reading-stemi');
  await page.keyboard.press('t');
  await page.keyboard.press('l');
  await page.evaluate(() => document.querySelector('.rd-median').scrollIntoView({ block: 'center' }));
  await wait(600);
  await shot('reading-night-en');
  await page.keyboard.press('t');
  await page.keyboard.press('l');
  center.refuse = { status: 503, error: 'busy' };
  await page.keyboard.press('r');
  await wait(500);
  await shot('reading-busy');
  center.refuse = null;
  await page.keyboard.press('Escape');
  await page.goto(`${base}/#/live/${s.id}`);
  await wait(2000);
}
if (want('alarm')) {
  center.vf(s);
  await wait(5500);
  await shot('alarm');
  await page.keyboard.press('e');
  await wait(800);
  await shot('evidence');
  await page.keyboard.press('End');
  center.normal(s);
}
if (want('cut')) {
  center.cut('gw-dongcun');
  await wait(2600);
  await shot('stale');
  await wait(4000);
  await shot('lost');
  center.heal('gw-dongcun', 800);
  await wait(2500);
  await shot('healing');
  await wait(7000);
  center.cut('gw-dongcun');
  await wait(2500);
  const at = s.newest;
  center.heal('gw-dongcun', 400);
  center.gap('ecg-01', at + 100, 800, 'spool_limit');
  await wait(4500);
  await shot('healed-lost');
}
if (want('night')) {
  await page.keyboard.press('t');
  await wait(800);
  await shot('night');
  await page.keyboard.press('t');
}
if (want('two')) {
  await page.goto(`${base}/#/live/${center.stream('two').id}`);
  await wait(3500);
  await shot('two');
}
if (want('ctg')) {
  await page.goto(`${base}/#/live/${center.stream('ctg-1').id}`);
  await wait(3000);
  await shot('ctg');
  await page.keyboard.press('s');
  await page.keyboard.press('t');
  await wait(700);
  await shot('ctg-night');
  await page.keyboard.press('t');
}
if (want('pages')) {
  await page.goto(`${base}/#/studies`);
  await wait(700);
  await shot('studies-empty');
  await page.goto(`${base}/#/live/${center.stream('ecg-02').id}`);
  await wait(3500);
  await page.keyboard.press('c');
  await wait(300);
  await shot('capture');
  await page.click('[data-reason=chest_pain]');
  await wait(400);
  await page.goto(`${base}/#/studies`);
  await wait(700);
  await shot('studies');
  await page.click('[data-study] a');
  await wait(1500);
  await shot('study');
  await page.goto(`${base}/#/gateways`);
  await wait(1200);
  await shot('gateways');
  await page.keyboard.press('?');
  await wait(300);
  await shot('keys');
  await page.keyboard.press('Escape');
}
if (want('bed') && !(await encoder())) {
  const mother = center.stream('mother-1');
  const video = new FakeVideo(center, await h264(), { gateway: mother.gateway, bed: mother.bed });
  const clip = video.addClip(center.now() - 300e6);
  video.addClip(center.now() - 150e6, { held: 1e6, end: 'interrupted' });
  video.startRecording();
  await page.goto(`${base}/#/bed/${center.beds().find((b) => b.attachments.some((a) => a.id === video.id)).id}`);
  await wait(5000);
  await shot('bed');
  await page.keyboard.press('v');
  await wait(1500);
  await shot('bed-picture');
  await page.keyboard.press('v');
  video.stalled = true;
  await wait(6500);
  await shot('bed-frozen');
  video.stalled = false;
  await page.click(`[data-clip="${clip.id}"] button`);
  await page.keyboard.press('ArrowRight');
  await wait(2000);
  await shot('bed-past');
}
if (want('rules')) {
  center.rules.save({ 'pause.rr_s': '2.5', 'tachycardia.rate_bpm': '150' }, 'li', '专家组 3 月会议决定');
  center.rules.save({ 'supraventricular_tachycardia.rate_bpm': '180' }, 'wang', '按省里标准');
  center.gateways[1].rulesSaid = { version: 1, refused: 'line 9: tachycardia.new: there is no such field' };
  await page.context().clearCookies();
  await page.goto(base);
  await page.waitForSelector('.tile');
  await page.click('[data-role=admin]');
  await wait(800);
  await page.goto(`${base}/#/rules`);
  await page.waitForSelector('.rules-history');
  await page.fill('[data-rule="bradycardia.rate_bpm"]', '38');
  await page.fill('[data-rule="run.beats"]', '99');
  await wait(900);
  await shot('rules');
  await page.evaluate(() => document.querySelector('.rules-history').scrollIntoView());
  await wait(300);
  await shot('rules-history');
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press('l');
  await page.evaluate(() => document.querySelector('h1').scrollIntoView());
  await wait(500);
  await shot('rules-en');
}
console.log('faults', faults, await page.evaluate(() => window.xwViolations));
console.log(await page.evaluate(() => ({ frames: xwStats.frames, missed: xwStats.missed, p95: xwStats.costP95Ms, script: xwStats.scriptP95Ms, under: xwStats.underruns, age: xwStats.ageS })));
await browser.close();
await center.stop();
