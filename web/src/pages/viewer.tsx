// Live ECG of one stream: the paper, what is now, what is old, what is missing, what alarms and why.

import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { api, ApiError, type JsonStream } from '../api';
import { clockText } from '../base/clock';
import { EcgController, type ViewerState } from '../ecg/controller';
import { leadName } from '../ecg/layout';
import { t, alarmName } from '../i18n/t';
import { activeAlarms, alarmsVersion, isPulseless, loadAlarms, pastAlarms, technicalAlarms } from '../live/alarms';
import { linkState, live, statusVersion } from '../live/client';
import type { Finding } from '../live/events';
import { StreamLights } from '../live/lights';
import type { StreamModel } from '../live/stream';
import { ReadingPanel } from '../reading/panel';
import { useReading } from '../reading/use';
import { demo, filterName, gain, go, layout, mode, speed } from '../state';
import { AgeBadge, HoleNote } from '../trace/badges';
import { AlarmRow, Empty, Loading, Priority, alarmWhen, useAck } from '../ui';
import { modalityWord, priorityRank } from '../wire/words';
import { DemoConsole, useDemo } from './console';
import { CtgPage } from './ctg';
import { EvidencePanel, FindingsList } from './findings';
import { listed, TechnicalList, technicalText } from './list';
import { Paper, PaperSettings } from './paper';

const KEEP_S = 630;
const REASONS = ['chest_pain', 'palpitation', 'syncope', 'check_up', 'alarm', 'other'] as const;

function Capture(props: { c: EcgController; model: StreamModel; open: boolean; setOpen: (v: boolean) => void }): JSX.Element {
  const [urgent, setUrgent] = useState(false);
  const [said, setSaid] = useState('');
  const { c, model } = props;
  const take = (reason: string): void => {
    const count = Math.round(10 * model.nominalHz);
    const end = Math.floor(c.end);
    const first = Math.max(0, end - count);
    props.setOpen(false);
    api.createStudy(model.id, first, end - first, reason, urgent)
      .then(() => setSaid(t('ecg.captured')))
      .catch((e: unknown) => setSaid(t('error.code', { code: e instanceof ApiError ? e.code : 'internal' })));
    setTimeout(() => setSaid(''), 6000);
  };
  return (
    <div class="capture">
      <button class="button primary" aria-expanded={props.open} onClick={() => props.setOpen(!props.open)}>{t('ecg.capture')}</button>
      {props.open && (
        <div class="popover" role="dialog" aria-label={t('ecg.capture.why')}>
          <b>{t('ecg.capture.why')}</b>
          <div class="buttons">{REASONS.map((r) => <button key={r} class="button" data-reason={r} onClick={() => take(r)}>{t(`reason.${r}`)}</button>)}</div>
          <label><input type="checkbox" checked={urgent} onChange={(e) => setUrgent(e.currentTarget.checked)} /> {t('ecg.capture.urgent')}</label>
        </div>
      )}
      {said && <span class="said" role="status">{said}{said === t('ecg.captured') && <> · <a href="#/studies">{t('nav.studies')}</a></>}</span>}
    </div>
  );
}

function Vitals(props: { s: ViewerState; model: StreamModel; pulseless: boolean }): JSX.Element {
  const { s, model } = props;
  const newest = s.endIndex;
  const pvc = Number.isFinite(newest) ? model.findings.beats(newest - 60 * model.rateHz, newest).filter((b) => b.code === 'V').length : 0;
  // Numbers age with the picture: grey while nothing new comes, none when it is lost.
  const old = s.freshness === 'stale' || s.freshness === 'lost' ? ' old' : '';
  const pvcText = s.freshness === 'lost' || s.freshness === 'loading' ? '--' : String(pvc);
  return (
    <div class={`vitals${old}`}>
      <span class="vital"><label>{t('ecg.hr')}</label><b data-vital="hr">{s.rateBpm > 0 && !props.pulseless ? Math.round(s.rateBpm) : '--'}</b><small>{t('ecg.hr.unit')}</small></span>
      <span class="vital small"><label>{t('ecg.pvc')}</label><b data-vital="pvc">{pvcText}</b><small>/min</small></span>
    </div>
  );
}

const signed = (mv: number): string => (Math.abs(mv) < 0.005 ? '0.00' : `${mv > 0 ? '+' : '−'}${Math.abs(mv).toFixed(2)}`);

// ST levels beside the paper, each with its lead; the unit once.
function StPanel(props: { s: ViewerState }): JSX.Element | null {
  const { st, freshness } = props.s;
  if (st.levels.length === 0 && !st.irregular) return null;
  const old = st.old || freshness === 'stale' || freshness === 'lost';
  return (
    <section class={`st-panel${old ? ' old' : ''}`}>
      <h3>{t('ecg.st')} <small>mV{old && Number.isFinite(st.wallUs) ? ` · ${t('ecg.st.old', { t: clockText(st.wallUs) })}` : ''}</small></h3>
      {st.irregular && <p class="muted">{t('ecg.st.irregular')}</p>}
      <div>{st.levels.map((x) => <span key={x.lead}>{leadName(x.lead)} <b>{signed(x.mv)}</b></span>)}</div>
    </section>
  );
}

// What the gateway suspects while the patient is still connected; gone when it is mended.
function Electrodes(props: { stream: string }): JSX.Element | null {
  const a = technicalAlarms().find((x) => x.code.toLowerCase() === 'electrodes' && x.stream === props.stream);
  if (!a) return null;
  return (
    <div class="rd-reversal" role="alert" data-electrodes={a.text.split(':')[0]}>
      <b>{t('tech.electrodes')} {technicalText(a)}</b>
      <p>{t('gateway.since', { t: clockText(a.fromWallUs) })}</p>
    </div>
  );
}

function Live(props: { model: StreamModel; info: JsonStream | undefined }): JSX.Element {
  const { model, info } = props;
  const [c, setC] = useState<EcgController | null>(null);
  const [picked, setPicked] = useState('');
  const [capture, setCapture] = useState(false);
  const reading = useReading(model.id);
  const { ack, busy, failed } = useAck();
  const s = c?.state.value;
  void alarmsVersion.value;
  const alarms = activeAlarms(model.id);
  const past = pastAlarms(model.id);
  // At the head stands the gravest, acknowledged or not; the key and the button answer what is open.
  const top = [...alarms].sort((a, b) => priorityRank(b.priority) - priorityRank(a.priority) || Number(!!a.ackedBy) - Number(!!b.ackedBy))[0];
  const toAck = alarms.find((f) => !f.ackedBy);
  const pulseless = alarms.some(isPulseless);
  const shown = [...alarms, ...past].find((f) => f.key === picked) ?? model.findings.get(picked);
  const show = (f: Finding): void => {
    setPicked(f.key);
    const mine = model.findings.get(f.key) ?? f;
    c?.show(mine.first, mine.end, mine.beats);
  };
  // What is on view: the newest ten seconds that are stored, or the ten that end at the right of a held paper.
  const measure = (): void => {
    if (c) reading.measure(c.paused ? Math.max(0, Math.floor(c.end) - Math.round(10 * model.nominalHz)) : null);
  };
  const closeReading = (): void => {
    reading.close();
    c?.unlight();
  };
  useEffect(() => {
    const onKey = (e: KeyboardEvent): void => {
      if (!c || e.ctrlKey || e.metaKey || e.altKey || document.querySelector('dialog[open]')) return;
      if (e.target instanceof HTMLInputElement || e.target instanceof HTMLSelectElement) return;
      const k = e.key.toLowerCase();
      const cycle = <T,>(sig: { value: T }, all: T[]): void => { sig.value = all[(all.indexOf(sig.value) + 1) % all.length] as T; };
      if (e.key === ' ') c.paused ? c.resume() : c.pause();
      else if (e.key === 'ArrowLeft') c.step(e.shiftKey ? -10 : -1);
      else if (e.key === 'ArrowRight') c.step(e.shiftKey ? 10 : 1);
      else if (e.key === 'End') c.resume();
      else if (k === '1') layout.value = '3x4+1R';
      else if (k === '2') layout.value = '6x2';
      else if (k === '3') layout.value = '12x1';
      else if (k === 'g') cycle(gain, [5, 10, 20]);
      else if (k === 's') cycle(speed, [25, 50]);
      else if (k === 'f') cycle(filterName, ['diagnostic', 'monitor', 'raw']);
      else if (k === 'm') cycle(mode, ['sweep', 'scroll']);
      else if (k === 'a' && toAck) ack(toAck);
      else if (k === 'e' && top) show(top);
      else if (k === 'c') setCapture((v) => !v);
      else if (k === 'r') measure();
      else if (e.key === 'Escape' && capture) setCapture(false);
      else if (e.key === 'Escape' && reading.state.open) closeReading();
      else if (e.key === 'Backspace') go('/list');
      else return;
      e.preventDefault();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [c, top?.key, toAck?.key, capture, reading.state.open]);

  const gateway = model.header.gateway_id;
  const gw = live.gateways.get(gateway);
  void statusVersion.value;
  return (
    <div class={`viewer fresh-${s?.freshness ?? 'loading'} ${s?.paused ? 'is-paused' : ''}`} data-fresh={s?.freshness ?? 'loading'}>
      <div class="viewer-head">
        <a class="button back" href="#/list" title={t('keys.back')}>←</a>
        <div class="who-is">
          <b>{info?.bed || model.header.device_id}</b>
          <span>{info?.site ?? gw?.site_name ?? ''} · {model.header.device_id} {model.header.device_model && `· ${model.header.device_model}`}</span>
        </div>
        {s && <Vitals s={s} model={model} pulseless={pulseless} />}
        <div class={`alarm-top ${top ? `alarm-${top.priority} ${top.ackedBy ? 'acked' : ''}` : 'none'}`} role={top ? 'alert' : undefined}>
          {top ? (
            <>
              <button class="alarm-body" onClick={() => show(top)}>
                <Priority priority={top.priority} /> <span class="alarm-name">{alarmName(top.code)}</span>
                <span class="alarm-when">{alarmWhen(top)}{top.ackedBy && <><br />{t('alarm.acked', { who: top.ackedBy, t: clockText(top.ackedWallUs) })}</>}</span>
              </button>
              {alarms.length > 1 && <span class="alarm-when more">{t('alarm.more', { n: alarms.length - 1 })}</span>}
              {!top.ackedBy && <button class="button ack" disabled={busy !== ''} onClick={() => ack(top)}>{t('alarm.ack')}</button>}
            </>
          ) : <span class="muted">{t(linkState.value !== 'open' || (gw && !gw.linked) ? 'alarm.unknown' : 'alarm.none')}</span>}
        </div>
        <div class="age-lights">
          {s && <AgeBadge s={s} />}
          <StreamLights id={model.id} />
        </div>
      </div>
      <div class="viewer-tools">
        <PaperSettings model={model} />
      </div>
      <div class="viewer-main">
        <div class="viewer-paper">
          <div class="paper-box">
            <Paper model={model} onReady={setC} />
            {demo.value || model.header.demo ? <span class="paper-demo" aria-hidden="true">{t('app.demo')}</span> : null}
            {s?.freshness === 'lost' && !s.paused && <p class="paper-lost">{t(linkState.value === 'open' ? 'ecg.lost' : 'ecg.lost.local', { t: clockText(s.silentSinceWallUs) })}</p>}
          </div>
          <div class="viewer-foot">
            <button class="button" onClick={() => (c?.paused ? c.resume() : c?.pause())}>{s?.paused ? t('ecg.back') : t('ecg.pause')}</button>
            <button class="button" onClick={() => c?.step(-10)} aria-label="-10 s">−10 s</button>
            <button class="button" onClick={() => c?.step(10)} disabled={!s?.paused} aria-label="+10 s">+10 s</button>
            <button class="button" disabled={!c || reading.state.busy} onClick={measure} data-do="measure">{t('reading.do')} <kbd>R</kbd></button>
            {c && <Capture c={c} model={model} open={capture} setOpen={setCapture} />}
            <span class="spring" />
            {s && <HoleNote hole={s.hole} />}
            {s?.eventsError && <span class="inline-error">{t('ecg.eventsfail', { code: s.eventsError })}</span>}
            {model.badBlocks > 0 && <span class="inline-error">{t('ecg.badblocks', { n: model.badBlocks })}</span>}
          </div>
        </div>
        <aside class={`side ${reading.state.open ? 'wide' : ''}`}>
          {!reading.state.open && <Electrodes stream={model.id} />}
          <TechnicalList gateway={gateway} />
          {reading.state.open && c && <ReadingPanel state={reading.state} model={model} c={c} live again={measure} close={closeReading} warning={<Electrodes stream={model.id} />} />}
          {s && !pulseless && <StPanel s={s} />}
          {failed && <p class="inline-error" role="alert">{t('alarm.ackfail', { code: failed })}</p>}
          <h3>{t('list.alarm')}</h3>
          {alarms.length + past.length === 0 ? <p class="muted">{t('alarm.none')}</p> : (
            <ul class="alarms">
              {alarms.map((f) => <AlarmRow key={f.key} f={f} picked={f.key === picked} onPick={() => show(f)} onAck={() => ack(f)} busy={busy === f.key} />)}
              {past.slice(0, 8).map((f) => <AlarmRow key={f.key} f={f} picked={f.key === picked} onPick={() => show(f)} onAck={() => {}} busy={false} />)}
            </ul>
          )}
          {shown ? <EvidencePanel f={shown} model={model} goTo={() => show(shown)} /> : alarms.length > 0 && <p class="muted">{t('evidence.pick')}</p>}
          <FindingsList model={model} newest={s?.endIndex ?? NaN} picked={picked} onPick={show} />
          <DemoConsole collapsible device={model.header.device_id} gateway={gateway} />
        </aside>
      </div>
    </div>
  );
}

export function ViewerPage(props: { id: string }): JSX.Element {
  useDemo();
  const [model, setModel] = useState<StreamModel | null>(null);
  const [info, setInfo] = useState<JsonStream | undefined>(listed(props.id));
  const [gone, setGone] = useState(false);
  const [moved, setMoved] = useState(false);
  useEffect(() => {
    setModel(null);
    setGone(false);
    void loadAlarms();
    const stop = live.watch(props.id, KEEP_S, setModel);
    api.stream(props.id).then(setInfo).catch((e: unknown) => {
      if (e instanceof ApiError && e.code === 'not_found') setGone(true);
    });
    return stop;
  }, [props.id]);
  // A device that starts again may open a new stream: the reader is taken along, and told.
  useEffect(() => {
    if (!info) return;
    const timer = setInterval(() => {
      const mine = live.streams.get(props.id);
      if (!mine || mine.live) return;
      api.streams()
        .then((all) => {
          const next = all.find((s) => s.device === info.device && s.gateway === info.gateway && s.id !== props.id && s.live);
          if (next) {
            setMoved(true);
            go(`/live/${next.id}`);
          }
        })
        .catch(() => {});
    }, 5000);
    return () => clearInterval(timer);
  }, [info, props.id]);
  if (gone && !model) return <Empty what={t('ecg.gone')} todo={t('ecg.gone.do')}><a class="button primary" href="#/list">{t('nav.list')}</a></Empty>;
  if (!model) return <Loading what={t('ecg.loading')} />;
  return (
    <>
      {moved && <p class="note" role="status">{t('ecg.replaced')}</p>}
      {modalityWord(model.header.modality) === 'ctg' ? <CtgPage key={model.id} model={model} info={info} /> : <Live key={model.id} model={model} info={info} />}
    </>
  );
}
