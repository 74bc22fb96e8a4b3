// The paper as a widget: canvas, overview strip, the settings that shape it. The viewer and a study
// both use it.

import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { EcgController } from '../ecg/controller';
import { layoutsFor, standardLeads, type LayoutName } from '../ecg/layout';
import type { PaperOptions, PaperWords } from '../ecg/ground';
import { mainsAt, upperHz, BANDS, type Band } from '../filter/make';
import { t, tWord } from '../i18n/t';
import type { StreamModel } from '../live/stream';
import {
  bench, CSS_PX_PER_MM, filterName, gain, lang, layout, mainsHz, mode, rulerChecked, rulerPxPerMm, scaleFit, speed, theme,
} from '../state';
import { Choice } from '../ui';
import { RulerDialog } from './ruler';

export function scaleText(): string {
  return t(scaleFit.value ? 'ecg.scale.fit' : rulerChecked() ? 'ecg.scale.true' : 'ecg.scale.unchecked');
}

// of: the layout and speed of a paper that does not follow the settings.
export function captionOf(model: StreamModel, of: LayoutName = layout.value, mmPerS: number = speed.value): string {
  const band = filterName.value;
  const mains = mainsAt({ band, mainsHz: mainsHz.value }, model.nominalHz);
  const range = band === 'raw' ? t('ecg.caption.raw') : `${BANDS[band].highHz}–${upperHz(band, model.nominalHz)} Hz${band === 'monitor' ? t('ecg.caption.monitor') : ''}`;
  const parts = [`${mmPerS} mm/s`, `${gain.value} mm/mV`, range, mains ? t('ecg.mains.on', { hz: mains }) : t('ecg.mains.off'), scaleText()];
  if (of !== '12x1' && of !== '2R' && standardLeads(model.channels)) parts.push(t('ecg.simultaneous'));
  return parts.join('  ');
}

export function wordsOf(model: StreamModel): PaperWords {
  const s = (v: number): string => v.toFixed(v < 10 ? 1 : 0);
  return {
    demo: t('app.demo'),
    caption: captionOf(model),
    coming: (rest, back) => t('ecg.coming', { rest: s(rest), back: s(back) }),
    fetching: t('ecg.fetching'),
    lost: (reason, seconds) => t('ecg.lostgap', { s: s(seconds), reason: tWord('gap', reason) }),
    leadOff: t('ecg.leadoff'),
  };
}

const FIT_MM = 265; // ten seconds at 25 mm/s and the margin

export function optionsOf(model: StreamModel, width: number): PaperOptions {
  const fit = Math.max(1.2, width / FIT_MM);
  return {
    layout: layout.value, mmPerS: speed.value, mmPerMv: gain.value, mode: mode.value, theme: theme.value,
    pxPerMm: scaleFit.value ? fit : rulerPxPerMm() || CSS_PX_PER_MM, demo: model.header.demo, bench,
  };
}

export function Paper(props: { model: StreamModel; still?: { first: number; end: number }; onReady: (c: EcgController) => void }): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null);
  const overview = useRef<HTMLCanvasElement>(null);
  const controller = useRef<EcgController | null>(null);
  const { model } = props;
  useEffect(() => {
    if (!canvas.current) return;
    const c = new EcgController(
      canvas.current, overview.current, model, optionsOf(model, canvas.current.clientWidth), wordsOf(model),
      { band: filterName.value, mainsHz: mainsHz.value }, props.still ?? null,
    );
    controller.current = c;
    props.onReady(c);
    return () => c.stop();
  }, [model]);
  const settings = [layout.value, speed.value, gain.value, mode.value, theme.value, scaleFit.value, lang.value, rulerPxPerMm(), rulerChecked(), filterName.value, mainsHz.value];
  useEffect(() => {
    if (canvas.current) controller.current?.set(optionsOf(model, canvas.current.clientWidth), wordsOf(model));
  }, settings);
  useEffect(() => {
    controller.current?.setFilter({ band: filterName.value, mainsHz: mainsHz.value });
  }, [filterName.value, mainsHz.value]);
  const point = (e: PointerEvent): void => {
    if (e.type === 'pointermove' && e.buttons !== 1) return;
    controller.current?.pointAt(e.clientX);
  };
  return (
    <>
      <canvas ref={canvas} class="paper" role="img" aria-label="ECG" data-layout={layout.value} />
      {!props.still && (
        <div class="overview">
          <span class="overview-label">◀ {t('ecg.overview')}</span>
          <canvas ref={overview} title={t('ecg.overview.why')} onPointerDown={point} onPointerMove={point} />
          <span class="overview-label">{t('ecg.now')} ▶</span>
        </div>
      )}
    </>
  );
}

export function PaperSettings(props: { model: StreamModel; still?: boolean }): JSX.Element {
  const [ruler, setRuler] = useState(false);
  const layouts = layoutsFor(props.model.channels);
  return (
    <div class="settings">
      {layouts.length > 0 && <Choice label={t('ecg.layout')} value={layout.value} onChange={(v) => { layout.value = v; }} options={layouts.map((l) => [l, l.replace('x', '×')] as const)} />}
      <Choice label={t('ecg.speed')} value={speed.value} onChange={(v) => { speed.value = v; }} options={[[25, '25'], [50, '50']]} title="mm/s" />
      <Choice label={t('ecg.gain')} value={gain.value} onChange={(v) => { gain.value = v; }} options={[[5, '5'], [10, '10'], [20, '20']]} title="mm/mV" />
      <label class="choice">
        <span class="choice-label">{t('ecg.filter')}</span>
        <select value={filterName.value} onChange={(e) => { filterName.value = e.currentTarget.value as Band; }}>
          {(['diagnostic', 'monitor', 'raw'] as const).map((f) => <option key={f} value={f}>{t(`ecg.filter.${f}`)}</option>)}
        </select>
      </label>
      <label class="choice">
        <span class="choice-label">{t('ecg.mains')}</span>
        <select value={mainsHz.value} disabled={filterName.value === 'raw'} onChange={(e) => { mainsHz.value = Number(e.currentTarget.value) as 0 | 50 | 60; }}>
          <option value="50">50 Hz</option><option value="60">60 Hz</option><option value="0">{t('ecg.off')}</option>
        </select>
      </label>
      {!props.still && <Choice label={t('ecg.mode')} value={mode.value} onChange={(v) => { mode.value = v; }} options={[['sweep', t('ecg.mode.sweep')], ['scroll', t('ecg.mode.scroll')]]} />}
      <Choice label={t('ecg.scale')} value={scaleFit.value ? 'fit' : 'true'} onChange={(v) => { scaleFit.value = v === 'fit'; }}
        options={[['true', t('ecg.true')], ['fit', t('ecg.fit')]]} />
      <button class={`chip ${rulerChecked() ? '' : 'warn'}`} onClick={() => setRuler(true)}>{t('ecg.ruler')}</button>
      {ruler && <RulerDialog onClose={() => setRuler(false)} />}
    </div>
  );
}
