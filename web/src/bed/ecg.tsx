// ECG beside other signals: one or two leads on true paper, live or around the cursor.

import type { JSX } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { api, ApiError, type JsonStream } from '../api';
import { clockText } from '../base/clock';
import { EcgController } from '../ecg/controller';
import type { PaperOptions, PaperWords } from '../ecg/ground';
import { t } from '../i18n/t';
import { linkState, live } from '../live/client';
import { StreamLights } from '../live/lights';
import { loadRanges, loadSamples, stillModel } from '../live/still';
import type { StreamModel } from '../live/stream';
import { captionOf, optionsOf, wordsOf } from '../pages/paper';
import { filterName, gain, lang, mainsHz, rulerChecked, rulerPxPerMm, scaleFit, theme } from '../state';
import { AgeBadge, HoleNote } from '../trace/badges';
import type { CursorSignal } from './cursor';
import { streamAt, TimeBook } from './timebook';

const KEEP_S = 60;
const PAGE_S = 40; // to each side of the cursor, held for looking back
const WARM_S = 10; // before it, for the filters

function optionsFor(model: StreamModel, width: number): PaperOptions {
  return { ...optionsOf(model, width), layout: '2R', mmPerS: 25, mode: 'sweep' };
}
function wordsFor(model: StreamModel): PaperWords {
  return { ...wordsOf(model), caption: captionOf(model, '2R', 25) };
}

// The paper with one model; mark: the county time at which a line stands.
function Sheet(props: { model: StreamModel; still: { first: number; end: number } | null; markIndex: number; onPick: (wallUs: number) => void; dim: boolean }): JSX.Element {
  const { model, still, markIndex } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const [c, setC] = useState<EcgController | null>(null);
  useEffect(() => {
    const el = canvas.current;
    if (!el) return;
    const made = new EcgController(el, null, model, optionsFor(model, el.clientWidth), wordsFor(model), { band: filterName.value, mainsHz: mainsHz.value }, still);
    setC(made);
    return () => made.stop();
  }, [model]);
  useEffect(() => {
    if (canvas.current) c?.set(optionsFor(model, canvas.current.clientWidth), wordsFor(model));
  }, [c, gain.value, theme.value, scaleFit.value, lang.value, rulerPxPerMm(), rulerChecked(), filterName.value, mainsHz.value]);
  useEffect(() => {
    c?.setFilter({ band: filterName.value, mainsHz: mainsHz.value });
  }, [filterName.value, mainsHz.value]);
  useEffect(() => {
    if (c && still && Number.isFinite(markIndex)) c.pauseAt(markIndex + c.renderer.windowN / 2);
  }, [c, markIndex, c?.renderer.windowN]);
  const s = c?.state.value;
  const col = c?.renderer.columns[0];
  const pick = (e: PointerEvent): void => {
    if ((e.type === 'pointermove' && e.buttons !== 1) || !c || !col) return;
    const { pps, dpr } = c.renderer.scale;
    const at = (e.clientX - (e.currentTarget as HTMLElement).getBoundingClientRect().left) * dpr - col.x;
    if (at < 0 || at > col.width) return;
    // Live the head sweeps: what is to its right is a lap older.
    const back = still ? col.width - at : (((c.end * pps - at) % col.width) + col.width) % col.width;
    props.onPick(model.wallUs(c.end - back / pps));
  };
  const x = c && col && still ? (col.x + col.width - (c.end - markIndex) * c.renderer.scale.pps) / c.renderer.scale.dpr : NaN;
  return (
    <div class={`bed-ecg-sheet ${props.dim ? 'dimmed' : ''}`} data-mark-index={still ? Math.round(markIndex) : undefined}>
      <canvas ref={canvas} class="paper" role="img" aria-label={t('bed.ecg')} onPointerDown={pick} onPointerMove={pick} />
      {!still && s?.freshness === 'lost' && <p class="paper-lost">{t(linkState.value === 'open' ? 'ecg.lost' : 'ecg.lost.local', { t: clockText(s.silentSinceWallUs) })}</p>}
      <div class="bed-ecg-foot">
        {s && !still && <HoleNote hole={s.hole} />}
        {!still && <StreamLights id={model.id} />}
        {s && !still && <AgeBadge s={s} />}
      </div>
      {Number.isFinite(x) && <div class="cursor-line" style={{ left: `${x}px` }} aria-hidden="true" />}
    </div>
  );
}

interface Page {
  model: StreamModel;
  book: TimeBook;
  stream: string;
  first: number;
  end: number;
}

export function EcgPanel(props: { streams: readonly JsonStream[]; gateway: string; cursor: CursorSignal }): JSX.Element {
  const at = props.cursor.value.wallUs;
  const chosen = streamAt(props.streams, at);
  const liveId = streamAt(props.streams, null)?.id ?? '';
  const [model, setModel] = useState<StreamModel | null>(null);
  const [page, setPage] = useState<Page | null>(null);
  const [error, setError] = useState('');
  const [empty, setEmpty] = useState(false); // the stream does not reach so far
  const [retry, setRetry] = useState(0);
  const books = useMemo(() => new Map<string, TimeBook>(), []);
  const round = useRef(0);
  useEffect(() => {
    setModel(null);
    if (!liveId) return;
    return live.watch(liveId, KEEP_S, setModel);
  }, [liveId]);

  const index = page && at !== null ? page.book.index(at) : NaN;
  const hz = page?.model.nominalHz ?? 1;
  const fits = page !== null && chosen !== null && page.stream === chosen.id && index >= page.first + 10 * hz && index <= page.end;
  // Near the end of the page more may have come since.
  const edge = fits && index + 8 * hz > page.end;
  useEffect(() => {
    if (at === null || !chosen || (fits && !edge)) return;
    const mine = ++round.current;
    const timer = setTimeout(() => {
      void open(chosen, at)
        .then((p) => {
          if (mine !== round.current) return;
          setError('');
          setEmpty(p === null);
          // The same again (nothing more has come) draws nothing anew.
          if (p) setPage((old) => (old && old.stream === p.stream && old.first === p.first && old.end === p.end ? old : p));
        })
        .catch((e: unknown) => {
          if (mine !== round.current) return;
          setError(e instanceof ApiError ? e.code : 'internal');
          setTimeout(() => { if (mine === round.current) setRetry((n) => n + 1); }, 3000);
        });
    }, page ? (edge ? 3000 : 60) : 0);
    return () => clearTimeout(timer);
  }, [at, chosen?.id, fits, edge, page, retry]);
  useEffect(() => {
    if (at === null) {
      round.current++;
      setPage(null);
      setEmpty(false);
      setError('');
    }
  }, [at === null]);

  async function open(s: JsonStream, wallUs: number): Promise<Page | null> {
    let book = books.get(s.id);
    if (!book) books.set(s.id, (book = TimeBook.of(await api.stream(s.id))));
    await book.refine(wallUs, props.gateway);
    const here = book.index(wallUs);
    if (!Number.isFinite(here)) return null;
    const newest = (await api.stream(s.id)).newest;
    const n = Math.round(PAGE_S * book.nominalHz);
    const end = Math.min(newest, Math.round(here) + n);
    const first = Math.max(0, Math.round(here) - n);
    if (here < 0 || here > newest) return null;
    const m = stillModel(s, end, 2 * PAGE_S + 2 * WARM_S);
    // Times on the paper by the same lines as the cursor.
    m.anchorCame({ index: Math.round(here), gatewayWallUs: book.wallUs(Math.round(here)), countyOffsetUs: 0, uncertaintyUs: 0, rateHz: 0 });
    await loadRanges(m);
    await loadSamples(m, Math.max(0, first - Math.round(WARM_S * m.nominalHz)), end);
    return { model: m, book, stream: s.id, first, end };
  }

  const pick = (wallUs: number): void => {
    if (Number.isFinite(wallUs)) props.cursor.value = { wallUs };
  };
  if (at === null) return <div class="bed-ecg" data-panel="ecg" data-wall={model ? 'live' : ''}>{model ? <Sheet key="live" model={model} still={null} markIndex={NaN} onPick={pick} dim={false} /> : <p class="bed-says">{t('ecg.loading')}</p>}</div>;
  return (
    <div class="bed-ecg" data-panel="ecg" data-wall={fits ? Math.round(page.book.wallUs(index)) : ''}>
      {page && !empty && <Sheet key={`${page.stream} ${page.first} ${page.end}`} model={page.model} still={{ first: page.first, end: page.end }} markIndex={fits ? index : NaN} onPick={pick} dim={!fits} />}
      {empty ? <p class="bed-says">{t('bed.ecg.none', { t: clockText(at) })}</p>
        : error ? <p class="bed-says" role="alert">{t('bed.ecg.fail', { code: error })}</p>
          : !fits && <p class="bed-says">{t('app.loading')}</p>}
    </div>
  );
}
