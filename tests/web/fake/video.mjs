// A picture source for the fake county: live frames, its status, recordings with their bytes, and handles
// to stall, drop, break and delay. Frames are real H.264 (h264.mjs).
import { createHash, randomBytes } from 'node:crypto';
import { Pbf, wire } from './packages.mjs';

export const STATE = { idle: 1, starting: 2, live: 3, no_signal: 4, failed: 5 };
const ENDS = { running: 0, stopped: 1, no_signal: 2, changed: 3, interrupted: 4, no_room: 5, failed: 6, long: 7 };

const idOf = (name) => {
  const b = createHash('sha256').update(name).digest().subarray(0, 16);
  b[6] = (b[6] & 0x0f) | 0x80;
  b[8] = (b[8] & 0x3f) | 0x80;
  return new Uint8Array(b);
};
const uuid = (b) => {
  const h = Buffer.from(b).toString('hex');
  return `${h.slice(0, 8)}-${h.slice(8, 12)}-${h.slice(12, 16)}-${h.slice(16, 20)}-${h.slice(20)}`;
};

export class FakeVideo {
  // made: what h264() gave. bed: of the patient whose picture it is.
  constructor(center, made, { name = 'us-01', label = '探头', gateway = center.gateways[0], bed = '1 床' } = {}) {
    Object.assign(this, { center, made, name, label, gateway, bed });
    this.idBytes = idOf(`v-${name}`);
    this.id = uuid(this.idBytes);
    this.run = new Uint8Array(randomBytes(16));
    this.frame = 0; // number of the next frame
    this.unit = 0; // its place in the loop
    this.strip = []; // frame number -> what its strip says
    this.state = 'live';
    this.text = '';
    this.since = center.now();
    this.yielded = false;
    this.silentStatus = false;
    this.stalled = false; // no frames, and the status still says live
    this.delayMs = 30; // between capture and the county
    this.dropNext = 0; // frames that get lost on the way
    this.spoilNext = 0; // frames whose bytes are broken
    this.keyWishes = 0;
    this.clips = [];
    this.objects = new Map(); // sha256 -> Buffer
    this.record = null; // of the running clip: { since, size }
    this.next = performance.now();
    this.timer = setInterval(() => this.flow(), 5);
    center.parts.push(this);
  }
  stop() {
    clearInterval(this.timer);
  }

  second() {
    this.status();
  }

  // ---- handles ----

  set(state, text = '') {
    Object.assign(this, { state, text, since: this.center.now() });
    this.status();
  }
  restart() { // another run of the encoder
    this.run = new Uint8Array(randomBytes(16));
    this.frame = 0;
    this.unit = 0;
    this.strip = [];
  }
  use(made) { // another picture size
    this.made = made;
    this.restart();
  }
  startRecording() {
    this.record = { id: idOf(`c-${this.name}-${this.clips.length}`), since: this.center.now() };
    this.status();
  }
  // A finished recording that began at startUs; held: bytes of it at the county.
  addClip(startUs, { held = Infinity, end = 'stopped' } = {}) {
    // A box that players pass over makes each recording an object of its own.
    const bytes = Buffer.concat([this.made.mp4, Buffer.from([0, 0, 0, 12]), Buffer.from('free'), Buffer.from([0, 0, 0, this.clips.length])]);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const c = {
      id: uuid(idOf(`c-${this.name}-${this.clips.length}`)), attachment: this.id, study: null, label: this.label, codec: this.made.codec, media_type: 'video/mp4',
      width: this.made.width, height: this.made.height, start_wall_us: startUs, end_wall_us: startUs + Math.round((this.made.units.length / this.made.fps) * 1e6),
      frames: this.made.units.length, end, sha256, size: bytes.length, held: Math.min(held, bytes.length), demo: true,
    };
    this.clips.unshift(c);
    this.objects.set(sha256, bytes);
    this.told(c);
    return c;
  }
  arrive(clip, held = clip.size) {
    clip.held = held;
    this.told(clip);
  }
  told(c) {
    const body = new Pbf();
    wire.writeClip({
      clip_id: new Uint8Array(Buffer.from(c.id.replaceAll('-', ''), 'hex')), attachment_id: this.idBytes, label: c.label, codec: c.codec, media_type: c.media_type, width: c.width,
      height: c.height, start_wall_us: c.start_wall_us, end_wall_us: c.end_wall_us ?? 0, frames_n: c.frames, end: ENDS[c.end], size: c.size,
    }, body);
    this.center.record(14, body.finish());
  }

  // ---- what flows ----

  watchers() {
    return [...this.center.sockets].filter((w) => w.videos?.has(this.id));
  }
  flow() {
    const now = performance.now();
    const step = 1000 / this.made.fps;
    if (this.state !== 'live' || this.stalled || !this.gateway.linked) {
      this.next = now;
      return;
    }
    if (now - this.next > 500) this.next = now;
    for (; this.next <= now; this.next += step) this.send();
  }
  send() {
    const watchers = this.watchers();
    if (watchers.some((w) => w.needKey === this.id)) {
      for (const w of watchers) if (w.needKey === this.id) w.needKey = '';
      while (!this.made.units[this.unit].key) this.unit = (this.unit + 1) % this.made.units.length;
    }
    const u = this.made.units[this.unit];
    const frame = this.frame++;
    this.strip[frame] = this.unit;
    this.unit = (this.unit + 1) % this.made.units.length;
    if (this.dropNext > 0) {
      this.dropNext--;
      return;
    }
    let data = u.data;
    if (this.spoilNext > 0) {
      this.spoilNext--;
      data = new Uint8Array(data.length).map((v, i) => (i < 5 ? data[i] : i === 5 ? 0x41 : (i * 73) & 0xff));
    }
    const capture = this.center.now() - this.delayMs * 1000;
    const m = { video: { attachment_id: this.idBytes, run_id: this.run, frame, key: u.key, capture_wall_us: capture, ...(u.key ? { codec: this.made.codec, width: this.made.width, height: this.made.height } : {}), data } };
    for (const w of watchers) {
      // A viewer begins with a key frame.
      if (!w.videos.get(this.id) && !u.key) continue;
      w.videos.set(this.id, true);
      this.center.to(w, m);
    }
  }
  status() {
    if (this.silentStatus || !this.gateway.linked) return;
    const m = { video_status: {
      attachment_id: this.idBytes, state: STATE[this.state], text: this.text, since_wall_us: this.since, width: this.made.width, height: this.made.height,
      captured_fps: this.state === 'live' ? this.made.fps : 0, sent_fps: this.state === 'live' && !this.yielded ? this.made.fps : 0, kbit_per_s: 3800, dropped: 0, yielded: this.yielded,
      clip_id: this.record ? this.record.id : undefined, clip_since_wall_us: this.record?.since ?? 0,
      clip_size: this.record ? Math.round((this.center.now() - this.record.since) * 0.475) : 0, label: this.label,
    } };
    for (const w of this.center.sockets) if (w.list || w.videos?.has(this.id)) this.center.to(w, m);
  }

  // ---- what the county asks of a part ----

  message(w, m) {
    if (m.body !== 'video' || uuid(m.video.attachment_id) !== this.id) return;
    w.videos ??= new Map();
    if (!m.video.on) {
      w.videos.delete(this.id);
      return;
    }
    if (!w.videos.has(this.id)) w.videos.set(this.id, false);
    if (m.video.need_key) {
      w.needKey = this.id;
      this.keyWishes++;
    }
    this.status();
  }
  attachment() {
    return {
      bed: this.bed, gateway: this.gateway, json: {
        id: this.id, device: this.name, model: '', kind: 'video', attached: true, since_wall_us: this.center.now() - 3_600_000_000, streams: [], clips_n: this.clips.length,
      },
    };
  }
  // Answers a request if it is its own.
  route(q, a, path) {
    if (path === `/api/attachments/${this.id}/clips`) {
      const running = this.record ? [{
        id: uuid(this.record.id), attachment: this.id, study: null, label: this.label, codec: this.made.codec, media_type: 'video/mp4', width: this.made.width, height: this.made.height,
        start_wall_us: this.record.since, end_wall_us: null, frames: 0, end: 'running', sha256: null, size: 0, held: 0, demo: true,
      }] : [];
      this.center.json(a, 200, { clips: [...running, ...this.clips] });
      return true;
    }
    const object = /^\/api\/objects\/([0-9a-f]{64})$/.exec(path);
    if (!object || !this.objects.has(object[1])) return false;
    const clip = this.clips.find((c) => c.sha256 === object[1]);
    if (clip.held < clip.size) this.center.fail(404, 'not_found');
    const bytes = this.objects.get(object[1]);
    const range = /^bytes=(\d+)-(\d*)$/.exec(q.headers.range ?? '');
    const first = range ? Number(range[1]) : 0;
    const end = range && range[2] ? Math.min(Number(range[2]) + 1, bytes.length) : bytes.length;
    a.writeHead(range ? 206 : 200, {
      'Content-Type': 'video/mp4', 'Accept-Ranges': 'bytes', 'Content-Length': end - first, ...(range ? { 'Content-Range': `bytes ${first}-${end - 1}/${bytes.length}` } : {}),
    });
    a.end(bytes.subarray(first, end));
    return true;
  }
}
