// Gateways: a card each; technical alarms; and for a site its own state.

import type { JSX } from 'preact';
import { api, type JsonGateway } from '../api';
import { dateText, durationText } from '../base/clock';
import { t, tWord } from '../i18n/t';
import { technicalAlarms, loadAlarms } from '../live/alarms';
import { live, statusVersion } from '../live/client';
import { loadNewestRules } from '../live/rules';
import { GatewayCard, merged, type GatewayMay } from './gatewaycard';
import { DemoConsole, useDemo } from './console';
import { technicalText } from './list';
import { Empty, Failed, Loading, Priority, useFetch } from '../ui';
import { useEffect } from 'preact/hooks';

const SPAN_MS = 2000; // of a queue that is just what is under way

// may: for who may.
export function GatewayCards(props: { list: JsonGateway[]; may?: GatewayMay }): JSX.Element {
  useEffect(() => {
    loadNewestRules();
    const timer = setInterval(loadNewestRules, 30_000);
    return () => clearInterval(timer);
  }, []);
  return <div class="gw-cards">{props.list.map((g) => <GatewayCard key={g.id} g={g} may={props.may} />)}</div>;
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
  void statusVersion.value;
  useDemo();
  const { value, error, again } = useFetch(() => api.gateways(), [], 10_000);
  useEffect(() => void loadAlarms(), []);
  return (
    <div class="page">
      <h1>{t('gw.title')}</h1>
      <p class="muted" data-screens={live.alarmScreens}>{t('path.screens', { n: live.alarmScreens })} · {t('path.why')}</p>
      {!value ? (error ? <Failed what={t('gw.title')} error={error} retry={again} /> : <Loading />)
        : value.length === 0 ? <Empty what={t('gw.empty')} todo={t('gw.empty.do')} /> : <GatewayCards list={value} />}
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
        const behindMs = Math.max(g.backlog_ms ?? 0, g.oldest_unsent_wall_us ? (live.clock.wallUs() - g.oldest_unsent_wall_us) / 1000 : 0);
        const all = g.linked && !!g.report_wall_us && (g.backlog_ms ?? 0) < SPAN_MS;
        const kept = g.linked && !!g.report_wall_us && !g.spool_full;
        return (
          <div key={g.id} class={`site-card ${g.linked ? '' : 'cut'}`} data-gateway={g.id}>
            <b>{g.site || g.id}</b>
            <span class={`lamp ${g.streams > 0 ? 'on' : 'wait'}`}>{g.streams > 0 ? '●' : '○'} {t('site.captured')}</span>
            <span class={`lamp ${kept ? 'on' : 'wait'}`}>{kept ? '●' : '○'} {t('site.stored')}</span>
            <span class={`lamp ${all ? 'on' : 'wait'}`}>{all ? '●' : '○'} {t('site.county')}：{all ? t('site.county.all') : t('site.county.wait', { t: durationText(behindMs / 1000) })}</span>
            <p>{t(g.linked ? 'site.ok' : 'site.cut')}</p>
          </div>
        );
      })}
    </section>
  );
}
