// Keys of an archive, as its administrator sees them: made at the first start, refused when they are
// missing or wrong, shown, rotated, everything written anew.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { Center } from './support.mjs';

const center = new Center();
const keyFile = `${center.dir}/store.key`;
const keys = (...args) => JSON.parse(center.admin(['keys', ...args]));
const refused = (...args) => {
  try {
    execFileSync(process.env.XW_ADMIN, ['--config', center.config, 'keys', ...args], { stdio: 'pipe' });
  } catch (error) {
    return error.stderr.toString();
  }
  return '';
};
const reader = async () => (await center.enter()).get('/api/me');

test.after(() => center.remove());

test('the first start makes a key file for its owner alone', async () => {
  await center.start();
  assert.equal(fs.statSync(keyFile).mode & 0o777, 0o600);
  const shown = keys('show');
  assert.equal(shown.keys.length, 1);
  assert.ok(shown.keys[0].present && shown.keys[0].pages > 0 && shown.unknown === 0);
  const secret = fs.readFileSync(keyFile, 'utf8').split(' ').at(-1).trim();
  assert.ok(!center.daemon.log.includes(secret) && !JSON.stringify(shown).includes(secret));
});

test('new keys are refused while the center runs', async () => {
  assert.match(refused('rotate'), /a daemon has it open/);
  assert.equal((await reader()).status, 200);
});

test('without the key file, with another one, with one that all can read: told why, nothing changed', async () => {
  await center.stop();
  const kept = fs.readFileSync(keyFile, 'utf8');
  const why = (change) => {
    change();
    const end = spawnSync(process.env.XW_CENTER, ['--config', center.config], { timeout: 30000 });
    assert.ok(end.status > 0, `${end.status} ${end.signal} ${end.stderr}`);
    fs.rmSync(keyFile, { force: true });
    fs.writeFileSync(keyFile, kept, { mode: 0o600 });
    return end.stderr.toString();
  };
  assert.match(why(() => fs.rmSync(keyFile)), /the key file is missing/);
  assert.match(why(() => fs.writeFileSync(keyFile, kept.replace(/[0-9a-f]{64}/, '0'.repeat(64)))), /does not open this data's keyring/);
  assert.match(why(() => fs.writeFileSync(keyFile, 'nonsense\n')), /damaged/);
  assert.match(why(() => fs.chmodSync(keyFile, 0o644)), /chmod 600/);
  assert.ok(!fs.readdirSync(path.join(center.dir, 'store')).some((name) => name.includes('.bad-')));
});

test('rotated and written anew, it goes on with one new key', async () => {
  const [old] = keys('show').keys;
  const copy = fs.readFileSync(keyFile, 'utf8');
  assert.equal(refused('rotate', '--forget'), '');
  assert.equal(keys('show').keys.length, 2);
  assert.equal(refused('rewrite'), '');
  const now = keys('show');
  assert.ok(now.keys.length === 1 && now.keys[0].id !== old.id && now.unknown === 0, JSON.stringify(now));
  await center.start();
  assert.equal((await reader()).status, 200);
  await center.stop();
  fs.writeFileSync(keyFile, copy); // the old key file opens nothing any more
  assert.match(refused('show'), /not the one of this data/);
});
