// These ten seconds beside earlier ones of the same stream, measured since the page was opened. Differences
// of numbers, no judgement: what they mean is the physician's.

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { clockText } from '../base/clock';
import { leadName } from '../ecg/layout';
import { t } from '../i18n/t';
import type { StreamModel } from '../live/stream';
import { changesOf, earlier, type COMPARED } from './before';
import type { Num, Reading } from './parse';
import { figure } from './tables';

const RATE_ALIKE_BPM = 10;

const signed = (v: Num, digits: number): string => (v === null ? '--' : `${v > 0 && Number(v.toFixed(digits)) !== 0 ? '+' : ''}${figure(v, digits)}`);

export function Comparison(props: { r: Reading; model: StreamModel }): JSX.Element | null {
  const { r, model } = props;
  const [open, setOpen] = useState(false);
  const before = earlier(model.id, r);
  if (!before || r.verdict === 'unacceptable') return null;
  const { measured, st60 } = changesOf(before, r);
  const rate = measured[0]?.by ?? null;
  const at = clockText(model.wallUs(before.first));
  return (
    <>
      <p><button class="button" aria-expanded={open} onClick={() => setOpen(!open)} data-do="compare">{t('compare.do', { t: at })}</button></p>
      {open && (
        <div class="rd-compare" data-before={before.first}>
          <p class="muted">{t('compare.note')}</p>
          {rate !== null && Math.abs(rate) > RATE_ALIKE_BPM && <p data-limit="rate"><b>{t('compare.rate', { n: signed(rate, 0) })}</b></p>}
          <table>
            <thead><tr><th>{t('evidence.value')}</th><th class="n">{at}</th><th class="n">{t('compare.now')}</th><th class="n">{t('compare.by')}</th></tr></thead>
            <tbody>
              {measured.map((x) => {
                const digits = x.name.endsWith('_mv') ? 2 : 0;
                const unit = x.name.endsWith('_mv') ? 'mV' : x.name.endsWith('_deg') ? '°' : x.name.endsWith('_ms') ? 'ms' : t('ecg.hr.unit');
                return <tr key={x.name} data-change={x.name}><td>{x.name.startsWith('qtc') && 'QTc '}{t(`reading.v.${x.name as (typeof COMPARED)[number]}`)} <small>{unit}</small></td><td class="n">{figure(x.before, digits)}</td><td class="n">{figure(x.now, digits)}</td><td class="n"><b>{signed(x.by, digits)}</b></td></tr>;
              })}
            </tbody>
          </table>
          <h4>{t('compare.st')} <small>mV</small></h4>
          <dl class="rd-values">{st60.map((x) => <div key={x.name} class="rd-value" data-change={`st ${x.name}`}><dt>{leadName(x.name)}</dt><dd>{signed(x.by === null ? null : x.by / 1000, 2)}</dd></div>)}</dl>
        </div>
      )}
    </>
  );
}
