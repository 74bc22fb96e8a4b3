// Letting gateways in and shutting them out: a code for a new one, or for one that is to come back
// (revoked, reinstalled, another machine), shown once; revoking with a confirmation. Administrators only.

import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { api, ApiError, type JsonEnrolment, type JsonGateway } from '../api';
import { dateText } from '../base/clock';
import { t } from '../i18n/t';
import { Dialog, errorText, useFetch } from '../ui';

const asError = (e: unknown): ApiError => (e instanceof ApiError ? e : new ApiError('internal', 0, String(e)));

export interface Codes {
  codes: JsonEnrolment[];
  open: boolean;
  port: number;
}

// Shown once, and what becomes of it.
function Code(props: { made: JsonEnrolment; port: number; again: boolean; onUsed: () => void }): JSX.Element {
  const [copied, setCopied] = useState(false);
  const { made } = props;
  const { value } = useFetch(() => api.enrolments(), [], 2000);
  const now = value?.codes.find((c) => c.id === made.id);
  const state = now?.state ?? 'open';
  const used = state === 'used';
  useEffect(() => {
    if (used) props.onUsed();
  }, [used]);
  const copy = (): void => void navigator.clipboard?.writeText(made.code ?? '').then(() => setCopied(true));
  return (
    <div class="enrol-code" role="status" data-code-state={state}>
      <p>{t('enrol.code')} · {made.site} · {made.gateway}</p>
      <p class="code-text" data-code>{made.code}</p>
      {state === 'open' ? (
        <>
          <p><b>{t('enrol.until', { t: dateText(made.expires_wall_us) })}</b> · {t('enrol.once')}</p>
          <p>{t('enrol.letters')}</p>
          <p>{t('enrol.how', { port: props.port })}{props.again && ` ${t('enrol.how.again')}`}</p>
          <p class="muted"><span class="spinner small" aria-hidden="true" /> {t('enrol.waiting')}</p>
          {navigator.clipboard && <button class="button" onClick={copy}>{t(copied ? 'enrol.copied' : 'enrol.copy')}</button>}
        </>
      ) : used ? <p class="ok"><b>{t('enrol.done', { t: dateText(now?.used_wall_us ?? 0) })}</b></p>
        : <p><b>{t(state === 'expired' ? 'enrol.state.expired' : 'enrol.state.withdrawn')}</b></p>}
    </div>
  );
}

// again: another code for a gateway that the county knows: it keeps its id, streams and studies.
export function EnrolDialog(props: { port: number; again?: JsonGateway; onClose: () => void; onUsed: () => void }): JSX.Element {
  const { again } = props;
  const [gateway, setGateway] = useState(again?.id ?? '');
  const [site, setSite] = useState(again?.site ?? '');
  const [replace, setReplace] = useState(!!again);
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
    <Dialog title={again ? t('enrol.again.title', { id: again.id }) : t('enrol.title')} onClose={props.onClose} keep={!!made}>
      {made ? <Code made={made} port={props.port} again={!!again} onUsed={props.onUsed} /> : (
        <form class="enrol-form" onSubmit={make}>
          <p>{t(!again ? 'enrol.why' : again.revoked_wall_us ? 'enrol.again.revoked' : 'enrol.again.why')}</p>
          {!again && (
            <label>{t('enrol.gateway')}<small>{t('enrol.gateway.why')}</small>
              <input name="gateway" required maxLength={64} pattern="[A-Za-z0-9._:\-]+" autocapitalize="none" spellcheck={false} value={gateway} onInput={(e) => setGateway(e.currentTarget.value)} />
            </label>
          )}
          <label>{t('enrol.site')}
            <input name="site" required maxLength={40} value={site} onInput={(e) => setSite(e.currentTarget.value)} />
          </label>
          {!again && <label class="check-line"><input name="replace" type="checkbox" checked={replace} onChange={(e) => setReplace(e.currentTarget.checked)} />{t('enrol.replace')}</label>}
          {again && !again.revoked_wall_us && <p><b>{t(again.linked ? 'enrol.again.live' : 'enrol.again.old')}</b></p>}
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

const ENDED_SHOWN = 12;

// The button, the codes that nobody has used yet, and what became of the others.
export function Enrolment(props: { value: Codes | null; again: () => void; onEnrol: () => void }): JSX.Element | null {
  const { value, again } = props;
  const [failed, setFailed] = useState<ApiError | null>(null);
  if (!value) return null;
  const open = value.codes.filter((code) => code.state === 'open');
  const ended = value.codes.filter((code) => code.state !== 'open').sort((a, b) => b.made_wall_us - a.made_wall_us).slice(0, ENDED_SHOWN);
  const withdraw = (id: string): void => {
    setFailed(null);
    api.withdrawEnrolment(id).catch((why: unknown) => setFailed(asError(why))).finally(again);
  };
  return (
    <section class="enrolment">
      <button class="button primary" data-enrol disabled={!value.open} onClick={props.onEnrol}>{t('enrol.do')}</button>
      {!value.open && <p class="muted">{t('enrol.off')}</p>}
      {failed && <p class="inline-error" role="alert">{t('enrol.withdraw.failed')}：{errorText(failed)}</p>}
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
      {ended.length > 0 && (
        <details class="ended-codes">
          <summary>{t('enrol.ended', { n: ended.length })}</summary>
          <table class="data">
            <tbody>
              {ended.map((code) => (
                <tr key={code.id} data-ended-code={code.gateway} data-state={code.state}>
                  <td><b>{code.site}</b><small>{code.gateway}</small></td>
                  <td>{code.state === 'used' ? t('enrol.state.used', { t: dateText(code.used_wall_us ?? 0) }) : t(code.state === 'expired' ? 'enrol.state.expired' : 'enrol.state.withdrawn')}</td>
                  <td>{code.by}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </details>
      )}
    </section>
  );
}
