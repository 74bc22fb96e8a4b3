// These ten seconds beside the previous ECG of the same patient that the county holds: both in one band, of
// the same leads, measured alike; each difference with its uncertainty, and a mark where it is larger.

import type { JSX } from 'preact';
import { dateText } from '../base/clock';
import { leadName } from '../ecg/layout';
import { t, tWord } from '../i18n/t';
import { lang } from '../state';
import { GradeChip } from './statements';
import { beyondOf } from './before';
import type { Came, Changed, Num, Previous, Reading } from './parse';
import { figure } from './tables';

const WHOLE = ['hr_bpm', 'p_ms', 'pr_ms', 'qrs_ms', 'qt_ms', 'qtc_bazett_ms', 'qtc_fridericia_ms', 'p_axis_deg', 'qrs_axis_deg', 't_axis_deg'] as const;
const HEIGHTS = ['st_j_uv', 'st_60_uv', 't_uv', 'r_uv', 's_uv', 'q_uv', 'p_uv'] as const;
const HEAD: Record<(typeof HEIGHTS)[number], string> = { st_j_uv: 'ST J', st_60_uv: 'ST J+60', t_uv: 'T', r_uv: 'R', s_uv: 'S', q_uv: 'Q', p_uv: 'P' };
const MARK = '◆';

export const signed = (v: Num, digits: number): string => (v === null ? '--' : `${v > 0 && Number(v.toFixed(digits)) !== 0 ? '+' : ''}${figure(v, digits)}`);
const unitOf = (name: string): string => (name.endsWith('_deg') ? '°' : name.endsWith('_ms') ? 'ms' : t('ecg.hr.unit'));
const digitsOf = (name: string): number => (name === 'hr_bpm' ? 1 : 0);

// A difference with its uncertainty; beyond it: bold, a mark and a word for those who cannot see either.
function By(props: { x: Changed | null | undefined; scale: number; digits: number }): JSX.Element {
  const { x, scale, digits } = props;
  if (!x) return <span class="muted" title={t('previous.unmeasured')}>--</span>;
  const text = <>{signed(x.by * scale, digits)} <small>±{(x.uncertainty * scale).toFixed(digits)}</small></>;
  return x.beyond ? <b data-beyond="true" title={t('previous.beyond')}>{MARK} {text}<span class="sr-only"> {t('previous.beyond')}</span></b> : <span data-beyond="false" title={t('previous.within')}>{text}</span>;
}

function Figures(props: { p: Previous }): JSX.Element {
  const { p } = props;
  return (
    <table>
      <thead><tr><th>{t('evidence.value')}</th><th class="n">{t('previous.before')}</th><th class="n">{t('compare.now')}</th><th class="n">{t('previous.by')}</th><th /></tr></thead>
      <tbody>
        {WHOLE.map((name) => {
          const x = p.measured[name];
          return (
            <tr key={name} data-previous={name}>
              <td>{name.startsWith('qtc') && 'QTc '}{t(`reading.v.${name}`)} <small>{unitOf(name)}</small></td>
              <td class="n">{figure(x?.before, digitsOf(name))}</td><td class="n">{figure(x?.now, digitsOf(name))}</td>
              <td class="n"><By x={x} scale={1} digits={digitsOf(name)} /></td>
              <td>{x ? t(x.beyond ? 'previous.beyond.short' : 'previous.within.short') : t('previous.unmeasured.short')}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function Leads(props: { p: Previous }): JSX.Element {
  return (
    <div class="rd-table" tabIndex={0} role="region" aria-label={t('previous.leads')}>
      <table>
        <thead><tr><th>{t('reading.col.lead')}</th>{HEIGHTS.map((h) => <th key={h}>{HEAD[h]}</th>)}</tr></thead>
        <tbody>{props.p.leads.map((l) => <tr key={l.lead} data-previous-lead={l.lead}><th>{leadName(l.lead)}</th>{HEIGHTS.map((h) => <td key={h} data-height={h}><By x={l.values[h]} scale={0.001} digits={2} /></td>)}</tr>)}</tbody>
      </table>
    </div>
  );
}

function Said(props: { what: string; title: string; all: readonly Came[] }): JSX.Element | null {
  if (props.all.length === 0) return null;
  return <p data-said={props.what}><b>{props.title}</b> {props.all.map((s) => <span key={s.name} class="rd-came"><GradeChip grade={s.grade} /> {lang.value === 'zh' ? s.zh : s.en}</span>)}</p>;
}

// Stands with the warnings, above everything else.
export function PreviousReversal(props: { r: Reading }): JSX.Element | null {
  const x = props.r.previous?.exchange;
  if (!x || (!x.limb && !x.precordial)) return null;
  const nearer = x.limb ? x.limbNearer : x.precordialNearer;
  return (
    <div class="rd-reversal" role="alert" data-previous-reversal={x.limb || x.precordial}>
      {x.limb && <b>{t('previous.reversed.limb', { kind: x.limb })}</b>}
      {x.precordial && <b>{t('previous.reversed.chest', { kind: x.precordial })}</b>}
      <p>{t('previous.reversed.why', { n: figure(nearer, 1) })}</p>
    </div>
  );
}

export function PreviousEcg(props: { r: Reading }): JSX.Element {
  const { r } = props;
  const p = r.previous;
  if (!p) return <><h4>{t('previous.title')}</h4><p class="muted" data-previous-none={r.patientKnown ? 'first' : 'patient'}>{t(r.patientKnown ? 'previous.none' : 'previous.unknown')}</p></>;
  const band = `${figure(p.bandHz[0], p.bandHz[0] !== null && p.bandHz[0] < 1 ? 2 : 0)}–${figure(p.bandHz[1], 0)} Hz`;
  const n = beyondOf(p);
  return (
    <>
      <h4>{t('previous.title')} <small>{dateText(p.wallUs)}{p.study && <> · <a href={`#/study/${p.study}`}>{t('previous.open')}</a></>}</small></h4>
      {p.whyNot ? <p data-previous-not={p.whyNot}><b>{tWord('incomparable', p.whyNot)}</b></p> : (
        <div class="rd-compare" data-previous-of={p.study} data-beyond-n={n}>
          <p><b>{n > 0 ? t('previous.some', { n }) : t('previous.same')}</b></p>
          <Said what="new" title={t('previous.new')} all={p.came} />
          <Said what="gone" title={t('previous.gone')} all={p.gone} />
          <p class="muted">{t('previous.how', { band })} {!p.bandKnown && <b data-limit="band">{t('previous.band')}</b>}</p>
          <Figures p={p} />
          <h4>{t('previous.leads')} <small>mV</small></h4>
          <Leads p={p} />
          <p class="muted">{MARK} {t('previous.legend')}</p>
        </div>
      )}
    </>
  );
}

// By whose age and sex the statements were made.
export function JudgedBy(props: { r: Reading }): JSX.Element {
  const { ageYears, sex } = props.r;
  if (ageYears === null && !sex) return <li data-judged="nothing">{t('reading.age')}</li>;
  const age = ageYears === null ? t('reading.age.unknown') : ageYears < 2 ? t('reading.age.months', { n: Math.floor(ageYears * 12) }) : t('reading.age.years', { n: Math.floor(ageYears) });
  return <li data-judged={`${ageYears === null ? '' : Math.floor(ageYears)} ${sex}`}>{t('reading.judged', { age, sex: t(sex === 'F' ? 'reading.sex.f' : sex === 'M' ? 'reading.sex.m' : 'reading.sex.unknown') })}</li>;
}
