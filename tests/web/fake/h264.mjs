// Real H.264 made when a test runs: a sector picture of our own with the number of the frame burnt in as the
// simulated probe does it (gateway/tools/sim/picture.h): a strip of 36 cells of 8 x 8 pixels at the upper left:
// white, black, 32 bits from the highest on (white = 1), parity, white.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const CELL = 8;

const run = (command, args) => new Promise((ok, fail) => {
  execFile(command, args, { maxBuffer: 1 << 28 }, (e, stdout, stderr) => (e ? fail(new Error(`${command}: ${stderr || e.message}`)) : ok(stdout)));
});

function stripBits(n) {
  const bits = [1, 0];
  let parity = 0;
  for (let k = 31; k >= 0; k--) {
    const b = Math.floor(n / 2 ** k) & 1;
    bits.push(b);
    parity ^= b;
  }
  return [...bits, parity, 1];
}

// Speckle in a sector, a wall that beats, a scale of depth: looks like an echo and is nobody's.
function picture(out, n, w, h, speckle) {
  const y = out.subarray(0, w * h);
  y.fill(16);
  out.fill(128, w * h);
  const cx = w / 2;
  const beat = Math.sin((n / 25) * 2 * Math.PI * 1.2);
  for (let py = 14; py < h - 8; py++) {
    const dy = py - 10;
    const half = Math.min(w / 2 - 4, dy * 0.78);
    for (let px = Math.ceil(cx - half); px < cx + half; px++) {
      const dx = px - cx;
      const r = Math.sqrt(dx * dx + dy * dy);
      if (r > h - 24) continue;
      const a = Math.sqrt((dx / 1.25) ** 2 + (dy - h * 0.52) ** 2) / (h * (0.17 + 0.02 * beat));
      const wall = a < 0.9 ? 0.07 : a < 1.15 ? 1.25 : 0.55;
      const s = speckle[(py * 733 + px * 31 + (n >> 1) * 7) & 0xffff];
      y[py * w + px] = 16 + Math.min(215, Math.round(wall * (40 + s * 0.6) * (1 - r / (h * 1.7))));
    }
  }
  for (let d = 1; d < 9; d++) for (let k = 0; k < (d % 2 ? 6 : 12); k++) y[Math.round((d * (h - 24)) / 9 + 10) * w + w - 30 + k] = 200;
  stripBits(n).forEach((b, k) => {
    for (let py = 0; py < CELL; py++) y.fill(b ? 235 : 16, py * w + k * CELL, py * w + (k + 1) * CELL);
  });
}

// Access units of an Annex B stream; the encoder puts a delimiter before each.
function units(stream) {
  const cuts = [];
  for (let i = 0; i + 4 < stream.length; i++) {
    if (stream[i] === 0 && stream[i + 1] === 0 && stream[i + 2] === 1 && (stream[i + 3] & 31) === 9) cuts.push(i > 0 && stream[i - 1] === 0 ? i - 1 : i);
  }
  return cuts.map((c, k) => {
    const data = new Uint8Array(stream.subarray(c, cuts[k + 1] ?? stream.length));
    let key = false;
    for (let i = 0; i + 3 < data.length; i++) if (data[i] === 0 && data[i + 1] === 0 && data[i + 2] === 1 && (data[i + 3] & 31) === 5) key = true;
    return { data, key };
  });
}

async function make({ width, height, frames, fps, kbit }) {
  const dir = mkdtempSync(join(tmpdir(), 'xw-h264-'));
  try {
    const speckle = new Float32Array(65536);
    let seed = 12345;
    for (let i = 0; i < speckle.length; i++) {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      speckle[i] = Math.sqrt(-2 * Math.log((seed + 1) / 4294967297)) * 90;
    }
    const size = (width * height * 3) / 2;
    const raw = Buffer.alloc(size * frames);
    for (let n = 0; n < frames; n++) picture(raw.subarray(n * size, (n + 1) * size), n, width, height, speckle);
    writeFileSync(join(dir, 'raw'), raw);
    const source = ['filesrc', `location=${join(dir, 'raw')}`, 'blocksize=1048576', '!', 'rawvideoparse', `width=${width}`, `height=${height}`, 'format=i420', `framerate=${fps}/1`, '!',
      'x264enc', 'tune=zerolatency', 'speed-preset=veryfast', `key-int-max=${fps}`, `bitrate=${kbit}`, 'threads=1', 'bframes=0', 'option-string=scenecut=0', 'byte-stream=true', 'aud=true', '!',
      'video/x-h264,profile=constrained-baseline', '!', 'tee', 'name=t'];
    await run('gst-launch-1.0', ['-q', ...source,
      't.', '!', 'queue', '!', 'h264parse', 'config-interval=-1', '!', 'video/x-h264,stream-format=byte-stream,alignment=au', '!', 'filesink', `location=${join(dir, 'h264')}`,
      't.', '!', 'queue', '!', 'h264parse', '!', 'mp4mux', 'fragment-duration=1000', 'fragment-mode=dash-or-mss', 'streamable=true', '!', 'filesink', `location=${join(dir, 'mp4')}`]);
    const all = units(readFileSync(join(dir, 'h264')));
    if (all.length !== frames) throw new Error(`${all.length} access units of ${frames} frames`);
    return { units: all, mp4: readFileSync(join(dir, 'mp4')), width, height, fps, codec: codecOf(all[0].data) };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function codecOf(data) {
  for (let i = 0; i + 6 < data.length; i++) {
    if (data[i] === 0 && data[i + 1] === 0 && data[i + 2] === 1 && (data[i + 3] & 31) === 7) {
      return `avc1.${[4, 5, 6].map((k) => data[i + k].toString(16).padStart(2, '0').toUpperCase()).join('')}`;
    }
  }
  return 'avc1.42C01F';
}

const made = new Map();
let missing = null;
export async function encoder() {
  missing ??= run('gst-inspect-1.0', ['--exists', 'x264enc']).then(() => run('gst-inspect-1.0', ['--exists', 'mp4mux'])).then(() => '', () => 'no x264enc or mp4mux');
  return missing;
}
export async function h264({ width = 640, height = 480, frames = 250, fps = 25, kbit = 3500 } = {}) {
  const key = `${width}x${height} ${frames} ${fps} ${kbit}`;
  if (!made.has(key)) made.set(key, make({ width, height, frames, fps, kbit }));
  return made.get(key);
}
