// The picture of one source: live, frozen by the reader, or as it was at the cursor; and what it is worth.

import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { clockText, durationText, monoMs } from '../base/clock';
import type { CursorSignal } from '../bed/cursor';
import { t } from '../i18n/t';
import type { Key } from '../i18n/words';
import { live } from '../live/client';
import { pictureFill } from '../state';
import { clipAt, useClips } from './clips';
import { VideoEngine, type VideoView } from './engine';
import { PastPicture } from './past';
import { placePicture } from './place';
import { delayText, rateText, sizeText } from './text';

// Time of day with hundredths: which picture it is.
function fineText(wallUs: number): string {
  if (!(wallUs > 0)) return clockText(wallUs);
  return `${clockText(wallUs)}.${String(Math.floor(wallUs / 10_000) % 100).padStart(2, '0')}`;
}

function Badge(props: { v: VideoView }): JSX.Element {
  const { v } = props;
  const since = clockText(v.sinceWallUs);
  switch (v.freshness) {
    case 'live': return <span class="badge live" data-picture="live">{t('video.live')}</span>;
    case 'late': return <span class="badge stale" data-picture="late">{t('video.late', { s: (v.delayMs / 1000).toFixed(1) })}</span>;
    case 'stalled': return <span class="badge stale" data-picture="stalled">{t('video.stalled', { t: since })}</span>;
    case 'frozen': return <span class="badge lost" data-picture="frozen">{t('video.stalled', { t: since })}</span>;
    default: return <span class="badge" data-picture="none">{t('video.none')}</span>;
  }
}

function Line(props: { v: VideoView }): JSX.Element {
  const { v } = props;
  const moving = v.freshness === 'live' || v.freshness === 'late';
  return (
    <span class={`video-line ${v.freshness === 'late' ? 'late' : ''}`} title={t('video.line.why')} data-line>
      {moving
        ? t('video.line', { fps: Math.round(v.fps), delay: delayText(v.delayMs), rate: rateText(v.kbitPerS) })
        : t('video.line', { fps: 0, delay: '– s', rate: rateText(v.kbitPerS) })}
    </span>
  );
}

function Says(props: { v: VideoView; gatewayText: string }): JSX.Element | null {
  const { v } = props;
  const moving = v.freshness === 'live' || v.freshness === 'late';
  if (moving) {
    const text = v.note ? t(`video.note.${v.note}`) : v.cause ? t(`video.cause.${v.cause}`) : '';
    return text ? <p class="video-note" role="status" data-note={v.note || v.cause}>{text}</p> : null;
  }
  return (
    <div class="video-says" role="status" data-cause={v.cause}>
      {v.freshness === 'frozen' && <b class="video-since">{t('video.frozen', { t: clockText(v.sinceWallUs) })}<small>{t('video.ago', { s: durationText(v.pictureMs / 1000) })}</small></b>}
      {v.freshness !== 'none' && v.cause === 'waiting' ? null : v.cause && <span>{t(`video.cause.${v.cause}`)}</span>}
      {props.gatewayText && <small class="mono">{gatewaySays(props.gatewayText)}</small>}
      {v.note && v.cause === 'key' && <small>{t(`video.note.${v.note}`)}</small>}
    </div>
  );
}

// What the gateway says of a source, in the reader's language where the words are known.
const SAYS: Record<string, Key> = {
  'the source has ended': 'video.says.ended',
  'no picture comes': 'video.says.nopicture',
  'the source does not start': 'video.says.nostart',
};
function gatewaySays(text: string): string {
  const key = SAYS[text];
  return key ? t(key) : text;
}

export interface VideoPanelProps {
  attachmentId: string;
  gateway: string;
  device: string;
  cursor: CursorSignal;
  playing: boolean;
  main: boolean; // the large one: its figures are window.xwVideo
  demo: boolean;
  onPick?: (() => void) | undefined; // an inset: click makes it the large one
  children?: ComponentChildren; // insets, over the stage
}

export function VideoPanel(props: VideoPanelProps): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null);
  const video = useRef<HTMLVideoElement>(null);
  const stage = useRef<HTMLDivElement>(null);
  const [engine, setEngine] = useState<VideoEngine | null>(null);
  const [box, setBox] = useState({ w: 0, h: 0 });
  const { clips, loaded } = useClips(props.attachmentId);
  useEffect(() => {
    if (!canvas.current || !video.current) return;
    const e = new VideoEngine(canvas.current, video.current, props.attachmentId, props.main);
    e.gateway = props.gateway;
    setEngine(e);
    return () => e.stop();
  }, [props.attachmentId]);
  useEffect(() => {
    const el = stage.current;
    if (!el) return;
    const measure = (): void => setBox({ w: el.clientWidth, h: el.clientHeight });
    const observer = new ResizeObserver(measure);
    observer.observe(el);
    measure();
    return () => observer.disconnect();
  }, []);
  useEffect(() => {
    if (!props.main || !engine) return;
    const onKey = (e: KeyboardEvent): void => {
      if (e.ctrlKey || e.metaKey || e.altKey || e.key.toLowerCase() !== 'f' || document.querySelector('dialog[open]')) return;
      if (e.target instanceof HTMLInputElement || e.target instanceof HTMLSelectElement) return;
      toggle();
      e.preventDefault();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [engine, props.main]);
  const toggle = (): void => {
    if (!engine) return;
    if (engine.view.value.frozenWallUs === null) engine.freeze();
    else engine.thaw();
  };
  const v = engine?.view.value;
  const past = props.cursor.value.wallUs;
  const held = v?.frozenWallUs ?? null;
  const dpr = window.devicePixelRatio || 1;
  const place = placePicture(box.w, box.h, v?.width ?? 0, v?.height ?? 0, dpr, pictureFill.value);
  const mood = past !== null ? 'past' : held !== null ? 'held' : (v?.freshness ?? 'none');
  const at = { left: `${place.left}px`, top: `${place.top}px`, width: `${place.width}px`, height: `${place.height}px` };
  const nowUs = live.clock.wallUs(monoMs());
  return (
    <section class={`video mood-${mood} ${props.main ? '' : 'inset'}`} data-mood={mood} data-video={props.attachmentId} aria-label={v?.label || t('video.title')}>
      <header class="video-head">
        <b class="video-name">{v?.label || props.device || t('video.title')}</b>
        {past !== null ? <span class="badge paused" data-picture="past">{t('video.past', { t: clockText(past) })}</span>
          : held !== null ? <span class="badge paused" data-picture="held">{t('video.held', { t: fineText(held) })}</span> : v && <Badge v={v} />}
        {v && past === null && <Line v={v} />}
        <span class="spring" />
        {props.main && past === null && (
          <button class={`button freeze ${held !== null ? 'primary' : ''}`} aria-pressed={held !== null} disabled={!v || v.width === 0} onClick={toggle}>
            {t(held !== null ? 'video.thaw' : 'video.freeze')}
          </button>
        )}
      </header>
      <div class="video-stage" ref={stage}>
        <video ref={video} class="video-source" muted playsInline aria-hidden="true" tabIndex={-1} />
        <canvas ref={canvas} class="video-canvas" width={1} height={1} style={{ ...at, visibility: past === null && v && v.width > 0 ? 'visible' : 'hidden' }} role="img" aria-label={v?.label || t('video.title')} />
        {past === null && v && v.width > 0 && mood !== 'live' && <div class={`video-frame frame-${mood}`} style={at} aria-hidden="true" />}
        {props.demo && <span class="paper-demo video-demo" aria-hidden="true">{t('app.demo')}</span>}
        {past === null && held === null && v && <Says v={v} gatewayText={v.cause === 'failed' || v.cause === 'nosignal' || v.cause === 'unsupported' ? v.text : ''} />}
        {past === null && held !== null && <p class="video-note">{t('video.held.goes')}</p>}
        {props.onPick && <button class="video-pick" onClick={props.onPick} title={t('video.swap')} aria-label={t('video.swap')} />}
        {past !== null && <PastPicture clip={clipAt(clips, past, nowUs)} wallUs={past} playing={props.playing} boxW={box.w} boxH={box.h} loaded={loaded} />}
        {props.children}
      </div>
      {v && props.main && (
        <footer class="video-foot">
          <span data-recording={!v.statusKnown ? 'unknown' : v.clipSinceWallUs > 0 ? 'on' : 'off'} class={v.clipSinceWallUs > 0 ? 'recording' : 'muted'}>
            {!v.statusKnown ? t('video.recording.unknown')
              : v.clipSinceWallUs > 0 ? t('video.recording', { t: durationText((nowUs - v.clipSinceWallUs) / 1e6), size: sizeText(v.clipSize) }) : t('video.recording.not')}
          </span>
          {v.width > 0 && <span class="muted">{t('video.size', { w: v.width, h: v.height })} · {scaleText(place.scale)}</span>}
          {v.width > 0 && <button class={`chip ${pictureFill.value ? 'on' : ''}`} aria-pressed={pictureFill.value} title={t('video.fill.why')} onClick={() => { pictureFill.value = !pictureFill.value; }}>{t('video.fill')}</button>}
          <span class="spring" />
          {v.player !== 'none' && v.width > 0 && <span class="muted">{t(`video.decoder.${v.player}`)}</span>}
        </footer>
      )}
    </section>
  );
}

function scaleText(scale: number): string {
  if (scale === 1) return t('video.scale.one');
  return scale > 1 ? t('video.scale.up', { k: Number(scale.toFixed(2)) }) : t('video.scale.down', { p: Math.round(scale * 100) });
}
