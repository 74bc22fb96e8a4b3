// Numbers of pictures as they are printed.

import { t } from '../i18n/t';

export function sizeText(bytes: number): string {
  if (bytes >= 1 << 30) return `${(bytes / (1 << 30)).toFixed(2)} GB`;
  if (bytes >= 1 << 20) return `${(bytes / (1 << 20)).toFixed(1)} MB`;
  return `${Math.max(bytes > 0 ? 1 : 0, Math.round(bytes / 1024))} KB`;
}

export function rateText(kbitPerS: number): string {
  return kbitPerS >= 1000 ? `${(kbitPerS / 1000).toFixed(1)} Mbit/s` : `${Math.round(kbitPerS)} kbit/s`;
}

export function delayText(delayMs: number): string {
  if (!Number.isFinite(delayMs)) return t('video.delay.unknown');
  const s = Math.max(0, delayMs) / 1000;
  return `${s >= 10 ? s.toFixed(0) : s.toFixed(2)} s`;
}
