// What lies in a data folder, read without any code of the daemons: keyring, encrypted files, frames
// of the write-ahead log (gateway/vault/*.h). Databases are read by xw-sql, through the store's VFS.
import { execFileSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
export const keyFileOf = (dir) => `${dir}.key`;

// Rows as text, columns parted by "|".
export function sql(file, text, { keyFile = keyFileOf(path.dirname(file)) } = {}) {
  const tool = path.join(ROOT, 'build', process.env.XW_PRESET ?? 'release', 'tests', 'xw-sql');
  return execFileSync(tool, ['-k', keyFile, file, text], { encoding: 'utf8', maxBuffer: 1 << 29 });
}
export const rows = (dir, text, options) => sql(path.join(dir, 'meta.db'), text, options).split('\n').filter(Boolean);

// ---- XChaCha20 (draft-irtf-cfrg-xchacha): HChaCha20, then ChaCha20 with what is left of the nonce ----

const rotate = (v, n) => (v << n) | (v >>> (32 - n));
function quarter(s, a, b, c, d) {
  s[a] = (s[a] + s[b]) | 0; s[d] = rotate(s[d] ^ s[a], 16);
  s[c] = (s[c] + s[d]) | 0; s[b] = rotate(s[b] ^ s[c], 12);
  s[a] = (s[a] + s[b]) | 0; s[d] = rotate(s[d] ^ s[a], 8);
  s[c] = (s[c] + s[d]) | 0; s[b] = rotate(s[b] ^ s[c], 7);
}
export function hchacha20(key, input) {
  const s = new Int32Array(16);
  s.set([0x61707865, 0x3320646e, 0x79622d32, 0x6b206574]);
  for (let i = 0; i < 8; i++) s[4 + i] = key.readInt32LE(4 * i);
  for (let i = 0; i < 4; i++) s[12 + i] = input.readInt32LE(4 * i);
  for (let round = 0; round < 10; round++) {
    for (let i = 0; i < 4; i++) quarter(s, i, 4 + i, 8 + i, 12 + i);
    for (let i = 0; i < 4; i++) quarter(s, i, 4 + ((i + 1) & 3), 8 + ((i + 2) & 3), 12 + ((i + 3) & 3));
  }
  const out = Buffer.alloc(32);
  for (let i = 0; i < 4; i++) {
    out.writeInt32LE(s[i], 4 * i);
    out.writeInt32LE(s[12 + i], 16 + 4 * i);
  }
  return out;
}
const rest = (nonce) => Buffer.concat([Buffer.alloc(4), nonce.subarray(16)]);

// Null: the tag is wrong.
export function open(key, nonce, data, tag, about) {
  const cipher = crypto.createDecipheriv('chacha20-poly1305', hchacha20(key, nonce.subarray(0, 16)), rest(nonce), { authTagLength: 16 });
  cipher.setAAD(about, { plaintextLength: data.length });
  cipher.setAuthTag(tag);
  try {
    return Buffer.concat([cipher.update(data), cipher.final()]);
  } catch {
    return null;
  }
}
export function seal(key, nonce, data, about) {
  const cipher = crypto.createCipheriv('chacha20-poly1305', hchacha20(key, nonce.subarray(0, 16)), rest(nonce), { authTagLength: 16 });
  cipher.setAAD(about, { plaintextLength: data.length });
  return Buffer.concat([cipher.update(data), cipher.final(), cipher.getAuthTag()]);
}
const stream = (key, nonce, data) =>
  crypto.createCipheriv('chacha20', hchacha20(key, nonce.subarray(0, 16)), Buffer.concat([Buffer.alloc(8), nonce.subarray(16)])).update(data);

// ---- keys ----

export class Vault {
  constructor(dir, keyFile = keyFileOf(dir)) {
    const wrapping = new Map();
    for (const line of fs.readFileSync(keyFile, 'utf8').split('\n')) {
      const match = /^xinwang-key 1 ([0-9a-f]{8}) ([0-9a-f]{64})$/.exec(line);
      if (match) wrapping.set(Number.parseInt(match[1], 16), Buffer.from(match[2], 'hex'));
    }
    const ring = fs.readFileSync(path.join(dir, 'keyring'));
    const key = wrapping.get(ring.readUInt32LE(12));
    const plain = key && open(key, ring.subarray(24, 48), ring.subarray(48, -16), ring.subarray(-16), ring.subarray(0, 24));
    if (!plain) throw new Error(`the key file does not open ${dir}`);
    this.keys = new Map();
    for (let at = 0; at < plain.length; at += 48) {
      this.present = plain.readUInt32LE(at);
      this.keys.set(this.present, plain.subarray(at + 16, at + 48));
    }
  }

  // Content of an encrypted file; what has no head of its own, or a damaged one, has none.
  content(bytes) {
    const key = bytes.length >= 64 && bytes.toString('latin1', 0, 8) === 'XWFILE1\n' ? this.keys.get(bytes.readUInt32LE(8)) : null;
    const nonce = bytes.subarray(16, 40);
    if (!key || !open(key, nonce, Buffer.alloc(0), bytes.subarray(48, 64), bytes.subarray(0, 48))) return Buffer.alloc(0);
    return stream(hchacha20(key, Buffer.from('xinwang file key')), nonce, bytes.subarray(64));
  }

  // A file as the daemons write it.
  file(content) {
    const key = this.keys.get(this.present);
    const head = Buffer.alloc(48);
    head.write('XWFILE1\n', 'latin1');
    head.writeUInt32LE(this.present, 8);
    crypto.randomFillSync(head, 16, 24);
    const nonce = head.subarray(16, 40);
    return Buffer.concat([head, seal(key, nonce, Buffer.alloc(0), head), stream(hchacha20(key, Buffer.from('xinwang file key')), nonce, content)]);
  }

  // The page of a frame of the write-ahead log of the database `id` names (12 bytes); null: damaged.
  frame(id, header, page) {
    const at = page.length - 48;
    const key = this.keys.get(page.readUInt32LE(at));
    return key ? open(key, page.subarray(at + 8, at + 32), page.subarray(0, at), page.subarray(at + 32), Buffer.concat([Buffer.from('W'), id, header.subarray(0, 8)])) : null;
  }
}

// Content of a file of a data folder, or null.
export function readContent(dir, file, keyFile) {
  return fs.existsSync(file) ? new Vault(dir, keyFile).content(fs.readFileSync(file)) : null;
}
