// Numbers of a reading: intervals, QTc, axes, voltages, and a row a lead. Tabular figures, units said.

import type { ComponentChildren, JSX } from 'preact';
import { leadName } from '../ecg/layout';
import { t, tWord } from '../i18n/t';
import type { Num, Reading } from './parse';

const MINUS = '−';
export function figure(v: Num | undefined, digits: number, unit = ''): string {
  if (v === null || v === undefined) return '--';
  const s = Math.abs(v).toFixed(digits);
  return `${v < 0 && Number(s) !== 0 ? MINUS : ''}${s}${unit}`;
}

function Value(props: { r: Reading; name: string; label: string; digits: number; unit: string }): JSX.Element {
  return (
    <div class="rd-value"><dt>{props.label}</dt><dd data-measure={props.name}>{figure(props.r.measured[props.name], props.digits)}{props.unit && <small> {props.unit}</small>}</dd></div>
  );
}
const Group = (props: { title: string; children: ComponentChildren }): JSX.Element => <><h4>{props.title}</h4><dl class="rd-values">{props.children}</dl></>;

const INTERVALS = ['hr_bpm', 'rr_ms', 'p_ms', 'pr_ms', 'qrs_ms', 'qt_ms'] as const;
const QTC = ['qtc_bazett_ms', 'qtc_fridericia_ms', 'qtc_framingham_ms', 'qtc_hodges_ms'] as const;
const AXES = ['p_axis_deg', 'qrs_axis_deg', 't_axis_deg'] as const;
const VOLTAGES = ['rv5_mv', 'sv1_mv', 'rv5_sv1_mv'] as const;

export function Measurements(props: { r: Reading }): JSX.Element {
  const { r } = props;
  return (
    <>
      <Group title={t('reading.values')}>{INTERVALS.map((n) => <Value key={n} r={r} name={n} label={t(`reading.v.${n}`)} digits={0} unit={n === 'hr_bpm' ? t('ecg.hr.unit') : 'ms'} />)}</Group>
      <Group title={t('reading.qtc')}>{QTC.map((n) => <Value key={n} r={r} name={n} label={t(`reading.v.${n}`)} digits={0} unit="ms" />)}</Group>
      <Group title={t('reading.axes')}>{AXES.map((n) => <Value key={n} r={r} name={n} label={t(`reading.v.${n}`)} digits={0} unit="°" />)}</Group>
      <Group title={t('reading.voltages')}>{VOLTAGES.map((n) => <Value key={n} r={r} name={n} label={t(`reading.v.${n}`)} digits={2} unit="mV" />)}</Group>
    </>
  );
}

// Amplitudes first, then ST, then durations.
const UV = ['p_uv', 'q_uv', 'r_uv', 's_uv', 'r2_uv', 's2_uv', 'st_j_uv', 'st_60_uv', 't_uv'] as const;
const MS = ['p_ms', 'q_ms', 'r_ms', 's_ms', 'qrs_ms'] as const;
const NAMES: Record<(typeof UV)[number], string> = { p_uv: 'P', q_uv: 'Q', r_uv: 'R', s_uv: 'S', r2_uv: 'R′', s2_uv: 'S′', st_j_uv: '', st_60_uv: '', t_uv: 'T' };
const WAVES: Record<(typeof MS)[number], string> = { p_ms: 'P', q_ms: 'Q', r_ms: 'R', s_ms: 'S', qrs_ms: 'QRS' };

// A wave that is not there has amplitude 0 and stays blank; an ST level of 0 is a level.
const mv = (name: string, v: Num | undefined): string => (v === null || v === undefined || (v === 0 && !name.startsWith('st_')) ? '' : figure(v / 1000, 2));
const ms = (v: Num | undefined): string => (v === null || v === undefined || v === 0 ? '' : v.toFixed(0));

export function LeadTable(props: { r: Reading; lit: readonly string[] }): JSX.Element {
  return (
    <div class="rd-table" tabIndex={0} role="region" aria-label={t('reading.table')}>
      <table>
        <thead>
          <tr>
            <th>{t('reading.col.lead')}</th>
            {UV.map((n) => <th key={n}>{n === 'st_j_uv' ? t('reading.col.j') : n === 'st_60_uv' ? t('reading.col.j60') : NAMES[n]}</th>)}
            {MS.map((n) => <th key={n}>{t('reading.col.ms', { w: WAVES[n] })}</th>)}
          </tr>
        </thead>
        <tbody>
          {props.r.leads.map((l) => (
            <tr key={l.lead} data-lead={l.lead} class={props.lit.includes(l.lead) ? 'lit' : ''}>
              <th>{leadName(l.lead)}{l.derived && <small> {t('reading.derived')}</small>}</th>
              {l.usable
                ? <>{UV.map((n) => <td key={n} data-col={n}>{mv(n, l.values[n])}</td>)}{MS.map((n) => <td key={n}>{ms(l.values[n])}</td>)}</>
                : <td class="unfit" colSpan={UV.length + MS.length}>{l.flaws.map((f) => tWord('flaw', f)).join(' · ') || '--'}</td>}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
