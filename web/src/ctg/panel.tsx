// CTG strip as a panel: paper, numbers, age, what is missing. It follows the cursor of its page and
// sets it when somebody clicks, drags, turns the wheel or uses the arrows on it.

import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import '../styles/ctg.css';
import type { CursorSignal } from '../bed/cursor';
import { clockText } from '../base/clock';
import { has, t, tWord } from '../i18n/t';
import type { Key } from '../i18n/words';
import { linkState, live } from '../live/client';
import { StreamLights } from '../live/lights';
import type { StreamModel } from '../live/stream';
import { CSS_PX_PER_MM, ctgOffset, ctgSpeed, lang, rulerChecked, rulerPxPerMm, theme } from '../state';
import { AgeBadge, HoleNote } from '../trace/badges';
import { Choice, Empty, Loading } from '../ui';
import { ctgChannels, type CtgRole } from './channels';
import { CtgEngine, EMPTY_CTG, type CtgState } from './engine';
import type { CtgOptions, CtgWords } from './renderer';
import { OFFSET_BPM, styleOf } from './style';
import type { CtgNumber } from './values';

const KEEP_S = 2 * 3600;
const FAST_STEP_S = 600;
const STEP_S = 30;

function wordsOf(model: StreamModel): CtgWords {
  const s = (v: number): string => v.toFixed(v < 10 ? 1 : 0);
  const fhrN = ctgChannels(model.header).fhr.length;
  return {
    demo: t('app.demo'),
    caption: (bpmPerCm, trueHeight) => {
      const parts = [`${ctgSpeed.value} cm/min`];
      const scale = t(rulerChecked() ? 'ecg.scale.true' : 'ecg.scale.unchecked');
      if (trueHeight) parts.push(t('ctg.caption.fhr', { n: bpmPerCm }), scale);
      else parts.push(t('ctg.caption.time', { s: scale }), t('ctg.caption.height'));
      parts.push(t('ctg.caption.band'));
      if (ctgOffset.value && fhrN > 1) parts.push(t('ctg.offset.on', { n: OFFSET_BPM }));
      if (ctgOffset.value && fhrN > 2) parts.push(t('ctg.offset.three', { n: OFFSET_BPM }));
      return parts.join('  ');
    },
    coming: (rest, back) => t('ecg.coming', { rest: s(rest), back: s(back) }),
    fetching: t('ecg.fetching'),
    lost: (reason, seconds) => t('ecg.lostgap', { s: s(seconds), reason: tWord('gap', reason) }),
    mhr: t('ctg.maternal'),
    double: t('ctg.ev.double'),
    half: t('ctg.ev.half'),
    zero: t('ctg.ev.zero'),
    axis: { fhr: 'bpm', loss: t('ctg.axis.loss'), uc: t('ctg.uc') },
    button: (code) => (has(`reason.${code.toLowerCase()}`) ? t(`reason.${code.toLowerCase()}` as Key) : t('ctg.ev.button')),
  };
}

function optionsOf(model: StreamModel): CtgOptions {
  return { cmPerMin: ctgSpeed.value, theme: theme.value, pxPerMm: rulerPxPerMm() || CSS_PX_PER_MM, demo: model.header.demo, offset: ctgOffset.value };
}

function roleName(role: CtgRole, fhrN: number): string {
  if (role === 'MHR') return t('ctg.mhr');
  if (role === 'UC') return t('ctg.uc');
  return fhrN === 1 ? t('ctg.fhr') : t(`ctg.${role.toLowerCase()}` as Key);
}

// The line that a number belongs to, as it is drawn on the paper.
function LineKey(props: { role: CtgRole }): JSX.Element {
  const style = styleOf(props.role, theme.value);
  return (
    <svg class="ctg-key" width="26" height="10" aria-hidden="true">
      <line x1="1" y1="5" x2="25" y2="5" stroke={style.colour} stroke-width={style.width} stroke-dasharray={style.dots ? '2 3' : undefined} />
      {style.beads && <circle cx="13" cy="5" r="3.5" fill="none" stroke={style.colour} />}
    </svg>
  );
}

function Value(props: { n: CtgNumber; fhrN: number; s: CtgState }): JSX.Element {
  const { n, s } = props;
  const old = !s.paused && s.freshness !== 'live';
  const maternal = s.maternal.includes(n.role);
  const note = n.value === null ? (old ? '' : t('ctg.nosignal')) : n.quality === 'bad' ? t('ctg.quality.bad') : n.quality === 'doubtful' ? t('ctg.quality.doubtful') : '';
  const unit = n.role === 'UC' ? (n.unit === 'mm[Hg]' ? 'mmHg' : t('ctg.uc.unit')) : t('ecg.hr.unit');
  return (
    <div class={`ctg-value ${old ? 'old' : ''}`} data-ctg={n.role} data-value={n.value === null ? '' : Math.round(n.value)}>
      <span class="ctg-name">{n.role !== 'UC' && <LineKey role={n.role} />}{roleName(n.role, props.fhrN)}</span>
      <span class="ctg-number"><b>{n.value === null ? '--' : Math.round(n.value)}</b><small>{unit}</small></span>
      <span class="ctg-low-unit">{unit}</span>
      {maternal ? <span class="ctg-note tech">{t('ctg.maternal')}</span> : <span class="ctg-note" data-empty={String(note === '')}>{note}</span>}
      {Number.isFinite(n.lossPct) && <span class="ctg-note ctg-signal" title={t('ctg.signal.why')}>{t('ctg.signal', { p: Math.round(100 - n.lossPct) })}</span>}
    </div>
  );
}

function Strip(props: { model: StreamModel; cursor: CursorSignal; onEngine?: ((e: CtgEngine) => void) | undefined; bare?: boolean | undefined }): JSX.Element {
  const { model } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const [engine, setEngine] = useState<CtgEngine | null>(null);
  useEffect(() => {
    if (!canvas.current) return;
    const e = new CtgEngine(canvas.current, model, props.cursor, optionsOf(model), wordsOf(model));
    setEngine(e);
    props.onEngine?.(e);
    return () => e.stop();
  }, [model, props.cursor]);
  useEffect(() => {
    engine?.set(optionsOf(model), wordsOf(model));
  }, [engine, ctgSpeed.value, ctgOffset.value, theme.value, lang.value, rulerPxPerMm(), rulerChecked()]);
  const s = engine?.state.value ?? EMPTY_CTG;
  const point = (e: PointerEvent): void => {
    if (e.type === 'pointerdown') (e.currentTarget as HTMLElement).setPointerCapture(e.pointerId);
    else if (e.buttons !== 1) return;
    engine?.pointAt(e.clientX);
  };
  const onKey = (e: KeyboardEvent): void => {
    if (!engine || e.ctrlKey || e.metaKey || e.altKey) return;
    const step = e.shiftKey ? FAST_STEP_S : STEP_S;
    if (e.key === 'ArrowLeft') engine.step(-step);
    else if (e.key === 'ArrowRight') engine.step(step);
    else if (e.key === 'PageUp') engine.scroll(-FAST_STEP_S);
    else if (e.key === 'PageDown') engine.scroll(FAST_STEP_S);
    else if (e.key === 'End') engine.resume();
    else if (e.key === ' ') engine.paused ? engine.resume() : engine.pause();
    else return;
    e.preventDefault();
    e.stopPropagation();
  };
  const fhrN = ctgChannels(model.header).fhr.length;
  return (
    <div class={`ctg fresh-${s.freshness}`} data-fresh={s.freshness} data-paused={String(s.paused)} tabIndex={0} onKeyDown={onKey} aria-label={t('ctg.title')} title={t('ctg.how')}>
      <div class="ctg-paper-box">
        <canvas ref={canvas} class="ctg-paper" role="img" aria-label={t('ctg.title')} data-speed={ctgSpeed.value}
          onPointerDown={point} onPointerMove={point} onWheel={(e) => { e.preventDefault(); engine?.scroll((e.deltaY || e.deltaX) > 0 ? 120 : -120); }} />
        {s.freshness === 'lost' && !s.paused && <p class="paper-lost">{t(linkState.value === 'open' ? 'ecg.lost' : 'ecg.lost.local', { t: clockText(s.silentSinceWallUs) })}</p>}
      </div>
      <aside class="ctg-side">
        <AgeBadge s={s} />
        <StreamLights id={model.id} />
        {s.numbers.map((n) => <Value key={n.role} n={n} fhrN={fhrN} s={s} />)}
        {s.paused && <button class="button" onClick={() => engine?.resume()}>{t('ctg.now')}</button>}
        <span class="spring" />
        <HoleNote hole={s.hole} />
        {!props.bare && <CtgSettings fhrN={fhrN} />}
        {s.eventsError && <span class="inline-error">{t('ecg.eventsfail', { code: s.eventsError })}</span>}
        {model.badBlocks > 0 && <span class="inline-error">{t('ecg.badblocks', { n: model.badBlocks })}</span>}
      </aside>
    </div>
  );
}

export function CtgSettings(props: { fhrN: number }): JSX.Element {
  return (
    <div class="settings">
      <Choice label={t('ctg.speed')} value={ctgSpeed.value} onChange={(v) => { ctgSpeed.value = v; }} options={[[1, '1'], [2, '2'], [3, '3']]} title="cm/min" />
      {props.fhrN > 1 && <button class={`chip ${ctgOffset.value ? 'on' : ''}`} aria-pressed={ctgOffset.value} title={t('keys.twins')} onClick={() => { ctgOffset.value = !ctgOffset.value; }}>{t('ctg.offset')} {OFFSET_BPM} bpm</button>}
    </div>
  );
}

// One CTG stream, followed live. height: CSS pixels of the whole panel; left out, it fills its place.
// bare: the page has the settings.
export function CtgPanel(props: { streamId: string; cursor: CursorSignal; height?: number; bare?: boolean; onEngine?: (e: CtgEngine) => void; onModel?: (m: StreamModel) => void }): JSX.Element {
  const [model, setModel] = useState<StreamModel | null>(null);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    setModel(null);
    return live.watch(props.streamId, KEEP_S, (m) => {
      setModel(m);
      props.onModel?.(m);
    });
  }, [props.streamId]);
  useEffect(() => {
    if (box.current && props.height) box.current.style.height = `${props.height}px`;
  }, [props.height]);
  const usable = model && ctgChannels(model.header).fhr.length > 0;
  return (
    <div class="ctg-panel" ref={box}>
      {!model ? <Loading what={t('ecg.loading')} /> : usable ? <Strip key={model.id} model={model} cursor={props.cursor} onEngine={props.onEngine} bare={props.bare} /> : <Empty what={t('ctg.nochannel')} todo={t('ctg.nochannel.do')} />}
    </div>
  );
}
