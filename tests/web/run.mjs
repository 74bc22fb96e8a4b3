// Browser tests. By default against a county of its own (fake/), built pages from web/dist:
//   [XW_WEB_GROUP=video] node tests/web/run.mjs [PATTERN]
// Against a running county in demo mode (only the cases that ask nothing of the signal):
//   XW_WEB_BASE=http://localhost:8080 node tests/web/run.mjs
// Prints one line a case and "N passed, N failed, N skipped"; exit 1 when one failed.
import { existsSync, mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { webRoot } from './fake/packages.mjs';
import { FakeCenter } from './fake/center.mjs';
import { launch, newPage } from './browser.mjs';
import { pixelFunctions } from './pixels.mjs';
import { cases as paper } from './cases-paper.mjs';
import { cases as live } from './cases-live.mjs';
import { cases as pages } from './cases-pages.mjs';
import { cases as video } from './cases-video.mjs';
import { cases as ctg } from './cases-ctg.mjs';
import { cases as gateways } from './cases-gateways.mjs';
import { cases as reading } from './cases-reading.mjs';
import { cases as rules } from './cases-rules.mjs';
import { cases as vitals } from './cases-vitals.mjs';

const base = process.env.XW_WEB_BASE ?? '';
const pattern = process.argv[2] ?? '';
const failures = process.env.XW_WEB_SHOTS ?? '';

if (!existsSync(process.env.XW_CHROMIUM ?? '/usr/bin/chromium')) {
  console.log('0 passed, 0 failed, 1 skipped (no Chromium)');
  process.exit(77);
}
if (!base && !existsSync(fileURLToPath(new URL('dist/index.html', webRoot)))) {
  console.error('web/dist is missing: npm ci && npm run build in web/');
  process.exit(1);
}

const group = process.env.XW_WEB_GROUP ?? '';
const all = Object.entries({ paper, live, reading, pages, gateways, rules, ctg, vitals, video }).filter(([g]) => !group || g === group).flatMap(([, c]) => c).filter((c) => c.name.includes(pattern));
const browser = await launch();
let passed = 0;
let failed = 0;
let skipped = 0;
for (const c of all) {
  if (base && !c.anyCounty) {
    skipped++;
    continue;
  }
  const lacking = await c.skip?.();
  if (lacking) {
    skipped++;
    console.log(`skipped - ${c.name}: ${lacking}`);
    continue;
  }
  const center = base ? null : new FakeCenter(c.center ?? {});
  const url = base || (await center.start());
  const { page, context, faults } = await newPage(browser, { ...c.view, storage: c.storage });
  await page.addInitScript(pixelFunctions);
  for (const script of [c.init ?? []].flat()) await page.addInitScript(script);
  const started = Date.now();
  let error = null;
  try {
    await c.run({ page, center, url, context });
    faults.push(...(await page.evaluate(() => window.xwViolations ?? [])));
    if (faults.length > 0) throw new Error(`the page complained: ${faults.join(' | ')}`);
  } catch (e) {
    error = e;
    if (failures) {
      mkdirSync(failures, { recursive: true });
      await page.screenshot({ path: `${failures}/${c.name.replace(/\W+/g, '-')}.png` }).catch(() => {});
    }
  }
  await context.close();
  await center?.stop();
  if (error) failed++;
  else passed++;
  console.log(`${error ? 'not ok' : 'ok'} ${passed + failed} - ${c.name} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
  if (error) console.log(`  ${String(error.message ?? error).split('\n').join('\n  ')}`);
}
await browser.close();
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exit(failed > 0 ? 1 : 0);
