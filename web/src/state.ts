// What the whole page shares: who is signed in, demo mode, the settings of this display.

import { effect, signal } from '@preact/signals';
import { api, setCsrf, whenUnauthorized, type JsonDemo, type Me, type Role } from './api';
import type { LayoutName } from './ecg/layout';
import type { ThemeName } from './ecg/theme';
import type { Band } from './filter/make';

function stored<T>(name: string, fallback: T, ok: (v: unknown) => boolean) {
  let first = fallback;
  try {
    const v: unknown = JSON.parse(localStorage.getItem(`xw.${name}`) ?? 'null');
    if (v !== null && ok(v)) first = v as T;
  } catch {
    // unreadable: the default stands
  }
  const s = signal<T>(first);
  effect(() => {
    const v = s.value;
    try {
      localStorage.setItem(`xw.${name}`, JSON.stringify(v));
    } catch {
      // private window: the choice lasts as long as the page
    }
  });
  return s;
}
const oneOf = (...values: unknown[]) => (v: unknown): boolean => values.includes(v);

export const lang = stored<'zh' | 'en'>('lang', 'zh', oneOf('zh', 'en'));
export const theme = stored<ThemeName>('theme', 'paper', oneOf('paper', 'night'));
export const layout = stored<LayoutName>('layout', '3x4+1R', oneOf('3x4+1R', '6x2', '12x1'));
export const speed = stored<25 | 50>('speed', 25, oneOf(25, 50));
export const gain = stored<5 | 10 | 20>('gain', 10, oneOf(5, 10, 20));
export const mode = stored<'sweep' | 'scroll'>('mode', 'sweep', oneOf('sweep', 'scroll'));
export const filterName = stored<Band>('filter', 'diagnostic', oneOf('diagnostic', 'monitor', 'raw'));
export const mainsHz = stored<0 | 50 | 60>('mains', 50, oneOf(0, 50, 60));
export const ctgSpeed = stored<1 | 2 | 3>('ctg.speed', 1, oneOf(1, 2, 3));
export const ctgOffset = stored<boolean>('ctg.offset', false, oneOf(true, false));
export const pictureFill = stored<boolean>('picture.fill', false, oneOf(true, false));
export const scaleFit = stored<boolean>('fit', false, oneOf(true, false));
export const consoleOpen = stored<boolean>('console', window.innerWidth > 760, oneOf(true, false));

export const query = signal(''); // what the live list is searched for

// ---- the ruler: CSS pixels per millimetre of this display ----

export const CSS_PX_PER_MM = 96 / 25.4;
const displayKey = (): string => `${screen.width}x${screen.height}@${window.devicePixelRatio}`;
type Ruler = Record<string, number>;
const rulers = stored<Ruler>('ruler', {}, (v) => typeof v === 'object' && v !== null);
export const display = signal(displayKey());
window.addEventListener('resize', () => {
  display.value = displayKey(); // another screen, or another zoom: another ruler
});

export function rulerChecked(): boolean {
  return (rulers.value[display.value] ?? 0) > 0;
}
export function rulerPxPerMm(): number {
  const v = rulers.value[display.value] ?? 0;
  return v > 1 && v < 40 ? v : CSS_PX_PER_MM;
}
export function setRuler(pxPerMm: number): void {
  rulers.value = { ...rulers.value, [display.value]: pxPerMm };
}

// ---- who ----

export const me = signal<Me | null>(null); // null = not asked yet
export const demo = signal(false);
export const demoState = signal<JsonDemo | null>(null);

export function entered(m: Me): void {
  setCsrf(m.csrf ?? '');
  if (m.demo !== undefined) demo.value = m.demo;
  me.value = m;
}
export function signedOut(): void {
  setCsrf('');
  me.value = { user: null, demo: demo.value };
}
whenUnauthorized(() => {
  if (me.value?.user) signedOut();
});

export async function refreshDemo(): Promise<void> {
  try {
    demoState.value = await api.demo();
  } catch {
    // the strip keeps what it shows; the link state says the rest
  }
}

export const role = (): Role | '' => me.value?.role ?? '';

effect(() => {
  document.documentElement.dataset['theme'] = theme.value;
  document.documentElement.lang = lang.value === 'zh' ? 'zh-CN' : 'en';
});

// ---- where ----

export const route = signal(location.hash.replace(/^#/, '') || '/');
window.addEventListener('hashchange', () => {
  route.value = location.hash.replace(/^#/, '') || '/';
});
export function go(to: string): void {
  location.hash = to;
}
export const bench = new URLSearchParams(location.search).has('bench');
