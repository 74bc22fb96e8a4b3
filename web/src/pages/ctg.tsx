// One fetal monitor on its own page: the strip as large as the screen allows, the vital signs of the
// same bed below it.

import type { JSX } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { api, type JsonBed, type JsonStream } from '../api';
import { makeCursor } from '../bed/cursor';
import { ctgChannels } from '../ctg/channels';
import type { CtgEngine } from '../ctg/engine';
import { CtgPanel, CtgSettings } from '../ctg/panel';
import { t } from '../i18n/t';
import { activeAlarms, alarmsVersion } from '../live/alarms';
import { live, statusVersion } from '../live/client';
import type { StreamModel } from '../live/stream';
import { ctgOffset, ctgSpeed, demo, go, rulerChecked } from '../state';
import { AlarmRow, useAck } from '../ui';
import { VitalsLine } from '../vitals/line';
import { TechnicalList } from './list';
import { RulerDialog } from './ruler';

const SPEEDS = [1, 2, 3] as const;

export function CtgPage(props: { model: StreamModel; info: JsonStream | undefined }): JSX.Element {
  const { model, info } = props;
  const cursor = useMemo(() => makeCursor(), [model.id]);
  const [engine, setEngine] = useState<CtgEngine | null>(null);
  const [ruler, setRuler] = useState(false);
  const [bed, setBed] = useState<JsonBed | null>(null);
  const { ack, busy, failed } = useAck();
  void alarmsVersion.value;
  void statusVersion.value;
  const alarms = activeAlarms(model.id);
  const fhrN = ctgChannels(model.header).fhr.length;
  const gateway = model.header.gateway_id;
  useEffect(() => {
    api.beds().then((all) => setBed(all.find((b) => b.attachments.some((a) => a.streams.some((s) => s.id === model.id))) ?? null)).catch(() => {});
  }, [model.id]);
  const monitors = bed?.attachments.filter((a) => a.kind === 'monitor') ?? [];
  useEffect(() => {
    const onKey = (e: KeyboardEvent): void => {
      if (!engine || e.ctrlKey || e.metaKey || e.altKey || document.querySelector('dialog[open]')) return;
      if (e.target instanceof HTMLInputElement || e.target instanceof HTMLSelectElement) return;
      const k = e.key.toLowerCase();
      if (e.key === ' ') engine.paused ? engine.resume() : engine.pause();
      else if (e.key === 'ArrowLeft') engine.step(e.shiftKey ? -600 : -30);
      else if (e.key === 'ArrowRight') engine.step(e.shiftKey ? 600 : 30);
      else if (e.key === 'PageUp') engine.scroll(-600);
      else if (e.key === 'PageDown') engine.scroll(600);
      else if (e.key === 'End') engine.resume();
      else if (k === 's') ctgSpeed.value = SPEEDS[(SPEEDS.indexOf(ctgSpeed.value) + 1) % 3] as 1 | 2 | 3;
      else if (k === 'o' && fhrN > 1) ctgOffset.value = !ctgOffset.value;
      else if (k === 'a' && alarms[0] && !alarms[0].ackedBy) ack(alarms[0]);
      else if (e.key === 'Backspace') go('/list');
      else return;
      e.preventDefault();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [engine, fhrN, alarms[0]?.key]);
  return (
    <div class="viewer ctg-page">
      <div class="viewer-head">
        <a class="button back" href="#/list" title={t('keys.back')}>←</a>
        <div class="who-is">
          <b>{info?.bed || model.header.device_id}</b>
          <span>{info?.site ?? live.gateways.get(gateway)?.site_name ?? ''} · {model.header.device_id} {model.header.device_model && `· ${model.header.device_model}`}</span>
        </div>
        {(demo.value || model.header.demo) && <span class="demo-badge">{t('app.demo')}</span>}
        <CtgSettings fhrN={fhrN} />
        <button class={`chip ${rulerChecked() ? '' : 'warn'}`} onClick={() => setRuler(true)}>{t('ecg.ruler')}</button>
        <span class="spring" />
        {alarms[0] ? <ul class="alarms">{alarms.slice(0, 1).map((f) => <AlarmRow key={f.key} f={f} onAck={() => ack(f)} busy={busy === f.key} />)}</ul> : <TechnicalList gateway={gateway} max={1} />}
        {bed && bed.attachments.length > 1 && <a class="button" href={`#/bed/${bed.id}`}>{t('list.bedpage')}</a>}
        {ruler && <RulerDialog onClose={() => setRuler(false)} />}
      </div>
      {failed && <p class="inline-error" role="alert">{t('alarm.ackfail', { code: failed })}</p>}
      <CtgPanel streamId={model.id} cursor={cursor} onEngine={setEngine} bare />
      {monitors.length > 0 && <VitalsLine attachmentIds={monitors.map((m) => m.id)} cursor={cursor} gateway={gateway} attached={monitors.some((m) => m.attached)} />}
    </div>
  );
}
