// The demonstration console: exists in demo mode alone.

import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { api, ApiError } from '../api';
import { t } from '../i18n/t';
import type { Key } from '../i18n/words';
import { consoleOpen, demo, demoState, entered, me, refreshDemo } from '../state';
import { errorText } from '../ui';

const GATEWAY_ACTIONS = ['cut', 'heal', 'slow', 'power_off', 'power_on'] as const;
const DEVICE_ACTIONS = {
  ecg: ['vf', 'chest_pain', 'lead_off', 'lead_on', 'arms_reversed', 'normal'],
  ctg: ['ctg_decel', 'ctg_loss', 'ctg_normal'],
  monitor: ['desat', 'spo2_off', 'vitals_normal'],
  video: ['video_start', 'video_stop', 'video_unplug', 'video_normal'],
} as const;

export function useDemo(): void {
  useEffect(() => {
    if (!demo.value) return;
    void refreshDemo();
    const timer = setInterval(() => void refreshDemo(), 1500);
    return () => clearInterval(timer);
  }, [demo.value]);
}

// device: the one that the page shows, chosen first.
// floating: opens over the page, so it is closed until somebody wants it.
export function DemoConsole(props: { device?: string; gateway?: string; collapsible?: boolean; floating?: boolean }): JSX.Element | null {
  const d = demoState.value;
  const [gateway, setGateway] = useState(props.gateway ?? '');
  const [device, setDevice] = useState(props.device ?? '');
  const [said, setSaid] = useState('');
  useEffect(() => {
    if (props.gateway) setGateway(props.gateway);
    if (props.device) setDevice(props.device);
  }, [props.gateway, props.device]);
  if (!demo.value || !d) return null;

  const gatewayNow = d.gateways.some((g) => g.id === gateway) ? gateway : (d.gateways[0]?.id ?? '');
  const deviceNow = d.patients.some((p) => p.device === device || p.id === device) ? device : (d.patients[0]?.device ?? '');
  const kindNow = d.patients.find((p) => p.device === deviceNow)?.kind ?? 'ecg';
  const can = (a: string): boolean => d.actions.length === 0 || d.actions.includes(a);
  const next = d.steps.find((s) => !s.done)?.id;
  const act = (action: string, target: string): void => {
    setSaid('');
    // From the first page nobody may have gone in yet; the county wants a session for every change.
    const first = me.value?.user ? Promise.resolve() : api.demoEnter('reader').then((m) => entered({ ...m, demo: true }));
    first.then(() => api.demoAction(action, target))
      .then(() => setSaid(t('console.sent', { what: t(`console.${action}` as Key) })))
      .catch((e: unknown) => setSaid(e instanceof ApiError ? `${errorText(e)} (${e.code})` : String(e)))
      .finally(() => void refreshDemo());
  };
  const body = (
    <div class="console-body">
      <fieldset>
        <legend>{t('console.link')}</legend>
        <label>
          <span class="label">{t('console.gateway')}</span>
          <select value={gatewayNow} onChange={(e) => setGateway(e.currentTarget.value)}>
            {d.gateways.map((g) => (
              <option key={g.id} value={g.id}>
                {g.site || g.id}（{g.running ? t(`console.link.${g.link === 'cut' || g.link === 'slow' ? g.link : 'up'}`) : t('console.off')}）
              </option>
            ))}
          </select>
        </label>
        <div class="buttons">
          {GATEWAY_ACTIONS.filter(can).map((a) => (
            <button key={a} class="button" disabled={!gatewayNow} onClick={() => act(a, gatewayNow)} data-action={a}>{t(`console.${a}`)}</button>
          ))}
        </div>
      </fieldset>
      <fieldset>
        <legend>{t('console.patient')}</legend>
        <label>
          <span class="label">{t('console.device')}</span>
          <select value={deviceNow} onChange={(e) => setDevice(e.currentTarget.value)}>
            {d.patients.map((p) => <option key={p.device} value={p.device}>{p.id} · {t(`console.kind.${p.kind ?? 'ecg'}`)}</option>)}
          </select>
        </label>
        <div class="buttons">
          {DEVICE_ACTIONS[kindNow].filter(can).map((a) => (
            <button key={a} class="button" disabled={!deviceNow} onClick={() => act(a, deviceNow)} data-action={a}>{t(`console.${a}`)}</button>
          ))}
        </div>
      </fieldset>
      <p class="console-said" role="status">{said}</p>
      {props.collapsible && next && <p class="console-next"><b>{t('console.next')}：{t(`step.${next}` as Key)}</b> {t(`step.${next}.how` as Key)}</p>}
    </div>
  );
  if (!props.collapsible) return <section class="console"><h2>{t('console.title')}</h2>{body}</section>;
  return (
    <details class="console" open={props.floating ? undefined : consoleOpen.value} onToggle={(e) => { if (!props.floating) consoleOpen.value = e.currentTarget.open; }}>
      <summary>{t('console.title')}</summary>
      {body}
    </details>
  );
}
