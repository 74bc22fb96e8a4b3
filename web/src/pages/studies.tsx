// Studies: what was captured, where it stands; and a study on the paper.

import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { api, ApiError, type JsonStudy } from '../api';
import { dateText } from '../base/clock';
import type { EcgController } from '../ecg/controller';
import { t, tWord } from '../i18n/t';
import { Lights } from '../live/lights';
import { loadAnchor, loadRanges, loadSamples, stillModel } from '../live/still';
import type { StreamModel } from '../live/stream';
import { ReadingPanel } from '../reading/panel';
import { useReading } from '../reading/use';
import { demo, role } from '../state';
import { Empty, errorText, Failed, Loading, useFetch } from '../ui';
import { DemoConsole, useDemo } from './console';
import { listed } from './list';
import { Paper, PaperSettings } from './paper';
import { OtherStudy } from './studykinds';

function StudyActions(props: { s: JsonStudy; done: () => void }): JSX.Element | null {
  const [error, setError] = useState('');
  const [returning, setReturning] = useState(false);
  const { s } = props;
  const step = (state: string, reason = ''): void => {
    setReturning(false);
    setError('');
    api.studyState(s.id, state, reason).then(props.done).catch((e: unknown) => setError(e instanceof ApiError ? errorText(e) : String(e)));
  };
  const reader = role() === 'reader';
  return (
    <span class="buttons">
      {reader && s.state === 'captured' && <button class="button" onClick={() => step('claimed')}>{t('study.claim')}</button>}
      {reader && s.state === 'claimed' && <button class="button" onClick={() => setReturning(!returning)}>{t('study.return')}</button>}
      {s.state === 'captured' && <button class="button" onClick={() => step('cancelled')}>{t('study.cancel')}</button>}
      {returning && (
        <>
          <button class="button" onClick={() => step('returned', 'quality')}>{t('study.return.quality')}</button>
          <button class="button" onClick={() => step('returned', 'reversed')}>{t('study.return.reversed')}</button>
        </>
      )}
      {error && <span class="inline-error" role="alert">{error}</span>}
    </span>
  );
}

export function StudiesPage(): JSX.Element {
  useDemo();
  const { value: newest, error, again } = useFetch(() => api.studies(), [], 5000);
  // Earlier pages stay as they were fetched; a step taken in one is shown by fetching it again.
  const [earlier, setEarlier] = useState<JsonStudy[]>([]);
  const [more, setMore] = useState<boolean | null>(null);
  const [failed, setFailed] = useState<ApiError | null>(null);
  const first = newest ? newest.studies : null;
  const value = first && [...first, ...earlier.filter((s) => !first.some((one) => one.id === s.id))];
  const canMore = more ?? newest?.more ?? false;
  const goOn = (): void => {
    const last = value?.at(-1);
    if (!last) return;
    api.studies(last.id)
      .then((page) => {
        setEarlier((had) => [...had, ...page.studies]);
        setMore(page.more);
        setFailed(null);
      })
      .catch((e: unknown) => setFailed(e instanceof ApiError ? e : new ApiError('internal', 0, String(e))));
  };
  const done = (id: string): void => {
    again();
    api.study(id).then((s) => setEarlier((had) => had.map((one) => (one.id === id ? s : one)))).catch(() => {});
  };
  return (
    <div class="page">
      <h1>{t('study.title')}</h1>
      {!value ? (error ? <Failed what={t('study.title')} error={error} retry={again} /> : <Loading />)
        : value.length === 0 ? <Empty what={t('study.empty')} todo={t('study.empty.do')}><a class="button primary" href="#/list">{t('nav.list')}</a></Empty> : (
          <table class="data">
            <thead><tr><th>{t('study.time')}</th><th>{t('study.site')}</th><th>{t('study.reason')}</th><th>{t('study.state')}</th><th>{t('study.author')}</th><th>{t('light.county')}</th><th /></tr></thead>
            <tbody>
              {value.map((s) => (
                <tr key={s.id} data-study={s.id}>
                  <td>{dateText(s.created_wall_us)}</td>
                  <td>{s.site}</td>
                  <td>{s.urgent && <b class="urgent">{t('study.urgent')}</b>} {tWord('kind', s.kind)} · {tWord('reason', s.reason)}</td>
                  <td><span class={`study-state s-${s.state}`}>{tWord('state', s.state)}</span></td>
                  <td>{tWord('author', s.author)}</td>
                  <td><Lights lights={s.lights} /></td>
                  <td><a class="button" href={`#/study/${s.id}`}>{t('study.open')}</a> <StudyActions s={s} done={() => done(s.id)} /></td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      {canMore && <button class="button" onClick={goOn}>{t('study.earlier')}</button>}
      {failed && <p class="inline-error" role="alert">{t('error.what', { what: t('study.earlier') })} {t('error.code', { code: failed.code })}</p>}
      {value && error && <p class="inline-error" role="alert">{t('error.what', { what: t('study.title') })} {t('error.code', { code: error.code })}</p>}
      <DemoConsole collapsible />
    </div>
  );
}

function StudyHead(props: { s: JsonStudy; again: () => void; when?: string }): JSX.Element {
  const { s } = props;
  return (
    <div class="viewer-head">
      <a class="button back" href="#/studies" title={t('nav.studies')}>←</a>
      <div class="who-is"><b>{s.site}</b><span>{s.urgent && <b class="urgent">{t('study.urgent')}</b>} {tWord('kind', s.kind)} · {tWord('reason', s.reason)} · {tWord('author', s.author)}</span></div>
      <span class={`study-state s-${s.state}`}>{tWord('state', s.state)}</span>
      <Lights lights={s.lights} />
      <span class="badge paused">{props.when ?? t('ecg.study', { t: dateText(s.created_wall_us) })}</span>
      <span class="spring" />
      <StudyActions s={s} done={props.again} />
    </div>
  );
}

function StudyLife(props: { s: JsonStudy; wide?: boolean; children?: ComponentChildren }): JSX.Element {
  return (
    <aside class={`side ${props.wide ? 'wide' : ''}`}>
      {props.children}
      <h3>{t('study.life')}</h3>
      <ul class="life">{props.s.changes.map((x, i) => <li key={i}>{dateText(x.wall_us)} · {tWord('author', x.author)} · {tWord('state', x.what)}</li>)}</ul>
    </aside>
  );
}

export function StudyPage(props: { id: string }): JSX.Element {
  const { value: study, error, again } = useFetch(() => api.study(props.id), [props.id], 5000);
  const [model, setModel] = useState<StreamModel | null>(null);
  const [failed, setFailed] = useState<ApiError | null>(null);
  const [c, setC] = useState<EcgController | null>(null);
  const drawn = !!study && study.kind !== 'ctg'; // on ECG paper
  const item = drawn ? study.items.find((i) => i.stream !== undefined) : undefined;
  useEffect(() => {
    if (!item?.stream) return;
    const stream = item.stream;
    const first = item.first ?? 0;
    const end = first + (item.count ?? 0);
    let gone = false;
    const known = listed(stream);
    (known ? Promise.resolve(known) : api.stream(stream))
      .then(async (info) => {
        const m = stillModel(info, end);
        await loadAnchor(m, end);
        await loadRanges(m);
        // Ten seconds before warm the filters up.
        await loadSamples(m, Math.max(0, first - Math.round(10 * m.nominalHz)), end);
        if (!gone) setModel(m);
      })
      .catch((e: unknown) => {
        if (!gone) setFailed(e instanceof ApiError ? e : new ApiError('internal', 0, String(e)));
      });
    return () => { gone = true; };
  }, [item?.stream, item?.first]);
  const reading = useReading(item?.stream ?? '');
  // The ten seconds that end at the right of the paper, within the study.
  const measure = (): void => {
    if (!c || !model || !item) return;
    reading.measure(Math.max(item.first ?? 0, Math.floor(c.end) - Math.round(10 * model.nominalHz)));
  };
  const closeReading = (): void => {
    reading.close();
    c?.unlight();
  };
  useEffect(() => {
    const onKey = (e: KeyboardEvent): void => {
      if (!c || e.ctrlKey || e.metaKey || e.altKey || document.querySelector('dialog[open]')) return;
      if (e.target instanceof HTMLInputElement || e.target instanceof HTMLSelectElement) return;
      if (e.key.toLowerCase() === 'r') measure();
      else if (e.key === 'Escape' && reading.state.open) closeReading();
      else return;
      e.preventDefault();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [c, model, item?.first, reading.state.open]);
  void c?.state.value;
  if (!study && error?.code === 'not_found') return <Empty what={t('error.not_found')} todo={t('study.title')}><a class="button primary" href="#/studies">{t('nav.studies')}</a></Empty>;
  if (!study) return error ? <Failed what={t('study.title')} error={error} retry={again} /> : <Loading />;
  if (!item) {
    return (
      <div class="viewer study-view">
        <StudyHead s={study} again={again} />
        <div class="viewer-main">
          <div class="viewer-paper"><OtherStudy s={study} /></div>
          <StudyLife s={study} />
        </div>
      </div>
    );
  }
  if (failed) return <Failed what={t('study.title')} error={failed} />;
  if (!model) return <Loading />;
  const first = item.first ?? 0;
  const end = first + (item.count ?? 0);
  const hole = model.ring.held.missing(first, end).length > 0;
  return (
    <div class="viewer study-view">
      <StudyHead s={study} again={again} when={`${t('ecg.study', { t: dateText(model.wallUs(first)) })} · ${t('study.seconds', { s: ((end - first) / model.rateHz).toFixed(1) })}`} />
      <div class="viewer-tools"><PaperSettings model={model} still />{hole && <span class="hole">{t('ecg.capture.hole')}</span>}</div>
      <div class="viewer-main">
        <div class="viewer-paper"><div class="paper-box still">
          <Paper model={model} still={{ first, end }} onReady={setC} />
          {demo.value || model.header.demo ? <span class="paper-demo" aria-hidden="true">{t('app.demo')}</span> : null}
        </div>
          {c && (
            <div class="viewer-foot">
              {end - first > c.renderer.windowN * 1.02 && <button class="button" onClick={() => c.step(-1)}>−1 s</button>}
              {end - first > c.renderer.windowN * 1.02 && <button class="button" onClick={() => c.step(1)}>+1 s</button>}
              <button class="button" disabled={reading.state.busy} onClick={measure} data-do="measure">{t('reading.do')} <kbd>R</kbd></button>
            </div>
          )}
        </div>
        <StudyLife s={study} wide={reading.state.open}>
          {reading.state.open && c && <ReadingPanel state={reading.state} model={model} c={c} live={false} again={measure} close={closeReading} />}
        </StudyLife>
      </div>
    </div>
  );
}
