// One patient: ECG, CTG, vitals and picture side by side, at one moment for all of them.

import type { JSX } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { api, ApiError, type JsonBed } from '../api';
import { clockText, durationText, monoMs } from '../base/clock';
import { t, alarmName } from '../i18n/t';
import { activeAlarms, alarmsVersion, isPulseless, loadAlarms } from '../live/alarms';
import { linkState, live, statusVersion } from '../live/client';
import { CtgPanel } from '../ctg/panel';
import type { Finding } from '../live/events';
import { DemoConsole, useDemo } from '../pages/console';
import { demo, go } from '../state';
import { alarmWhen, Empty, Failed, Loading, Priority, useAck, useTicker } from '../ui';
import { ClipList } from '../video/cliplist';
import { VideoPanel } from '../video/panel';
import { VitalsLine } from '../vitals/line';
import { priorityRank } from '../wire/words';
import { TimeBar } from './bar';
import { isCtg, isEcg, streamsOf } from './bardata';
import { makeCursor, type CursorSignal } from './cursor';
import { EcgPanel } from './ecg';
import { streamAt } from './timebook';
import { Trends } from './trends';

const REFRESH_MS = 10_000;

// cut: nothing comes from there, so that no alarm is not known to be none.
function Alarms(props: { streams: string[]; cut: boolean; onShow: (f: Finding) => void }): JSX.Element {
  void alarmsVersion.value;
  const { ack, busy, failed } = useAck();
  const all = props.streams.flatMap((id) => activeAlarms(id));
  const top = [...all].sort((a, b) => priorityRank(b.priority) - priorityRank(a.priority) || Number(!!a.ackedBy) - Number(!!b.ackedBy))[0];
  const toAck = all.find((f) => !f.ackedBy);
  useEffect(() => {
    const onKey = (e: KeyboardEvent): void => {
      if (e.key.toLowerCase() !== 'a' || e.ctrlKey || e.metaKey || e.altKey || !toAck || e.target instanceof HTMLInputElement) return;
      ack(toAck);
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [toAck?.key]);
  return (
    <div class={`alarm-top ${top ? `alarm-${top.priority} ${top.ackedBy ? 'acked' : ''}` : 'none'}`} role={top ? 'alert' : undefined}>
      {failed && <span class="inline-error">{t('alarm.ackfail', { code: failed })}</span>}
      {top ? (
        <>
          <button class="alarm-body" onClick={() => props.onShow(top)}>
            <Priority priority={top.priority} /> <span class="alarm-name">{alarmName(top.code)}</span>
            <span class="alarm-when">{alarmWhen(top)}{top.ackedBy && <><br />{t('alarm.acked', { who: top.ackedBy, t: clockText(top.ackedWallUs) })}</>}</span>
          </button>
          {all.length > 1 && <span class="alarm-when more">{t('alarm.more', { n: all.length - 1 })}</span>}
          {!top.ackedBy && <button class="button ack" disabled={busy !== ''} onClick={() => ack(top)}>{t('alarm.ack')}</button>}
        </>
      ) : <span class="muted" data-alarms={props.cut ? 'unknown' : 'none'}>{t(props.cut ? 'alarm.unknown' : 'alarm.none')}</span>}
    </div>
  );
}

// Where in time all panels stand.
function Moment(props: { cursor: CursorSignal; playing: boolean; play: (on: boolean) => void }): JSX.Element {
  useTicker(500);
  const at = props.cursor.value.wallUs;
  const now = live.clock.wallUs(monoMs());
  if (at === null) return <span class="badge moment" data-moment="live">{t('bed.live')} {clockText(now)}</span>;
  return (
    <>
      <span class="badge paused moment" data-moment={Math.round(at)}>{t('bed.past', { t: clockText(at) })} · {t('bed.past.ago', { t: durationText((now - at) / 1e6) })}</span>
      <button class="button" aria-pressed={props.playing} onClick={() => props.play(!props.playing)}>{t(props.playing ? 'bed.stop' : 'bed.play')}</button>
      <button class="button primary" onClick={() => { props.cursor.value = { wallUs: null }; }}>{t('bed.back')}</button>
    </>
  );
}

// While playing the cursor goes on by itself; it ends where the present is.
function usePlay(cursor: CursorSignal): [boolean, (on: boolean) => void] {
  const [playing, play] = useState(false);
  useEffect(() => {
    if (!playing) return;
    let last = monoMs();
    const timer = setInterval(() => {
      const now = monoMs();
      const at = cursor.value.wallUs;
      if (at === null) {
        play(false);
        return;
      }
      const next = at + (now - last) * 1000;
      last = now;
      cursor.value = { wallUs: next >= live.clock.wallUs(now) - 500_000 ? null : next };
    }, 100);
    return () => clearInterval(timer);
  }, [playing]);
  return [playing && cursor.value.wallUs !== null, play];
}

function useKeys(cursor: CursorSignal, act: { play: () => void; big: () => void }): void {
  useEffect(() => {
    const onKey = (e: KeyboardEvent): void => {
      if (e.ctrlKey || e.metaKey || e.altKey || document.querySelector('dialog[open]')) return;
      if (e.target instanceof HTMLInputElement || e.target instanceof HTMLSelectElement) return;
      const now = live.clock.wallUs(monoMs());
      const step = (s: number): void => {
        const to = (cursor.value.wallUs ?? now) + s * 1e6;
        cursor.value = { wallUs: to >= now ? null : to };
      };
      if (e.key === ' ' && e.target instanceof HTMLButtonElement) return; // it presses the button
      if (e.key === ' ') cursor.value = { wallUs: cursor.value.wallUs === null ? now : null };
      else if (e.key === 'ArrowLeft') step(e.shiftKey ? -10 : -1);
      else if (e.key === 'ArrowRight') step(e.shiftKey ? 10 : 1);
      else if (e.key === 'PageUp') step(-60);
      else if (e.key === 'PageDown') step(60);
      else if (e.key === 'End') cursor.value = { wallUs: null };
      else if (e.key.toLowerCase() === 'p') act.play();
      else if (e.key.toLowerCase() === 'v') act.big();
      else if (e.key === 'Backspace') go('/list');
      else return;
      e.preventDefault();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  });
}

function Bed(props: { bed: JsonBed }): JSX.Element {
  const { bed } = props;
  const cursor = useMemo(() => makeCursor(), [bed.id]);
  const [playing, play] = usePlay(cursor);
  const [big, setBig] = useState(false);
  const [mainId, setMainId] = useState('');
  const [trends, setTrends] = useState(false);
  const ecg = streamsOf(bed, isEcg);
  const ctg = streamsOf(bed, isCtg);
  const monitors = bed.attachments.filter((a) => a.kind === 'monitor').map((a) => a.id);
  const pictures = bed.attachments.filter((a) => a.kind === 'video');
  const main = pictures.find((p) => p.id === mainId) ?? pictures[0];
  const at = cursor.value.wallUs;
  const ctgStream = streamAt(ctg, at);
  const ecgStream = streamAt(ecg, null);
  useKeys(cursor, { play: () => { if (at !== null) play(!playing); }, big: () => { if (main) setBig(!big); } });
  useEffect(() => (bed.attachments.length > 0 ? live.watchAttachments(bed.attachments.map((a) => a.id)) : undefined), [bed.attachments.map((a) => a.id).join()]);
  void statusVersion.value;
  const status = ecgStream ? live.streams.get(ecgStream.id) : undefined;
  const pulseless = ecgStream ? activeAlarms(ecgStream.id).some(isPulseless) : false;
  const rate = status?.live && linkState.value === 'open' && !pulseless ? Math.round(status.rate_bpm) : 0;
  const gateway = live.gateways.get(bed.gateway);
  const none = ecg.length + ctg.length + monitors.length + pictures.length === 0;
  const shape = [main ? (big ? 'picture-big' : 'picture') : 'no-picture', ctg.length > 0 ? 'ctg' : 'no-ctg', ecg.length > 0 ? 'ecg' : 'no-ecg', monitors.length > 0 ? 'vit' : 'no-vit'];
  return (
    <div class={`bed ${at !== null ? 'is-past' : ''} ${shape.map((s) => `has-${s}`).join(' ')}`} data-bed={bed.id}>
      <div class="viewer-head bed-head">
        <a class="button back" href="#/list" title={t('keys.back')}>←</a>
        <div class="who-is">
          <b>{bed.bed || bed.attachments[0]?.device || bed.id.slice(0, 8)}</b>
          <span>{bed.site}{gateway && !gateway.linked ? ` · ${t('gateway.cut')} ${t('gateway.since', { t: clockText(gateway.since_wall_us) })}` : ''}</span>
        </div>
        {ecgStream && at === null && <span class="vital"><label>{t('ecg.hr')}</label><b data-vital="hr">{rate > 0 ? rate : '--'}</b><small>{t('ecg.hr.unit')}</small></span>}
        <Alarms streams={[...ecg, ...ctg].map((s) => s.id)} cut={linkState.value !== 'open' || (gateway !== undefined && !gateway.linked)} onShow={(f) => { if (f.wallUs > 0) cursor.value = { wallUs: f.wallUs }; }} />
        <Moment cursor={cursor} playing={playing} play={play} />
        {ecgStream && <a class="button" href={`#/live/${ecgStream.id}`}>{t('bed.twelve')}</a>}
        {ecg.length > 0 && <button class="button" aria-pressed={trends} onClick={() => setTrends(!trends)}>{t('trend.open')}</button>}
        {main && <button class="button" aria-pressed={big} onClick={() => setBig(!big)}>{t(big ? 'bed.small' : 'bed.big')}</button>}
      </div>
      {none ? <Empty what={t('bed.empty')} todo={t('bed.empty.do')} /> : (
        <div class="bed-main">
          {ecg.length > 0 && <div class="bed-cell cell-ecg"><EcgPanel streams={ecg} gateway={bed.gateway} cursor={cursor} /></div>}
          {ctgStream && <div class="bed-cell cell-ctg"><CtgPanel key={ctgStream.id} streamId={ctgStream.id} cursor={cursor} /></div>}
          {monitors.length > 0 && <div class="bed-cell cell-vit"><VitalsLine attachmentIds={monitors} cursor={cursor} gateway={bed.gateway} attached={bed.attachments.some((a) => a.kind === 'monitor' && a.attached)} /></div>}
          {main && (
            <div class="bed-cell cell-pic">
              <VideoPanel key={main.id} attachmentId={main.id} gateway={bed.gateway} device={main.device} cursor={cursor} playing={playing} main demo={bed.demo || demo.value}>
                <div class="video-insets">
                  {pictures.filter((p) => p !== main).map((p) => (
                    <VideoPanel key={p.id} attachmentId={p.id} gateway={bed.gateway} device={p.device} cursor={cursor} playing={playing} main={false} demo={false} onPick={() => setMainId(p.id)} />
                  ))}
                </div>
              </VideoPanel>
              {!big && <ClipList attachment={main.id} cursor={cursor} />}
            </div>
          )}
        </div>
      )}
      {trends && <Trends bed={bed} cursor={cursor} />}
      <TimeBar bed={bed} cursor={cursor}>
        {demo.value && <DemoConsole collapsible floating device={ecgStream?.device ?? ctgStream?.device ?? ''} gateway={bed.gateway} />}
      </TimeBar>
    </div>
  );
}

export function BedPage(props: { id: string }): JSX.Element {
  useDemo();
  const [bed, setBed] = useState<JsonBed | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const [round, setRound] = useState(0);
  useEffect(() => {
    let gone = false;
    const read = (): void => {
      api.bed(props.id)
        .then((b) => {
          if (gone) return;
          // The same again makes nothing anew.
          setBed((old) => (old && sameShape(old, b) ? old : b));
          setError(null);
        })
        .catch((e: unknown) => { if (!gone) setError(e instanceof ApiError ? e : new ApiError('internal', 0, String(e))); });
    };
    read();
    void loadAlarms();
    const timer = setInterval(read, REFRESH_MS);
    return () => {
      gone = true;
      clearInterval(timer);
    };
  }, [props.id, round, linkState.value === 'open']);
  if (error && !bed) {
    return error.code === 'not_found'
      ? <Empty what={t('bed.gone')} todo={t('bed.gone.do')}><a class="button primary" href="#/list">{t('nav.list')}</a></Empty>
      : <Failed what={t('video.title')} error={error} retry={() => setRound((n) => n + 1)} />;
  }
  return bed ? <Bed key={bed.id} bed={bed} /> : <Loading />;
}

// Attachments and their streams, and which of them are live: the rest grows by itself.
function sameShape(a: JsonBed, b: JsonBed): boolean {
  const shape = (x: JsonBed): string => JSON.stringify([x.bed, x.site, x.attachments.map((y) => [y.id, y.kind, y.attached, y.streams.map((s) => [s.id, s.live])])]);
  return shape(a) === shape(b);
}
