// Pictures: live, stale, frozen, recorded; and one moment for all panels of a patient. The frames are real
// H.264 made here; without an encoder the cases are skipped and counted.
import { FakeVideo } from './fake/video.mjs';
import { encoder, h264 } from './fake/h264.mjs';
import { assert, enter, until } from './help.mjs';
import { stripOf } from './pixels.mjs';

const CANVAS = '.video-canvas';
const BED = '产科 1 床';
const skip = encoder;
const mothers = { streams: 3, mothers: 1 };

async function bedOf(center, url, page, video) {
  await enter(page, url);
  const bed = center.beds().find((b) => b.attachments.some((a) => a.id === video.id));
  await page.goto(`${url}/#/bed/${bed.id}`);
  await page.waitForSelector('[data-video]', { timeout: 8000 });
}
async function setup({ center, url, page }, options = {}, made = {}) {
  const video = new FakeVideo(center, await h264(made), { bed: BED, ...options });
  await bedOf(center, url, page, video);
  return video;
}
const picture = (page) => page.getAttribute('.video-head .badge', 'data-picture');
const cause = (page) => page.evaluate(() => document.querySelector('[data-cause]')?.dataset.cause ?? '');
const moving = (page, ms = 6000) => until('pictures', async () => (await picture(page)) === 'live', ms, 30);
const video = (page) => page.evaluate(() => {
  const { log, ...rest } = window.xwVideo;
  return { ...rest, n: log.n };
});

// The strip on the canvas is the strip of the frame that the page says it drew.
async function stripsAgree(page, source, n = 12, selector = CANVAS) {
  let last = -1;
  let different = 0;
  for (let k = 0; k < n; k++) {
    const s = await stripOf(page, selector);
    assert.ok(s?.ok, 'no strip can be read');
    assert.equal(s.value, source.strip[s.last], `frame ${s.last}`);
    if (s.last !== last) different++;
    last = s.last;
    await page.waitForTimeout(90);
  }
  assert.ok(different > n / 2, 'the picture stands still');
}

const hideWebCodecs = () => {
  delete window.VideoDecoder;
};
const hideMse = () => {
  const plain = MediaSource.isTypeSupported.bind(MediaSource);
  MediaSource.isTypeSupported = (type) => !/avc1/.test(type) && plain(type);
};
const refuseH264 = () => {
  VideoDecoder.isConfigSupported = async (config) => ({ supported: false, config });
};

export const cases = [
  {
    name: 'a live picture: the strip on the canvas is that of the frame drawn, the line tells frames, delay and rate',
    center: mothers, skip,
    async run(x) {
      const v = await setup(x);
      const { page } = x;
      await moving(page);
      await stripsAgree(page, v);
      await page.waitForTimeout(1500);
      const line = await page.textContent('[data-line]');
      assert.match(line, /^\d\d? fps · 0\.\d\d s · \d\.\d Mbit\/s$/);
      const s = await video(page);
      console.log(`  # ${s.fps.toFixed(1)} fps, delay ${s.delayMs.toFixed(0)} ms of which 30 ms are the way, ${s.superseded} superseded`);
      assert.equal(s.decoder, 'webcodecs');
      assert.equal(s.decodeErrors, 0);
      assert.ok(s.delayMs > 0 && s.delayMs < 1000, `delay ${s.delayMs} ms`);
      assert.ok(s.heldFrames <= 12);
      assert.equal(await page.evaluate(() => document.querySelector('.video-canvas').width), 640);
    },
  },
  {
    name: 'delay is told in county time whatever the clock here says, and marked above one second',
    center: mothers, skip,
    async run(x) {
      x.center.offsetUs = 3_600_000_000;
      const v = await setup(x);
      const { page } = x;
      await moving(page);
      await page.waitForTimeout(1200);
      assert.match(await page.textContent('[data-line]'), /· 0\.\d\d s ·/);
      v.delayMs = 1500;
      await until('marked', async () => (await picture(page)) === 'late', 2500);
      assert.match(await page.textContent('.video-head'), /画面迟 [1-4]\.\d s/);
      assert.equal(await page.locator('.frame-late').count(), 1);
    },
  },
  {
    name: 'a stalled picture is framed within 1.2 s with since when, grey after 5 s, and comes back by itself',
    center: mothers, skip,
    async run(x) {
      const v = await setup(x);
      const { page } = x;
      await moving(page);
      await page.waitForTimeout(800);
      v.stalled = true;
      const at = Date.now();
      await until('framed', async () => (await page.locator('.frame-stalled').count()) === 1, 1500, 15);
      console.log(`  # framed ${Date.now() - at} ms after the last frame was due`);
      assert.ok(Date.now() - at <= 1300, 'later than 1.2 s');
      assert.match(await page.textContent('.video-head .badge'), /画面停滞 \d\d:\d\d:\d\d 起/);
      await until('grey', async () => (await page.getAttribute('[data-mood]', 'data-mood')) === 'frozen', 5000);
      assert.ok(Date.now() - at >= 4500, 'grey too early');
      assert.match(await page.textContent('.video-says'), /不是现在：画面停在 \d\d:\d\d:\d\d/);
      assert.match(await page.evaluate(() => getComputedStyle(document.querySelector('.video-canvas')).filter), /grayscale\(1\)/);
      v.stalled = false;
      await moving(page, 2500);
      await stripsAgree(page, v, 6);
    },
  },
  {
    name: 'frames that are missing or broken: a key frame is asked for, it is said, and the right picture goes on',
    center: mothers, skip,
    async run(x) {
      const v = await setup(x);
      const { page } = x;
      await moving(page);
      await page.waitForTimeout(600);
      // A key frame right behind the missing ones would mend it before anything is to be said.
      const toKey = () => v.made.units.findIndex((_, k) => v.made.units[(v.unit + k) % v.made.units.length].key);
      await until('the next key frame to be far', async () => toKey() > 8, 4000);
      const wishes = v.keyWishes;
      v.dropNext = 3;
      await page.waitForSelector('[data-note=missing]', { timeout: 1500 });
      await until('goes on', async () => (await video(page)).missed >= 3 && (await picture(page)) === 'live', 2500);
      assert.ok(v.keyWishes > wishes, 'no key frame was asked for');
      await stripsAgree(page, v, 6);
      const before = (await video(page)).keysAsked;
      v.spoilNext = 1;
      await until('noticed or borne', async () => (await video(page)).keysAsked > before || (await video(page)).decodeErrors === 0, 2500);
      await page.waitForTimeout(1500);
      assert.equal(await picture(page), 'live');
      await stripsAgree(page, v, 6);
    },
  },
  {
    name: 'a slow viewer that the county drops to the next key frame shows the newest picture again',
    center: mothers, skip,
    async run(x) {
      const v = await setup(x);
      const { page } = x;
      await moving(page);
      // The main thread is busy for two seconds: what waits meanwhile must not be played afterwards one by one.
      await page.evaluate(() => {
        const until = performance.now() + 2000;
        while (performance.now() < until);
      });
      v.dropNext = 10;
      await page.waitForTimeout(1200);
      await moving(page, 2000);
      await page.waitForTimeout(1200);
      const s = await video(page);
      console.log(`  # delay after that ${s.delayMs.toFixed(0)} ms, superseded ${s.superseded}, slow drops ${s.slowDrops}`);
      assert.ok(s.delayMs < 500, `still ${s.delayMs} ms behind`);
      await stripsAgree(page, v, 6);
    },
  },
  {
    name: 'another run of the encoder in another size is shown in its size',
    center: mothers, skip,
    async run(x) {
      const v = await setup(x);
      const { page } = x;
      await moving(page);
      v.use(await h264({ width: 800, height: 608, frames: 50, kbit: 2500 }));
      await until('the new size', async () => (await page.evaluate(() => document.querySelector('.video-canvas').width)) === 800, 4000);
      await moving(page, 2000);
      await stripsAgree(page, v, 6);
      assert.match(await page.textContent('.video-foot'), /800×608/);
    },
  },
  {
    name: 'without WebCodecs the pictures move by Media Source Extensions, close to the live edge',
    center: mothers, skip, init: hideWebCodecs,
    async run(x) {
      const v = await setup(x);
      const { page } = x;
      await moving(page, 8000);
      await page.waitForTimeout(2500);
      const s = await video(page);
      assert.equal(s.decoder, 'mse');
      console.log(`  # ${s.fps.toFixed(1)} fps, delay ${s.delayMs.toFixed(0)} ms, held ${s.heldFrames}`);
      assert.ok(s.delayMs < 1500, `delay ${s.delayMs} ms`);
      assert.ok(s.fps > 8, `${s.fps} fps`);
      let right = 0;
      const seen = new Set();
      for (let k = 0; k < 15; k++) {
        const strip = await stripOf(page, CANVAS);
        // Which frame a <video> shows is known to a frame.
        if (strip?.ok && Math.abs(strip.value - v.strip[strip.last]) <= 1) right++;
        seen.add(strip?.value);
        await page.waitForTimeout(90);
      }
      assert.ok(right >= 13, `${right} of 15 strips are right`);
      assert.ok(seen.size >= 8, 'the picture stands still');
      v.dropNext = 5;
      await page.waitForTimeout(2500);
      assert.equal(await picture(page), 'live');
      assert.match(await page.textContent('.video-foot'), /兼容播放/);
    },
  },
  {
    name: 'where neither way can decode H.264 the page says what to do',
    center: mothers, skip, init: [refuseH264, hideMse],
    async run(x) {
      await setup(x);
      const { page } = x;
      await until('said', async () => (await cause(page)) === 'unsupported', 4000);
      assert.match(await page.textContent('.video-says'), /不能解码 H\.264.*Chrome/);
    },
  },
  {
    name: 'freezing holds the picture and its time, the live one goes on behind it, releasing shows the present',
    center: mothers, skip,
    async run(x) {
      const v = await setup(x);
      const { page } = x;
      await moving(page);
      await page.waitForTimeout(500);
      await page.click('.freeze');
      await page.waitForSelector('[data-picture=held]');
      assert.match(await page.textContent('.video-head .badge'), /已冻结 \d\d:\d\d:\d\d\.\d\d/);
      const a = await stripOf(page, CANVAS);
      await page.waitForTimeout(900);
      const b = await stripOf(page, CANVAS);
      assert.equal(a.value, b.value, 'it moves');
      assert.match(await page.textContent('.video-stage'), /实时画面仍在接收/);
      await page.keyboard.press('f');
      await moving(page, 1500);
      await stripsAgree(page, v, 6);
    },
  },
  {
    name: 'not started, starting, no signal, failed, giving way, silent, link cut: each is said',
    center: mothers, skip,
    async run(x) {
      const v = await setup(x);
      const { page, center } = x;
      await moving(page);
      const told = async (state, want, words, text = '') => {
        v.set(state, text);
        await until(want, async () => (await cause(page)) === want, 3500);
        assert.match(await page.textContent('.video-says'), words);
      };
      await told('no_signal', 'nosignal', /没有信号.*探头/);
      await told('failed', 'failed', /图像源出错.*重试/, 'could not open device');
      assert.match(await page.textContent('.video-says'), /could not open device/);
      await told('idle', 'idle', /未启动.*开始/);
      await told('starting', 'starting', /正在启动/);
      v.stalled = true;
      v.yielded = true;
      await told('live', 'yielded', /图像让路给心电：上行带宽不足/);
      v.yielded = false;
      v.stalled = false;
      v.set('live');
      await moving(page, 3000);
      center.cut(v.gateway.id);
      await until('link cut', async () => (await cause(page)) === 'gateway', 4000);
      assert.match(await page.textContent('.video-says'), /网关链路断开/);
      center.heal(v.gateway.id);
      await moving(page, 4000);
      v.silentStatus = true;
      v.stalled = true;
      await until('silent', async () => (await cause(page)) === 'nostatus', 8000);
    },
  },
  {
    name: 'recording and recordings: running with its size, held, on the way with how much is there',
    center: mothers, skip,
    async run(x) {
      const { page, center } = x;
      const v = new FakeVideo(center, await h264(), { bed: BED });
      const held = v.addClip(center.now() - 90e6);
      const half = v.addClip(center.now() - 60e6, { held: 0, end: 'interrupted' });
      v.arrive(half, Math.floor(half.size / 2));
      v.startRecording();
      await bedOf(center, x.url, page, v);
      await page.waitForSelector('[data-recording=on]');
      assert.match(await page.textContent('[data-recording]'), /录制中 0:0\d · [\d.]+ (KB|MB)/);
      await page.waitForSelector(`[data-clip="${held.id}"]`);
      assert.match(await page.textContent(`[data-clip="${held.id}"]`), /已到$/);
      assert.match(await page.textContent(`[data-clip="${half.id}"]`), /网关中断.*已到 (49|50) %/);
      await page.click(`[data-clip="${half.id}"] button`);
      await page.waitForSelector('[data-past=coming]');
      assert.match(await page.textContent('[data-past=coming]'), /录像尚未到达：已到 [\d.]+ MB \/ [\d.]+ MB/);
      v.arrive(half);
      await page.waitForSelector('video[data-past=held]', { timeout: 6000 });
    },
  },
  {
    name: 'the cursor takes ECG, CTG, vitals and picture to one moment; End brings all of them back',
    center: mothers, skip,
    async run(x) {
      const { page, center } = x;
      const v = new FakeVideo(center, await h264(), { bed: BED });
      const clip = v.addClip(Math.round((center.now() - 120e6) / 1e6) * 1e6);
      await bedOf(center, x.url, page, v);
      await moving(page);
      await page.click(`[data-clip="${clip.id}"] button`);
      await page.keyboard.press('ArrowRight');
      await page.keyboard.press('ArrowRight');
      await page.keyboard.press('ArrowRight');
      const at = clip.start_wall_us + 3e6;
      assert.equal(Number(await page.getAttribute('[data-moment]', 'data-moment')), at);
      // ECG: the paper's mark stands at the sample of that moment.
      await page.waitForSelector(`[data-panel=ecg][data-wall="${at}"]`, { timeout: 15000 });
      const ecg = center.stream('mother-1');
      const index = Number(await page.getAttribute('.bed-ecg-sheet', 'data-mark-index'));
      assert.ok(Math.abs(center.wallUs(ecg, index) - at) < 4000, 'ECG stands elsewhere');
      // The picture: the strip of the frame of that moment.
      const want = Math.round(3 * 25);
      await until('the recorded picture', async () => Math.abs(((await stripOf(page, 'video[data-past=held]'))?.value ?? -99) - want) <= 1, 4000);
      // CTG and vitals: their own words for the moment.
      const clock = (us) => new Date(us / 1000 + 8 * 3600e3).toISOString().slice(11, 19);
      assert.match(await page.textContent('.ctg-side'), new RegExp(clock(at)));
      const hr = await page.textContent('.cell-vit [data-vital=hr]');
      const seen = /(\d\d:\d\d:\d\d)/.exec(hr)[1];
      assert.ok([...Array(25).keys()].some((k) => clock(at - k * 1e6) === seen), `vitals show ${seen}, the cursor stands at ${clock(at)}`);
      // A click on the paper moves all again.
      const box = await page.locator('.bed-ecg .paper').boundingBox();
      await page.mouse.click(box.x + box.width * 0.75, box.y + box.height / 2);
      const moved = Number(await page.getAttribute('[data-moment]', 'data-moment'));
      assert.ok(moved > at + 500_000 && moved < at + 8e6, `moved by ${(moved - at) / 1e6} s`);
      await until('the picture follows', async () => Math.abs(((await stripOf(page, 'video[data-past=held]'))?.value ?? -99) - ((moved - clip.start_wall_us) / 1e6) * 25) <= 1.5, 4000);
      // A moment without a recording says so.
      await page.keyboard.press('PageUp');
      await page.waitForSelector('[data-past=none]', { timeout: 3000 });
      await page.keyboard.press('End');
      await page.waitForSelector('[data-moment=live]');
      await moving(page, 3000);
      await page.waitForSelector('[data-panel=ecg][data-wall=live]');
      assert.equal(await page.getAttribute('.cell-ctg .ctg', 'data-paused'), 'false');
    },
  },
  {
    name: 'a click on the timeline goes there, playing goes on from there with picture and paper together',
    center: mothers, skip,
    async run(x) {
      const { page, center } = x;
      const v = new FakeVideo(center, await h264(), { bed: BED });
      const clip = v.addClip(center.now() - 200e6);
      await bedOf(center, x.url, page, v);
      await moving(page);
      const bar = page.locator('.bed-bar canvas');
      const box = await bar.boundingBox();
      const [from, to] = await bar.evaluate((el) => [Number(el.dataset.from), Number(el.dataset.to)]);
      const px = 44 + ((clip.start_wall_us + 2e6 - from) / (to - from)) * (box.width - 44);
      await page.mouse.click(box.x + px, box.y + 20);
      const at = Number(await page.getAttribute('[data-moment]', 'data-moment'));
      assert.ok(Math.abs(at - clip.start_wall_us - 2e6) < 6e6);
      await page.click(`[data-clip="${clip.id}"] button`);
      await page.waitForSelector('video[data-past=held]');
      await page.keyboard.press('p');
      await page.waitForTimeout(3000);
      const now = Number(await page.getAttribute('[data-moment]', 'data-moment'));
      assert.ok(now - clip.start_wall_us > 1.5e6 && now - clip.start_wall_us < 4.5e6, `played ${(now - clip.start_wall_us) / 1e6} s in 3 s`);
      const strip = (await stripOf(page, 'video[data-past=held]')).value;
      assert.ok(Math.abs(strip / 25 - (now - clip.start_wall_us) / 1e6) < 0.6, `picture at ${strip / 25} s, cursor at ${(now - clip.start_wall_us) / 1e6} s`);
    },
  },
  {
    name: 'a bed in English has no Chinese, and a bed that does not exist says so',
    center: mothers, skip, storage: { 'xw.lang': '"en"' },
    async run(x) {
      const v = await setup(x, { label: 'Probe' });
      const { page } = x;
      await moving(page);
      v.stalled = true;
      await until('frozen', async () => (await page.getAttribute('[data-mood]', 'data-mood')) === 'frozen', 7000);
      for (const part of ['.bed-main', '.bed-bar-span', '.moment']) assert.equal((await page.textContent(part)).replace(/DEMO DATA/g, '').match(/[\u4e00-\u9fff]/), null, part);
      await page.goto(`${x.url}/#/bed/00000000-0000-8000-8000-000000000000`);
      await page.waitForSelector('[data-state=empty]');
    },
  },
  {
    name: 'a study of recordings plays them, waits for one that has not come, and says so while it is recorded; CTG and values have their own paper',
    center: mothers, skip,
    async run(x) {
      const { page, center } = x;
      const v = new FakeVideo(center, await h264(), { bed: BED });
      const here = v.addClip(center.now() - 90e6);
      const far = v.addClip(center.now() - 60e6, { held: 1000 });
      const study = (id, kind, items) => ({
        id: `00000000-0000-7000-8000-00000000000${id}`, kind, site: v.gateway.site, reason: 'other', urgent: false, state: 'captured', items, created_wall_us: center.now(), author: v.gateway.id,
        changes: [{ wall_us: center.now(), author: v.gateway.id, what: 'created' }],
      });
      const ctg = center.stream('ctg-1');
      const monitor = center.beds().flatMap((b) => b.attachments).find((a) => a.kind === 'monitor');
      const wall = Buffer.alloc(8);
      wall.writeBigUInt64BE(BigInt(Math.round(center.now() - 30e6)));
      center.studies.push(
        study(1, 'ultrasound', [{ object: here.sha256, clip: here.id }, { object: far.sha256, clip: far.id }]), study(2, 'ultrasound', []),
        study(3, 'ctg', [{ stream: ctg.id, first: Math.max(0, ctg.newest - 1200), count: 1200 }]),
        study(4, 'vitals', [{ observation: `${monitor.id.replaceAll('-', '')}6f${wall.toString('hex')}${'11'.repeat(16)}` }]),
      );
      await enter(page, x.url);
      await page.goto(`${x.url}/#/studies`);
      await page.waitForSelector('[data-study]');
      assert.match(await page.textContent('.data'), /超声/);
      await page.click('[data-study="00000000-0000-7000-8000-000000000001"] a');
      await until('the first plays', async () => page.evaluate((sha) => (document.querySelector(`[data-object="${sha}"] video`)?.readyState ?? 0) >= 2, here.sha256), 5000);
      // Decoded is not yet presented: the element may be drawn empty for a frame or two.
      await until('its picture', async () => (await stripOf(page, `[data-object="${here.sha256}"] video`))?.ok, 3000);
      await page.waitForSelector(`[data-object="${far.sha256}"] figcaption`);
      assert.match(await page.textContent(`[data-object="${far.sha256}"]`), /尚未全部到达/);
      v.arrive(far);
      await until('the second comes', async () => page.evaluate((sha) => (document.querySelector(`[data-object="${sha}"] video`)?.readyState ?? 0) >= 2, far.sha256), 9000);
      await page.goto(`${x.url}/#/study/00000000-0000-7000-8000-000000000002`);
      await page.waitForSelector('[data-state=empty]');
      assert.match(await page.textContent('[data-state=empty]'), /录像还没有结束/);
      await page.goto(`${x.url}/#/study/00000000-0000-7000-8000-000000000003`);
      await page.waitForSelector('.ctg[data-paused=true]', { timeout: 6000 });
      await page.goto(`${x.url}/#/study/00000000-0000-7000-8000-000000000004`);
      await page.waitForSelector('.vitals-line [data-vital=hr][data-state]', { timeout: 6000 });
    },
  },
];
