// One reading of the page: asked for, waited for, answered or refused. The last answer stays until the
// next has come; an answer that nobody waits for any more is dropped.

import { useRef, useState } from 'preact/hooks';
import { api, ApiError } from '../api';
import { t } from '../i18n/t';
import { errorText } from '../ui';
import { remember } from './before';
import { BadReading, type Reading } from './parse';

export interface Asked {
  first: number | null; // null: the newest ten seconds
}
export interface ReadingState {
  open: boolean;
  asked: Asked;
  busy: boolean;
  reading: Reading | null;
  error: { status: number; code: string; text: string } | null;
}
const CLOSED: ReadingState = { open: false, asked: { first: null }, busy: false, reading: null, error: null };

const STATUS_TEXT = { 400: 'reading.fail.400', 404: 'reading.fail.404', 422: 'reading.fail.422', 503: 'reading.fail.503' } as const;

function failure(e: unknown): ReadingState['error'] {
  if (e instanceof BadReading) return { status: 0, code: 'answer', text: t('reading.fail.answer', { field: e.message }) };
  const error = e instanceof ApiError ? e : new ApiError('internal', 0, String(e));
  const key = STATUS_TEXT[error.status as keyof typeof STATUS_TEXT];
  return { status: error.status, code: error.code, text: key ? t(key) : errorText(error) };
}

export function useReading(stream: string): { state: ReadingState; measure: (first: number | null) => void; close: () => void } {
  const [state, setState] = useState<ReadingState>(CLOSED);
  const round = useRef(0);
  const measure = (first: number | null): void => {
    const mine = ++round.current;
    setState((old) => ({ ...old, open: true, busy: true, error: null, asked: { first } }));
    api.reading(stream, first)
      .then((reading) => {
        if (mine !== round.current) return;
        remember(stream, reading);
        setState({ open: true, asked: { first }, busy: false, reading, error: null });
      })
      .catch((e: unknown) => {
        // What was measured before is of other seconds: it does not stand beside a refusal of these.
        if (mine === round.current) setState({ open: true, asked: { first }, busy: false, reading: null, error: failure(e) });
      });
  };
  const close = (): void => {
    round.current++;
    setState(CLOSED);
  };
  return { state, measure, close };
}
