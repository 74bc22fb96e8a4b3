// The reading of ten seconds beside the paper: graver things first, everything with its basis. It never
// looks newer than it is: from when to when, how long ago, and that no physician has seen it.

import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { clockText, durationText, monoMs } from '../base/clock';
import type { EcgController } from '../ecg/controller';
import { t, tWord } from '../i18n/t';
import { lang } from '../state';
import { live } from '../live/client';
import type { StreamModel } from '../live/stream';
import { CSS_PX_PER_MM, rulerChecked, rulerPxPerMm, speed, theme } from '../state';
import { useTicker } from '../ui';
import { wordsOf } from '../pages/paper';
import { Comparison } from './compare';
import { drawMedian } from './median';
import { beatIndex, measuredLeads, missingSeconds, rhythmOf, type Reading, type Statement } from './parse';
import { JudgedBy, PreviousEcg, PreviousReversal } from './previous';
import { GradeChip, Statements } from './statements';
import { LeadTable, Measurements } from './tables';
import type { ReadingState } from './use';

const FEW_LEADS = 8;
const OLD_AFTER_S = 10;

function MedianBeat(props: { r: Reading; model: StreamModel }): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { r, model } = props;
  const { median } = r;
  const scale = t(rulerChecked() ? 'ecg.scale.true' : 'ecg.scale.unchecked');
  const caption = median ? t('reading.median.of', { n: median.beats, v: speed.value, scale }) : '';
  useEffect(() => {
    const el = canvas.current;
    if (!el || !median) return;
    const draw = (): void => drawMedian(el, median, {
      options: { layout: '12x1', mmPerS: speed.value, mmPerMv: 10, mode: 'sweep', theme: theme.value, pxPerMm: rulerPxPerMm() || CSS_PX_PER_MM, demo: model.header.demo, bench: false },
      words: { ...wordsOf(model), caption: `${speed.value} mm/s  10 mm/mV  ${scale}` },
      markName: (mark) => t(`reading.mark.${mark}`),
    });
    let width = 0;
    const observer = new ResizeObserver(() => {
      if (el.clientWidth !== width) {
        width = el.clientWidth;
        draw();
      }
    });
    observer.observe(el);
    return () => observer.disconnect();
  }, [median, speed.value, theme.value, lang.value, rulerPxPerMm(), rulerChecked()]);
  if (!median || median.leads.length === 0) return <p class="muted">{t('reading.median.none')}</p>;
  return (
    <>
      <canvas ref={canvas} class="rd-median" role="img" aria-label={caption} data-beats={median.beats} />
      <p class="muted">{caption}</p>
    </>
  );
}

// What these seconds can not say.
function Limits(props: { r: Reading }): JSX.Element {
  const { r } = props;
  const hole = missingSeconds(r);
  const leads = measuredLeads(r);
  const reason = r.reason && tWord('why', r.reason);
  return (
    <ul class="rd-limits">
      <li data-verdict={r.verdict} class={r.verdict}><b>{t(`reading.verdict.${r.verdict}`)}</b>{reason && ` · ${reason}`}</li>
      {r.unfit.length > 0 && <li>{t('reading.unfit', { leads: r.unfit.join(' ') })}</li>}
      {leads < FEW_LEADS && <li data-limit="few"><b>{t('reading.few', { n: leads })}</b></li>}
      {hole > 0 && <li data-limit="hole"><b>{t('reading.hole', { s: hole.toFixed(1) })}</b></li>}
      {r.samples < 9.95 * r.rateHz && <li data-limit="short">{t('reading.short', { s: (r.samples / r.rateHz).toFixed(1) })}</li>}
      {r.said && <JudgedBy r={r} />}
    </ul>
  );
}

function Reversal(props: { r: Reading }): JSX.Element | null {
  const { limb, precordial } = props.r.exchange;
  if (!limb && !precordial) return null;
  return (
    <div class="rd-reversal" role="alert" data-reversal={limb || precordial}>
      {limb && <b>{limb === 'dextrocardia' ? t('reading.reversed.dextrocardia') : t('reading.reversed.limb', { kind: limb })}</b>}
      {precordial && <b>{t('reading.reversed.chest', { kind: precordial })}</b>}
      <p>{t('reading.reversed.do')}</p>
    </div>
  );
}

function Network(props: { r: Reading }): JSX.Element | null {
  const { network } = props.r;
  if (!network) return null;
  const said = network.proposals.filter((p) => p.said);
  if (network.seen && said.length === 0) return null;
  return (
    <>
      <h4>{t('reading.network')} <small class="mono">{network.model}</small></h4>
      {!network.seen ? <p class="muted">{t('reading.network.unseen')}</p> : (
        <dl class="rd-values one">{said.map((p) => <div key={p.name} class="rd-value"><dt>{tWord('class', p.name)}</dt><dd>{t('reading.network.row', { p: p.probability.toFixed(2), limit: p.limit.toFixed(2) })}</dd></div>)}</dl>
      )}
    </>
  );
}

// Since the last of the ten seconds, by the county's clock: a trace that stands still grows old too.
function secondsSince(r: Reading, model: StreamModel): number {
  const end = r.first + r.samples;
  const now = monoMs();
  const behind = (model.ring.newest - end) / r.rateHz;
  const byClock = live.clock.known && model.timed ? (live.clock.wallUs(now) - model.wallUs(end)) / 1e6 : NaN;
  return Math.max(behind, Number.isFinite(byClock) ? byClock : behind + (now - model.lastGrowMs) / 1000);
}

// The seconds that it is of, and how long ago.
function When(props: { r: Reading; model: StreamModel; live: boolean; goTo: () => void }): JSX.Element {
  const { r, model } = props;
  useTicker(1000);
  const end = r.first + r.samples;
  const agoS = props.live ? secondsSince(r, model) : NaN;
  const old = agoS > OLD_AFTER_S;
  return (
    <p class="rd-when">
      <b data-from={r.first} data-to={end}>{t('reading.from', { a: clockText(model.wallUs(r.first)), b: clockText(model.wallUs(end)) })}</b>
      {Number.isFinite(agoS) && <span class={`rd-age ${old ? 'old' : ''}`} data-old={old ? 'true' : 'false'}>{old ? t('reading.old', { s: durationText(agoS) }) : t('reading.now')}</span>}
      <button class="button" onClick={props.goTo}>{t('reading.goto')}</button>
    </p>
  );
}

function Body(props: { r: Reading; model: StreamModel; c: EcgController; live: boolean }): JSX.Element {
  const { r, model, c } = props;
  const [picked, setPicked] = useState('');
  const end = r.first + r.samples;
  useEffect(() => {
    setPicked('');
    return () => c.unlight(); // what is lit rests on a reading that stands here no more
  }, [r]);
  const pick = (s: Statement): void => {
    if (picked === s.name) {
      setPicked('');
      c.unlight();
      return;
    }
    setPicked(s.name);
    let mask = 0;
    model.channels.forEach((ch, i) => { if (s.leads.some((l) => l.toUpperCase() === ch.code.toUpperCase())) mask |= 1 << i; });
    c.light(r.first, end, s.beats.map((b) => beatIndex(r, b)), mask);
  };
  const rhythm = rhythmOf(r);
  const lit = r.said?.statements.find((s) => s.name === picked)?.leads ?? [];
  return (
    <>
      <When r={r} model={model} live={props.live} goTo={() => c.light(r.first, end, [], 0)} />
      <Reversal r={r} />
      <PreviousReversal r={r} />
      <p class="rd-head-line"><GradeChip grade={r.said && r.verdict !== 'unacceptable' ? r.said.grade : 'none'} />
        <span><small>{t('reading.rhythm')}</small> <b data-rhythm="">{rhythm.length > 0 ? rhythm.map((s) => (lang.value === 'zh' ? s.zh : s.en)).join(lang.value === 'zh' ? '、' : ', ') : t('reading.rhythm.none')}</b></span></p>
      <Limits r={r} />
      <h4>{t('reading.statements')}</h4>
      <Statements r={r} picked={picked} onPick={pick} />
      <Measurements r={r} />
      <PreviousEcg r={r} />
      <Comparison r={r} model={model} />
      <h4>{t('reading.median')}</h4>
      <MedianBeat r={r} model={model} />
      <h4>{t('reading.table')} <small>{t('reading.table.unit')}</small></h4>
      <LeadTable r={r} lit={lit} />
      <Network r={r} />
      <p class="muted mono rd-tables">{t('reading.tables', { a: r.tables.slice(0, 8), b: r.said?.tables.slice(0, 8) ?? '--' })}</p>
    </>
  );
}

export function ReadingPanel(props: { state: ReadingState; model: StreamModel; c: EcgController; live: boolean; again: () => void; close: () => void; warning?: JSX.Element }): JSX.Element {
  const { state, model } = props;
  const panel = useRef<HTMLElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    panel.current?.focus({ preventScroll: true });
    return () => { if (before instanceof HTMLElement) before.focus({ preventScroll: true }); };
  }, []);
  // What comes is seen, wherever one had read on to: a refusal above all.
  useEffect(() => {
    panel.current?.scrollIntoView({ block: 'start' });
  }, [state.reading, state.error]);
  return (
    <section class="reading" ref={panel} tabIndex={-1} data-reading={state.error ? 'error' : state.reading && !state.busy ? 'ready' : 'busy'} aria-label={t('reading.title')} aria-busy={state.busy}>
      <header>
        <h3>{t('reading.title')}</h3>
        <span class="spring" />
        <button class="button" disabled={state.busy} onClick={props.again}>{t('reading.again')}</button>
        <button class="button" onClick={props.close} title={t('app.close')}>{t('app.close')} <kbd>Esc</kbd></button>
        <p class="rd-machine">{t('reading.machine')}</p>
      </header>
      {props.warning /* of what is now, whatever was measured */}
      {state.busy && <p class="rd-busy" role="status">{t('reading.busy')}</p>}
      {state.error && (
        <div class="state" data-state="error" role="alert" data-status={state.error.status}>
          <p class="state-what">{t('reading.fail.what')}</p>
          <p>{state.error.text}</p>
          <p class="code">{t('error.code', { code: state.error.status ? `${state.error.code} ${state.error.status}` : state.error.code })}</p>
          <button class="button primary" onClick={props.again}>{t('app.retry')}</button>
        </div>
      )}
      {state.reading && <Body r={state.reading} model={model} c={props.c} live={props.live} />}
    </section>
  );
}
