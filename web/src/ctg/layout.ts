// Geometry of CTG paper in device pixels: fetal heart rate above, lanes for signal loss and marks,
// uterine activity below, clock at the foot. One centimetre is 20 bpm; on low panels 30 bpm; where
// even that has no room the heights are fitted, and the paper says that they are not to scale.

export const FHR_LO = 50;
export const FHR_HI = 210;
export const UC_HI = 100;

export interface CtgLayout {
  x0: number; // left end of the paper, right of the axis
  width: number;
  top: number;
  fhr: { y: number; height: number };
  loss: { y: number; height: number; row: number }; // a row for each fetal channel
  marks: { y: number; height: number };
  uc: { y: number; height: number };
  times: { y: number; height: number };
  caption: { y: number; height: number };
  bottom: number; // of what moves
  bpmPerCm: number; // 20 or 30; other values: fitted
  ucPerCm: number;
  trueHeight: boolean;
}

export interface CtgBox {
  width: number;
  height: number;
  mm: number; // device pixels per millimetre
  dpr: number;
  fhrN: number;
  uc: boolean;
}

const AXIS = 44;
const TOP = 6;
const LOSS_ROW = 6;
const LOSS_LEAST = 14; // room for its name
const MARKS = 17;
const TIMES = 17;
const CAPTION = 17;
const UC_LEAST_CM = 1.2;

export function makeCtgLayout(box: CtgBox): CtgLayout {
  const { dpr, mm } = box;
  const cm = 10 * mm;
  const lossH = Math.max(box.fhrN * LOSS_ROW + 2, LOSS_LEAST) * dpr;
  const fixed = TOP * dpr + lossH + (MARKS + TIMES + CAPTION) * dpr;
  const room = Math.max(40 * dpr, box.height - fixed);
  const ucChoices = box.uc ? [25, 50, UC_HI / UC_LEAST_CM] : [Infinity];
  let bpmPerCm = 0;
  let ucPerCm = 0;
  for (const bpm of [20, 30]) {
    const uc = ucChoices.find((u) => ((FHR_HI - FHR_LO) / bpm + UC_HI / u) * cm <= room);
    if (uc === undefined) continue;
    bpmPerCm = bpm;
    ucPerCm = uc;
    break;
  }
  const trueHeight = bpmPerCm > 0;
  if (!trueHeight) {
    const fhr = box.uc ? room * 0.74 : room;
    bpmPerCm = ((FHR_HI - FHR_LO) * cm) / fhr;
    ucPerCm = box.uc ? (UC_HI * cm) / (room - fhr) : Infinity;
  }
  const fhrH = ((FHR_HI - FHR_LO) / bpmPerCm) * cm;
  const ucH = (UC_HI / ucPerCm) * cm;
  const fhrY = TOP * dpr;
  const lossY = fhrY + fhrH + dpr;
  const marksY = lossY + lossH;
  const ucY = marksY + MARKS * dpr;
  const timesY = ucY + ucH;
  const x0 = Math.round(AXIS * dpr);
  return {
    x0, width: Math.max(16, box.width - x0), top: 0,
    fhr: { y: fhrY, height: fhrH },
    loss: { y: lossY, height: lossH, row: LOSS_ROW * dpr },
    marks: { y: marksY, height: MARKS * dpr },
    uc: { y: ucY, height: ucH },
    times: { y: timesY, height: TIMES * dpr },
    caption: { y: timesY + TIMES * dpr, height: CAPTION * dpr },
    bottom: timesY, bpmPerCm, ucPerCm, trueHeight,
  };
}

export function fhrY(l: CtgLayout, bpm: number): number {
  return l.fhr.y + ((FHR_HI - bpm) / (FHR_HI - FHR_LO)) * l.fhr.height;
}
export function ucY(l: CtgLayout, v: number): number {
  return l.uc.y + l.uc.height - (v / UC_HI) * l.uc.height;
}
// Device pixels per sample.
export function ctgPps(cmPerMin: number, mm: number, rateHz: number): number {
  return (cmPerMin * 10 * mm) / 60 / rateHz;
}
