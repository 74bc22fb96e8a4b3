// Chromium for the tests: one launch, a fresh context a test, failures of the page collected.
import { loadPlaywright } from './fake/packages.mjs';

const ARGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

export async function launch() {
  const pw = await loadPlaywright();
  const chromium = pw.chromium ?? pw.default.chromium;
  return chromium.launch({ executablePath: process.env.XW_CHROMIUM ?? '/usr/bin/chromium', headless: true, args: ARGS });
}

// faults: what the page complained of: script errors, policy violations, console errors.
export async function newPage(browser, { width = 1280, height = 800, storage = {} } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, deviceScaleFactor: 1, locale: 'zh-CN', timezoneId: 'Asia/Shanghai' });
  const page = await context.newPage();
  const faults = [];
  page.on('pageerror', (e) => faults.push(`script: ${e.message}`));
  page.on('console', (m) => {
    if (m.type() === 'error' && !/ERR_CONNECTION|ERR_EMPTY|WebSocket connection|status of [45]\d\d/.test(m.text())) faults.push(`console: ${m.text()}`);
  });
  await page.addInitScript((entries) => {
    for (const [k, v] of Object.entries(entries)) if (localStorage.getItem(k) === null) localStorage.setItem(k, v);
    window.xwViolations = [];
    document.addEventListener('securitypolicyviolation', (e) => window.xwViolations.push(`${e.violatedDirective} ${e.blockedURI}`));
  }, storage);
  return { page, context, faults };
}
