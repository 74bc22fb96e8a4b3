// The recorded picture of a moment: seeks in the clip when the county has it whole, else says how much
// of it is there.

import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { JsonClip } from '../api';
import { clockText } from '../base/clock';
import { t } from '../i18n/t';
import { pictureFill } from '../state';
import { clipHeld } from './clips';
import { placePicture } from './place';
import { sizeText } from './text';

const DRIFT_S = 0.4; // while playing: farther from the cursor than that is put right

export function PastPicture(props: { clip: JsonClip | null; wallUs: number; playing: boolean; boxW: number; boxH: number; loaded: boolean }): JSX.Element {
  const { clip, wallUs } = props;
  if (!clip) return <p class="video-says" data-past={props.loaded ? 'none' : 'loading'}>{props.loaded ? t('video.past.none', { t: clockText(wallUs) }) : t('video.past.loading')}</p>;
  if (!clip.sha256) return <p class="video-says" data-past="running">{t('video.past.running', { size: sizeText(clip.size) })}</p>;
  if (!clipHeld(clip)) {
    return (
      <p class="video-says" data-past="coming">
        {t('video.past.coming', { held: sizeText(clip.held), size: sizeText(clip.size) })}
        <progress max={clip.size} value={clip.held} aria-hidden="true" />
      </p>
    );
  }
  return <Held key={clip.id} {...props} clip={clip} />;
}

function Held(props: { clip: JsonClip; wallUs: number; playing: boolean; boxW: number; boxH: number }): JSX.Element {
  const ref = useRef<HTMLVideoElement>(null);
  const [size, setSize] = useState({ w: props.clip.width, h: props.clip.height });
  const [failed, setFailed] = useState('');
  const [ready, setReady] = useState(false);
  const target = Math.max(0, (props.wallUs - props.clip.start_wall_us) / 1e6);
  const wish = useRef(target);
  wish.current = target;
  const seek = (): void => {
    const v = ref.current;
    if (!v || v.readyState < 1 || v.seeking) return;
    const to = Number.isFinite(v.duration) ? Math.min(wish.current, Math.max(0, v.duration - 0.02)) : wish.current;
    if (Math.abs(v.currentTime - to) > (v.paused ? 0.005 : DRIFT_S)) v.currentTime = to;
  };
  useEffect(seek, [target]);
  useEffect(() => {
    const v = ref.current;
    if (!v) return;
    if (props.playing) v.play().catch(() => {}); // the cursor moves on and seeks instead
    else v.pause();
  }, [props.playing]);
  const place = placePicture(props.boxW, props.boxH, size.w, size.h, window.devicePixelRatio || 1, pictureFill.value);
  return (
    <>
      <video ref={ref} class="video-clip" src={`/api/objects/${props.clip.sha256}`} muted playsInline preload="auto" data-past="held"
        style={{ left: `${place.left}px`, top: `${place.top}px`, width: `${place.width}px`, height: `${place.height}px` }}
        onLoadedMetadata={(e) => { setSize({ w: e.currentTarget.videoWidth, h: e.currentTarget.videoHeight }); seek(); }}
        onSeeked={() => { setReady(true); seek(); }} onCanPlay={() => setReady(true)}
        onError={(e) => setFailed(String(e.currentTarget.error?.code ?? '?'))} />
      {failed ? <p class="video-says" data-past="failed">{t('video.past.failed', { code: failed })}</p> : !ready && <p class="video-says" data-past="loading">{t('video.past.loading')}</p>}
    </>
  );
}
