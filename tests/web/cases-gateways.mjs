// Gateways, the way of their alarms, and the three lights.
import { assert, enter, until } from './help.mjs';

const card = (id) => `[data-gateway=${id}]`;
const stateOf = (page, id) => page.getAttribute(card(id), 'data-gateway-state');
const lightOf = (page, row, which) => page.getAttribute(`${row} [data-light=${which}]`, 'data-state');

export const cases = [
  {
    name: 'a gateway’s card tells link, bandwidth, queue, oldest unsent second, clock, disk, version and the last proven alarm path',
    center: { streams: 3 },
    async run({ page, url }) {
      await enter(page, url);
      await page.goto(`${url}/#/gateways`);
      await until('the status', async () => (await stateOf(page, 'gw-dongcun').catch(() => '')) === 'good' && /10\.0 Mbit/.test(await page.textContent(card('gw-dongcun'))), 6000);
      const text = await page.textContent(card('gw-dongcun'));
      for (const what of [/链路在线|已连接|链路/, /往返 8\.2 ms/, /10\.0 Mbit\/s/, /没有积压/, /与县中心相差 -1\.3 ms ± 4\.1 ms/, /漂移 12\.3 ppm/, /已用 3\.2 GB · 剩余 17\.0 GB/, /0\.1\.0/, /上次验证 \d{4}-/]) assert.match(text, what);
      assert.match(await page.getAttribute(`${card('gw-dongcun')} [data-path]`, 'title'), /网关报警入口 0\.3 ms · 网关存储 9\.0 ms · .*报警屏.*回程/);
      await page.keyboard.press('l');
      const english = await page.textContent(card('gw-dongcun'));
      for (const what of [/round trip/, /Uplink/, /nothing waits/, /from the county/, /drift 12\.3 ppm/, /3\.2 GB used/, /last proven/]) assert.match(english, what);
      assert.equal(english.replace('东村卫生院', '').match(/[\u4e00-\u9fff]/), null);
    },
  },
  {
    name: 'each state of a gateway looks like what it is: cut, never seen, suspended, disk low and full, clock off, alarm path broken, unproven, unattended',
    center: { streams: 3 },
    async run({ page, center, url }) {
      const [a, b] = center.gateways;
      await enter(page, url);
      await page.goto(`${url}/#/gateways`);
      const becomes = async (said, state, pattern, path) => {
        a.said = said;
        a.path = path;
        center.status();
        await until(state, async () => (await stateOf(page, a.id).catch(() => '')) === state && pattern.test(await page.textContent(card(a.id))), 6000);
      };
      await becomes({ suspended_n: 2 }, 'suspended', /链路太窄：2 路信号暂停实时/);
      await becomes({ spool_low: true }, 'low', /空间不足/);
      await becomes({ spool_full: true }, 'full', /已满：不再接收/);
      a.said = undefined;
      await becomes({ clock_uncertainty_us: 1000, clock_drift_known: false }, 'good', /± 1\.0 ms/);
      await becomes({ clock_uncertainty_us: 0 }, 'good', /时差未测得/);
      await becomes(undefined, 'path', /断在：网关存储/, { state: 2, leg: 2 });
      await becomes(undefined, 'good', /无人值守/, { state: 3, leg: 8 });
      await becomes(undefined, 'good', /尚未验证[\s\S]*上次验证 从未/, { state: 0, proven_wall_us: 0, legs_us: [] });
      await becomes({ clock_uncertainty_us: 1000 }, 'good', /已证实/);
      center.clockOff = -7_300_000;
      await until('the clock', async () => (await stateOf(page, a.id)) === 'clock' && /-7\.3 s ± 1\.0 ms[\s\S]*时钟偏差过大/.test(await page.textContent(card(a.id))), 4000);
      center.clockOff = undefined;
      center.cut(b.id);
      await until('the cut', async () => (await stateOf(page, b.id)) === 'cut' && /链路断开/.test(await page.textContent(card(b.id))), 4000);
      assert.match(await page.textContent(card(b.id)), /链路断开前的数值/);
      b.said = { backlog_ms: 372_000, backlog_bytes: 4.1e6, oldest_unsent_wall_us: center.now() - 372e6 };
      center.heal(b.id);
      await until('the queue', async () => /6\.2 分钟 · 4\.1 MB[\s\S]*最早未传 \d{4}-/.test(await page.textContent(card(b.id))), 4000);
      center.gateways[2].linked = false;
      center.gateways[2].said = { seen: false, report_wall_us: 0 };
      await until('never seen', async () => (await stateOf(page, 'gw-beicun')) === 'never' && /从未连接/.test(await page.textContent(card('gw-beicun'))), 4000);
    },
  },
  {
    name: 'a gateway’s card tells of its folder of files: taken, waiting, broken with the reason as text, and a folder that fails; none where there is no folder',
    center: { streams: 3 },
    async run({ page, center, url }) {
      const [a, b] = center.gateways;
      const reason = `<img src=x onerror="window.hostile=1"> ${'长'.repeat(60)}${'x'.repeat(60)}`;
      a.said = { imports: { taken: 12, repeated: 1, waiting: 3, quarantine: 2, reason, reason_wall_us: center.now() } };
      await enter(page, url);
      await page.goto(`${url}/#/gateways`);
      center.status();
      const box = `${card(a.id)} [data-files]`;
      await until('the files', async () => /已成检查 12 · 重复 1[\s\S]*等待中 3[\s\S]*无法读取 2 个/.test(await page.textContent(box).catch(() => '')), 6000);
      assert.equal(await page.getAttribute(box, 'data-files'), 'broken');
      assert.ok((await page.textContent(box)).includes(reason));
      assert.equal(await page.$(`${box} img`), null);
      assert.equal(await page.evaluate(() => window.hostile), undefined);
      assert.ok(await page.evaluate((at) => document.querySelector(at).scrollWidth <= document.querySelector(at).clientWidth, card(a.id)), 'a long reason stays within its card');
      assert.equal(await page.$(`${card(b.id)} [data-files]`), null);
      a.said = { imports: { taken: 12, failed: true } };
      center.status();
      await until('the failure', async () => (await page.getAttribute(box, 'data-files')) === 'failed' && /文件夹不可用/.test(await page.textContent(box)), 6000);
    },
  },
  {
    name: 'every page of a reader is an alarm screen while it can be seen: it answers within a frame or so; one that is left is none',
    center: { streams: 3 },
    async run({ page, center, url }) {
      await enter(page, url);
      await page.waitForSelector('.row');
      await until('the screen', () => center.probe(7) === 1, 3000);
      await until('the answer', () => center.seen?.some((s) => s.probe === 7), 3000);
      const { held_us: held } = center.seen.find((s) => s.probe === 7);
      assert.ok(held > 0 && held < 2_000_000, `${held} us`);
      assert.equal(await page.getAttribute('[data-alarm-path]', 'data-alarm-path'), 'proven');
      assert.match(await page.textContent('[data-alarm-path]'), /报警通路：已验证 \d\d:/);
      center.gateways[1].path = { state: 2, leg: 3 };
      await until('a broken one', async () => (await page.getAttribute('[data-alarm-path]', 'data-alarm-path')) === 'broken', 3000);
      for (const [i, path] of ['gateways', 'studies', `live/${center.stream('ecg-01').id}`].entries()) {
        await page.goto(`${url}/#/${path}`);
        await until(`a screen at ${path}`, () => center.probe(8 + i) === 1 && center.seen.some((s) => s.probe === 8 + i), 3000);
      }
      await page.evaluate(() => {
        Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));
      });
      await until('no screen in the background', () => center.probe(20) === 0, 3000);
    },
  },
  {
    name: 'an alarm of another patient stands at the head of a patient’s page, with whose it is, until it is acknowledged; his own does not',
    center: { streams: 3 },
    async run({ page, center, url }) {
      const [mine, other] = ['ecg-01', 'ecg-02'].map((name) => center.stream(name));
      const alarm = (s, code, priority) => center.event(s, { kind: 3, code, priority, first: s.newest, end: 0, rule: 'test', rule_version: '1' });
      await enter(page, url);
      await page.goto(`${url}/#/live/${mine.id}`);
      await page.waitForSelector('[data-fresh=live].badge', { timeout: 8000 });
      alarm(mine, 'TACHY', 2);
      await until('his own at his page', async () => (await page.$('.viewer .alarm-top .alarm-name')) !== null, 3000);
      assert.equal(await page.$('[data-elsewhere]'), null);
      alarm(other, 'VF', 3);
      await until('the other’s', async () => (await page.getAttribute('[data-elsewhere]', 'data-stream').catch(() => '')) === other.id, 3000);
      await until('whose it is', async () => /高.*室颤/.test(await page.textContent('[data-elsewhere]')), 3000);
      await page.goto(`${url}/#/list`);
      await page.waitForSelector('.row');
      assert.equal(await page.$('[data-elsewhere]'), null);
      await page.fill('input[type=search]', 'nobody');
      await until('what a search hides', async () => (await page.getAttribute('[data-elsewhere]', 'data-elsewhere').catch(() => '')) === '2', 3000);
      await page.fill('input[type=search]', '');
      await page.goto(`${url}/#/live/${mine.id}`);
      await page.click('[data-elsewhere]');
      await until('his page', () => page.url().endsWith(other.id), 3000);
      await page.click('.viewer .button.ack');
      await page.goto(`${url}/#/studies`);
      await until('one left', async () => (await page.getAttribute('[data-elsewhere]', 'data-stream').catch(() => '')) === mine.id, 3000);
    },
  },
  {
    name: 'three lights at each row and study: green means proven, and nothing is green that nobody can tell',
    center: { streams: 3 },
    async run({ page, center, url }) {
      await enter(page, url);
      await page.waitForSelector('.row');
      const row = `.row[data-device="${center.stream('ecg-01').name}"]`;
      await until('all green', async () => (await lightOf(page, row, 'captured')) === 'proven' && (await lightOf(page, row, 'gateway')) === 'proven' && (await lightOf(page, row, 'county')) === 'proven', 4000);
      center.cut('gw-dongcun');
      await until('nobody can tell', async () => (await lightOf(page, row, 'gateway')) === 'unknown' && (await lightOf(page, row, 'captured')) === 'unknown' && (await lightOf(page, row, 'county')) !== 'proven', 6000);
      center.heal('gw-dongcun');
      await until('green again', async () => (await lightOf(page, row, 'county')) === 'proven', 15000);
      center.studies.push({ id: '01890000-0000-7000-8000-000000000001', kind: 'ecg_12', site: '东村卫生院', reason: 'chest_pain', urgent: true, state: 'captured', items: [], created_wall_us: center.now(), author: 'device', changes: [], lights: { captured: 'proven', gateway: 'proven', county: 'waiting' } });
      await page.goto(`${url}/#/studies`);
      const study = '[data-study="01890000-0000-7000-8000-000000000001"]';
      await page.waitForSelector(study);
      assert.equal(await lightOf(page, study, 'gateway'), 'proven');
      assert.equal(await lightOf(page, study, 'county'), 'waiting');
      assert.match(await page.getAttribute(`${study} .lights`, 'aria-label'), /已采集：已证实 · 已存网关：已证实 · 已存县中心：尚未/);
    },
  },
  {
    name: 'a revoked gateway and one that is linked are enrolled anew from their cards: one code, under the old id, and the page says when it was used',
    center: { streams: 3 },
    async run({ page, center, url }) {
      await enter(page, url, 'admin');
      await page.click('[data-revoke=gw-xizhen]');
      await page.click('[data-confirm]');
      await until('revoked', async () => (await stateOf(page, 'gw-xizhen')) === 'revoked', 4000);

      await page.click('[data-reenrol=gw-xizhen]');
      assert.match(await page.textContent('dialog'), /重新登记网关 gw-xizhen[\s\S]*已吊销[\s\S]*原来的编号/);
      assert.equal(await page.locator('dialog input[name=gateway]').count(), 0, 'the id is not asked for again');
      assert.equal(await page.inputValue('dialog input[name=site]'), '西镇卫生院');
      await page.click('.enrol-form .primary');
      await page.waitForSelector('[data-code]');
      assert.deepEqual(center.codes.map((c) => [c.gateway, c.state]), [['gw-xizhen', 'open']]);
      // It is shown once: a slip beside it must not take it away.
      await page.mouse.click(5, 5);
      await page.waitForTimeout(200);
      assert.equal(await page.getAttribute('.enrol-code', 'data-code-state'), 'open');
      assert.match(await page.textContent('.enrol-code'), /有效期至[\s\S]*没有字母 O、I、L、U[\s\S]*等网关使用/);
      center.useCode('gw-xizhen');
      await until('used', async () => (await page.getAttribute('.enrol-code', 'data-code-state')) === 'used', 5000);
      assert.match(await page.textContent('.enrol-code'), /网关已登记 \d{4}-/);
      await until('the card', async () => (await stateOf(page, 'gw-xizhen')) !== 'revoked', 4000);
      await page.keyboard.press('Escape');
      await until('closed', async () => (await page.locator('dialog').count()) === 0, 3000);
      await page.click('.ended-codes summary');
      assert.match(await page.textContent('[data-ended-code=gw-xizhen]'), /已使用 \d{4}-/);

      // One that is linked: what happens to the machine there is said, and a second code ends the first.
      await page.click('[data-reenrol=gw-dongcun]');
      assert.match(await page.textContent('dialog'), /现在在线：登记码一被使用，现在的这台机器立即断开/);
      await page.click('.enrol-form .primary');
      await page.waitForSelector('[data-code]');
      await page.keyboard.press('Escape');
      await until('on the card', async () => /有一个未用的登记码/.test(await page.textContent(card('gw-dongcun'))), 4000);
      await page.click('[data-reenrol=gw-dongcun]');
      await page.click('.enrol-form .primary');
      await page.waitForSelector('[data-code]');
      await page.keyboard.press('Escape');
      assert.deepEqual(center.codes.filter((c) => c.gateway === 'gw-dongcun').map((c) => c.state), ['withdrawn', 'open']);
      await page.click('[data-revoke=gw-dongcun]');
      await page.click('[data-confirm]');
      await until('its code has ended with it', async () => (await page.locator('[data-open-code]').count()) === 0, 5000);
    },
  },
  {
    name: 'a reader sees no buttons to enrol or revoke',
    center: { streams: 2 },
    async run({ page, url }) {
      await enter(page, url);
      await page.goto(`${url}/#/gateways`);
      await page.waitForSelector(card('gw-dongcun'));
      assert.equal(await page.locator('[data-reenrol], [data-revoke], [data-enrol]').count(), 0);
    },
  },
  {
    name: 'on a phone nothing of gateways, codes and lights is cut off',
    center: { streams: 3, mothers: 1 },
    view: { width: 390, height: 844 },
    async run({ page, center, url }) {
      // Wider than the screen, or text that a box cuts away.
      const cut = () => page.evaluate(() => {
        const out = document.documentElement.scrollWidth > innerWidth ? ['page'] : [];
        for (const e of document.querySelectorAll('.gw-card *, .enrolment *, dialog *, .lights, .viewer-head *')) {
          const r = e.getBoundingClientRect();
          if (r.width && (r.right > innerWidth + 1 || r.left < -1)) out.push(`${e.className || e.tagName}: ${e.textContent.slice(0, 20)}`);
        }
        return out;
      });
      center.gateways[0].said = { backlog_ms: 372_000, backlog_bytes: 4.1e6, oldest_unsent_wall_us: center.now() - 372e6, suspended_n: 2, spool_low: true };
      await enter(page, url, 'admin');
      await page.waitForSelector(card('gw-dongcun'));
      assert.deepEqual(await cut(), []);
      await page.click('[data-reenrol=gw-xizhen]');
      await page.click('.enrol-form .primary');
      await page.waitForSelector('[data-code]');
      assert.deepEqual(await cut(), []);
      const box = await page.locator('[data-code]').boundingBox();
      assert.ok(box.height < 50, 'the code stands in one line');
      await page.keyboard.press('Escape');
      await until('closed', async () => (await page.locator('dialog').count()) === 0, 3000);
      assert.deepEqual(await cut(), []);
      await page.goto(`${url}/#/live/${center.stream('ecg-01').id}`);
      await until('lights at the paper', async () => (await lightOf(page, '.viewer-head', 'county').catch(() => '')) === 'proven', 6000);
      assert.deepEqual(await cut(), []);
      center.cut('gw-dongcun');
      await until('nobody can tell', async () => (await lightOf(page, '.viewer-head', 'gateway')) === 'unknown', 6000);
      center.heal('gw-dongcun');
      await page.goto(`${url}/#/bed/${center.beds().find((b) => b.attachments.some((a) => a.streams.some((s) => s.modality === 'ecg'))).id}`);
      await until('lights at the bed', async () => (await lightOf(page, '.bed-ecg-foot', 'county').catch(() => '')) === 'proven', 6000);
      assert.deepEqual(await cut(), []);
    },
  },
];
