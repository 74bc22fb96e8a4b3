// Recordings of one source, newest first: what is here, what is on its way; a click takes all panels there.

import type { JSX } from 'preact';
import type { JsonClip } from '../api';
import { clockText, durationText, monoMs } from '../base/clock';
import type { CursorSignal } from '../bed/cursor';
import { t, tWord } from '../i18n/t';
import { live } from '../live/client';
import { useTicker } from '../ui';
import { clipAt, clipEndUs, clipHeld, useClips } from './clips';
import { sizeText } from './text';

function stateOf(c: JsonClip): string {
  if (!c.sha256) return tWord('clipend', c.end);
  if (clipHeld(c)) return t('clip.held');
  return c.held > 0 ? t('clip.coming', { p: Math.floor((c.held / c.size) * 100) }) : t('clip.waiting');
}

export function ClipList(props: { attachment: string; cursor: CursorSignal }): JSX.Element {
  useTicker(1000);
  const { clips, loaded, error } = useClips(props.attachment);
  const now = live.clock.wallUs(monoMs());
  const at = props.cursor.value.wallUs;
  const here = at !== null ? clipAt(clips, at, now) : null;
  return (
    <div class="clips">
      <h3>{t('clip.title')}</h3>
      {error && <p class="inline-error">{t('clip.error', { code: error.code })}</p>}
      {loaded && clips.length === 0 && <p class="muted">{t('clip.none')}</p>}
      <ul>
        {clips.map((c) => (
          <li key={c.id} class={`clip ${c === here ? 'here' : ''} ${clipHeld(c) ? 'held' : ''}`} data-clip={c.id}>
            <button title={t('clip.show')} onClick={() => { props.cursor.value = { wallUs: c.start_wall_us }; }}>
              <b>{clockText(c.start_wall_us)}</b>
              <span>{durationText((clipEndUs(c, now) - c.start_wall_us) / 1e6)}</span>
              <span>{c.size > 0 ? sizeText(c.size) : ''}</span>
              <span class="clip-end">{c.end === 'running' || c.end === 'stopped' ? '' : tWord('clipend', c.end)}</span>
              <em>{stateOf(c)}</em>
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
