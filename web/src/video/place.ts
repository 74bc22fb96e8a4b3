// Where a picture goes in its box: whole multiples of its own pixels where there is room, else made
// smaller to fit; `fill`: as large as there is room, whole multiple or not. Lengths are CSS pixels; edges lie on device pixels.
export function placePicture(boxW: number, boxH: number, width: number, height: number, dpr: number, fill = false): { left: number; top: number; width: number; height: number; scale: number } {
  if (!(width > 0 && height > 0 && boxW > 0 && boxH > 0)) return { left: 0, top: 0, width: boxW, height: boxH, scale: 1 };
  const fit = Math.min((boxW * dpr) / width, (boxH * dpr) / height);
  const scale = fit >= 1 && !fill ? Math.floor(fit) : fit;
  const w = Math.round(width * scale);
  const h = Math.round(height * scale);
  return {
    left: Math.round((boxW * dpr - w) / 2) / dpr, top: Math.round((boxH * dpr - h) / 2) / dpr, width: w / dpr, height: h / dpr, scale,
  };
}
