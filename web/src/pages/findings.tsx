// What the machine found: a list of what is no alarm (rhythms, what could not be seen, what was denied), and the evidence of one finding.

import type { JSX } from 'preact';
import { clockText } from '../base/clock';
import { leadName } from '../ecg/layout';
import { t, alarmName, valueName } from '../i18n/t';
import type { Evidence, Finding } from '../live/events';
import type { StreamModel } from '../live/stream';
import { unitText } from '../ui';

const SHOWN = 8;
const BACK_S = 600;
// Rhythms that are alarms stand among those; the usual one is nothing to read.
const ELSEWHERE = new Set(['NO_FINDING', 'VF', 'VT', 'ASYSTOLE', 'BRADY', 'TACHY']);

// Measured values beside the limits that they were held against.
function pairs(evidence: Evidence[]): { name: string; unit: string; value: number | null; limit: number | null }[] {
  const out = new Map<string, { name: string; unit: string; value: number | null; limit: number | null }>();
  for (const e of evidence) {
    const p = out.get(e.name) ?? { name: e.name, unit: unitText(e.unit), value: null, limit: null };
    if (e.threshold) p.limit = e.value;
    else p.value = e.value;
    out.set(e.name, p);
  }
  return [...out.values()];
}
const num = (v: number | null): string => (v === null ? '–' : Math.abs(v) >= 100 ? v.toFixed(0) : Math.abs(v) >= 10 ? v.toFixed(1) : v.toFixed(2));

export function EvidencePanel(props: { f: Finding; model: StreamModel; goTo: () => void }): JSX.Element {
  const { f, model } = props;
  const leads = model.channels.filter((_, i) => (f.leads >>> i) & 1).map((c) => leadName(c.code));
  const rows = pairs(f.evidence);
  return (
    <section class="evidence" data-evidence={f.key}>
      <h3>{t('evidence.title')} · {alarmName(f.code)}</h3>
      <p class="muted">{t('evidence.proposal')}</p>
      {rows.length > 0 ? (
        <table>
          <thead><tr><th>{t('evidence.value')}</th><th class="n">{t('evidence.measured')}</th><th class="n">{t('evidence.limit')}</th></tr></thead>
          <tbody>
            {rows.map((r) => <tr key={r.name}><td>{valueName(r.name)}</td><td class="n">{num(r.value)} {r.unit}</td><td class="n">{num(r.limit)} {r.limit !== null ? r.unit : ''}</td></tr>)}
          </tbody>
        </table>
      ) : <p class="muted">{t('evidence.none')}</p>}
      <dl>
        <dt>{t('evidence.rule')}</dt><dd class="mono">{f.rule || '–'} {f.ruleVersion && `v${f.ruleVersion}`}</dd>
        {f.confidence > 0 && <><dt>{t('evidence.confidence')}</dt><dd>{Math.round(f.confidence * 100)} %</dd></>}
        {leads.length > 0 && <><dt>{t('evidence.leads')}</dt><dd>{leads.join(' ')}</dd></>}
      </dl>
      {f.beats.length > 0 && <p>{t('evidence.beats', { n: f.beats.length })}</p>}
      <button class="button" onClick={props.goTo}>{t('evidence.goto')}</button>
    </section>
  );
}

// Newest first.
export function machineFindings(model: StreamModel, newest: number): Finding[] {
  const kinds = new Set(['rhythm', 'quality', 'noise']);
  return model.findings.others(newest - BACK_S * model.rateHz, Infinity)
    .filter((f) => kinds.has(f.kind) && !ELSEWHERE.has(f.code))
    .reverse().slice(0, SHOWN);
}

export function FindingsList(props: { model: StreamModel; newest: number; picked: string; onPick: (f: Finding) => void }): JSX.Element {
  const { model, newest } = props;
  const found = Number.isFinite(newest) ? machineFindings(model, newest) : [];
  const when = (f: Finding): string => {
    const at = clockText(model.wallUs(f.first));
    return f.end === 0 ? t('finding.open', { t: at }) : t('finding.of', { t: at, n: ((f.end - f.first) / model.rateHz).toFixed(1) });
  };
  return (
    <>
      <h3>{t('finding.title')}</h3>
      {found.length === 0 ? <p class="muted">{t('finding.none')}</p> : (
        <ul class="findings">
          {found.map((f) => (
            <li key={f.key}>
              <button class={`finding ${f.key === props.picked ? 'picked' : ''}`} data-finding={f.code} onClick={() => props.onPick(f)}>
                <b>{alarmName(f.code)}</b> <span>{when(f)}{f.stage === 'revised' && ` · ${t('finding.later')}`}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
