// The once-per-display check: a bar is made as long as a real ruler or bank card.

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { t } from '../i18n/t';
import { rulerPxPerMm, setRuler } from '../state';
import { Choice, Dialog } from '../ui';

const LENGTHS = { ruler: 100, card: 85.6 } as const;

export function RulerDialog(props: { onClose: () => void }): JSX.Element {
  const [thing, setThing] = useState<'ruler' | 'card'>('card');
  const [px, setPx] = useState(rulerPxPerMm());
  const mm = LENGTHS[thing];
  const nudge = (d: number): void => setPx((v) => Math.max(1.5, Math.min(20, v + d)));
  return (
    <Dialog title={t('ruler.title')} onClose={props.onClose} wide>
      <p>{t('ruler.how')}</p>
      <Choice label="" value={thing} onChange={setThing} options={[['card', t('ruler.card')], ['ruler', t('ruler.ruler')]]} />
      <div class="ruler-room">
        <div class={`ruler-bar ${thing}`} style={{ width: `${px * mm}px`, height: thing === 'card' ? `${px * 53.98}px` : '48px' }} data-mm={mm}>
          <span>{mm} mm</span>
        </div>
      </div>
      <label class="slider">
        {t('ruler.slider')}
        <input type="range" min="1.5" max="12" step="0.01" value={px} onInput={(e) => setPx(Number(e.currentTarget.value))} />
      </label>
      <div class="buttons">
        <button class="button" onClick={() => nudge(-0.01)}>{t('ruler.finer')}</button>
        <button class="button" onClick={() => nudge(0.01)}>{t('ruler.coarser')}</button>
        <span class="muted">{t('ruler.now', { px: px.toFixed(2) })}</span>
        <span class="spring" />
        <button class="button primary" onClick={() => { setRuler(px); props.onClose(); }}>{t('ruler.save')}</button>
      </div>
    </Dialog>
  );
}
