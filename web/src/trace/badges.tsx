// What stands beside every live trace: how old it is, and how far a hole has healed.

import type { JSX } from 'preact';
import { clockText } from '../base/clock';
import { t } from '../i18n/t';
import { linkState, live } from '../live/client';
import type { Freshness, HoleState } from './fresh';

export interface AgeState {
  freshness: Freshness;
  paused: boolean;
  ageS: number; // of the newest sample drawn; NaN = not measured
  silentS: number; // since the newest index grew
  silentSinceWallUs: number;
  uncertaintyUs: number;
  endWallUs: number; // what is looked at when paused
}

export function AgeBadge(props: { s: AgeState }): JSX.Element {
  const { s } = props;
  if (s.paused) return <span class="badge paused" data-fresh="paused">{t('ecg.paused', { t: clockText(s.endWallUs) })}</span>;
  if (s.freshness === 'loading') return <span class="badge">{t('ecg.loading')}</span>;
  if (s.freshness === 'lost') {
    return <span class="badge lost" data-fresh="lost">{t(linkState.value === 'open' ? 'ecg.lost' : 'ecg.lost.local', { t: clockText(s.silentSinceWallUs) })}</span>;
  }
  if (s.freshness === 'stale') return <span class="badge stale" data-fresh="stale">{t('ecg.stale', { s: s.silentS.toFixed(1) })}</span>;
  if (!Number.isFinite(s.ageS)) return <span class="badge live" data-fresh="live">{t('ecg.age.unknown')}</span>;
  return (
    <span class="badge live" data-fresh="live" title={t('ecg.age.why', { u: ((s.uncertaintyUs + live.clock.rttMs * 500) / 1000).toFixed(1) })}>
      {t('ecg.age', { s: s.ageS.toFixed(2) })}
    </span>
  );
}

export function HoleNote(props: { hole: HoleState }): JSX.Element | null {
  const h = props.hole;
  if (!h) return null;
  const f = (v: number): string => v.toFixed(1);
  const text = h.closed
    ? h.lost > 0.05 ? t('ecg.healedlost', { back: f(h.back), lost: f(h.lost) }) : t('ecg.healed', { total: f(h.total) })
    : t('ecg.healing', { rest: f(h.coming), back: f(h.back), total: f(h.total) });
  return (
    <span class={`hole ${h.closed ? 'closed' : ''}`} data-hole={h.closed ? 'closed' : 'open'} role="status">
      <progress max={h.total} value={h.back + h.lost} aria-hidden="true" /> {text}
    </span>
  );
}
