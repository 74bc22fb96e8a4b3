// What a study holds beside ECG: recordings of pictures, a stretch of CTG, values of a monitor.

import type { JSX } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { api, ApiError, type JsonStudy } from '../api';
import { fromHex, uuidText } from '../base/hex';
import { makeCursor, type CursorSignal } from '../bed/cursor';
import { TimeBook } from '../bed/timebook';
import { CtgPanel, CtgSettings } from '../ctg/panel';
import { t } from '../i18n/t';
import { Empty, Failed, Loading } from '../ui';
import { VitalsLine } from '../vitals/line';

const RETRY_MS = 5000;

// A recording: shown once the county holds it, asked for again until then.
function Recording(props: { sha256: string }): JSX.Element {
  const [round, setRound] = useState(0);
  const [missing, setMissing] = useState(false);
  useEffect(() => {
    if (!missing) return;
    const timer = setTimeout(() => {
      setMissing(false);
      setRound((n) => n + 1);
    }, RETRY_MS);
    return () => clearTimeout(timer);
  }, [missing]);
  return (
    <figure class="study-clip" data-object={props.sha256}>
      <video key={round} src={`/api/objects/${props.sha256}`} controls playsInline muted preload="metadata" onError={() => setMissing(true)} onLoadedMetadata={() => setMissing(false)} />
      {missing && <figcaption class="muted">{t('study.clip.coming')}</figcaption>}
    </figure>
  );
}

// A stretch of CTG: its end at the cursor, the rest by looking back on the paper.
function CtgStretch(props: { stream: string; end: number }): JSX.Element {
  const [at, setAt] = useState<CursorSignal | null>(null);
  const [fhrN, setFhrN] = useState(1);
  const [error, setError] = useState<ApiError | null>(null);
  useEffect(() => {
    let gone = false;
    api.stream(props.stream)
      .then(async (s) => {
        const book = TimeBook.of(s);
        await book.refine(book.wallUs(props.end), s.gateway);
        if (gone) return;
        setFhrN(s.channels.filter((c) => /^FHR\d$/.test(c.code)).length);
        setAt(makeCursor(book.wallUs(props.end)));
      })
      .catch((e: unknown) => { if (!gone) setError(e instanceof ApiError ? e : new ApiError('internal', 0, String(e))); });
    return () => { gone = true; };
  }, [props.stream, props.end]);
  if (error) return <Failed what={t('study.title')} error={error} />;
  if (!at) return <Loading />;
  return (
    <>
      <div class="viewer-tools"><CtgSettings fhrN={fhrN} /></div>
      <CtgPanel streamId={props.stream} cursor={at} />
    </>
  );
}

// Keys of observations: attachment (16 bytes), "o", wall time (8 bytes, big-endian), id.
function valuesOf(keys: readonly string[]): { attachments: string[]; wallUs: number } {
  const ids = new Set<string>();
  let wallUs = 0;
  for (const key of keys) {
    const b = fromHex(key);
    if (b.length < 25) continue;
    ids.add(uuidText(b.slice(0, 16)));
    const v = new DataView(b.buffer, b.byteOffset);
    wallUs = Math.max(wallUs, v.getUint32(17) * 0x100000000 + v.getUint32(21));
  }
  return { attachments: [...ids], wallUs };
}

export function OtherStudy(props: { s: JsonStudy }): JSX.Element {
  const { s } = props;
  const objects = s.items.flatMap((i) => (i.object ? [i.object] : []));
  const keys = s.items.flatMap((i) => (i.observation ? [i.observation] : []));
  const stretch = s.items.find((i) => i.stream !== undefined);
  const values = valuesOf(keys);
  const cursor = useMemo(() => makeCursor(values.wallUs > 0 ? Math.max(values.wallUs, s.created_wall_us) : null), [values.wallUs, s.created_wall_us]);
  if (stretch?.stream) return <CtgStretch stream={stretch.stream} end={(stretch.first ?? 0) + (stretch.count ?? 0)} />;
  if (objects.length > 0) return <div class="study-clips">{objects.map((sha) => <Recording key={sha} sha256={sha} />)}</div>;
  if (values.attachments.length > 0) return <VitalsLine attachmentIds={values.attachments} cursor={cursor} />;
  return <Empty what={t(s.kind === 'ultrasound' ? 'study.clip.none' : 'study.unreadable')} todo={t(s.kind === 'ultrasound' ? 'study.clip.none.do' : 'error.safe')} />;
}
