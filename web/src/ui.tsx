// Small pieces that all pages share: states of a page, alarms, badges.

import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError } from './api';
import { clockText } from './base/clock';
import { t, alarmName } from './i18n/t';
import type { Key } from './i18n/words';
import { acknowledge } from './live/alarms';
import type { Finding } from './live/events';
import { PRIORITY_STARS, type PriorityWord } from './wire/words';
import { signedOut } from './state';

export function Empty(props: { what: string; todo: string; children?: ComponentChildren }): JSX.Element {
  return (
    <div class="state" data-state="empty">
      <p class="state-what">{props.what}</p>
      <p class="state-do">{props.todo}</p>
      {props.children}
    </div>
  );
}

export function Loading(props: { what?: string }): JSX.Element {
  return (
    <div class="state" data-state="loading" role="status">
      <span class="spinner" aria-hidden="true" />
      <p class="state-what">{props.what ?? t('app.loading')}</p>
    </div>
  );
}

const ERROR_KEYS: Record<string, Key> = {
  offline: 'error.offline', not_found: 'error.not_found', conflict: 'error.conflict', busy: 'error.busy', storage: 'error.storage',
  too_many: 'error.too_many', internal: 'error.internal', timeout: 'error.timeout', forbidden: 'error.do.rights', unauthorized: 'error.do.login',
};

export function errorText(e: ApiError): string {
  const key = ERROR_KEYS[e.code];
  return key ? t(key) : e.message;
}

// What happened, what is safe, what to do, and a code.
export function Failed(props: { what: string; error: ApiError; retry?: () => void }): JSX.Element {
  const { error } = props;
  return (
    <div class="state" data-state={error.code === 'offline' ? 'offline' : 'error'} role="alert">
      <p class="state-what">{t('error.what', { what: props.what })}</p>
      <p>{errorText(error)}</p>
      <p class="state-safe">{t('error.safe')}</p>
      <p class="state-do">{t(error.code === 'unauthorized' ? 'error.do.login' : error.code === 'forbidden' ? 'error.do.rights' : 'error.do.retry')}</p>
      <p class="code">{t('error.code', { code: error.code })}</p>
      {error.code === 'unauthorized'
        ? <button class="button primary" onClick={signedOut}>{t('login.do')}</button>
        : props.retry && <button class="button primary" onClick={props.retry}>{t('app.retry')}</button>}
    </div>
  );
}

export function Priority(props: { priority: PriorityWord }): JSX.Element {
  const { priority } = props;
  return (
    <span class={`priority priority-${priority}`}>
      {PRIORITY_STARS[priority] && <b aria-hidden="true">{PRIORITY_STARS[priority]}</b>} {t(`priority.${priority}`)}
    </span>
  );
}

export function useAck(): { ack: (f: Finding) => void; busy: string; failed: string } {
  const [busy, setBusy] = useState('');
  const [failed, setFailed] = useState('');
  return {
    busy,
    failed,
    ack: (f) => {
      if (busy) return;
      setBusy(f.key);
      setFailed('');
      acknowledge(f)
        .catch((e: unknown) => setFailed(e instanceof ApiError ? e.code : 'internal'))
        .finally(() => setBusy(''));
    },
  };
}

export function unitText(unit: string): string {
  return unit === '1' ? '' : unit === '/min' ? t('ecg.hr.unit') : unit.replace(/^u(?=[A-Z])/, 'µ');
}

export function alarmWhen(f: Finding): string {
  const at = f.wallUs > 0 ? clockText(f.wallUs) : '';
  return f.end === 0 ? `${at} ${t('alarm.open')}` : at;
}

export function AlarmRow(props: { f: Finding; where?: string; onPick?: () => void; onAck: () => void; busy: boolean; picked?: boolean }): JSX.Element {
  const { f } = props;
  const acked = f.ackedBy !== '';
  return (
    <li class={`alarm alarm-${f.priority} ${acked ? 'acked' : ''} ${props.picked ? 'picked' : ''}`}>
      <button class="alarm-body" onClick={props.onPick} disabled={!props.onPick}>
        <Priority priority={f.priority} />
        <span class="alarm-name">{alarmName(f.code)}</span>
        <span class="alarm-when">
          {props.where && <span>{props.where} · </span>}
          {alarmWhen(f)}
          {f.late && <span> · {t('alarm.late')}</span>}
        </span>
        {acked && <span class="alarm-when">{t('alarm.acked', { who: f.ackedBy, t: clockText(f.ackedWallUs) })}</span>}
      </button>
      {!acked && <button class="button ack" onClick={props.onAck} disabled={props.busy}>{t('alarm.ack')}</button>}
    </li>
  );
}

// Re-renders every `ms`: for what counts up.
export function useTicker(ms: number): number {
  const [n, set] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => set((v) => v + 1), ms);
    return () => clearInterval(timer);
  }, [ms]);
  return n;
}

// keep: a click beside it does not close it, for what cannot be had again.
export function Dialog(props: { title: string; onClose: () => void; children: ComponentChildren; wide?: boolean; keep?: boolean }): JSX.Element {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    ref.current?.showModal();
  }, []);
  return (
    <dialog ref={ref} class={`dialog ${props.wide ? 'wide' : ''}`} onClose={props.onClose} aria-label={props.title}
      onClick={(e) => { if (!props.keep && e.target === ref.current) ref.current?.close(); }}>
      <header>
        <h2>{props.title}</h2>
        <button class="button" onClick={() => ref.current?.close()}>{t('app.close')}</button>
      </header>
      <div class="dialog-body">{props.children}</div>
    </dialog>
  );
}

export function Choice<T extends string | number>(props: {
  label: string; value: T; options: readonly (readonly [T, string])[]; onChange: (v: T) => void; title?: string;
}): JSX.Element {
  return (
    <div class="choice" role="group" aria-label={props.label} title={props.title}>
      <span class="choice-label">{props.label}</span>
      {props.options.map(([v, text]) => (
        <button key={String(v)} class={`chip ${v === props.value ? 'on' : ''}`} aria-pressed={v === props.value} onClick={() => props.onChange(v)}>
          {text}
        </button>
      ))}
    </div>
  );
}

// A fetch that a page shows: loading, error, value; again on demand and every `everyMs`.
export function useFetch<T>(get: () => Promise<T>, keys: unknown[], everyMs = 0): { value: T | null; error: ApiError | null; again: () => void } {
  const [value, setValue] = useState<T | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const [round, setRound] = useState(0);
  useEffect(() => {
    let gone = false;
    const run = (): void => {
      get()
        .then((v) => {
          if (gone) return;
          setValue(v);
          setError(null);
        })
        .catch((e: unknown) => {
          if (!gone) setError(e instanceof ApiError ? e : new ApiError('internal', 0, String(e)));
        });
    };
    run();
    const timer = everyMs > 0 ? setInterval(run, everyMs) : undefined;
    return () => {
      gone = true;
      clearInterval(timer);
    };
  }, [...keys, round]);
  return { value, error, again: () => setRound((n) => n + 1) };
}
