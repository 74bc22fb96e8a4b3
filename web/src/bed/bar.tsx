// The timeline as a widget: click or drag to a moment, the span of time to choose.

import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { signal } from '@preact/signals';
import { ApiError, type JsonBed } from '../api';
import { monoMs } from '../base/clock';
import { t } from '../i18n/t';
import type { Key } from '../i18n/words';
import { linkState, live } from '../live/client';
import { theme } from '../state';
import { useTicker } from '../ui';
import { loadBar, NO_DATA, type BarData } from './bardata';
import { drawBar, LABEL_PX } from './bardraw';
import type { CursorSignal } from './cursor';

const SPANS: [number, Key][] = [[600, 'bed.bar.10m'], [3600, 'bed.bar.1h'], [21600, 'bed.bar.6h'], [86400, 'bed.bar.24h']];
const spanS = signal(3600);
const AHEAD = 0.02; // of the span, right of now
const EVERY_MS = 10_000;

export function TimeBar(props: { bed: JsonBed; cursor: CursorSignal; children?: ComponentChildren }): JSX.Element {
  useTicker(1000);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [data, setData] = useState<BarData>(NO_DATA);
  const [error, setError] = useState('');
  const [width, setWidth] = useState(0);
  const now = live.clock.wallUs(monoMs());
  const cursor = props.cursor.value.wallUs;
  // The window ends now, unless the cursor stands before it.
  const span = spanS.value * 1e6;
  const end = now + span * AHEAD;
  const toUs = cursor !== null && cursor < end - span ? cursor + span / 2 : end;
  const fromUs = toUs - span;
  const step = Math.floor(fromUs / (span / 8)); // a window that moved little needs no new answer
  const clockKnown = Number.isFinite(now);
  useEffect(() => {
    if (!clockKnown || linkState.value !== 'open') return;
    let gone = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const read = (): void => {
      loadBar(props.bed, fromUs - span / 8, toUs)
        .then((d) => {
          if (gone) return;
          setData(d);
          setError('');
        })
        .catch((e: unknown) => { if (!gone) setError(e instanceof ApiError ? e.code : 'internal'); })
        .finally(() => { if (!gone) timer = setTimeout(read, EVERY_MS); });
    };
    timer = setTimeout(read, 50);
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [props.bed, spanS.value, step, clockKnown, linkState.value]);
  useEffect(() => {
    const el = canvas.current;
    if (!el) return;
    const observer = new ResizeObserver(() => setWidth(el.clientWidth));
    observer.observe(el);
    return () => observer.disconnect();
  }, []);
  useEffect(() => {
    if (canvas.current && clockKnown) {
      drawBar(canvas.current, data, {
        theme: theme.value, fromUs, toUs, nowUs: now, cursorUs: cursor,
        names: { events: t('bed.bar.events'), ecg: t('bed.ecg'), ctg: t('bed.bar.ctg'), vitals: t('bed.bar.vitals'), clips: t('bed.bar.clips') },
      });
    }
  }, [data, now, cursor, width, theme.value]);
  const point = (e: PointerEvent): void => {
    if (e.type === 'pointermove' && e.buttons !== 1) return;
    const el = e.currentTarget as HTMLElement;
    if (e.type === 'pointerdown') el.setPointerCapture(e.pointerId);
    const box = el.getBoundingClientRect();
    const us = fromUs + ((e.clientX - box.left - LABEL_PX) / (box.width - LABEL_PX)) * (toUs - fromUs);
    props.cursor.value = { wallUs: us >= live.clock.wallUs(monoMs()) ? null : Math.max(us, fromUs) };
  };
  return (
    <div class="bed-bar">
      <canvas ref={canvas} title={t('bed.bar.why')} role="img" aria-label={t('bed.bar')} onPointerDown={point} onPointerMove={point} data-from={fromUs} data-to={toUs} />
      <div class="bed-bar-span" role="group" aria-label={t('bed.bar.span')}>
        {SPANS.map(([s, key]) => <button key={key} class={`chip ${s === spanS.value ? 'on' : ''}`} aria-pressed={s === spanS.value} onClick={() => { spanS.value = s; }}>{t(key)}</button>)}
      </div>
      {props.children}
      {error && <span class="inline-error bed-bar-error">{t('bed.bar.error', { code: error })}</span>}
    </div>
  );
}
