// Alarms of all streams that this user may see: from the county's list and from records as they come.

import { signal } from '@preact/signals';
import { api, ApiError, type JsonTechnical } from '../api';
import { mergeTechnical } from './technical';
import { priorityRank, technicalWord } from '../wire/words';
import { live } from './client';
import { findingFromJson, type Finding } from './events';

export interface Technical {
  id: string;
  code: string;
  subject: string;
  text: string;
  fromWallUs: number;
  toWallUs: number; // 0 = still so
  stream?: string; // that it is about; empty: none
}

const KEPT = 500;

export const alarmsVersion = signal(0);
export const alarmsError = signal<ApiError | null>(null);
const findings = new Map<string, Finding>();
const technicals = new Map<string, Technical>();

function bounded<T>(map: Map<string, T>): void {
  for (const key of map.keys()) {
    if (map.size <= KEPT) return;
    map.delete(key);
  }
}

function put(f: Finding): void {
  const old = findings.get(f.key);
  if (old && old.revision > f.revision) return;
  if (old?.ackedBy && !f.ackedBy) {
    f.ackedBy = old.ackedBy;
    f.ackedWallUs = old.ackedWallUs;
  }
  findings.set(f.key, f);
  bounded(findings);
}

live.onRecord((r) => {
  if (r.finding?.kind === 'alarm') put(r.finding);
  else if (r.ackKey) {
    const f = findings.get(r.ackKey);
    if (f) {
      f.ackedBy = r.ackBy ?? '?';
      f.ackedWallUs = r.ackWallUs ?? 0;
    }
  } else if (r.technical) {
    technicals.set(r.technical.id, { ...r.technical, code: technicalWord(r.technical.code) });
    bounded(technicals);
  } else return;
  alarmsVersion.value++;
});

function technicalOf(t: JsonTechnical): Technical {
  return { id: t.id, code: technicalWord(t.code), subject: t.subject, text: t.text, fromWallUs: t.from_wall_us, toWallUs: t.to_wall_us ?? 0, stream: t.stream ?? '' };
}

export async function loadAlarms(): Promise<void> {
  try {
    const a = await api.alarms(200);
    for (const e of a.alarms.reverse()) put(findingFromJson(e));
    for (const t of a.technical.reverse()) technicals.set(t.id, technicalOf(t));
    alarmsError.value = null;
  } catch (e) {
    if (e instanceof ApiError) alarmsError.value = e;
    else throw e;
  }
  alarmsVersion.value++;
}

export function forgetAlarms(): void {
  findings.clear();
  technicals.clear();
  alarmsVersion.value++;
}

const byUrgency = (a: Finding, b: Finding): number =>
  Number(!!a.ackedBy) - Number(!!b.ackedBy) || priorityRank(b.priority) - priorityRank(a.priority) || b.first - a.first;

// Unacknowledged, or acknowledged and still going on.
export function activeAlarms(stream?: string): Finding[] {
  void alarmsVersion.value;
  return [...findings.values()]
    .filter((f) => (!stream || f.stream === stream) && !f.withdrawn && f.priority !== 'none' && (!f.ackedBy || f.end === 0))
    .sort(byUrgency);
}
// A rhythm in which a number of beats would mislead, going on now.
export function isPulseless(f: Finding): boolean {
  return f.end === 0 && (f.code === 'VF' || f.code === 'ASYSTOLE');
}

export function pastAlarms(stream?: string): Finding[] {
  void alarmsVersion.value;
  return [...findings.values()].filter((f) => (!stream || f.stream === stream) && !f.withdrawn && f.ackedBy !== '' && f.end !== 0).sort((a, b) => b.wallUs - a.wallUs);
}
export function technicalAlarms(openOnly = true): Technical[] {
  void alarmsVersion.value;
  return mergeTechnical([...technicals.values()]).filter((t) => !openOnly || t.toWallUs === 0);
}

export async function acknowledge(f: Finding): Promise<void> {
  const r = await api.ack(f.key);
  const mine = findings.get(f.key) ?? f;
  mine.ackedBy = r.acked_by;
  mine.ackedWallUs = r.acked_wall_us;
  alarmsVersion.value++;
}
