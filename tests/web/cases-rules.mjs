// The rule list: edited in place, saved with a reason, its history, where it is in force.
import { assert, enter, until } from './help.mjs';

const input = (key) => `[data-rule="${key}"]`;
const light = (page, id) => page.getAttribute(`.rule-lights [data-gateway=${id}]`, 'data-rules').catch(() => '');
const openRules = async (page, url, role = 'admin') => {
  await enter(page, url, role);
  await page.goto(`${url}/#/rules`);
  await page.waitForSelector('.rules tbody tr');
};

export const cases = [
  {
    name: 'rules by name with unit, range and priority, in both languages; a reader sees them and changes nothing',
    center: { streams: 1 },
    async run({ page, url }) {
      await openRules(page, url, 'reader');
      const rows = await page.$$eval('.rules tbody tr', (all) => all.length);
      assert.equal(rows, 18);
      assert.match(await page.textContent('[data-section=tachycardia]'), /极度心动过速[\s\S]*高危[\s\S]*快于[\s\S]*140 次\/分/);
      assert.equal((await page.$$('.rules input, .rules select, [data-save]')).length, 0);
      await page.keyboard.press('l');
      const english = await page.textContent('.rules');
      assert.match(english, /Extreme tachycardia[\s\S]*faster than/);
      assert.equal(english.match(/[\u4e00-\u9fff]/), null);
      assert.equal(english.match(/rulefield|rule\./), null);
    },
  },
  {
    name: 'a rule is changed with the keyboard alone: what differs is said, a wrong value is held back, a reason is needed, saving makes a version that the gateways show',
    center: { streams: 1 },
    async run({ page, center, url }) {
      await openRules(page, url);
      await page.focus(input('tachycardia.rate_bpm'));
      await page.keyboard.press('Control+a');
      await page.keyboard.type('500');
      assert.equal(await page.getAttribute(input('tachycardia.rate_bpm'), 'aria-invalid'), 'true');
      assert.match(await page.textContent('[data-section=tachycardia]'), /应为 100 ~ 250/);
      await page.fill('[data-reason]', '夜班误报多');
      assert.equal(await page.isDisabled('[data-save]'), true);
      await page.focus(input('tachycardia.rate_bpm'));
      await page.keyboard.press('Control+a');
      await page.keyboard.type('110');
      await until('what the county says of the pair', async () => /必须小于.*110/.test(await page.textContent('.rules-bar')), 3000);
      assert.equal(await page.isDisabled('[data-save]'), true);
      await page.keyboard.press('Tab');
      await page.keyboard.press('Control+a');
      await page.keyboard.type('100');
      await page.selectOption(input('pause.priority'), 'off');
      assert.match(await page.textContent('[data-diff="tachycardia.rate_bpm"]'), /快于：现行 140 次\/分 · 默认 140 次\/分/);
      assert.match(await page.textContent('.rules-bar'), /改了 3 处[\s\S]*停搏间歇 优先级 低危 → 不报/);
      await until('it to be right', async () => !(await page.isDisabled('[data-save]')), 3000);
      for (const g of center.gateways) g.rules = center.rules.newest;
      await page.focus('[data-reason]');
      await page.keyboard.press('Enter');
      await until('the version', async () => (await page.getAttribute('.rules-now', 'data-version')) === '1', 3000);
      assert.equal(center.rules.newest.values['tachycardia.rate_bpm'], '110');
      assert.equal(center.rules.newest.reason, '夜班误报多');
      await until('on its way', async () => (await light(page, 'gw-dongcun')) === 'waiting', 8000);
      for (const g of center.gateways) delete g.rules;
      center.gateways[1].rulesSaid = { from: 'county', version: 0, county_version: 1, refused: 'line 9: tachycardia.new: there is no such field' };
      center.gateways[2].rulesSaid = { from: 'file', version: 7, own: true };
      await until('in force, refused, its own', async () => (await light(page, 'gw-dongcun')) === 'good' && (await light(page, 'gw-xizhen')) === 'refused' && (await light(page, 'gw-beicun')) === 'own', 12000);
      assert.match(await page.textContent('.rule-lights'), /第 9 行：没有“tachycardia\.new”这一项/);
      center.rules.newest.wall_us -= 200e6;
      center.gateways[0].rules = { version: 0, hash: '', values: {} };
      await page.reload();
      await until('an old one', async () => (await light(page, 'gw-dongcun')) === 'late', 8000);
      await page.goto(`${url}/#/admin`);
      await until('at the card of the gateway', async () => (await page.getAttribute('.gw-card[data-gateway=gw-dongcun] [data-rules]', 'data-rules').catch(() => '')) === 'late', 8000);
    },
  },
  {
    name: 'of two editors the second is told who was quicker and keeps his changes; the history tells who, when, why, what, and leads back',
    center: { streams: 1 },
    async run({ page, center, url }) {
      center.rules.save({ 'pause.rr_s': '2.5' }, 'li', '专家组决定');
      await openRules(page, url);
      await page.fill(input('bradycardia.rate_bpm'), '38');
      await page.fill('[data-reason]', '按省里标准');
      center.rules.save({ 'pause.rr_s': '2.8' }, 'wang', '试行');
      await until('it to be right', async () => !(await page.isDisabled('[data-save]')), 3000);
      await page.click('[data-save]');
      await until('who was quicker', async () => /wang 在 .* 先存了第 2 版：试行/.test(await page.textContent('.inline-error').catch(() => '')), 3000);
      await until('the newer one', async () => (await page.getAttribute('.rules-now', 'data-version')) === '2', 3000);
      assert.equal(await page.inputValue(input('bradycardia.rate_bpm')), '38');
      assert.equal(await page.inputValue(input('pause.rr_s')), '2.8');
      await until('it to be right', async () => !(await page.isDisabled('[data-save]')), 3000);
      await page.click('[data-save]');
      await until('the version', async () => (await page.getAttribute('.rules-now', 'data-version')) === '3', 3000);
      await until('the history', async () => (await page.$$('.rules-history tbody tr')).length === 3, 3000);
      assert.match(await page.textContent('.rules-history [data-version="2"]'), /wang[\s\S]*试行[\s\S]*停搏间歇 RR 长于 2\.5 秒 → 2\.8 秒/);
      await page.click('[data-back="1"]');
      await page.fill('[data-back-reason]', '恢复');
      await page.keyboard.press('Enter');
      await until('the way back', async () => (await page.getAttribute('.rules-now', 'data-version')) === '4', 3000);
      assert.equal(await page.inputValue(input('pause.rr_s')), '2.5');
      await until('that it says so', async () => /恢复自第 1 版/.test(await page.textContent('.rules-history [data-version="4"]').catch(() => '')), 3000);
    },
  },
];
