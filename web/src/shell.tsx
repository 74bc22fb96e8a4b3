// The frame of every page: name, navigation, demonstration mark, theme, language, who, link state.

import type { ComponentChildren, JSX } from 'preact';
import { api } from './api';
import { durationText, monoMs } from './base/clock';
import { t } from './i18n/t';
import type { Key } from './i18n/words';
import { linkSinceMs, linkState } from './live/client';
import { AlarmsElsewhere } from './live/elsewhere';
import { demo, go, lang, me, query, role, route, signedOut, theme } from './state';
import { useTicker } from './ui';

const NAV: Record<string, [string, Key][]> = {
  reader: [['/list', 'nav.list'], ['/studies', 'nav.studies'], ['/gateways', 'nav.gateways'], ['/rules', 'nav.rules']],
  technician: [['/list', 'nav.list'], ['/studies', 'nav.studies'], ['/gateways', 'nav.gateways']],
  village: [['/list', 'nav.list'], ['/studies', 'nav.studies'], ['/gateways', 'nav.gateways']],
  admin: [['/admin', 'nav.admin'], ['/rules', 'nav.rules'], ['/list', 'nav.list'], ['/studies', 'nav.studies']],
};

export const homeOf = (r: string): string => (r === 'admin' ? '/admin' : '/list');

function leave(): void {
  api.logout().catch(() => {}).finally(() => {
    signedOut();
    go('/');
  });
}

function LinkBar(): JSX.Element | null {
  useTicker(500);
  const s = linkState.value;
  if (s === 'open' || !me.value?.user) return null;
  const silentS = (monoMs() - linkSinceMs.value) / 1000;
  if (s === 'connecting' && silentS < 1) return null;
  return (
    <div class="link-bar" data-state="offline" role="alert">
      {s === 'connecting' ? t('link.connecting') : s === 'refused' ? t('link.refused') : t('link.down', { t: durationText(silentS) })}
      {s === 'refused' && <button class="button" onClick={signedOut}>{t('login.do')}</button>}
    </div>
  );
}

export function Shell(props: { children: ComponentChildren; onKeys: () => void }): JSX.Element {
  const who = me.value;
  const r = role();
  const touch = r === 'village' || r === 'technician';
  return (
    <div class={`shell ${touch ? 'touch' : ''}`}>
      <a class="skip" href="#main" onClick={(e) => { e.preventDefault(); document.getElementById('main')?.focus(); }}>{t('app.skip')}</a>
      <header class="top">
        <a class="brand" href="#/"><b>{t('app.name')}</b><span>{lang.value === 'zh' ? 'Xinwang' : t('app.subtitle')}</span></a>
        <nav aria-label={t('app.name')}>
          {(NAV[r] ?? []).map(([path, key]) => (
            <a key={path} href={`#${path}`} class={route.value.startsWith(path) || (path === '/list' && (route.value.startsWith('/live') || route.value.startsWith('/bed'))) ? 'here' : ''}
              aria-current={route.value.startsWith(path) ? 'page' : undefined}>{t(key)}</a>
          ))}
        </nav>
        {demo.value && <span class="demo-badge" title={t('app.demo.why')}>{t('app.demo')}</span>}
        <AlarmsElsewhere searching={query.value.trim() !== ''} />
        <span class="spring" />
        <button class="quiet" onClick={props.onKeys} title={t('keys.help')}><kbd>?</kbd> {t('app.keys')}</button>
        <button class="quiet" onClick={() => { theme.value = theme.value === 'paper' ? 'night' : 'paper'; }}>
          {t(theme.value === 'paper' ? 'app.theme.night' : 'app.theme.paper')}
        </button>
        <button class="quiet" title={t('app.lang.why')} onClick={() => { lang.value = lang.value === 'zh' ? 'en' : 'zh'; }}>{t('app.lang')}</button>
        {who?.user && (
          <>
            <span class="who">{who.name ?? who.user}{who.site ? ` · ${who.site}` : ''}</span>
            <button class="quiet" onClick={leave}>{t('app.logout')}</button>
          </>
        )}
      </header>
      <LinkBar />
      <main id="main" tabIndex={-1}>{props.children}</main>
    </div>
  );
}
