// Gateways: what is linked, how far behind, how true the clock; and for a site its own state.

import type { JSX } from 'preact';
import { api, type JsonGateway } from '../api';
import { dateText, durationText } from '../base/clock';
import { t, tWord } from '../i18n/t';
import { technicalAlarms, loadAlarms } from '../live/alarms';
import { live, statusVersion } from '../live/client';
import { DemoConsole, useDemo } from './console';
import { technicalText } from './list';
import { Empty, Failed, Loading, Priority, useFetch } from '../ui';
import { useEffect } from 'preact/hooks';
import type { GatewayStatus } from '../generated/xw.js';

const NOMINAL_HZ = 500; // for saying a backlog in seconds when streams differ

// The status that comes each second is newer than what was fetched.
function merged(g: JsonGateway): JsonGateway {
  const s: GatewayStatus | undefined = live.gateways.get(g.id);
  return s ? {
    ...g, site: s.site_name || g.site, linked: s.linked, since_wall_us: s.since_wall_us || g.since_wall_us, rtt_us: s.rtt_us, clock_offset_us: s.clock_offset_us,
    backlog_samples: s.backlog_samples, received_bytes_per_s: s.received_bytes_per_s, backfill_samples_per_s: s.backfill_samples_per_s, software: s.software || g.software,
  } : g;
}

const ms = (us: number): string => `${(us / 1000).toFixed(us < 10_000 ? 1 : 0)} ms`;
const bytes = (n: number): string => (n >= 1e6 ? `${(n / 1e6).toFixed(1)} MB/s` : `${(n / 1e3).toFixed(0)} kB/s`);

// onRevoke: for who may.
export function GatewayTable(props: { list: JsonGateway[]; onRevoke?: (g: JsonGateway) => void }): JSX.Element {
  void statusVersion.value;
  const { onRevoke } = props;
  return (
    <div class="scroll-x">
      <table class="data">
        <thead>
          <tr>
            <th>{t('gw.id')}</th><th>{t('gw.link')}</th><th class="n">{t('gw.streams')}</th><th class="n">{t('gw.rtt')}</th><th class="n">{t('gw.offset')}</th>
            <th class="n">{t('gw.backlog')}</th><th class="n">{t('gw.rate')}</th><th class="n">{t('gw.backfill')}</th><th>{t('gw.certificate')}</th><th>{t('gw.software')}</th>
          </tr>
        </thead>
        <tbody>
          {props.list.map(merged).map((g) => (
            <tr key={g.id} data-gateway={g.id} class={g.linked ? '' : 'cut'}>
              <td><b>{g.site || g.id}</b><small>{g.id}</small></td>
              <td>
                <span class={g.linked ? 'ok' : 'tech'}>{t(g.linked ? 'gateway.linked' : 'gateway.cut')}</span>
                <small>{t('gateway.since', { t: dateText(g.since_wall_us) })}</small>
              </td>
              <td class="n">{g.streams}</td>
              <td class="n">{g.linked ? ms(g.rtt_us) : '–'}</td>
              <td class="n">{ms(g.clock_offset_us)}</td>
              <td class="n">{t('gw.samples', { n: g.backlog_samples.toLocaleString() })}</td>
              <td class="n">{bytes(g.received_bytes_per_s)}</td>
              <td class="n">{g.backfill_samples_per_s > 0 ? t('gw.samples', { n: g.backfill_samples_per_s.toLocaleString() }) + '/s' : '–'}</td>
              <td>
                {g.revoked_wall_us ? <b class="tech-text">{t('gw.revoked', { t: dateText(g.revoked_wall_us) })}</b>
                  : g.certificate_until_wall_us ? t('gw.certificate.until', { t: dateText(g.certificate_until_wall_us) }) : '–'}
                {onRevoke && !g.revoked_wall_us && <button class="button" data-revoke={g.id} onClick={() => onRevoke(g)}>{t('gw.revoke')}</button>}
              </td>
              <td class="software" title={g.software}>{g.software}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function Technicals(): JSX.Element {
  const all = technicalAlarms(false);
  return (
    <section>
      <h2>{t('list.technical')}</h2>
      {all.length === 0 ? <p class="muted">{t('tech.none')}</p> : (
        <table class="data">
          <tbody>
            {all.slice(0, 60).map((a) => (
              <tr key={a.id}>
                <td><Priority priority="technical" /> {tWord('tech', a.code)}</td>
                <td>{a.subject}</td>
                <td class="muted" title={a.text}>{technicalText(a)}</td>
                <td>{dateText(a.fromWallUs)} – {a.toWallUs ? dateText(a.toWallUs) : <b class="tech-text">{t('tech.still')}</b>}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

export function GatewaysPage(): JSX.Element {
  useDemo();
  const { value, error, again } = useFetch(() => api.gateways(), [], 10_000);
  useEffect(() => void loadAlarms(), []);
  return (
    <div class="page">
      <h1>{t('gw.title')}</h1>
      {!value ? (error ? <Failed what={t('gw.title')} error={error} retry={again} /> : <Loading />)
        : value.length === 0 ? <Empty what={t('gw.empty')} todo={t('gw.empty.do')} /> : <GatewayTable list={value} />}
      {value && error && <p class="inline-error" role="alert">{t('error.what', { what: t('gw.title') })} {t('error.code', { code: error.code })}</p>}
      <Technicals />
      <DemoConsole collapsible />
    </div>
  );
}

// Three lights of a site: captured, stored at the gateway, at the county. The county alone turns the
// third one on.
export function SiteState(): JSX.Element | null {
  void statusVersion.value;
  const { value } = useFetch(() => api.gateways(), [], 10_000);
  if (!value) return null;
  return (
    <section class="site-state" aria-label={t('site.title')}>
      {value.map(merged).map((g) => {
        const behindS = g.backlog_samples / NOMINAL_HZ / Math.max(1, g.streams);
        const all = g.linked && behindS < 2;
        return (
          <div key={g.id} class={`site-card ${g.linked ? '' : 'cut'}`} data-gateway={g.id}>
            <b>{g.site || g.id}</b>
            <span class="lamp on">● {t('site.captured')}</span>
            <span class="lamp on">● {t('site.stored')}</span>
            <span class={`lamp ${all ? 'on' : 'wait'}`}>{all ? '●' : '○'} {t('site.county')}：{all ? t('site.county.all') : t('site.county.wait', { t: durationText(behindS) })}</span>
            <p>{t(g.linked ? 'site.ok' : 'site.cut')}</p>
          </div>
        );
      })}
    </section>
  );
}
