// The packages of web/ for scripts outside it.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const base = new URL('../../../web/package.json', import.meta.url);
const require = createRequire(base);
const load = async (name) => import(pathToFileURL(require.resolve(name)).href);

export const { default: Pbf } = await load('pbf');
const ws = await load('ws');
export const WebSocketServer = ws.WebSocketServer ?? ws.default.WebSocketServer;
export const wire = await import(new URL('../../../web/src/generated/xw.js', import.meta.url).href);
export const webRoot = new URL('../../../web/', import.meta.url);
export const loadPlaywright = () => load('playwright-core');
