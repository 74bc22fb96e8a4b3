// Pages: roles, lists, states, languages, keys.
import { assert, enter, open, until } from './help.mjs';
import { onPaper } from './pixels.mjs';

export const cases = [
  {
    name: 'the first page of a demonstration has a tile for each role, six steps and a console, and is marked',
    anyCounty: true,
    async run({ page, url }) {
      await page.goto(url);
      await page.waitForSelector('.tile');
      assert.ok((await page.locator('.tile').count()) >= 1);
      assert.equal(await page.locator('.steps li').count(), 6);
      assert.match(await page.textContent('.top'), /演示数据/);
      assert.match(await page.title(), /演示数据/);
      assert.equal(await page.locator('.console').count(), 1);
    },
  },
  {
    name: 'a reader enters with one click, opens a row and sees a moving trace',
    anyCounty: true,
    async run({ page, url }) {
      await enter(page, url);
      await page.waitForSelector('.row');
      await page.waitForTimeout(1500);
      await page.click('.row .c-bed');
      await page.waitForSelector('[data-fresh=live].badge', { timeout: 8000 });
      await page.waitForTimeout(1200);
      assert.ok((await onPaper(page, 'inkCount')) > 1500, 'blank');
      const a = await onPaper(page, 'hash');
      await page.waitForTimeout(250);
      assert.notEqual(await onPaper(page, 'hash'), a, 'frozen');
      assert.match(await page.textContent('.viewer'), /演示数据/);
    },
  },
  {
    name: 'language and theme change without a reload, and stay',
    anyCounty: true,
    async run({ page, url }) {
      await enter(page, url);
      assert.match(await page.textContent('h1'), /实时监护/);
      await page.keyboard.press('l');
      assert.match(await page.textContent('h1'), /Live patients/);
      assert.equal(await page.getAttribute('html', 'lang'), 'en');
      await page.keyboard.press('t');
      assert.equal(await page.getAttribute('html', 'data-theme'), 'night');
      await page.reload();
      await page.waitForSelector('.list-page');
      assert.match(await page.textContent('h1'), /Live patients/);
      assert.equal(await page.getAttribute('html', 'data-theme'), 'night');
      const chinese = (await page.textContent('.list-head')).match(/[\u4e00-\u9fff]/);
      assert.equal(chinese, null);
    },
  },
  {
    name: 'the keys help opens with ? and closes with Escape; focus can be seen',
    anyCounty: true,
    async run({ page, url }) {
      await enter(page, url);
      await page.keyboard.press('?');
      await page.waitForSelector('dialog[open] .keys');
      await page.keyboard.press('Escape');
      await page.waitForSelector('dialog[open]', { state: 'detached' });
      await page.keyboard.press('Tab');
      await page.keyboard.press('Tab');
      const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineWidth);
      assert.ok(parseFloat(outline) >= 2, `outline ${outline}`);
    },
  },
  {
    name: 'the keyboard alone opens a patient from the list',
    center: { streams: 6 },
    async run({ page, url }) {
      await enter(page, url);
      await page.waitForSelector('.row');
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('ArrowDown');
      await page.evaluate(() => document.activeElement.blur());
      await page.keyboard.press('Enter');
      await page.waitForSelector('.viewer');
    },
  },
  {
    name: 'three hundred streams: a few rows exist, alarms stand first, the end can be reached',
    center: { streams: 300 },
    async run({ page, center, url }) {
      await enter(page, url);
      await page.waitForSelector('.row');
      await page.waitForTimeout(1500);
      assert.ok((await page.locator('.row').count()) < 40);
      assert.match(await page.textContent('.count'), /300/);
      const s = center.stream('ecg-77');
      center.vf(s);
      await until('the alarm on top', async () => (await page.locator('.row').first().getAttribute('data-device')) === 'ecg-77' || (await page.evaluate(() => [...document.querySelectorAll('.row')].find((r) => r.style.top === '0px')?.dataset.device)) === 'ecg-77', 6000);
      await page.evaluate(() => { const r = document.querySelector('.rows'); r.scrollTop = r.scrollHeight; });
      await until('the last row', async () => page.evaluate(() => [...document.querySelectorAll('.row')].some((r) => parseInt(r.style.top, 10) === 299 * 64)), 2000);
      const frames = await page.evaluate(async () => {
        let n = 0;
        const end = performance.now() + 2000;
        while (performance.now() < end) {
          await new Promise((ok) => requestAnimationFrame(ok));
          n++;
        }
        return n / 2;
      });
      console.log(`  # ${frames.toFixed(0)} frames/s with 300 streams`);
      assert.ok(frames > 15);
    },
  },
  {
    name: 'an empty list says what to do next',
    center: { streams: 0 },
    async run({ page, url }) {
      await enter(page, url);
      await page.waitForSelector('[data-state=empty]');
      assert.match(await page.textContent('[data-state=empty]'), /控制台/);
    },
  },
  {
    name: 'a failed read says what happened, what is safe, what to do and a code',
    center: { streams: 2 },
    async run({ page, url, center }) {
      await enter(page, url);
      const route = center.route.bind(center);
      center.route = (q, a, body) => (q.url.startsWith('/api/studies') ? center.json(a, 507, { error: 'storage', text: '' }) : route(q, a, body));
      await page.goto(`${url}/#/studies`);
      await page.waitForSelector('[data-state=error]');
      const text = await page.textContent('[data-state=error]');
      assert.match(text, /磁盘已满/);
      assert.match(text, /安全/);
      assert.match(text, /重试/);
      assert.match(text, /storage/);
      center.route = route;
      await page.click('[data-state=error] .primary');
      await page.waitForSelector('[data-state=empty]');
    },
  },
  {
    name: 'ten seconds are captured with a reason and shown as a study',
    center: { streams: 4 },
    async run({ page, center, url }) {
      await open(page, center, url, 'ecg-02');
      await page.waitForTimeout(1500);
      await page.keyboard.press('c');
      await page.click('[data-reason=chest_pain]');
      await until('the study', () => center.studies.length === 1, 2000);
      assert.equal(center.studies[0].items[0].count, 5000);
      assert.equal(center.studies[0].reason, 'chest_pain');
      await page.goto(`${url}/#/studies`);
      await page.waitForSelector('[data-study]');
      assert.match(await page.textContent('[data-study]'), /胸痛/);
      await page.click('[data-study] a');
      await page.waitForSelector('canvas.paper');
      await page.waitForTimeout(900);
      assert.ok((await onPaper(page, 'inkCount')) > 3000, 'blank study');
      await page.getByText('领取').click();
      await until('claimed', () => center.studies[0].state === 'claimed', 2000);
    },
  },
  {
    name: 'without demonstration there is a sign-in, which says when it fails, and no console',
    center: { streams: 3, demo: false },
    async run({ page, url }) {
      await page.goto(url);
      await page.waitForSelector('.login');
      assert.equal(await page.locator('.console, .demo-badge, .tile').count(), 0);
      await page.fill('input[name=user]', 'wang');
      await page.fill('input[name=password]', 'wrong');
      await page.click('.login .primary');
      await page.waitForSelector('.login .inline-error');
      await page.fill('input[name=password]', 'correct');
      await page.click('.login .primary');
      await page.waitForSelector('.row');
      assert.equal(await page.locator('.demo-badge').count(), 0);
    },
  },
  {
    name: 'a technician sees the own site alone, with large targets and what has reached the county',
    center: { streams: 9 },
    async run({ page, center, url }) {
      await enter(page, url, 'technician');
      await page.waitForSelector('.row');
      assert.match(await page.textContent('.count'), /共 3 路/);
      assert.match(await page.textContent('.site-state'), /县中心已收到：全部收到/);
      const heights = await page.evaluate(() => [...document.querySelectorAll('.touch .button, .touch .row, .touch .quiet')].filter((e) => e.offsetParent).map((e) => e.getBoundingClientRect().height));
      assert.ok(heights.length > 3 && heights.every((h) => h >= 44), `${Math.min(...heights)} px`);
      center.cut('gw-dongcun');
      await until('the lamp', async () => /存在本地网关/.test(await page.textContent('.site-state')), 4000);
      await page.waitForSelector('.technical');
    },
  },
  {
    name: 'the administrator sees gateways, technical alarms and the audit',
    center: { streams: 3 },
    async run({ page, center, url }) {
      center.audit.push({ id: 1, wall_us: Date.now() * 1000, user: 'wang', action: 'login', subject: '', outcome: 'ok' });
      await enter(page, url, 'admin');
      await page.waitForSelector('[data-gateway]');
      assert.equal(await page.locator('[data-gateway]').count(), 3);
      center.cut('gw-xizhen');
      await until('cut', async () => /链路断开/.test(await page.textContent('[data-gateway=gw-xizhen]')), 4000);
      assert.match(await page.textContent('.page'), /登录/);
    },
  },
  {
    name: 'the administrator makes a code that is shown once, and revokes a gateway after a confirmation',
    center: { streams: 3 },
    async run({ page, center, url }) {
      await enter(page, url, 'admin');
      await page.click('[data-enrol]');
      await page.fill('input[name=gateway]', 'gw-xizhen');
      await page.fill('input[name=site]', '西镇');
      await page.click('.enrol-form .primary');
      await until('told that it is taken', async () => /已有同名网关/.test(await page.textContent('.enrol-form')), 3000);
      await page.fill('input[name=gateway]', 'gw-new');
      await page.click('.enrol-form .primary');
      await page.waitForSelector('[data-code]');
      assert.match(await page.textContent('[data-code]'), /^[0-9A-Z]{4}(-[0-9A-Z]{4}){3}-[0-9A-Z]$/);
      assert.match(await page.textContent('.enrol-code'), /有效期至.*只显示这一次/);
      await page.keyboard.press('Escape');
      await page.waitForSelector('[data-open-code=gw-new]');
      assert.equal(await page.locator('[data-code]').count(), 0);
      assert.doesNotMatch(await page.textContent('.page'), /7KQ4/);
      await page.click('[data-open-code=gw-new] .button');
      await until('withdrawn', async () => (await page.locator('[data-open-code]').count()) === 0, 3000);

      await page.click('[data-revoke=gw-xizhen]');
      assert.match(await page.textContent('dialog'), /几秒内断开/);
      await page.click('dialog .dialog-actions .button >> nth=0');
      await until('closed', async () => (await page.locator('dialog').count()) === 0, 3000);
      assert.ok(!center.gateways[1].revoked);
      await page.click('[data-revoke=gw-xizhen]');
      await page.click('[data-confirm]');
      await until('revoked', async () => /已吊销/.test(await page.textContent('[data-gateway=gw-xizhen]')), 4000);
      assert.ok(center.gateways[1].revoked);
      assert.equal(await page.locator('[data-revoke=gw-xizhen]').count(), 0);
      assert.equal(await page.getAttribute('[data-gateway=gw-xizhen]', 'data-gateway-state'), 'revoked');
    },
  },
  {
    name: 'the console acts on the target that was chosen, and the steps tick themselves off',
    center: { streams: 4 },
    async run({ page, center, url }) {
      await page.goto(url);
      await page.waitForSelector('.console');
      await page.selectOption('.console select >> nth=0', 'gw-xizhen');
      await page.click('[data-action=cut]');
      await until('cut', () => !center.gateways[1].linked, 2000);
      await page.waitForSelector('[data-step=cut_seen].done', { timeout: 4000 });
      await page.click('[data-action=heal]');
      await until('healed', () => center.gateways[1].linked, 2000);
    },
  },
];
