// Entry: asks who is signed in, then shows the page that the address names.

import { render, type JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import './styles/base.css';
import './styles/pages.css';
import './styles/viewer.css';
import './styles/bed.css';
import './styles/gateways.css';
import './styles/reading.css';
import './styles/rules.css';
import { api, ApiError } from './api';
import { BedPage } from './bed/page';
import { t } from './i18n/t';
import type { Key } from './i18n/words';
import { forgetAlarms } from './live/alarms';
import { live } from './live/client';
import { AdminPage } from './pages/admin';
import { FirstPage, LoginPage } from './pages/first';
import { GatewaysPage } from './pages/gateways';
import { ListPage } from './pages/list';
import { RulesPage } from './pages/rules';
import { StudiesPage, StudyPage } from './pages/studies';
import { ViewerPage } from './pages/viewer';
import { forgetReadings } from './reading/before';
import { Shell } from './shell';
import { demo, entered, lang, me, route, theme } from './state';
import { Dialog, Empty, Failed, Loading } from './ui';

const KEYS: [string, Key][] = [
  ['Space', 'keys.pause'], ['← →', 'keys.step'], ['End', 'keys.live'], ['1 2 3', 'keys.layout'], ['G', 'keys.gain'], ['S', 'keys.speed'], ['F', 'keys.filter'],
  ['M', 'keys.mode'], ['O', 'keys.twins'], ['A', 'keys.ack'], ['E', 'keys.evidence'], ['C', 'keys.capture'], ['R', 'keys.measure'], ['↑ ↓ ↵', 'keys.list'], ['⌫', 'keys.back'],
  ['Space', 'keys.bed'], ['PgUp PgDn', 'keys.bed.minute'], ['P', 'keys.bed.play'], ['F', 'keys.bed.freeze'], ['V', 'keys.bed.big'], ['T', 'keys.theme'],
  ['L', 'keys.lang'], ['?', 'keys.help'], ['Esc', 'keys.close'],
];

function Keys(props: { onClose: () => void }): JSX.Element {
  return (
    <Dialog title={t('keys.title')} onClose={props.onClose}>
      <dl class="keys">{KEYS.map(([k, what]) => <div key={what}><dt><kbd>{k}</kbd></dt><dd>{t(what)}</dd></div>)}</dl>
    </Dialog>
  );
}

function Page(): JSX.Element {
  const path = route.value;
  const signedIn = !!me.value?.user;
  if (path === '/') return <FirstPage />;
  if (!signedIn) return demo.value ? <FirstPage /> : <LoginPage />;
  const [, page, id] = path.split('/');
  switch (page) {
    case 'login': return <LoginPage />;
    case 'list': return <ListPage />;
    case 'live': return id ? <ViewerPage key={id} id={id} /> : <ListPage />;
    case 'bed': return id ? <BedPage key={id} id={id} /> : <ListPage />;
    case 'studies': return <StudiesPage />;
    case 'study': return id ? <StudyPage key={id} id={id} /> : <StudiesPage />;
    case 'rules': return <RulesPage />;
    case 'gateways': return <GatewaysPage />;
    case 'admin': return me.value?.role === 'admin' ? <AdminPage /> : <GatewaysPage />;
    default: return <Empty what={t('app.notfound')} todo={t('app.notfound.do')}><a class="button primary" href="#/">{t('nav.home')}</a></Empty>;
  }
}

function App(): JSX.Element {
  const [keys, setKeys] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const ask = (): void => {
    setError(null);
    api.me().then((m) => entered(m)).catch((e: unknown) => setError(e instanceof ApiError ? e : new ApiError('internal', 0, String(e))));
  };
  useEffect(ask, []);
  const user = me.value?.user ?? '';
  useEffect(() => {
    if (!user) return;
    live.start();
    return () => {
      live.stop();
      forgetAlarms();
      forgetReadings();
    };
  }, [user]);
  useEffect(() => {
    const onKey = (e: KeyboardEvent): void => {
      if (e.ctrlKey || e.metaKey || e.altKey || e.target instanceof HTMLInputElement || e.target instanceof HTMLSelectElement) return;
      if (document.querySelector('dialog[open]')) return;
      if (e.key === '?') setKeys(true);
      else if (e.key.toLowerCase() === 't') theme.value = theme.value === 'paper' ? 'night' : 'paper';
      else if (e.key.toLowerCase() === 'l') lang.value = lang.value === 'zh' ? 'en' : 'zh';
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, []);
  useEffect(() => {
    document.title = `${t('app.name')} Xinwang${demo.value ? ` · ${t('app.demo')}` : ''}`;
  }, [lang.value, demo.value]);
  return (
    <Shell onKeys={() => setKeys(true)}>
      {error && !me.value ? <Failed what={t('app.name')} error={error} retry={ask} /> : me.value ? <Page /> : <Loading />}
      {keys && <Keys onClose={() => setKeys(false)} />}
    </Shell>
  );
}

const root = document.getElementById('app');
if (root) render(<App />, root);
