// The first page: in demo mode roles, the six steps and the console; otherwise the sign-in.

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { api, ApiError, type Role } from '../api';
import { t } from '../i18n/t';
import type { Key } from '../i18n/words';
import { homeOf } from '../shell';
import { demo, demoState, entered, go, me } from '../state';
import { errorText, Loading } from '../ui';
import { DemoConsole, useDemo } from './console';

const ROLES: Role[] = ['reader', 'technician', 'village', 'admin'];
const STEPS = ['device_live', 'opened', 'alarm', 'acked', 'cut_seen', 'healed'] as const;

export function Steps(): JSX.Element | null {
  const d = demoState.value;
  if (!d) return null;
  const done = new Map(d.steps.map((s) => [s.id, s.done]));
  const next = STEPS.find((s) => !done.get(s));
  return (
    <section class="steps" aria-label={t('first.steps')}>
      <h2>{t('first.steps')} <small>{next ? t('first.steps.how') : t('first.alldone')}</small></h2>
      <ol>
        {STEPS.map((s, i) => (
          <li key={s} class={`${done.get(s) ? 'done' : ''} ${s === next ? 'next' : ''}`} data-step={s}>
            <span class="tick" aria-hidden="true">{done.get(s) ? '✓' : i + 1}</span>
            <div>
              <b>{t(`step.${s}`)}</b>
              <span class="sr">{done.get(s) ? t('first.done') : t('first.todo')}</span>
              <p>{t(`step.${s}.how`)}</p>
            </div>
          </li>
        ))}
      </ol>
    </section>
  );
}

export function FirstPage(): JSX.Element {
  useDemo();
  const [busy, setBusy] = useState<Role | ''>('');
  const [error, setError] = useState<ApiError | null>(null);
  if (!demo.value) return <LoginPage />;
  const d = demoState.value;
  if (!d) return <Loading />;
  const enter = (role: Role): void => {
    setBusy(role);
    setError(null);
    api.demoEnter(role)
      .then((m) => {
        entered({ ...m, demo: true });
        go(homeOf(role));
      })
      .catch((e: unknown) => setError(e instanceof ApiError ? e : new ApiError('internal', 0, String(e))))
      .finally(() => setBusy(''));
  };
  const roles = ROLES.filter((r) => d.roles.some((x) => x.role === r));
  return (
    <div class="first">
      <h1>{t('first.title')}</h1>
      <div class="tiles">
        {roles.map((r) => (
          <button key={r} class={`tile ${me.value?.role === r ? 'current' : ''}`} onClick={() => enter(r)} disabled={busy !== ''} data-role={r}>
            <b>{t(`role.${r}` as Key)}</b>
            <span>{t(`role.${r}.does` as Key)}</span>
            <em>{t('role.enter')} →</em>
          </button>
        ))}
      </div>
      {error && <p class="inline-error" role="alert">{errorText(error)} {t('error.code', { code: error.code })}</p>}
      <Steps />
      <DemoConsole />
    </div>
  );
}

export function LoginPage(): JSX.Element {
  const [user, setUser] = useState('');
  const [password, setPassword] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState('');
  const submit = (e: Event): void => {
    e.preventDefault();
    setBusy(true);
    setError('');
    api.login(user.trim(), password)
      .then((m) => {
        entered(m);
        go(homeOf(m.role ?? ''));
      })
      .catch((x: unknown) => {
        const code = x instanceof ApiError ? x.code : 'internal';
        setError(code === 'unauthorized' ? t('login.wrong') : x instanceof ApiError ? `${errorText(x)} ${t('error.code', { code })}` : t('error.internal'));
        setPassword('');
      })
      .finally(() => setBusy(false));
  };
  return (
    <form class="login" onSubmit={submit}>
      <h1>{t('app.name')}</h1>
      <p>{t('app.subtitle')}</p>
      <label>
        {t('login.user')}
        <input name="user" autocomplete="username" autofocus required value={user} onInput={(e) => setUser(e.currentTarget.value)} />
      </label>
      <label>
        {t('login.password')}
        <input name="password" type="password" autocomplete="current-password" required value={password} onInput={(e) => setPassword(e.currentTarget.value)} />
      </label>
      {error && <p class="inline-error" role="alert">{error}</p>}
      <button class="button primary big" type="submit" disabled={busy}>{busy ? t('login.busy') : t('login.do')}</button>
    </form>
  );
}
