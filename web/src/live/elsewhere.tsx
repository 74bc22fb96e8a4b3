// Alarms of patients who are not on this page: at the head of every page, so that whoever reads one
// patient's ECG hears of another's. With it any page of a signed-in user that can be seen is an alarm
// screen (alarmpath.tsx).

import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { api, type JsonStream } from '../api';
import { t, alarmName } from '../i18n/t';
import { me, route } from '../state';
import { alarmWhen, Priority } from '../ui';
import { useAlarmScreen } from './alarmpath';
import { activeAlarms, alarmsVersion, loadAlarms } from './alarms';
import { linkState, live, statusVersion } from './client';

// The list shows them all, unless a search hides some; a patient's page shows those of what it watches.
export function shownHere(path: string, searching: boolean, watched: (id: string) => boolean): (stream: string) => boolean {
  const [, page, id] = path.split('/');
  const list = page === 'list' || ((page === 'live' || page === 'bed') && !id);
  if (list) return () => !searching;
  return page === 'live' || page === 'bed' ? (stream) => stream === id || watched(stream) : () => false;
}

// Whose a stream is, asked once.
const whose = new Map<string, JsonStream | null>();
function useWhose(id: string | undefined): JsonStream | null {
  const [, came] = useState(0);
  useEffect(() => {
    if (!id || whose.has(id)) return;
    whose.set(id, null);
    api.stream(id).then((s) => { whose.set(id, s); came((n) => n + 1); }).catch(() => whose.delete(id));
  }, [id]);
  return (id && whose.get(id)) || null;
}

function Elsewhere(props: { searching: boolean }): JSX.Element | null {
  useAlarmScreen();
  void alarmsVersion.value;
  void statusVersion.value;
  useEffect(() => {
    if (linkState.value === 'open') void loadAlarms();
  }, [linkState.value]);
  const here = shownHere(route.value, props.searching, (id) => live.watched.has(id));
  const open = activeAlarms().filter((f) => !f.ackedBy && !here(f.stream));
  const top = open[0];
  const s = useWhose(top?.stream);
  if (!top) return null;
  const gateway = live.streams.get(top.stream)?.gateway_id ?? s?.gateway ?? '';
  const where = [s?.site || live.gateways.get(gateway)?.site_name, s?.bed || s?.device].filter(Boolean).join(' · ');
  return (
    <a class={`elsewhere alarm-top alarm-${top.priority}`} role="alert" href={open.length > 1 ? '#/list' : `#/live/${top.stream}`} data-elsewhere={open.length} data-stream={top.stream} title={t('alarm.elsewhere.why')}>
      <Priority priority={top.priority} /> <span class="alarm-name">{alarmName(top.code)}</span>
      <span class="alarm-when">{where} {alarmWhen(top)}</span>
      {open.length > 1 && <span class="alarm-when more">{t('alarm.more', { n: open.length - 1 })}</span>}
    </a>
  );
}

export function AlarmsElsewhere(props: { searching: boolean }): JSX.Element | null {
  return me.value?.user && me.value.role !== 'admin' ? <Elsewhere key={me.value.user} searching={props.searching} /> : null;
}
