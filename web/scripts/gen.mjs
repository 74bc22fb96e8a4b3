// Makes src/generated/xw.js and xw.d.ts (readers and writers of the wire messages) from
// ../proto/live.proto and what it imports.
import { mkdirSync, readFileSync, writeFileSync, existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import resolve from 'resolve-protobuf-schema';
import { compileRaw } from 'pbf/compile';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const schema = resolve.sync(at('../../proto/live.proto'));

const scalar = (type) => {
  if (type === 'bytes') return 'Uint8Array';
  if (type === 'string') return 'string';
  if (type === 'bool') return 'boolean';
  if (/^(u|s)?int(32|64)$|^s?fixed(32|64)$|^float$|^double$/.test(type)) return 'number';
  return null;
};
const enums = new Set(schema.enums.map((e) => e.name));

function fieldType(field) {
  const base = scalar(field.type) ?? (enums.has(field.type.split('.').pop()) ? 'number' : field.type.split('.').pop());
  return field.repeated ? `${base}[]` : base;
}

// A message field that is not set reads as undefined; pbf gives scalars their proto3 default,
// but for bytes.
function messageTypes(message) {
  const lines = message.fields.map((f) => {
    const plain = scalar(f.type) || enums.has(f.type.split('.').pop());
    const optional = f.oneof || (!f.repeated && (!plain || f.type === 'bytes'));
    return `  ${f.name}${optional ? '?' : ''}: ${fieldType(f)};`;
  });
  for (const one of new Set(message.fields.map((f) => f.oneof).filter(Boolean))) {
    const names = message.fields.filter((f) => f.oneof === one).map((f) => `'${f.name}'`);
    lines.push(`  ${one}?: ${names.join(' | ')};`);
  }
  const name = message.name;
  return `export interface ${name} {\n${lines.join('\n')}\n}\n` +
    `export function read${name}(pbf: Pbf, end?: number): ${name};\n` +
    `export function write${name}(obj: Partial<${name}>, pbf: Pbf): void;\n`;
}

const enumCode = schema.enums.map((e) => {
  const pairs = Object.entries(e.values).map(([k, v]) => `  ${k}: ${v.value},`);
  return `export const ${e.name} = Object.freeze({\n${pairs.join('\n')}\n});\n`;
}).join('');
const enumTypes = schema.enums.map((e) => {
  const pairs = Object.entries(e.values).map(([k, v]) => `  readonly ${k}: ${v.value};`);
  return `export const ${e.name}: {\n${pairs.join('\n')}\n};\n`;
}).join('');

const note = '// Made by scripts/gen.mjs from proto/*.proto.\n';
// The compiler writes enums as objects of {value, options}; ours are plain numbers.
const js = compileRaw(schema, { dev: true }).replace(/export const \w+ = \{[\s\S]*?\n\};\n/g, '')
  .replace(/\n{3,}/g, '\n\n');

const out = at('../src/generated');
mkdirSync(out, { recursive: true });
const put = (name, text) => {
  const path = `${out}/${name}`;
  if (!existsSync(path) || readFileSync(path, 'utf8') !== text) writeFileSync(path, text);
};
put('xw.js', note + js + enumCode);
put('xw.d.ts', `${note}import type Pbf from 'pbf';\n` + enumTypes + schema.messages.map(messageTypes).join(''));
