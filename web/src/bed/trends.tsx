// Heart rate variability and burden of one bed: the newest five minutes as numbers, the last hours as
// trends, and a table of hours. A click on a trend goes to that moment.

import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError, type JsonBed } from '../api';
import { clockText, durationText, monoMs } from '../base/clock';
import { t } from '../i18n/t';
import type { Key } from '../i18n/words';
import { linkState, live } from '../live/client';
import { theme } from '../state';
import { useTicker } from '../ui';
import type { Reading } from '../vitals/readings';
import { drawSpark } from '../vitals/spark';
import type { CursorSignal } from './cursor';
import { hoursOf, isOld, loadWindows, windowAt, type BeatWindow } from './windows';

const EVERY_MS = 30_000;
const SPANS_H = [6, 24] as const;

interface Row {
  id: string;
  name: Key;
  unit: string;
  least: number;
  digits: number;
  of: (w: BeatWindow) => number | null;
}
const ratio = (a: number, b: number): number | null => (b > 0 ? a / b : null);
const ROWS: Row[] = [
  { id: 'rate', name: 'trend.rate', unit: '/min', least: 20, digits: 0, of: (w) => (w.hrv ? 60_000 / w.hrv.nn : null) },
  { id: 'sdnn', name: 'trend.sdnn', unit: 'ms', least: 20, digits: 0, of: (w) => w.hrv?.sdnn ?? null },
  { id: 'rmssd', name: 'trend.rmssd', unit: 'ms', least: 20, digits: 0, of: (w) => w.hrv?.rmssd ?? null },
  { id: 'pnn50', name: 'trend.pnn50', unit: '%', least: 10, digits: 1, of: (w) => w.hrv?.pnn50 ?? null },
  { id: 'lfhf', name: 'trend.lfhf', unit: '', least: 1, digits: 2, of: (w) => (w.hrv ? ratio(w.hrv.lf, w.hrv.hf) : null) },
  { id: 'af', name: 'trend.af', unit: '%', least: 100, digits: 0, of: (w) => w.af },
  { id: 'v', name: 'trend.v', unit: '', least: 5, digits: 0, of: (w) => w.v },
  { id: 's', name: 'trend.s', unit: '', least: 5, digits: 0, of: (w) => w.s },
];
const NEEDS_NN = new Set(['rate', 'sdnn', 'rmssd', 'pnn50', 'lfhf']);

function reading(w: BeatWindow, value: number): Reading {
  return { kind: 'hr', key: `${w.stream}:${w.first}`, attachment: '', wallUs: (w.fromUs + w.toUs) / 2, parts: { value }, unit: '', source: '', absent: null, reported: '', continuous: false };
}

function Cell(props: { row: Row; windows: BeatWindow[]; now: BeatWindow | null; old: boolean; fromUs: number; toUs: number; cursorUs: number | null; pick: (us: number) => void }): JSX.Element {
  const { row, windows, now, fromUs, toUs } = props;
  const ref = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    if (!ref.current) return;
    const readings = windows.flatMap((w) => {
      const v = row.of(w);
      return v === null || !Number.isFinite(v) ? [] : [reading(w, v)];
    });
    drawSpark(ref.current, { readings, fromUs, toUs, cursorUs: props.cursorUs, theme: theme.value, least: row.least });
  });
  const value = now ? row.of(now) : null;
  const text = value === null || !Number.isFinite(value) ? '--' : value.toFixed(row.digits);
  const onPointer = (e: PointerEvent): void => {
    if (e.type === 'pointermove' && e.buttons !== 1) return;
    const box = (e.currentTarget as HTMLCanvasElement).getBoundingClientRect();
    props.pick(fromUs + Math.max(0, Math.min(1, (e.clientX - box.left) / box.width)) * (toUs - fromUs));
  };
  return (
    <div class={`vital-cell is-${props.old ? 'old' : 'fresh'}`} data-trend={row.id} data-value={text === '--' ? '' : text}>
      <span class="vital-name">{t(row.name)}{props.old && <em>{t('trend.old')}</em>}</span>
      <span class="vital-number"><b>{text}</b><small>{row.unit}</small></span>
      <span class="vital-when">{now && text === '--' && NEEDS_NN.has(row.id) && <span>{now.af > 0 ? t('trend.few.af') : t('trend.few', { clean: Math.round(now.clean) })}</span>}</span>
      <canvas ref={ref} class="vital-trend" aria-hidden="true" onPointerDown={onPointer} onPointerMove={onPointer} />
    </div>
  );
}

const num = (v: number | null, digits: number): string => (v === null ? '--' : v.toFixed(digits));

function Hours(props: { windows: BeatWindow[] }): JSX.Element {
  return (
    <table class="trend-hours">
      <thead><tr>{(['trend.hour', 'trend.seen', 'trend.rate', 'trend.sdnn', 'trend.rmssd', 'trend.lfhf', 'trend.af', 'trend.v', 'trend.s'] as Key[]).map((k) => <th key={k}>{t(k)}</th>)}</tr></thead>
      <tbody>
        {hoursOf(props.windows).map((h) => (
          <tr key={h.fromUs} data-hour={h.fromUs}>
            <td>{clockText(h.fromUs).slice(0, 5)}</td><td>{Math.round(h.seenS / 60)} min</td><td>{num(h.bpm, 0)}</td><td>{num(h.sdnn, 0)}</td><td>{num(h.rmssd, 0)}</td>
            <td>{num(h.lfhf, 2)}</td><td>{num(h.af, 1)} %</td><td>{h.v}</td><td>{h.s}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export function Trends(props: { bed: JsonBed; cursor: CursorSignal }): JSX.Element {
  useTicker(1000);
  const [windows, setWindows] = useState<BeatWindow[] | null>(null);
  const [error, setError] = useState('');
  const [spanH, setSpanH] = useState<number>(6);
  const [table, setTable] = useState(false);
  const nowUs = live.clock.wallUs(monoMs());
  const cursorUs = props.cursor.value.wallUs;
  const known = Number.isFinite(nowUs);
  const spanUs = spanH * 3600e6;
  // Live the window ends now; a moment before it takes the window along, by its quarters.
  const past = cursorUs !== null && cursorUs < nowUs - spanUs;
  const toUs = past ? Math.ceil((cursorUs + spanUs / 2) / (spanUs / 4)) * (spanUs / 4) : nowUs;
  const fromUs = toUs - spanUs;
  const step = past ? toUs : 0;
  const id = props.bed.id;
  useEffect(() => {
    if (!known || linkState.value !== 'open') return;
    let gone = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const read = (): void => {
      const end = past ? toUs : live.clock.wallUs(monoMs());
      loadWindows(props.bed, end - spanUs, end)
        .then((w) => {
          if (gone) return;
          setWindows(w);
          setError('');
        })
        .catch((e: unknown) => { if (!gone) setError(e instanceof ApiError ? e.code : 'internal'); })
        .finally(() => { if (!gone) timer = setTimeout(read, EVERY_MS); });
    };
    read();
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [id, props.bed, spanH, step, known, linkState.value]);
  const list = windows ?? [];
  const now = windowAt(list, cursorUs);
  const old = cursorUs === null && now !== null && isOld(now, nowUs);
  const pick = (us: number): void => {
    if (Number.isFinite(us)) props.cursor.value = { wallUs: Math.round(Math.min(us, live.clock.wallUs(monoMs()))) };
  };
  return (
    <section class="trends" aria-label={t('trend.title')} data-windows={windows === null ? '' : list.length}>
      <div class="trend-head">
        <b>{t('trend.title')}</b>
        {now && <span class="muted">{t('trend.of', { from: clockText(now.fromUs).slice(0, 5), to: clockText(now.toUs).slice(0, 5) })}
          {cursorUs === null && ` · ${t('trend.ago', { t: durationText((nowUs - now.toUs) / 1e6) })}`} · {t('trend.clean', { clean: Math.round(now.clean), seen: Math.round((now.seenS / 300) * 100) })}</span>}
        <span class="spring" />
        {SPANS_H.map((h) => <button key={h} class="chip" aria-pressed={spanH === h} onClick={() => setSpanH(h)}>{t('trend.span', { h })}</button>)}
        <button class="chip" aria-pressed={table} onClick={() => setTable(!table)}>{t('trend.hours')}</button>
      </div>
      {error && <p class="inline-error">{t('trend.error', { code: error })}</p>}
      {windows !== null && list.length === 0
        ? <p class="muted trend-none">{t('trend.none')}</p>
        : table ? <Hours windows={list} /> : (
          <div class="vitals-line">
            {ROWS.map((row) => <Cell key={row.id} row={row} windows={list} now={now} old={old} fromUs={fromUs} toUs={toUs} cursorUs={cursorUs} pick={pick} />)}
          </div>
        )}
    </section>
  );
}
