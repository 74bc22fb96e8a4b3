// The same fact comes as a number on the wire and as a word in JSON: both are turned into our words.

import { GapReason, Priority, EventKind, TechnicalCode, Modality } from '../generated/xw.js';

export type PriorityWord = 'none' | 'low' | 'medium' | 'high' | 'technical';
export type GapWord = 'device' | 'not_captured' | 'spool_limit' | 'unreadable' | 'fenced' | 'unspecified';
export type KindWord =
  | 'beat' | 'rhythm' | 'alarm' | 'quality' | 'leads_off' | 'marker' | 'pace' | 'measurement' | 'noise' | 'summary' | 'unspecified';

// {PRIORITY_HIGH: 3} -> [3, 'high'], tolerant of either form.
function words(values: Readonly<Record<string, number>>, prefix: string): (v: unknown) => string {
  const byNumber = new Map<number, string>();
  for (const [k, n] of Object.entries(values)) byNumber.set(n, k.replace(prefix, '').toLowerCase());
  const zero = byNumber.get(0) ?? 'unspecified';
  return (v) => {
    if (typeof v === 'number') return byNumber.get(v) ?? zero;
    if (typeof v === 'string' && v !== '') return v.replace(prefix, '').toLowerCase();
    return zero;
  };
}

export const priorityWord = words(Priority, 'PRIORITY_') as (v: unknown) => PriorityWord;
export const gapWord = words(GapReason, 'GAP_') as (v: unknown) => GapWord;
export const kindWord = words(EventKind, 'EVENT_') as (v: unknown) => KindWord;
export const technicalWord = words(TechnicalCode, 'TECHNICAL_');
export const modalityWord = words(Modality, 'MODALITY_');

const RANK: Record<PriorityWord, number> = { none: 0, technical: 1, low: 2, medium: 3, high: 4 };
export function priorityRank(p: PriorityWord): number {
  return RANK[p] ?? 0;
}
export const PRIORITY_STARS: Record<PriorityWord, string> = { none: '', technical: '', low: '*', medium: '**', high: '***' };
