// What the machine says of a reading, each statement with what it rests on.

import type { JSX } from 'preact';
import { leadName } from '../ecg/layout';
import { t, tWord } from '../i18n/t';
import { lang } from '../state';
import { unitText } from '../ui';
import type { Grade, Num, Reading, Statement, StatementValue } from './parse';
import { figure } from './tables';

export function GradeChip(props: { grade: Grade | 'none' }): JSX.Element {
  return <b class={`rd-grade g-${props.grade}`} data-grade={props.grade}>{t(`grade.${props.grade}`)}</b>;
}

// Measures that are yes or no.
const FLAGS = new Set(['age_known', 'readable', 'limb_exchange', 'chest_exchange', 'dextrocardia', 'irregular', 'p_present', 'lbbb_or_paced', 'notched']);
const OPS: Record<string, string> = { '>=': '≥', '<=': '≤', '!=': '≠' };

function said(v: StatementValue, x: Num): string {
  if (FLAGS.has(v.measure)) return x === null ? '--' : t(x !== 0 ? 'reading.yes' : 'reading.no');
  if (v.unit === 'uV') return figure(x === null ? null : x / 1000, 3, ' mV');
  const digits = v.unit === 'ms' || v.unit === '/min' || v.unit === 'deg' || (x !== null && Number.isInteger(x)) ? 0 : 2;
  const unit = v.unit === 'deg' ? '°' : v.unit ? ` ${unitText(v.unit)}` : '';
  return figure(x, digits, unit);
}

function Evidence(props: { s: Statement; r: Reading }): JSX.Element {
  const { s, r } = props;
  const leads = s.leads.length === 0 || s.leads.length === r.leads.length ? t('reading.leads.all') : s.leads.map(leadName).join(' ');
  const beats = s.beats.length === 0 ? t('reading.lit.none') : s.beats.length === r.beats.length ? t('reading.lit.all', { n: s.beats.length }) : t('reading.lit.some', { list: s.beats.map((b) => b + 1).join(' ') });
  return (
    <div class="rd-evidence" data-evidence={s.name}>
      {s.values.length === 0 ? <p class="muted">{t('reading.nobasis')}</p> : (
        <table>
          <thead><tr><th>{t('evidence.value')}</th><th class="n">{t('evidence.measured')}</th><th class="n">{t('evidence.limit')}</th></tr></thead>
          <tbody>
            {s.values.map((v, i) => (
              <tr key={i}><td>{v.lead && <b>{leadName(v.lead)} </b>}{tWord('measure', v.measure)}</td><td class="n">{said(v, v.value)}</td><td class="n">{OPS[v.op] ?? v.op} {said(v, v.limit)}</td></tr>
            ))}
          </tbody>
        </table>
      )}
      {s.more && <p class="muted">{t('reading.more')}</p>}
      <p data-lit="">{t('reading.lit', { beats, leads })}</p>
    </div>
  );
}

export function Statements(props: { r: Reading; picked: string; onPick: (s: Statement) => void }): JSX.Element {
  const all = props.r.said?.statements ?? [];
  if (all.length === 0) return <p class="muted">{t('reading.statements.none')}</p>;
  const zh = lang.value === 'zh';
  return (
    <ul class="rd-statements">
      {all.map((s) => (
        <li key={s.name} data-statement={s.name}>
          <button aria-expanded={props.picked === s.name} onClick={() => props.onPick(s)}>
            <GradeChip grade={s.grade} />
            <span class="rd-words"><b>{zh ? s.zh : s.en}</b> <span lang={zh ? 'en' : 'zh-CN'}>{zh ? s.en : s.zh}</span></span>
            <span class="rd-rules mono">{s.rules.map((x) => `${x.id} v${x.version}`).join(' · ')}{s.code !== null && ` · ${t('reading.code', { n: s.code })}`}</span>
          </button>
          {props.picked === s.name && <Evidence s={s} r={props.r} />}
        </li>
      ))}
    </ul>
  );
}
