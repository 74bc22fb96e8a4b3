// The live list: who is live, what alarms, how old what is seen is. Only the rows on the screen exist
// and only they move; three hundred streams cost what a dozen do.

import type { JSX } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { signal } from '@preact/signals';
import { api, ApiError, type JsonStream } from '../api';
import { clockText, durationText, monoMs } from '../base/clock';
import { Strip, stripTheme } from '../ecg/strip';
import { t, alarmName, tWord } from '../i18n/t';
import { activeAlarms, alarmsVersion, isPulseless, loadAlarms, technicalAlarms } from '../live/alarms';
import { linkState, live, statusVersion } from '../live/client';
import { technicalDetail } from '../live/technical';
import type { Finding } from '../live/events';
import { demo, go, lang, role, theme } from '../state';
import { AlarmRow, Empty, Failed, Loading, Priority, useAck, useTicker } from '../ui';
import { modalityWord, priorityRank, priorityWord, type PriorityWord } from '../wire/words';
import { DemoConsole, useDemo } from './console';
import { SiteState } from './gateways';

stripTheme(() => theme.value);

const ROW = 64;
const streams = signal<JsonStream[] | null>(null);
const streamsError = signal<ApiError | null>(null);
const query = signal('');
const stalledSince = signal(NaN);

async function loadStreams(): Promise<void> {
  try {
    streams.value = (await api.streams()).filter((s) => modalityWord(s.modality) === 'ecg' || modalityWord(s.modality) === 'holter');
    streamsError.value = null;
  } catch (e) {
    streamsError.value = e instanceof ApiError ? e : new ApiError('internal', 0, String(e));
  }
}

interface Row {
  s: JsonStream;
  live: boolean;
  bpm: number;
  priority: PriorityWord;
  alarm: Finding | undefined;
  code: string;
  newestWallUs: number;
  leadsOff: number;
  suspended: boolean;
  missingS: number;
  linked: boolean | null;
}

function rowsOf(list: JsonStream[], alarms: Map<string, Finding>): Row[] {
  return list.map((s) => {
    const st = live.streams.get(s.id);
    const gw = live.gateways.get(s.gateway);
    const alarm = alarms.get(s.id);
    const hz = s.rate.den > 0 ? s.rate.num / s.rate.den : 1;
    return {
      s, live: st ? st.live : s.live, bpm: st ? st.rate_bpm : s.rate_bpm, alarm,
      priority: alarm && !alarm.ackedBy ? alarm.priority : priorityWord(st ? st.alarm : s.alarm),
      code: alarm?.code ?? st?.alarm_code ?? s.alarm_code, newestWallUs: st?.newest_wall_us || s.newest_wall_us,
      leadsOff: st?.leads_off ?? 0, suspended: st?.suspended ?? false, missingS: (st?.missing ?? 0) / hz, linked: gw ? gw.linked : null,
    };
  });
}

// A device that was switched off and on again opens a new stream: the list shows its newest one, and
// an older one only as long as somebody has to see to its alarm.
function currentRows(rows: Row[]): Row[] {
  const newest = new Map<string, Row>();
  const source = (r: Row): string => `${r.s.gateway}|${r.s.device}|${r.s.modality}`;
  for (const row of rows) {
    const other = newest.get(source(row));
    if (!other || row.newestWallUs > other.newestWallUs) newest.set(source(row), row);
  }
  return rows.filter((r) => newest.get(source(r)) === r || (r.alarm && !r.alarm.ackedBy));
}

// Alarms first, then what is live, then by site and bed; a row does not jump for anything else.
function sortRows(rows: Row[]): Row[] {
  const rank = (r: Row): number => (r.priority === 'technical' ? 0 : priorityRank(r.priority));
  return rows.sort((a, b) =>
    rank(b) - rank(a) || a.s.site.localeCompare(b.s.site, 'zh') || a.s.bed.localeCompare(b.s.bed, 'zh', { numeric: true }) || (a.s.device < b.s.device ? -1 : 1));
}

function MiniStrip(props: { id: string }): JSX.Element {
  const ref = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    if (!ref.current) return;
    const strip = new Strip(ref.current, props.id);
    return () => strip.stop();
  }, [props.id]);
  return <canvas ref={ref} class="strip" aria-hidden="true" />;
}

function Age(props: { row: Row }): JSX.Element {
  const { row } = props;
  const wall = live.clock.wallUs();
  const ageS = row.newestWallUs > 0 && live.clock.known ? (wall - row.newestWallUs) / 1e6 : NaN;
  if (row.suspended) return <span class="age tech">{t('list.suspended')}</span>;
  if (row.live && linkState.value === 'open') return <span class="age fresh">{t('list.live')}</span>;
  return <span class="age stale">{Number.isFinite(ageS) ? t('list.silent', { t: durationText(ageS) }) : t('list.silent', { t: '' })}</span>;
}

function ListRow(props: { row: Row; chosen: boolean; top: number; moving: boolean; ack: (f: Finding) => void; busy: string }): JSX.Element {
  const { row } = props;
  const { s } = row;
  const leads = s.channels.filter((_, i) => (row.leadsOff >>> i) & 1).map((c) => c.code);
  return (
    <div class={`row row-${row.priority} ${props.chosen ? 'chosen' : ''} ${row.live ? '' : 'silent'}`} role="row" style={{ top: `${props.top}px` }}
      data-stream={s.id} data-device={s.device}>
      <a class="row-link" href={`#/live/${s.id}`} aria-label={`${t('list.open')} ${s.bed} ${s.device}`}>
        <span class="c-alarm" role="cell">
          {row.priority !== 'none' && <Priority priority={row.priority} />}
          {row.priority !== 'none' && <b class="alarm-text">{alarmName(row.code)}</b>}
          {leads.length > 0 && <span class="tech-text">{t('list.leadsoff', { leads: leads.join(' ') })}</span>}
        </span>
        <span class="c-bed" role="cell"><b>{s.bed || s.device}</b><small>{s.bed ? s.device : s.model}</small></span>
        <span class="c-site" role="cell">{s.site}</span>
        <span class="c-hr" role="cell"><b>{row.bpm > 0 && row.live && !(row.alarm && isPulseless(row.alarm)) ? Math.round(row.bpm) : '--'}</b><small>{t('ecg.hr.unit')}</small></span>
        <span class="c-strip" role="cell">{props.moving ? <MiniStrip id={s.id} /> : null}</span>
        <span class="c-age" role="cell"><Age row={row} />{row.missingS >= 1 && <small>{t('list.missing', { t: durationText(row.missingS) })}</small>}</span>
        <span class="c-link" role="cell">
          <span class={row.linked === false ? 'tech' : 'ok'}>{row.linked === null ? '–' : t(row.linked ? 'gateway.linked' : 'gateway.cut')}</span>
        </span>
      </a>
      {row.alarm && !row.alarm.ackedBy && (
        <button class="button ack row-ack" disabled={props.busy === row.alarm.key} onClick={() => row.alarm && props.ack(row.alarm)}>{t('alarm.ack')}</button>
      )}
    </div>
  );
}

function Rows(props: { rows: Row[] }): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const [scroll, setScroll] = useState(0);
  const [height, setHeight] = useState(600);
  const [chosen, setChosen] = useState(-1);
  const { ack, busy, failed } = useAck();
  useEffect(() => {
    const el = box.current;
    if (!el) return;
    const ro = new ResizeObserver(() => setHeight(el.clientHeight));
    ro.observe(el);
    return () => ro.disconnect();
  }, []);
  useEffect(() => {
    const onKey = (e: KeyboardEvent): void => {
      if (e.target instanceof HTMLInputElement || e.target instanceof HTMLSelectElement || e.ctrlKey || e.metaKey) return;
      const n = props.rows.length;
      if (n === 0) return;
      if (e.key === 'ArrowDown' || e.key === 'ArrowUp') {
        e.preventDefault();
        setChosen((c) => {
          const next = Math.max(0, Math.min(n - 1, c + (e.key === 'ArrowDown' ? 1 : -1)));
          const el = box.current;
          if (el) {
            if (next * ROW < el.scrollTop) el.scrollTop = next * ROW;
            if ((next + 1) * ROW > el.scrollTop + el.clientHeight) el.scrollTop = (next + 1) * ROW - el.clientHeight;
          }
          return next;
        });
      } else if (e.key === 'Enter' && chosen >= 0 && !(e.target instanceof HTMLButtonElement) && !(e.target instanceof HTMLAnchorElement)) {
        const row = props.rows[chosen];
        if (row) go(`/live/${row.s.id}`);
      } else if (e.key.toLowerCase() === 'a') {
        const f = props.rows[0]?.alarm;
        if (f && !f.ackedBy) ack(f);
      }
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [props.rows, chosen]);
  const first = Math.max(0, Math.floor(scroll / ROW) - 1);
  const last = Math.min(props.rows.length, Math.ceil((scroll + height) / ROW) + 1);
  return (
    <>
      {failed && <p class="inline-error" role="alert">{t('alarm.ackfail', { code: failed })}</p>}
      <div class="rows" ref={box} role="rowgroup" tabIndex={-1} onScroll={(e) => setScroll(e.currentTarget.scrollTop)}>
        <div class="rows-all" style={{ height: `${props.rows.length * ROW}px` }}>
          {props.rows.slice(first, last).map((r, k) => (
            <ListRow key={r.s.id} row={r} top={(first + k) * ROW} chosen={first + k === chosen} moving={true} ack={ack} busy={busy} />
          ))}
        </div>
      </div>
    </>
  );
}

// What the machine adds is in its own language: shown where it is the reader's, or says what no word of
// ours does.
// In English as the program said it; in Chinese what its code and numbers mean.
export function technicalText(a: { code: string; text: string }): string {
  if (lang.value === 'en') return a.text;
  const detail = technicalDetail(a);
  return detail ? t(detail.key, detail.fill) : tWord('tech', a.code) === a.code ? a.text : '';
}
const dotted = (text: string): string => (text ? `· ${text} ` : '');

export function TechnicalList(props: { gateway?: string; max?: number }): JSX.Element | null {
  const list = technicalAlarms().filter((a) => !props.gateway || a.subject === props.gateway);
  if (list.length === 0) return null;
  const shown = list.slice(0, props.max ?? 3);
  return (
    <ul class="technical">
      {shown.map((a) => (
        <li key={a.id}><Priority priority="technical" /> {tWord('tech', a.code)} · {a.subject} {dotted(technicalText(a))}· {t('gateway.since', { t: clockText(a.fromWallUs) })}</li>
      ))}
      {list.length > shown.length && <li class="more">{t('alarm.more', { n: list.length - shown.length })}</li>}
    </ul>
  );
}

export function ListPage(): JSX.Element {
  useDemo();
  useTicker(1000);
  void statusVersion.value;
  void alarmsVersion.value;
  useEffect(() => {
    void loadStreams();
    void loadAlarms();
    const timer = setInterval(() => void loadStreams(), 10_000);
    return () => clearInterval(timer);
  }, []);
  // A stream that the status knows and the list does not: read the list again.
  useEffect(() => {
    const known = new Set((streams.value ?? []).map((s) => s.id));
    if (streams.value && [...live.streams.keys()].some((id) => !known.has(id))) {
      const timer = setTimeout(() => void loadStreams(), 300);
      return () => clearTimeout(timer);
    }
    return undefined;
  }, [live.streams.size]);
  // Reconnected: what happened meanwhile.
  useEffect(() => {
    if (linkState.value === 'open') {
      void loadAlarms();
      void loadStreams();
      stalledSince.value = NaN;
    } else if (linkState.value === 'down' && Number.isNaN(stalledSince.value)) {
      stalledSince.value = live.clock.wallUs(monoMs());
    }
  }, [linkState.value]);

  const list = streams.value;
  const alarms = useMemo(() => {
    const map = new Map<string, Finding>();
    for (const f of activeAlarms()) if (!map.has(f.stream)) map.set(f.stream, f);
    return map;
  }, [alarmsVersion.value, list]);

  if (!list) return streamsError.value ? <Failed what={t('list.title')} error={streamsError.value} retry={() => void loadStreams()} /> : <Loading />;
  const q = query.value.trim().toLowerCase();
  const all = currentRows(rowsOf(list, alarms));
  const rows = sortRows([...all]).filter((r) => !q || `${r.s.bed} ${r.s.device} ${r.s.site}`.toLowerCase().includes(q));
  const silent = all.filter((r) => !r.live).length;
  const inAlarm = rows.filter((r) => r.priority !== 'none' && r.priority !== 'technical').length;
  const stalled = linkState.value === 'down';
  return (
    <div class="list-page" data-state={stalled ? 'stale' : silent > 0 ? 'partly' : 'full'}>
      <div class="list-head">
        <h1>{t('list.title')}</h1>
        <span class="count">{t('list.count', { n: all.length, live: all.length - silent, alarm: inAlarm })}</span>
        {stalled && <span class="age stale">{t('list.stale', { t: clockText(stalledSince.value) })}</span>}
        {!stalled && silent > 0 && <span class="count">{t('list.partly', { n: silent })}</span>}
        <span class="spring" />
        <input type="search" placeholder={t('list.search')} aria-label={t('list.search')} value={query.value} onInput={(e) => { query.value = e.currentTarget.value; }} />
      </div>
      {(role() === 'technician' || role() === 'village') && <SiteState />}
      <TechnicalList />
      {streamsError.value && <p class="inline-error" role="alert">{t('error.what', { what: t('list.title') })} {t('error.code', { code: streamsError.value.code })}</p>}
      {list.length === 0 ? (
        <Empty what={t('list.empty')} todo={t(demo.value ? 'list.empty.demo' : 'list.empty.do')} />
      ) : (
        <div class="table" role="table" aria-label={t('list.title')}>
          <div class="head" role="row">
            <span class="c-alarm" role="columnheader">{t('list.alarm')}</span>
            <span class="c-bed" role="columnheader">{t('list.bed')}</span>
            <span class="c-site" role="columnheader">{t('list.site')}</span>
            <span class="c-hr" role="columnheader">{t('list.hr')}</span>
            <span class="c-strip" role="columnheader">{t('list.strip')}{demo.value && <em> · {t('app.demo')}</em>}</span>
            <span class="c-age" role="columnheader">{t('list.age')}</span>
            <span class="c-link" role="columnheader">{t('list.link')}</span>
          </div>
          {rows.length === 0 ? <Empty what={t('list.nomatch', { q: query.value })} todo={t('list.search')} /> : <Rows rows={rows} />}
        </div>
      )}
      <DemoConsole collapsible />
    </div>
  );
}

// For the viewer: what the list knows of a stream.
export function listed(id: string): JsonStream | undefined {
  return streams.value?.find((s) => s.id === id);
}
export { AlarmRow };
