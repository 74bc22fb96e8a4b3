// A county reader: Chromium on the live page of one stream, and what the page measures of itself
// (window.xwStats, see web/src/ecg/stats.ts).
import { createRequire } from 'node:module';
import path from 'node:path';
import { root } from './county.mjs';
import { monoUs } from './figures.mjs';
import { until } from './processes.mjs';

const require = createRequire(path.join(root, 'web', 'package.json'));
const ARGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

class Reader {
  constructor(browser, page) {
    Object.assign(this, { browser, page, faults: [] });
    page.on('pageerror', (error) => this.faults.push(error.message));
  }

  // CLOCK_MONOTONIC in µs at performance.now() = 0: of 40 exchanges the one with the shortest way.
  async monoOrigin() {
    let best = { rtt: Infinity, origin: 0 };
    for (let i = 0; i < 40; i++) {
      const before = monoUs();
      const nowMs = await this.page.evaluate(() => performance.now());
      const after = monoUs();
      if (after - before < best.rtt) best = { rtt: after - before, origin: (before + after) / 2 - nowMs * 1000 };
    }
    return best;
  }

  reset() {
    return this.page.evaluate(() => window.xwStats.reset());
  }

  stats() {
    return this.page.evaluate(() => {
      const s = window.xwStats;
      return {
        frames: s.frames, missed: s.missed, missedShare: s.missed / Math.max(1, s.frames + s.missed), underruns: s.underruns,
        paintP50Ms: s.costP50Ms, paintP95Ms: s.costP95Ms, scriptP95Ms: s.scriptP95Ms, playoutDelayMs: s.playoutDelayMs,
        badBlocks: s.badBlocks, reconnects: s.reconnects, ageS: s.ageS, newest: s.newest, drawn: s.drawn, hiddenFrames: s.hiddenFrames,
      };
    });
  }

  // Logs of frames drawn ('log') or blocks arrived ('arrivals'): [performance ms, one after the newest index].
  frames(which = 'log', of = 'xwStats') {
    return this.page.evaluate(([name, stats]) => {
      const log = window[stats][name];
      const size = log.tMs.length;
      const out = [];
      for (let i = Math.max(0, log.n - size); i < log.n; i++) out.push([log.tMs[i % size], log.head[i % size]]);
      return out;
    }, [which, of]);
  }

  async close() {
    const stats = await this.stats();
    await this.browser.close();
    return stats;
  }
}

// Opens a page of the county as a signed-in reader.
export async function openPage(county, hash, { width = 1280, height = 800, settings = {} } = {}) {
  const playwright = require('playwright-core');
  const browser = await playwright.chromium.launch({ executablePath: process.env.XW_CHROMIUM ?? '/usr/bin/chromium', headless: true, args: ARGS });
  try {
    const context = await browser.newContext({ viewport: { width, height }, deviceScaleFactor: 1, locale: 'zh-CN', timezoneId: 'Asia/Shanghai' });
    const [name, value] = county.api.cookie.split('=');
    await context.addCookies([{ name, value, url: county.api.base, httpOnly: true, sameSite: 'Strict' }]);
    const page = await context.newPage();
    const reader = new Reader(browser, page);
    await page.addInitScript((entries) => {
      for (const [key, setting] of Object.entries(entries)) localStorage.setItem(`xw.${key}`, JSON.stringify(setting));
    }, settings);
    await page.goto(`${county.api.base}/?bench=1#${hash}`);
    return reader;
  } catch (error) {
    await browser.close();
    throw error;
  }
}

// Opens the live page of a stream and waits until its picture moves.
export async function openReader(county, stream, options) {
  const reader = await openPage(county, `/live/${stream}`, options);
  const { page, browser } = reader;
  try {
    await until('the trace to move', async () => {
      const stats = await page.evaluate(() => (window.xwStats ? { n: window.xwStats.log.n, drawn: window.xwStats.drawn, stream: window.xwStats.stream } : null));
      return stats && stats.stream === stream && stats.n > 30 && stats.drawn > 0;
    }, { timeoutMs: 20000, stepMs: 100 });
    return reader;
  } catch (error) {
    await browser.close();
    throw error;
  }
}
