// What a bed has besides its ECG, as the second line of its row in the live list: fetal rates, vital
// signs, pictures. Each with its own age; what is old looks old here too.

import type { JSX } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { JsonAttachment, JsonBed, JsonStream } from '../api';
import { durationText, monoMs } from '../base/clock';
import { ctgChannels } from '../ctg/channels';
import { ctgNumbers } from '../ctg/values';
import { t } from '../i18n/t';
import type { Key } from '../i18n/words';
import { linkState, live, videoVersion } from '../live/client';
import type { StreamModel } from '../live/stream';
import { freshnessOf } from '../trace/fresh';
import { useTicker } from '../ui';
import { VITAL_KINDS } from '../vitals/kinds';
import { vitalNow, valueText, vitalUnit } from '../vitals/line';
import { VitalsStore } from '../vitals/store';
import { VideoState } from '../generated/xw.js';
import { modalityWord } from '../wire/words';

export interface BedExtras {
  bed: JsonBed;
  ctg: JsonStream | null; // the newest fetal monitor
  monitors: JsonAttachment[];
  videos: JsonAttachment[];
}

const newestWall = (s: JsonStream): number => live.streams.get(s.id)?.newest_wall_us || s.newest_wall_us;

// null: nothing but ECG, the row is as it is without a bed.
export function extrasOf(bed: JsonBed): BedExtras | null {
  const ctgs = bed.attachments.flatMap((a) => a.streams).filter((s) => modalityWord(s.modality) === 'ctg');
  const ctg = ctgs.reduce<JsonStream | null>((best, s) => (!best || newestWall(s) > newestWall(best) ? s : best), null);
  const monitors = bed.attachments.filter((a) => a.kind === 'monitor');
  const videos = bed.attachments.filter((a) => a.kind === 'video');
  return ctg || monitors.length > 0 || videos.length > 0 ? { bed, ctg, monitors, videos } : null;
}

const CTG_KEEP_S = 20;

function Fetal(props: { s: JsonStream }): JSX.Element {
  useTicker(500);
  const [model, setModel] = useState<StreamModel | null>(null);
  useEffect(() => {
    setModel(null);
    return live.watch(props.s.id, CTG_KEEP_S, setModel);
  }, [props.s.id]);
  const now = monoMs();
  const fresh = model ? freshnessOf(now - model.lastGrowMs) : 'loading';
  const numbers = model ? ctgNumbers(model, ctgChannels(model.header), model.ring.newest) : [];
  const silentS = model && fresh !== 'loading' ? (now - model.lastGrowMs) / 1000 : NaN;
  // The socket shows a stream as it comes; of one that has stopped the county tells when.
  const stopped = fresh === 'loading' && !(live.streams.get(props.s.id)?.live ?? props.s.live);
  return (
    <span class={`bl-group ${fresh === 'live' ? '' : 'old'}`} data-bl="ctg" data-fresh={fresh}>
      <span class="bl-title">{t('ctg.title')}</span>
      {numbers.map((n) => (
        <span key={n.role} class="bl-item"><i>{n.role === 'UC' ? t('ctg.uc') : n.role}</i><b>{n.value === null || fresh === 'lost' ? '--' : Math.round(n.value)}</b></span>
      ))}
      {(fresh === 'stale' || fresh === 'lost') && <span class="age stale">{t('list.silent', { t: durationText(silentS) })}</span>}
      {stopped && <span class="age stale">{t('list.silent', { t: durationText((live.clock.wallUs(now) - newestWall(props.s)) / 1e6) })}</span>}
    </span>
  );
}

function Vitals(props: { x: BedExtras }): JSX.Element {
  useTicker(1000);
  const { x } = props;
  const ids = x.monitors.map((m) => m.id).join(' ');
  const store = useMemo(() => new VitalsStore(ids.split(' '), x.bed.gateway), [ids, x.bed.gateway]);
  useEffect(() => () => store.stop(), [store]);
  useEffect(() => {
    if (linkState.value === 'open') void store.newest();
  }, [store, linkState.value]);
  void store.version.value;
  const now = live.clock.wallUs(monoMs());
  const cut = linkState.value !== 'open' || live.gateways.get(x.bed.gateway)?.linked === false;
  const gone = x.monitors.every((m) => !m.attached);
  return (
    <span class="bl-group" data-bl="vitals">
      {VITAL_KINDS.map((kind) => {
        const { r, state, ageS } = vitalNow(store, kind, now, cut);
        if (!r) return null;
        const aged = state === 'old' || state === 'grey' || (kind === 'nibp' && state === 'fresh');
        return (
          <span key={kind} class={`bl-item is-${state}`} data-vital={kind} data-state={state}>
            <i>{t(`vital.${kind}`)}</i><b>{valueText(r)}</b><small>{r.absent === null ? vitalUnit(kind, r) : t(`absent.short.${r.absent}` as Key)}{aged ? ` ${t('vital.ago', { t: durationText(ageS) })}` : ''}</small>
          </span>
        );
      })}
      {gone && <span class="tech">{t('vital.gone')}</span>}
    </span>
  );
}

const VIDEO_STATES: Record<number, Key> = {
  [VideoState.VIDEO_IDLE]: 'list.video.idle', [VideoState.VIDEO_STARTING]: 'list.video.starting', [VideoState.VIDEO_LIVE]: 'list.video.live',
  [VideoState.VIDEO_NO_SIGNAL]: 'list.video.nosignal', [VideoState.VIDEO_FAILED]: 'list.video.failed', [VideoState.VIDEO_UNREACHABLE]: 'list.video.unreachable',
};
const VIDEO_STALE_MS = 5000;

export function Pictures(props: { x: BedExtras }): JSX.Element {
  useTicker(1000);
  const ids = props.x.videos.map((v) => v.id).join(' ');
  useEffect(() => live.watchAttachments(ids.split(' ')), [ids]);
  void videoVersion.value;
  return (
    <span class="bl-pictures" data-bl="video">
      {props.x.videos.map((v) => {
        const said = live.videoStatus.get(v.id);
        const fresh = said && monoMs() - said.atMs < VIDEO_STALE_MS;
        const key = fresh ? (said.status.yielded ? 'list.video.yielded' : VIDEO_STATES[said.status.state]) : undefined;
        const on = fresh && said.status.state === VideoState.VIDEO_LIVE && !said.status.yielded;
        return <small key={v.id} class={on ? 'ok' : ''}>{said?.status.label || t('list.video')} {t(key ?? 'list.video.unknown')}</small>;
      })}
    </span>
  );
}

export function BedLine(props: { x: BedExtras }): JSX.Element {
  const { x } = props;
  return (
    <span class="bed-line">
      {x.ctg && <Fetal s={x.ctg} />}
      {x.monitors.length > 0 && <Vitals x={x} />}
    </span>
  );
}
