// Requests to the county (proto/API.md). Every failure is an ApiError with the county's code.

import Pbf from 'pbf';
import { readSampleRange, type SampleRange } from './generated/xw.js';
import type { JsonEvent } from './live/events';
import { parseReading, type Reading } from './reading/parse';

export interface Me {
  user: string | null;
  name?: string;
  role?: Role;
  csrf?: string;
  site?: string | null;
  demo?: boolean;
}
export type Role = 'reader' | 'technician' | 'village' | 'admin';

export interface JsonChannel {
  code: string;
  unit: string;
  gain: { num: number; den: number };
  baseline: number;
  invalid: number | null;
}
export type LightWord = 'proven' | 'waiting' | 'unknown';
export interface JsonLights {
  captured: LightWord;
  gateway: LightWord;
  county: LightWord;
}
export interface JsonStream {
  id: string;
  attachment: string;
  modality: string | number;
  rate: { num: number; den: number };
  channels: JsonChannel[];
  device: string;
  model: string;
  gateway: string;
  site: string;
  bed: string;
  demo: boolean;
  newest: number;
  newest_wall_us: number;
  live: boolean;
  rate_bpm: number;
  alarm: string | number;
  alarm_code: string;
  lights?: JsonLights;
}
export interface JsonAttachment {
  id: string;
  device: string;
  model: string;
  kind: string; // empty: device port; monitor: HL7; video: a picture source
  attached: boolean;
  since_wall_us: number;
  streams: JsonStream[];
  clips_n: number;
}
// The place of one patient.
export interface JsonBed {
  id: string;
  gateway: string;
  site: string;
  bed: string;
  demo: boolean;
  attachments: JsonAttachment[];
}
export interface JsonObservation {
  id: string;
  attachment: string;
  code: string;
  code_system: string;
  mdc: number;
  value: number | null;
  text: string | null;
  unit: string;
  wall_us: number;
  received_wall_us: number;
  time_source: string;
  source: string;
  group: string | null;
  absent: string | null;
  reported_value: string;
  reported_unit: string;
  device: string;
  continuous: boolean;
  demo: boolean;
}
export interface JsonClip {
  id: string;
  attachment: string;
  study: string | null;
  label: string;
  codec: string;
  media_type: string;
  width: number;
  height: number;
  start_wall_us: number;
  end_wall_us: number | null;
  frames: number;
  end: string;
  sha256: string | null;
  size: number;
  held: number; // bytes of it at the county
  demo: boolean;
}
export interface JsonGateway {
  id: string;
  site: string;
  linked: boolean;
  since_wall_us: number;
  rtt_us: number;
  clock_offset_us: number;
  backlog_samples: number;
  received_bytes_per_s: number;
  backfill_samples_per_s: number;
  software: string;
  streams: number;
  seen?: boolean;
  clock_uncertainty_us?: number | null;
  clock_drift_ppm?: number | null;
  report_wall_us?: number | null; // of what follows; null: the gateway has not told
  uplink_bytes_per_s?: number;
  backlog_bytes?: number;
  backlog_ms?: number;
  oldest_unsent_wall_us?: number | null;
  spool_bytes?: number;
  spool_free_bytes?: number;
  spool_low?: boolean;
  spool_full?: boolean;
  suspended?: number;
  imports?: JsonImports | null; // null: it watches no folder of files
  rules?: JsonRulesReport | null; // null: it has not told
  certificate_until_wall_us?: number | null;
  revoked_wall_us?: number | null;
}
export interface JsonImports {
  taken: number;
  repeated: number;
  waiting: number;
  quarantine: number;
  reason: string;
  reason_wall_us: number | null;
  failed: boolean;
}
// The rule list by which a gateway screens, as it says.
export interface JsonRulesReport {
  from: 'defaults' | 'file' | 'county';
  version: number;
  hash: string;
  county_version: number;
  refused: string;
  own: boolean;
}
export interface JsonRuleList {
  version: number; // 0: the defaults
  hash: string;
  author: string;
  reason: string;
  wall_us: number | null;
  based_on: number;
  back_to: number | null;
  values: Record<string, string>;
}
export interface JsonRuleItem {
  section: string;
  name: string;
  type: 'priority' | 'whole' | 'decimal';
  value: string;
  default: string;
  allowed?: string[];
  min?: string;
  max?: string;
  means: string;
}
export interface JsonRules {
  list: JsonRuleList;
  items: JsonRuleItem[];
  text: string;
}
export interface JsonRulesCheck {
  ok: boolean;
  line?: number;
  field?: string | null;
  text?: string;
}
export interface JsonEnrolment {
  id: string;
  gateway: string;
  site: string;
  state: 'open' | 'used' | 'withdrawn' | 'expired';
  by: string;
  made_wall_us: number;
  expires_wall_us: number;
  used_wall_us?: number | null;
  code?: string; // in the answer to its making, never again
}
export interface JsonTechnical {
  id: string;
  code: string | number;
  subject: string;
  text: string;
  from_wall_us: number;
  to_wall_us: number | null;
  stream?: string | null;
}
export interface JsonStudy {
  id: string;
  kind: string;
  site: string;
  reason: string;
  urgent: boolean;
  state: string;
  items: { stream?: string; first?: number; count?: number; object?: string; clip?: string | null; observation?: string }[];
  created_wall_us: number;
  author: string;
  changes: { wall_us: number; author: string; what: string }[];
  lights?: JsonLights;
}
export interface JsonAudit {
  id: number | string;
  wall_us: number;
  user: string;
  action: string;
  subject: string;
  outcome: string;
}
export interface JsonDemo {
  demo: boolean;
  steps: { id: string; done: boolean }[];
  roles: { role: Role; user: string }[];
  gateways: { id: string; site: string; link: string; running: boolean }[];
  patients: { id: string; device: string; gateway: string; kind?: 'ecg' | 'ctg' | 'monitor' | 'video' }[];
  actions: string[];
}
export interface JsonAnchor {
  index: number;
  gateway_wall_us: number;
  county_offset_us: number | null;
  uncertainty_us: number;
  rate_hz: number;
}
export interface JsonRanges {
  known: { first: number; count: number }[];
  gaps: { first: number; count: number; reason: string | number }[];
  newest: number;
}

export class ApiError extends Error {
  constructor(
    readonly code: string,
    readonly status: number,
    text: string,
    readonly details: Record<string, unknown> = {}, // what else the answer had
  ) {
    super(text || code);
  }
}

let csrf = '';
export function setCsrf(token: string): void {
  csrf = token;
}
let onUnauthorized: () => void = () => {};
export function whenUnauthorized(fn: () => void): void {
  onUnauthorized = fn;
}

const TIMEOUT_MS = 15_000;

async function request(path: string, init: RequestInit = {}): Promise<Response> {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), TIMEOUT_MS);
  let answer: Response;
  try {
    answer = await fetch(path, { credentials: 'same-origin', cache: 'no-store', signal: stop.signal, ...init });
  } catch (e) {
    throw new ApiError(stop.signal.aborted ? 'timeout' : 'offline', 0, e instanceof Error ? e.message : '');
  } finally {
    clearTimeout(timer);
  }
  if (answer.ok) return answer;
  let code = answer.status === 401 ? 'unauthorized' : 'internal';
  let text = '';
  let details: Record<string, unknown> = {};
  try {
    const body = (await answer.json()) as { error?: string; text?: string };
    details = body;
    code = body.error ?? code;
    text = body.text ?? '';
  } catch {
    // not JSON: the status says enough
  }
  if (answer.status === 401 && !path.startsWith('/api/login')) onUnauthorized();
  throw new ApiError(code, answer.status, text, details);
}

async function get<T>(path: string): Promise<T> {
  return (await (await request(path)).json()) as T;
}

async function post<T>(path: string, body: unknown): Promise<T> {
  const headers: Record<string, string> = { 'Content-Type': 'application/json' };
  if (csrf) headers['X-Xinwang-CSRF'] = csrf;
  return (await (await request(path, { method: 'POST', headers, body: JSON.stringify(body) })).json()) as T;
}

export const api = {
  me: () => get<Me>('/api/me'),
  login: (user: string, password: string) => post<Me>('/api/login', { user, password }),
  logout: () => post<object>('/api/logout', {}),
  streams: async () => (await get<{ streams: JsonStream[] }>('/api/streams')).streams,
  stream: (id: string) => get<JsonStream>(`/api/streams/${id}`),
  ranges: (id: string) => get<JsonRanges>(`/api/streams/${id}/ranges`),
  events: (id: string, first: number, count: number, kinds: string) =>
    get<{ events: JsonEvent[]; more: boolean }>(`/api/streams/${id}/events?first=${first}&count=${count}&kinds=${kinds}`),
  anchors: (id: string, index: number) => get<{ before: JsonAnchor | null; after: JsonAnchor | null }>(`/api/streams/${id}/anchors?index=${index}`),
  // Ten seconds from `first` on; null: the last ten that are stored.
  reading: async (id: string, first: number | null): Promise<Reading> => parseReading(await get<unknown>(`/api/streams/${id}/reading${first === null ? '' : `?from=${first}`}`)),
  beds: async () => (await get<{ beds: JsonBed[] }>('/api/beds')).beds,
  bed: (id: string) => get<JsonBed>(`/api/beds/${id}`),
  // Newest first. Without a time: the newest of each code.
  observations: (attachment: string, fromWallUs = 0, toWallUs = 0, codes: readonly string[] = [], limit = 2000) => {
    const q = [fromWallUs > 0 && `from_wall_us=${Math.round(fromWallUs)}`, toWallUs > 0 && `to_wall_us=${Math.round(toWallUs)}`,
      codes.length > 0 && `codes=${codes.map(encodeURIComponent).join(',')}`, `limit=${limit}`].filter(Boolean).join('&');
    return get<{ observations: JsonObservation[]; more: boolean }>(`/api/attachments/${attachment}/observations?${q}`);
  },
  clips: async (attachment: string) => (await get<{ clips: JsonClip[] }>(`/api/attachments/${attachment}/clips`)).clips,
  gateways: async () => (await get<{ gateways: JsonGateway[] }>('/api/gateways')).gateways,
  revokeGateway: (id: string) => post<object>(`/api/gateways/${encodeURIComponent(id)}/revoke`, {}),
  enrolments: () => get<{ codes: JsonEnrolment[]; open: boolean; port: number }>('/api/enrolments'),
  createEnrolment: (gateway: string, site: string, replace: boolean) => post<JsonEnrolment>('/api/enrolments', { gateway, site, replace }),
  withdrawEnrolment: (id: string) => post<JsonEnrolment>(`/api/enrolments/${id}/withdraw`, {}),
  rules: () => get<JsonRules>('/api/rules'),
  rulesHistory: (before: string | null) => get<{ lists: JsonRuleList[]; next: string | null }>(`/api/rules/history${before ? `?before=${before}` : ''}`),
  rulesCheck: (text: string) => post<JsonRulesCheck>('/api/rules/check', { text }),
  rulesSave: (text: string, basedOn: number, reason: string) => post<JsonRuleList>('/api/rules', { text, based_on: basedOn, reason }),
  rulesBack: (version: number, basedOn: number, reason: string) => post<JsonRuleList>('/api/rules/back', { version, based_on: basedOn, reason }),
  alarms: (limit: number) => get<{ alarms: JsonEvent[]; technical: JsonTechnical[] }>(`/api/alarms?limit=${limit}`),
  ack: (key: string) => post<{ acked_by: string; acked_wall_us: number }>(`/api/alarms/${key}/ack`, {}),
  studies: (before = '') => get<{ studies: JsonStudy[]; more: boolean }>(`/api/studies${before ? `?before=${before}` : ''}`),
  study: (id: string) => get<JsonStudy>(`/api/studies/${id}`),
  createStudy: (stream: string, first: number, count: number, reason: string, urgent: boolean) =>
    post<JsonStudy>('/api/studies', { stream, first, count, reason, urgent }),
  studyState: (id: string, state: string, reason: string) => post<JsonStudy>(`/api/studies/${id}/state`, { state, reason }),
  audit: (before: number | string | null, limit: number) =>
    get<{ entries: JsonAudit[]; more: boolean }>(`/api/audit?limit=${limit}${before !== null ? `&before=${before}` : ''}`),
  health: async (): Promise<{ status: string; checks: Record<string, string> }> => {
    const r = await fetch('/healthz', { cache: 'no-store' });
    return (await r.json()) as { status: string; checks: Record<string, string> };
  },
  demo: () => get<JsonDemo>('/api/demo'),
  demoEnter: (role: Role) => post<Me>('/api/demo/enter', { role }),
  demoAction: (action: string, target: string) => post<object>('/api/demo/action', { action, target }),

  // Samples of [first, first + count); the county answers with at most 4 MiB and says where to go on.
  samples: async (id: string, first: number, count: number): Promise<SampleRange> => {
    const answer = await request(`/api/streams/${id}/samples?first=${first}&count=${count}`, {
      headers: { Accept: 'application/x-protobuf' },
    });
    return readSampleRange(new Pbf(new Uint8Array(await answer.arrayBuffer())));
  },
};
