// One gateway as the county sees it: link, bandwidth, queue, clock, disk, version, certificate, the way of
// its alarms.

import type { JSX } from 'preact';
import type { JsonEnrolment, JsonGateway, JsonImports } from '../api';
import { clockText, dateText } from '../base/clock';
import { AlarmPathState, type AlarmPath, type GatewayStatus } from '../generated/xw.js';
import { t } from '../i18n/t';
import { legName, pathOf, pathWord } from '../live/alarmpath';
import { toHex } from '../base/hex';
import { live, statusVersion } from '../live/client';
import { refusalText } from '../live/refusal';
import { newestRules, rulesState } from '../live/rules';
import { listInForce } from './rulesin';

const CLOCK_OFF_US = 2e6; // as the gateway's own technical alarm

// The status that comes each second is newer than what was fetched.
export function merged(g: JsonGateway): JsonGateway {
  const s: GatewayStatus | undefined = live.gateways.get(g.id);
  if (!s) return g;
  return {
    ...g, site: s.site_name || g.site, linked: s.linked, since_wall_us: s.since_wall_us || g.since_wall_us, rtt_us: s.rtt_us, clock_offset_us: s.clock_offset_us,
    backlog_samples: s.backlog_samples, received_bytes_per_s: s.received_bytes_per_s, backfill_samples_per_s: s.backfill_samples_per_s, software: s.software || g.software,
    seen: s.seen, clock_uncertainty_us: s.clock_uncertainty_us || null, clock_drift_ppm: s.clock_drift_known ? s.clock_drift_ppb / 1e3 : null,
    report_wall_us: s.report_wall_us || null, uplink_bytes_per_s: s.uplink_bytes_per_s, backlog_bytes: s.backlog_bytes, backlog_ms: s.backlog_ms,
    oldest_unsent_wall_us: s.oldest_unsent_wall_us || null, spool_bytes: s.spool_bytes, spool_free_bytes: s.spool_free_bytes, spool_low: s.spool_low,
    spool_full: s.spool_full, suspended: s.suspended_n, imports: s.imports ?? null,
    rules: s.rules ? { from: (['defaults', 'file', 'county'] as const)[s.rules.from] ?? 'defaults', version: s.rules.version, hash: toHex(s.rules.hash ?? new Uint8Array(0)), county_version: s.rules.county_version, refused: s.rules.refused, own: s.rules.own } : g.rules,
  };
}

export const msText = (us: number): string => `${(us / 1000).toFixed(Math.abs(us) < 10_000 ? 1 : 0)} ms`;
const offsetText = (us: number): string => (Math.abs(us) >= 1e6 ? `${(us / 1e6).toFixed(1)} s` : msText(us));
export const rateText = (bytes: number): string => (bytes >= 125_000 ? `${((bytes * 8) / 1e6).toFixed(1)} Mbit/s` : `${((bytes * 8) / 1e3).toFixed(0)} kbit/s`);
const sizeText = (bytes: number): string => (bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${(bytes / 1e6).toFixed(1)} MB`);
const minutesText = (ms: number): string => (ms < 600_000 ? (ms / 60_000).toFixed(1) : (ms / 60_000).toFixed(0));

export type GatewayState = 'revoked' | 'never' | 'cut' | 'full' | 'low' | 'path' | 'clock' | 'suspended' | 'good';

// What stands out most.
export function gatewayState(g: JsonGateway, path: AlarmPath | undefined): GatewayState {
  if (g.revoked_wall_us) return 'revoked';
  if (g.seen === false) return 'never';
  if (!g.linked) return 'cut';
  if (g.spool_full) return 'full';
  if (pathWord(path) === 'broken') return 'path';
  if (g.spool_low) return 'low';
  if (clockOff(g)) return 'clock';
  if ((g.suspended ?? 0) > 0) return 'suspended';
  return 'good';
}
const clockOff = (g: JsonGateway): boolean => !!g.clock_uncertainty_us && Math.abs(g.clock_offset_us) - g.clock_uncertainty_us > CLOCK_OFF_US;

// ECG files that are put into a folder of the gateway.
function Files(props: { imports: JsonImports }): JSX.Element {
  const i = props.imports;
  return (
    <>
      <dt>{t('gwc.files')}</dt>
      <dd data-files={i.failed ? 'failed' : i.quarantine ? 'broken' : 'good'}>
        <span>{t('gwc.files.text', { n: i.taken, r: i.repeated })}</span>
        {i.waiting > 0 && <small>{t('gwc.files.waiting', { n: i.waiting })}</small>}
        {i.quarantine > 0 && (
          <small class="tech-text" title={i.reason_wall_us ? dateText(i.reason_wall_us) : ''}>{t('gwc.files.broken', { n: i.quarantine })}{i.reason ? ` · ${i.reason}` : ''}</small>
        )}
        {i.failed && <small class="tech-text">{t('gwc.files.failed')}</small>}
      </dd>
    </>
  );
}

// The rule list in force there, beside the county's.
function Rules(props: { g: JsonGateway }): JSX.Element {
  const { g } = props;
  const newest = newestRules.value;
  const state = newest ? rulesState(g, newest, live.clock.wallUs()) : 'unknown';
  const bad = state === 'late' || state === 'refused' || state === 'ahead';
  return (
    <dd data-rules={state}>
      <span>{listInForce(g)}</span>
      {newest && state !== 'unknown' && <small class={bad ? 'tech-text' : ''}>{t(`rules.in.${state}`)}{state === 'refused' ? ` · ${refusalText(g.rules?.refused ?? '')}` : ''}</small>}
    </dd>
  );
}

function Path(props: { path: AlarmPath | undefined }): JSX.Element {
  const p = props.path;
  const state = pathWord(p);
  const leg = p && p.state === AlarmPathState.ALARM_PATH_BROKEN ? legName(p.leg) : '';
  const legs = (p?.legs_us ?? []).map((us, i) => `${legName(i + 1)} ${us ? msText(us) : '–'}`).join(' · ');
  return (
    <dd data-path={state} title={legs || t('path.why')}>
      <span class={state === 'proven' ? 'ok' : state === 'unproven' ? 'muted' : 'tech-text'}>
        {state === 'proven' ? t('light.proven') : state === 'broken' ? t('path.broken', { leg }) : state === 'unattended' ? t('path.unattended') : t('path.unproven')}
      </span>
      <small data-proven={p?.proven_wall_us ?? 0}>{t('gwc.path.last', { t: p?.proven_wall_us ? dateText(p.proven_wall_us) : t('path.never') })}</small>
    </dd>
  );
}

// What an administrator may do with a gateway. enrol: none while the county has no authority.
export interface GatewayMay {
  revoke: (g: JsonGateway) => void;
  enrol?: (g: JsonGateway) => void;
  codes: JsonEnrolment[];
}

export function GatewayCard(props: { g: JsonGateway; may?: GatewayMay }): JSX.Element {
  void statusVersion.value;
  const g = merged(props.g);
  const path = pathOf(live.gateways.get(g.id));
  const state = gatewayState(g, path);
  const never = g.seen === false;
  const { may } = props;
  const code = may?.codes.find((c) => c.gateway === g.id && c.state === 'open');
  const told = !!g.report_wall_us;
  const backlogMs = g.backlog_ms ?? 0;
  const off = clockOff(g);
  return (
    <section class={`gw-card is-${state} ${g.linked ? '' : 'cut'}`} data-gateway={g.id} data-gateway-state={state} aria-label={g.site || g.id}>
      <h2><b>{g.site || g.id}</b><small>{g.id}</small></h2>
      <dl>
        <dt>{t('gwc.linkhead')}</dt>
        <dd data-link={never ? 'never' : g.linked ? 'linked' : 'cut'}>
          <span class={g.linked ? 'ok' : never ? 'muted' : 'tech-text'}>{t(never ? 'gwc.never' : g.linked ? 'gateway.linked' : 'gateway.cut')}</span>
          {!never && <small>{t('gateway.since', { t: dateText(g.since_wall_us) })}{g.linked ? ` · ${t('gwc.rtt', { t: msText(g.rtt_us) })}` : ''}</small>}
        </dd>
        <dt>{t('gwc.bandwidth')}</dt>
        <dd>
          <span>{!g.linked ? '–' : g.uplink_bytes_per_s ? rateText(g.uplink_bytes_per_s) : t('gwc.bandwidth.unknown')}</span>
          <small>{t('gwc.receiving', { n: rateText(g.linked ? g.received_bytes_per_s : 0) })} · {t('gw.streams')} {g.streams}</small>
          {g.linked && (g.suspended ?? 0) > 0 && <small class="tech-text" data-suspended={g.suspended}>{t('gwc.suspended', { n: g.suspended ?? 0 })}</small>}
        </dd>
        <dt>{t('gwc.queue')}</dt>
        <dd data-queue-ms={backlogMs}>
          <span>{!told ? t('gwc.told.none') : backlogMs < 1000 ? t('gwc.queue.none') : t('gwc.queue.text', { t: minutesText(backlogMs), n: ((g.backlog_bytes ?? 0) / 1e6).toFixed(1) })}</span>
          {backlogMs >= 1000 && g.oldest_unsent_wall_us ? <small>{t('gwc.oldest')} {dateText(g.oldest_unsent_wall_us)}</small> : null}
          {g.backfill_samples_per_s > 0 && <small>{t('gwc.healing', { n: g.backfill_samples_per_s.toLocaleString() })}</small>}
        </dd>
        <dt>{t('gwc.clock')}</dt>
        <dd data-clock={off ? 'off' : g.clock_uncertainty_us ? 'good' : 'unknown'}>
          <span class={off ? 'tech-text' : ''}>
            {g.clock_uncertainty_us ? t('gwc.clock.off', { t: offsetText(g.clock_offset_us), u: msText(g.clock_uncertainty_us) }) : t('gwc.clock.unknown')}
          </span>
          {g.clock_drift_ppm !== null && g.clock_drift_ppm !== undefined && <small>{t('gwc.clock.drift', { n: g.clock_drift_ppm.toFixed(1) })}</small>}
          {off && <small class="tech-text">{t('gwc.clockbad')}</small>}
        </dd>
        <dt>{t('gwc.disk')}</dt>
        <dd data-disk={g.spool_full ? 'full' : g.spool_low ? 'low' : told ? 'good' : 'unknown'}>
          <span class={g.spool_full || g.spool_low ? 'tech-text' : ''}>{told ? t('gwc.disk.text', { u: sizeText(g.spool_bytes ?? 0), f: sizeText(g.spool_free_bytes ?? 0) }) : t('gwc.told.none')}</span>
          {(g.spool_full || g.spool_low) && <small class="tech-text">{t(g.spool_full ? 'gwc.disk.full' : 'gwc.disk.low')}</small>}
        </dd>
        {told && g.imports && <Files imports={g.imports} />}
        <dt>{t('gwc.rules')}</dt>
        <Rules g={g} />
        <dt>{t('gwc.path')}</dt>
        <Path path={path} />
        <dt>{t('gw.certificate')}</dt>
        <dd data-certificate={g.revoked_wall_us ? 'revoked' : g.certificate_until_wall_us ? 'good' : 'unknown'}>
          {g.revoked_wall_us ? <b class="tech-text">{t('gw.revoked', { t: dateText(g.revoked_wall_us) })}</b>
            : <span>{g.certificate_until_wall_us ? t('gw.certificate.until', { t: dateText(g.certificate_until_wall_us) }) : '–'}</span>}
          {code && <small data-code-open={g.id}>{t('gw.code', { t: dateText(code.expires_wall_us) })}</small>}
          {may && (
            <span class="gw-buttons">
              {!g.revoked_wall_us && <button class="button" data-revoke={g.id} onClick={() => may.revoke(g)}>{t('gw.revoke')}</button>}
              {may.enrol && <button class="button" data-reenrol={g.id} onClick={() => may.enrol?.(g)}>{t('enrol.again')}</button>}
            </span>
          )}
        </dd>
        <dt>{t('gwc.version')}</dt>
        <dd class="software" title={g.software}>{g.software || '–'}</dd>
      </dl>
      {told && <p class="gw-told">{g.linked ? t('gwc.told', { t: clockText(g.report_wall_us ?? 0) }) : t('gwc.stale')}</p>}
    </section>
  );
}
