// Vital signs of one bed in one line: each number with unit, source, time and age. What is old looks
// old, what the monitor says it does not have is "--" with the reason, and is never a number.

import type { JSX } from 'preact';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import '../styles/vitals.css';
import type { CursorSignal } from '../bed/cursor';
import { clockText, durationText, monoMs } from '../base/clock';
import { t, tWord } from '../i18n/t';
import { linkState, live } from '../live/client';
import { theme } from '../state';
import { useTicker } from '../ui';
import { numberText, unitOf, VITAL_KINDS, type VitalKind } from './kinds';
import type { Reading } from './readings';
import { drawSpark } from './spark';
import { stateOf, type VitalState } from './state';
import { VitalsStore } from './store';

const WINDOW_US = 3600e6;
const LEAST: Record<VitalKind, number> = { hr: 30, pr: 30, spo2: 8, nibp: 60, rr: 12, temp: 2, glucose: 4 };

export function valueText(r: Reading): string {
  const f = (v: number | undefined): string => (v === undefined ? '–' : numberText(r.kind, v));
  if (r.absent !== null) return '--';
  if (r.kind !== 'nibp') return f(r.parts.value);
  return `${f(r.parts.sys)}/${f(r.parts.dia)}${r.parts.mean !== undefined ? ` (${f(r.parts.mean)})` : ''}`;
}
const UNIT: Record<VitalKind, string> = { hr: '/min', pr: '/min', spo2: '%', nibp: 'mm[Hg]', rr: '/min', temp: 'Cel', glucose: 'mmol/L' };
export function vitalUnit(kind: VitalKind, r: Reading | null): string {
  const u = unitOf(r?.unit || UNIT[kind]);
  return u === '/min' ? t('ecg.hr.unit') : u;
}

function Trend(props: { readings: Reading[]; toUs: number; cursorUs: number | null; kind: VitalKind; pick: (us: number) => void }): JSX.Element {
  const ref = useRef<HTMLCanvasElement>(null);
  const from = props.toUs - WINDOW_US;
  useEffect(() => {
    if (ref.current) drawSpark(ref.current, { readings: props.readings, fromUs: from, toUs: props.toUs, cursorUs: props.cursorUs, theme: theme.value, least: LEAST[props.kind] });
  });
  const onPointer = (e: PointerEvent): void => {
    if (e.type === 'pointermove' && e.buttons !== 1) return;
    const box = (e.currentTarget as HTMLCanvasElement).getBoundingClientRect();
    props.pick(from + Math.max(0, Math.min(1, (e.clientX - box.left) / box.width)) * WINDOW_US);
  };
  return <canvas ref={ref} class="vital-trend" title={t('vital.trend.why')} aria-hidden="true" onPointerDown={onPointer} onPointerMove={onPointer} />;
}

// The same facts in the list and in the line: what is shown, in which state, and how old.
export function vitalNow(store: VitalsStore, kind: VitalKind, atUs: number, cut: boolean): { r: Reading | null; state: VitalState; ageS: number } {
  const r = store.readings.shown(kind, atUs);
  let state = stateOf(r, atUs);
  // With the link cut what was fresh is not known to be so any more.
  if (cut && state === 'fresh' && r?.continuous) state = 'old';
  return { r, state, ageS: r ? Math.max(0, (atUs - r.wallUs) / 1e6) : NaN };
}

function Cell(props: { store: VitalsStore; kind: VitalKind; atUs: number; windowEndUs: number; cursorUs: number | null; cut: boolean; pick: (us: number) => void }): JSX.Element {
  const { store, kind, atUs } = props;
  const { r, state, ageS } = vitalNow(store, kind, atUs, props.cut);
  const before = r && r.absent !== null ? store.readings.numberAt(kind, atUs) : null;
  const trend = store.readings.within(kind, props.windowEndUs - WINDOW_US, props.windowEndUs);
  return (
    <div class={`vital-cell is-${state} ${kind === 'nibp' ? 'wide' : ''}`} data-vital={kind} data-state={state} data-age={Number.isFinite(ageS) ? ageS.toFixed(1) : ''} data-value={r && r.absent === null ? valueText(r) : ''}>
      <span class="vital-name">{t(`vital.${kind}`)}{r?.source && <small> {tWord('source', r.source)}</small>}
        {(state === 'old' || state === 'grey') && <em>{props.cut && state === 'old' ? t('vital.cut') : t(`vital.${state}`)}</em>}
      </span>
      <span class="vital-number"><b>{r ? valueText(r) : '--'}</b><small>{vitalUnit(kind, r)}</small></span>
      <span class="vital-when" title={r ? t('vital.at', { at: clockText(r.wallUs), t: durationText(ageS) }) : ''}>
        {!r ? <span>{t('vital.never')}</span> : r.absent !== null ? <b>{tWord('absent', r.absent)}</b> : <span>{t('vital.at', { at: clockText(r.wallUs), t: durationText(ageS) })}</span>}
        {before && <span>{t('vital.last', { v: valueText(before), at: clockText(before.wallUs) })}</span>}
      </span>
      <Trend kind={kind} readings={trend} toUs={props.windowEndUs} cursorUs={props.cursorUs} pick={props.pick} />
    </div>
  );
}

// gateway, attached: of the bed, where the page knows them.
export function VitalsLine(props: { attachmentIds: readonly string[]; cursor: CursorSignal; gateway?: string; attached?: boolean }): JSX.Element {
  useTicker(500);
  const ids = props.attachmentIds.join(' ');
  const store = useMemo(() => new VitalsStore(ids ? ids.split(' ') : [], props.gateway), [ids, props.gateway]);
  useEffect(() => () => store.stop(), [store]);
  void store.version.value;
  const cursor = props.cursor.value.wallUs;
  const nowUs = live.clock.wallUs(monoMs());
  const atUs = cursor ?? nowUs;
  // The window stays as long as it shows the moment; live it moves a minute at a time.
  const end = useRef(NaN);
  if (cursor === null) end.current = Math.ceil(nowUs / 10e6) * 10e6;
  else if (!(cursor <= end.current && cursor >= end.current - WINDOW_US)) end.current = Math.min(nowUs, cursor + WINDOW_US / 2);
  const windowEnd = end.current;
  const minute = Math.floor(windowEnd / 60e6);
  useEffect(() => {
    if (Number.isFinite(windowEnd)) void store.window(windowEnd - WINDOW_US, Math.min(windowEnd, live.clock.wallUs(monoMs())));
  }, [store, minute, linkState.value, store.loaded.value]);
  useEffect(() => {
    if (cursor !== null) void store.before(cursor);
  }, [store, cursor === null ? 0 : Math.floor(cursor / 60e6)]);
  useEffect(() => {
    if (linkState.value === 'open') void store.newest();
  }, [store, linkState.value]);
  const g = props.gateway ? live.gateways.get(props.gateway) : undefined;
  const cut = cursor === null && (linkState.value !== 'open' || g?.linked === false);
  const gone = cursor === null && props.attached === false;
  const pick = (us: number): void => {
    if (Number.isFinite(us)) props.cursor.value = { wallUs: Math.round(Math.min(us, live.clock.wallUs(monoMs()))) };
  };
  const shown = VITAL_KINDS.filter((k) => k !== 'glucose' || store.readings.at(k, atUs) !== null);
  return (
    <section class={`vitals-line ${cut || gone ? 'cut' : ''}`} aria-label={t('vital.title')} data-cut={String(cut)}>
      {(cut || gone) && <p class="vitals-cut tech">{t(gone && !cut ? 'vital.gone' : 'vital.cut')}</p>}
      {store.error.value && <p class="inline-error">{t('vital.error', { code: store.error.value })}</p>}
      {props.attachmentIds.length === 0
        ? <p class="muted">{t('vital.empty')} · {t('vital.empty.do')}</p>
        : shown.map((kind) => <Cell key={kind} store={store} kind={kind} atUs={atUs} windowEndUs={windowEnd} cursorUs={cursor} cut={cut || gone} pick={pick} />)}
    </section>
  );
}
