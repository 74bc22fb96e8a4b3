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

// Where a picture goes in its box: whole multiples of its own pixels where there is room, else made
// smaller to fit. Lengths are CSS pixels; edges lie on device pixels.
export function placePicture(boxW: number, boxH: number, width: number, height: number, dpr: number): { left: number; top: number; width: number; height: number; scale: number } {
  if (!(width > 0 && height > 0 && boxW > 0 && boxH > 0)) return { left: 0, top: 0, width: boxW, height: boxH, scale: 1 };
  const fit = Math.min((boxW * dpr) / width, (boxH * dpr) / height);
  const scale = fit >= 1 ? Math.floor(fit) : fit;
  const w = Math.round(width * scale);
  const h = Math.round(height * scale);
  return {
    left: Math.round((boxW * dpr - w) / 2) / dpr, top: Math.round((boxH * dpr - h) / 2) / dpr, width: w / dpr, height: h / dpr, scale,
  };
}
