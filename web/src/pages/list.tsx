// The live list: who is live, what alarms, how old what is seen is. Only the rows on the screen exist
// and only they move; three hundred streams cost what a dozen do.

import type { JSX } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { signal } from '@preact/signals';
import { api, ApiError, type JsonBed, type JsonLights, type JsonStream } from '../api';
import { clockText, durationText, monoMs } from '../base/clock';
import { Strip, stripTheme } from '../ecg/strip';
import { t, alarmName, tWord } from '../i18n/t';
import { AlarmPathMark } from '../live/alarmpath';
import { activeAlarms, alarmsVersion, isPulseless, loadAlarms, technicalAlarms } from '../live/alarms';
import { linkState, live, statusVersion } from '../live/client';
import { Lights, lightsOf, UNKNOWN_LIGHTS } from '../live/lights';
import { refusalText } from '../live/refusal';
import { technicalDetail } from '../live/technical';
import type { Finding } from '../live/events';
import { demo, go, lang, query, role, theme } from '../state';
import { AlarmRow, Empty, Failed, Loading, Priority, useAck, useTicker } from '../ui';
import { modalityWord, priorityRank, priorityWord, type PriorityWord } from '../wire/words';
import { BedLine, extrasOf, Pictures, type BedExtras } from './bedline';
import { DemoConsole, useDemo } from './console';
import { SiteState } from './gateways';

stripTheme(() => theme.value);

const ROW = 64;
const BED_LINE = 46; // what a bed has besides its ECG
const streams = signal<JsonStream[] | null>(null);
const beds = signal<JsonBed[]>([]);
const streamsError = signal<ApiError | null>(null);
const stalledSince = signal(NaN);

let others = new Set<string>(); // streams that have no row of their own
const isHeart = (s: JsonStream): boolean => modalityWord(s.modality) === 'ecg' || modalityWord(s.modality) === 'holter';

// A county that knows no beds yet: the list is by stream.
async function loadBeds(): Promise<JsonBed[]> {
  try {
    return await api.beds();
  } catch (e) {
    if (e instanceof ApiError && e.code === 'not_found') return [];
    throw e;
  }
}

async function loadStreams(): Promise<void> {
  try {
    const [all, places] = await Promise.all([api.streams(), loadBeds()]);
    beds.value = places;
    streams.value = all.filter((s) => isHeart(s));
    others = new Set(all.filter((s) => !isHeart(s)).map((s) => s.id));
    streamsError.value = null;
  } catch (e) {
    streamsError.value = e instanceof ApiError ? e : new ApiError('internal', 0, String(e));
  }
}

interface Row {
  key: string;
  s: JsonStream | null; // its ECG; null: a bed without one
  extras: BedExtras | null;
  site: string;
  bed: string;
  device: string;
  gateway: string;
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
  lights: JsonLights | undefined;
}

function rowsOf(list: JsonStream[], alarms: Map<string, Finding>): Row[] {
  return list.map((s) => {
    const st = live.streams.get(s.id);
    const gw = live.gateways.get(s.gateway);
    const alarm = alarms.get(s.id);
    const hz = s.rate.den > 0 ? s.rate.num / s.rate.den : 1;
    return {
      key: s.id, s, extras: null, site: s.site, bed: s.bed, device: s.device, gateway: s.gateway, live: st ? st.live : s.live, bpm: st ? st.rate_bpm : s.rate_bpm, alarm,
      priority: alarm && !alarm.ackedBy ? alarm.priority : priorityWord(st ? st.alarm : s.alarm),
      code: alarm?.code ?? st?.alarm_code ?? s.alarm_code, newestWallUs: st?.newest_wall_us || s.newest_wall_us,
      leadsOff: st?.leads_off ?? 0, suspended: st?.suspended ?? false, missingS: (st?.missing ?? 0) / hz, linked: gw ? gw.linked : null,
      lights: linkState.value !== 'open' ? UNKNOWN_LIGHTS : st ? lightsOf(st) : s.lights,
    };
  });
}

// A device that was switched off and on again opens a new stream: the list shows its newest one, and
// an older one only as long as somebody has to see to its alarm.
function currentRows(rows: Row[]): Row[] {
  const newest = new Map<string, Row>();
  const source = (r: Row): string => `${r.gateway}|${r.device}|${r.s?.modality ?? ''}`;
  for (const row of rows) {
    const other = newest.get(source(row));
    if (!other || row.newestWallUs > other.newestWallUs) newest.set(source(row), row);
  }
  return rows.filter((r) => newest.get(source(r)) === r || (r.alarm && !r.alarm.ackedBy));
}

// What a bed has besides its ECG goes to the first row of its ECG, or to a row of its own.
function withBeds(rows: Row[], alarms: Map<string, Finding>): Row[] {
  const byAttachment = new Map<string, Row>();
  for (const r of rows) if (r.s && !byAttachment.has(r.s.attachment)) byAttachment.set(r.s.attachment, r);
  const out = [...rows];
  for (const bed of beds.value) {
    const extras = extrasOf(bed);
    if (!extras) continue;
    const alarm = extras.ctg ? alarms.get(extras.ctg.id) : undefined;
    const row = bed.attachments.map((a) => byAttachment.get(a.id)).find((r) => r !== undefined);
    if (row) {
      row.extras = extras;
      if (alarm && !row.alarm) Object.assign(row, { alarm, priority: alarm.ackedBy ? row.priority : alarm.priority, code: alarm.code });
      continue;
    }
    const st = extras.ctg ? live.streams.get(extras.ctg.id) : undefined;
    const gw = live.gateways.get(bed.gateway);
    out.push({
      key: bed.id, s: null, extras, site: bed.site, bed: bed.bed, device: bed.attachments.map((a) => a.device).join(' · '), gateway: bed.gateway,
      live: extras.ctg ? (st ? st.live : extras.ctg.live) : gw?.linked !== false && bed.attachments.some((a) => a.attached), bpm: 0, alarm,
      priority: alarm && !alarm.ackedBy ? alarm.priority : priorityWord(st?.alarm ?? 0), code: alarm?.code ?? st?.alarm_code ?? '',
      newestWallUs: st?.newest_wall_us || (extras.ctg?.newest_wall_us ?? 0), leadsOff: 0, suspended: st?.suspended ?? false, missingS: 0, linked: gw ? gw.linked : null,
      lights: linkState.value !== 'open' ? UNKNOWN_LIGHTS : st ? lightsOf(st) : extras.ctg?.lights,
    });
  }
  return out;
}

const heightOf = (r: Row): number => ROW + (r.extras ? BED_LINE : 0);
const linkOf = (r: Row): string => (r.extras ? `/bed/${r.extras.bed.id}` : `/live/${r.s?.id ?? ''}`);

// Alarms first, then what is live, then by site and bed; a row does not jump for anything else.
function sortRows(rows: Row[]): Row[] {
  const rank = (r: Row): number => (r.priority === 'technical' ? 0 : priorityRank(r.priority));
  return rows.sort((a, b) =>
    rank(b) - rank(a) || a.site.localeCompare(b.site, 'zh') || a.bed.localeCompare(b.bed, 'zh', { numeric: true }) || (a.device < b.device ? -1 : 1));
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
  const leads = (s?.channels ?? []).filter((_, i) => (row.leadsOff >>> i) & 1).map((c) => c.code);
  return (
    <div class={`row row-${row.priority} ${props.chosen ? 'chosen' : ''} ${row.live ? '' : 'silent'}`} role="row" style={{ top: `${props.top}px`, height: `${heightOf(row)}px` }}
      data-stream={s?.id ?? ''} data-bed={row.extras?.bed.id ?? ''} data-device={row.device}>
      <a class="row-link" href={`#${linkOf(row)}`} aria-label={`${t('list.open')} ${row.bed} ${row.device}`}>
        <span class="c-alarm" role="cell">
          {row.priority !== 'none' && <Priority priority={row.priority} />}
          {row.priority !== 'none' && <b class="alarm-text">{alarmName(row.code)}</b>}
          {leads.length > 0 && <span class="tech-text">{t('list.leadsoff', { leads: leads.join(' ') })}</span>}
        </span>
        <span class="c-bed" role="cell"><b>{row.bed || row.device}</b><small>{row.bed ? row.device : s?.model ?? ''}</small></span>
        <span class="c-site" role="cell">{row.site}</span>
        <span class="c-hr" role="cell">{s ? <><b>{row.bpm > 0 && row.live && !(row.alarm && isPulseless(row.alarm)) ? Math.round(row.bpm) : '--'}</b><small>{t('ecg.hr.unit')}</small></> : <small>{t('list.noecg')}</small>}</span>
        <span class="c-strip" role="cell">{props.moving && s ? <MiniStrip id={s.id} /> : null}</span>
        <span class="c-age" role="cell"><Age row={row} />{row.missingS >= 1 && <small>{t('list.missing', { t: durationText(row.missingS) })}</small>}<Lights lights={row.lights} /></span>
        <span class="c-link" role="cell">
          <span class={row.linked === false ? 'tech' : 'ok'}>{row.linked === null ? '–' : t(row.linked ? 'gateway.linked' : 'gateway.cut')}</span>
          {row.extras && row.extras.videos.length > 0 && <Pictures x={row.extras} />}
        </span>
        {row.extras && <BedLine x={row.extras} />}
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
  const tops = [0];
  for (const r of props.rows) tops.push((tops[tops.length - 1] as number) + heightOf(r));
  const topOf = (k: number): number => tops[Math.max(0, Math.min(props.rows.length, k))] as number;
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
            if (topOf(next) < el.scrollTop) el.scrollTop = topOf(next);
            if (topOf(next + 1) > el.scrollTop + el.clientHeight) el.scrollTop = topOf(next + 1) - el.clientHeight;
          }
          return next;
        });
      } else if (e.key === 'Enter' && chosen >= 0 && !(e.target instanceof HTMLButtonElement) && !(e.target instanceof HTMLAnchorElement)) {
        const row = props.rows[chosen];
        if (row) go(linkOf(row));
      } else if (e.key.toLowerCase() === 'a') {
        const f = props.rows[0]?.alarm;
        if (f && !f.ackedBy) ack(f);
      }
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [props.rows, chosen]);
  let first = 0;
  while (first < props.rows.length && topOf(first + 2) <= scroll) first++;
  let last = first;
  while (last < props.rows.length && topOf(last) < scroll + height + ROW) last++;
  return (
    <>
      {failed && <p class="inline-error" role="alert">{t('alarm.ackfail', { code: failed })}</p>}
      <div class="rows" ref={box} role="rowgroup" tabIndex={-1} onScroll={(e) => setScroll(e.currentTarget.scrollTop)}>
        <div class="rows-all" style={{ height: `${topOf(props.rows.length)}px` }}>
          {props.rows.slice(first, last).map((r, k) => (
            <ListRow key={r.key} row={r} top={topOf(first + k)} chosen={first + k === chosen} moving={true} ack={ack} busy={busy} />
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
  if (a.code.toLowerCase() === 'rules') return refusalText(a.text);
  const detail = technicalDetail(a);
  const leg = detail?.fill['leg']; // itself a word of the vocabulary
  return detail ? t(detail.key, leg === undefined ? detail.fill : { ...detail.fill, leg: tWord('leg', String(leg)) }) : tWord('tech', a.code) === a.code ? a.text : '';
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
    if (streams.value && [...live.streams.keys()].some((id) => !known.has(id) && !others.has(id))) {
      const timer = setTimeout(() => void loadStreams(), 300);
      return () => clearTimeout(timer);
    }
    return undefined;
  }, [live.streams.size]);
  // Reconnected: what happened meanwhile.
  useEffect(() => {
    if (linkState.value === 'open') {
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
  const all = withBeds(currentRows(rowsOf(list, alarms)), alarms);
  const rows = sortRows([...all]).filter((r) => !q || `${r.bed} ${r.device} ${r.site} ${r.extras?.bed.attachments.map((a) => a.device).join(' ') ?? ''}`.toLowerCase().includes(q));
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
        <AlarmPathMark />
        <span class="spring" />
        <input type="search" placeholder={t('list.search')} aria-label={t('list.search')} value={query.value} onInput={(e) => { query.value = e.currentTarget.value; }} />
      </div>
      {(role() === 'technician' || role() === 'village') && <SiteState />}
      <TechnicalList />
      {streamsError.value && <p class="inline-error" role="alert">{t('error.what', { what: t('list.title') })} {t('error.code', { code: streamsError.value.code })}</p>}
      {all.length === 0 ? (
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
