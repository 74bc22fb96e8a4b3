// Three lights of a stream or study: captured, stored at the gateway, stored at the county. Green means
// proven; what nobody can tell now is an empty ring with a question mark, and never green.

import type { JSX } from 'preact';
import type { JsonLights, LightWord } from '../api';
import type { StreamStatus } from '../generated/xw.js';
import { Light } from '../generated/xw.js';
import { t } from '../i18n/t';
import { linkState, live, statusVersion } from './client';

const WORDS: Record<number, LightWord> = { [Light.LIGHT_PROVEN]: 'proven', [Light.LIGHT_WAITING]: 'waiting' };
const word = (n: number): LightWord => WORDS[n] ?? 'unknown';
const MARK: Record<LightWord, string> = { proven: '●', waiting: '○', unknown: '?' };

export const lightsOf = (s: StreamStatus): JsonLights => ({ captured: word(s.captured), gateway: word(s.gateway_stored), county: word(s.county_stored) });

// A county whose word is old proves nothing.
export const UNKNOWN_LIGHTS: JsonLights = { captured: 'unknown', gateway: 'unknown', county: 'unknown' };

export function Lights(props: { lights: JsonLights | undefined; long?: boolean }): JSX.Element | null {
  const l = props.lights;
  if (!l) return null;
  return (
    <span class={`lights ${props.long ? 'long' : ''}`} role="img" aria-label={(['captured', 'gateway', 'county'] as const).map((k) => `${t(`light.${k}`)}：${t(`light.${l[k]}`)}`).join(' · ')}>
      {(['captured', 'gateway', 'county'] as const).map((k) => (
        <span key={k} class={`light is-${l[k]}`} data-light={k} data-state={l[k]} title={`${t(`light.${k}`)}：${t(`light.${l[k]}`)}`}>
          {MARK[l[k]]} {t(props.long ? `light.${k}` : `light.short.${k}`)}
        </span>
      ))}
    </span>
  );
}

// Of a stream that is looked at, as the county says each second.
export function StreamLights(props: { id: string }): JSX.Element {
  void statusVersion.value;
  const st = live.streams.get(props.id);
  return <Lights lights={linkState.value === 'open' && st ? lightsOf(st) : UNKNOWN_LIGHTS} />;
}
