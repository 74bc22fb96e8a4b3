// Letting gateways in and shutting them out: a code for a new one, shown once; revoking with a
// confirmation. Administrators only.

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { api, ApiError, type JsonEnrolment, type JsonGateway } from '../api';
import { dateText } from '../base/clock';
import { t } from '../i18n/t';
import { Dialog, errorText, useFetch } from '../ui';

const asError = (e: unknown): ApiError => (e instanceof ApiError ? e : new ApiError('internal', 0, String(e)));

function Code(props: { made: JsonEnrolment; port: number }): JSX.Element {
  const [copied, setCopied] = useState(false);
  const { made } = props;
  const copy = (): void => void navigator.clipboard?.writeText(made.code ?? '').then(() => setCopied(true));
  return (
    <div class="enrol-code" role="status">
      <p>{t('enrol.code')} · {made.gateway} · {made.site}</p>
      <p class="code-text" data-code>{made.code}</p>
      <p><b>{t('enrol.until', { t: dateText(made.expires_wall_us) })}</b> · {t('enrol.once')}</p>
      <p>{t('enrol.how', { port: props.port })}</p>
      {navigator.clipboard && <button class="button" onClick={copy}>{t(copied ? 'enrol.copied' : 'enrol.copy')}</button>}
    </div>
  );
}

function EnrolDialog(props: { port: number; onClose: () => void }): JSX.Element {
  const [gateway, setGateway] = useState('');
  const [site, setSite] = useState('');
  const [replace, setReplace] = useState(false);
  const [busy, setBusy] = useState(false);
  const [made, setMade] = useState<JsonEnrolment | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const make = (e: Event): void => {
    e.preventDefault();
    if (busy) return;
    setBusy(true);
    setError(null);
    api.createEnrolment(gateway.trim(), site.trim(), replace)
      .then(setMade)
      .catch((why: unknown) => setError(asError(why)))
      .finally(() => setBusy(false));
  };
  return (
    <Dialog title={t('enrol.title')} onClose={props.onClose}>
      {made ? <Code made={made} port={props.port} /> : (
        <form class="enrol-form" onSubmit={make}>
          <p>{t('enrol.why')}</p>
          <label>{t('enrol.gateway')}<small>{t('enrol.gateway.why')}</small>
            <input name="gateway" required maxLength={64} pattern="[A-Za-z0-9._:\-]+" value={gateway} onInput={(e) => setGateway(e.currentTarget.value)} />
          </label>
          <label>{t('enrol.site')}
            <input name="site" required maxLength={40} value={site} onInput={(e) => setSite(e.currentTarget.value)} />
          </label>
          <label class="check-line"><input name="replace" type="checkbox" checked={replace} onChange={(e) => setReplace(e.currentTarget.checked)} />{t('enrol.replace')}</label>
          {error && <p class="inline-error" role="alert">{t('enrol.failed')}：{error.code === 'conflict' ? t('enrol.taken') : errorText(error)}</p>}
          <button class="button primary" disabled={busy}>{t('enrol.make')}</button>
        </form>
      )}
    </Dialog>
  );
}

export function RevokeDialog(props: { gateway: JsonGateway; onClose: () => void; onDone: () => void }): JSX.Element {
  const g = props.gateway;
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const revoke = (): void => {
    if (busy) return;
    setBusy(true);
    setError(null);
    api.revokeGateway(g.id)
      .then(props.onDone)
      .catch((why: unknown) => {
        setError(asError(why));
        setBusy(false);
      });
  };
  return (
    <Dialog title={t('gw.revoke.title', { id: g.id })} onClose={props.onClose}>
      <p><b>{g.site || g.id}</b></p>
      <p>{t('gw.revoke.why')}</p>
      {g.linked && <p><b>{t('gw.revoke.live')}</b></p>}
      {error && <p class="inline-error" role="alert">{t('gw.revoke.failed')}：{errorText(error)}</p>}
      <p class="dialog-actions">
        <button class="button" onClick={props.onClose}>{t('app.cancel')}</button>
        <button class="button primary" data-confirm disabled={busy} onClick={revoke}>{t('gw.revoke.confirm')}</button>
      </p>
    </Dialog>
  );
}

// The button, and the codes that nobody has used yet.
export function Enrolment(): JSX.Element | null {
  const { value, again } = useFetch(() => api.enrolments(), [], 10_000);
  const [making, setMaking] = useState(false);
  if (!value) return null;
  const open = value.codes.filter((code) => code.state === 'open');
  const withdraw = (id: string): void => void api.withdrawEnrolment(id).catch(() => {}).finally(again);
  return (
    <section class="enrolment">
      <button class="button primary" data-enrol disabled={!value.open} onClick={() => setMaking(true)}>{t('enrol.do')}</button>
      {!value.open && <p class="muted">{t('enrol.off')}</p>}
      {making && <EnrolDialog port={value.port} onClose={() => { setMaking(false); again(); }} />}
      {open.length > 0 && (
        <table class="data">
          <caption>{t('enrol.open')}</caption>
          <tbody>
            {open.map((code) => (
              <tr key={code.id} data-open-code={code.gateway}>
                <td><b>{code.site}</b><small>{code.gateway}</small></td>
                <td>{t('enrol.until', { t: dateText(code.expires_wall_us) })}</td>
                <td>{code.by}</td>
                <td><button class="button" onClick={() => withdraw(code.id)}>{t('enrol.withdraw')}</button></td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
