// Is this page an alarm screen, and do alarms reach it? A page that shows all alarms (the list, or any
// other with elsewhere.tsx at its head) and can be seen says so to the county, is asked for each gateway once a minute, and answers when the frame after the
// question has been drawn: a page that hangs does not answer.

import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { clockText } from '../base/clock';
import { AlarmLeg, AlarmPathState, type AlarmPath, type GatewayStatus } from '../generated/xw.js';
import { t, tWord } from '../i18n/t';
import { live, statusVersion } from './client';

export type PathWord = 'unproven' | 'proven' | 'broken' | 'unattended';

const STATE: Record<number, PathWord> = {
  [AlarmPathState.ALARM_PATH_PROVEN]: 'proven', [AlarmPathState.ALARM_PATH_BROKEN]: 'broken', [AlarmPathState.ALARM_PATH_UNATTENDED]: 'unattended',
};
export const pathWord = (p: AlarmPath | undefined): PathWord => STATE[p?.state ?? 0] ?? 'unproven';

// Without a link nothing comes up, whatever was proven a moment ago.
export function pathOf(g: GatewayStatus | undefined): AlarmPath | undefined {
  const p = g?.alarm_path;
  return p && !g.linked && g.seen ? { ...p, state: AlarmPathState.ALARM_PATH_BROKEN, leg: AlarmLeg.ALARM_LEG_UPLINK } : p;
}

const LEGS = Object.entries(AlarmLeg).map(([k, v]) => [v, k.replace('ALARM_LEG_', '').toLowerCase()] as const);
export const legWord = (leg: number): string => LEGS.find(([v]) => v === leg)?.[1] ?? 'none';
export const legName = (leg: number): string => tWord('leg', legWord(leg));

export function useAlarmScreen(): void {
  useEffect(() => live.alarmScreen(), []);
}

export interface PathSum {
  state: PathWord;
  n: number; // gateways that are so
  provenWallUs: number; // of the one proven longest ago
  leg: number; // of the first that is broken
}

// The worst of all gateways that this user sees.
export function pathSum(paths: readonly (AlarmPath | undefined)[]): PathSum | null {
  if (paths.length === 0) return null;
  const by = (w: PathWord): (AlarmPath | undefined)[] => paths.filter((p) => pathWord(p) === w);
  for (const state of ['broken', 'unattended', 'unproven'] as const) {
    const those = by(state);
    if (those.length > 0) return { state, n: those.length, provenWallUs: 0, leg: those[0]?.leg ?? 0 };
  }
  return { state: 'proven', n: paths.length, provenWallUs: Math.min(...paths.map((p) => p?.proven_wall_us ?? 0)), leg: 0 };
}

// One line for the head of the list.
export function AlarmPathMark(): JSX.Element | null {
  void statusVersion.value;
  const sum = pathSum([...live.gateways.values()].filter((g) => g.seen).map(pathOf));
  if (!sum) return null;
  const text = {
    proven: t('path.proven', { t: clockText(sum.provenWallUs) }), broken: t('path.some', { n: sum.n }), unattended: t('path.unattended'),
    unproven: t('path.open', { n: sum.n }),
  }[sum.state];
  return (
    <a class={`path-mark ${sum.state === 'proven' ? 'ok' : sum.state === 'unproven' ? 'muted' : 'tech-text'}`} href="#/gateways" data-alarm-path={sum.state} title={t(sum.state === 'unattended' ? 'path.unattended.why' : 'path.why')}>
      {t('path.title')}：{text}
    </a>
  );
}
