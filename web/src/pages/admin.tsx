// The administrator's page: self-check, gateways, technical alarms, audit.

import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { api, ApiError, type JsonAudit, type JsonGateway } from '../api';
import { dateText } from '../base/clock';
import { t, tWord } from '../i18n/t';
import { loadAlarms } from '../live/alarms';
import { Failed, Loading, useFetch } from '../ui';
import { DemoConsole, useDemo } from './console';
import { EnrolDialog, Enrolment, RevokeDialog } from './enrol';
import { GatewayCards, Technicals } from './gateways';

const checkText = (text: string): string => tWord('check', text);

function Health(): JSX.Element | null {
  const { value } = useFetch(() => api.health(), [], 10_000);
  if (!value) return null;
  return (
    <p class="health">
      {t('gw.health')}: <b class={value.status === 'ok' ? 'ok' : 'tech-text'}>{t(value.status === 'ok' ? 'gw.health.ok' : 'gw.health.degraded')}</b>
      {Object.entries(value.checks).map(([k, v]) => <span key={k} class={v === 'ok' ? 'check' : 'check bad'}>{tWord('check', k)}：{checkText(v)}</span>)}
    </p>
  );
}

function Audit(): JSX.Element {
  const [entries, setEntries] = useState<JsonAudit[] | null>(null);
  const [more, setMore] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const load = (before: number | string | null): void => {
    api.audit(before, 50)
      .then((a) => {
        setEntries((old) => (before === null ? a.entries : [...(old ?? []), ...a.entries]));
        setMore(a.more);
        setError(null);
      })
      .catch((e: unknown) => setError(e instanceof ApiError ? e : new ApiError('internal', 0, String(e))));
  };
  useEffect(() => load(null), []);
  return (
    <section>
      <h2>{t('audit.title')}</h2>
      {error && <Failed what={t('audit.title')} error={error} retry={() => load(null)} />}
      {!entries && !error && <Loading />}
      {entries && entries.length === 0 && <p class="muted">{t('audit.empty')}</p>}
      {entries && entries.length > 0 && (
        <table class="data">
          <thead><tr><th>{t('audit.time')}</th><th>{t('audit.user')}</th><th>{t('audit.action')}</th><th>{t('audit.subject')}</th><th>{t('audit.outcome')}</th></tr></thead>
          <tbody>
            {entries.map((e) => (
              <tr key={e.id}><td>{dateText(e.wall_us)}</td><td>{e.user}</td><td title={e.action}>{tWord('auditact', e.action)}</td><td class="mono">{e.subject}</td><td>{tWord('auditout', e.outcome.replaceAll(' ', '_'))}</td></tr>
            ))}
          </tbody>
        </table>
      )}
      {more && <button class="button" onClick={() => load(entries?.[entries.length - 1]?.id ?? null)}>{t('audit.more')}</button>}
    </section>
  );
}

export function AdminPage(): JSX.Element {
  useDemo();
  const { value, error, again } = useFetch(() => api.gateways(), [], 10_000);
  const { value: codes, again: codesAgain } = useFetch(() => api.enrolments(), [], 10_000);
  const [revoking, setRevoking] = useState<JsonGateway | null>(null);
  const [enrolling, setEnrolling] = useState<JsonGateway | 'new' | null>(null);
  useEffect(() => void loadAlarms(), []);
  const revoked = (): void => {
    setRevoking(null);
    again();
    codesAgain(); // its open code has ended with it
  };
  const enrolled = (): void => {
    again();
    codesAgain();
  };
  return (
    <div class="page">
      <h1>{t('nav.admin')}</h1>
      <Health />
      <h2>{t('gw.title')}</h2>
      <Enrolment value={codes} again={codesAgain} onEnrol={() => setEnrolling('new')} />
      {enrolling && codes && (
        <EnrolDialog port={codes.port} again={enrolling === 'new' ? undefined : enrolling} onUsed={enrolled} onClose={() => { setEnrolling(null); enrolled(); }} />
      )}
      {revoking && <RevokeDialog gateway={revoking} onClose={() => setRevoking(null)} onDone={revoked} />}
      {value ? <GatewayCards list={value} may={{ revoke: setRevoking, enrol: codes?.open ? setEnrolling : undefined, codes: codes?.codes ?? [] }} /> : error ? <Failed what={t('gw.title')} error={error} retry={again} /> : <Loading />}
      <Technicals />
      <Audit />
      <DemoConsole collapsible />
    </div>
  );
}
