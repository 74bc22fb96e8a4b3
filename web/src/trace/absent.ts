// How a stretch without samples looks, on every paper: coming or being read is hatched, lost is
// outlined, each with a label where there is room.

import type { PaperColours } from '../ecg/theme';
import type { Span } from '../base/ranges';
import type { StateSpan } from '../live/holes';
import type { StreamModel } from '../live/stream';
import { fontOf } from '../ecg/ground';

// Words come from outside, so that what draws knows no language.
export interface AbsentWords {
  coming: (restS: number, backS: number) => string;
  fetching: string;
  lost: (reason: string, seconds: number) => string;
}

export interface AbsentLook {
  colours: PaperColours;
  hatch: CanvasPattern | null;
  dpr: number;
  words: AbsentWords;
  upright?: boolean; // a label that has no room across stands on end
}

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

// The whole hole that a piece belongs to: texts and frames must fall on the same place again.
export function wholeOf(model: StreamModel, s: StateSpan, windowFirst: number, to: number): Span {
  if (s.state === 'lost') return model.holes.lost.spanAt(s.first) ?? s;
  return model.ring.held.missing(Math.floor(windowFirst), Math.ceil(to)).find((m) => m.first <= s.first && s.first < m.end) ?? s;
}

// xOf: x of a sample index. box: the paper that is drawn on.
export function drawAbsent(
  c: CanvasRenderingContext2D, model: StreamModel, s: StateSpan, whole: Span, xOf: (index: number) => number, box: Box, look: AbsentLook,
): void {
  const { colours, dpr, words } = look;
  const x0 = xOf(s.first);
  const x1 = xOf(s.end);
  const fx0 = xOf(whole.first);
  const fx1 = xOf(whole.end);
  if (s.state === 'lost') {
    c.fillStyle = colours.lostGround;
    c.fillRect(x0, box.y, x1 - x0, box.height);
    c.strokeStyle = colours.lost;
    c.lineWidth = 1.5 * dpr;
    c.setLineDash([6 * dpr, 4 * dpr]);
    c.strokeRect(fx0 + dpr, box.y + 2 * dpr, Math.max(2, fx1 - fx0 - 2 * dpr), box.height - 4 * dpr);
    c.setLineDash([]);
    drawTag(c, box, fx0, fx1, words.lost(s.reason, (whole.end - whole.first) / model.rateHz), look);
    return;
  }
  c.fillStyle = look.hatch ?? colours.hatchGround;
  c.fillRect(x0, box.y, x1 - x0, box.height);
  if (s.state === 'fetching') {
    drawTag(c, box, fx0, fx1, words.fetching, look);
    return;
  }
  const hole = model.holes.list.find((h) => h.first < s.end && s.first < h.end);
  if (hole) {
    const acc = model.holes.account(hole);
    const hz = model.rateHz;
    drawTag(c, box, fx0, fx1, words.coming(acc.comingN / hz, acc.backN / hz), look);
  }
}

// A small label between x0 and x1, in as many lines as it needs, if it has room.
function drawTag(c: CanvasRenderingContext2D, box: Box, x0: number, x1: number, text: string, look: AbsentLook): void {
  const { colours, dpr } = look;
  c.font = fontOf(dpr, 12, 'bold');
  const pad = 6 * dpr;
  const lo = Math.max(x0, box.x) + 3 * dpr;
  const room = Math.min(x1, box.x + box.width) - lo - 3 * dpr;
  const oneLine = c.measureText(text).width + 2 * pad <= room;
  const lines = oneLine ? [text] : text.split(/ · |[:：] ?/);
  const w = Math.max(...lines.map((l) => c.measureText(l).width)) + 2 * pad;
  const h = 17 * dpr;
  if (w > room) {
    if (look.upright) drawUpright(c, box, lo, room, lines, w, h, look);
    return;
  }
  const y = box.y + box.height / 2 - (lines.length * h) / 2;
  c.fillStyle = colours.ground;
  c.fillRect(lo, y - 3 * dpr, w, lines.length * h + 6 * dpr);
  c.strokeStyle = colours.dim;
  c.lineWidth = dpr;
  c.strokeRect(lo, y - 3 * dpr, w, lines.length * h + 6 * dpr);
  c.fillStyle = colours.text;
  c.textAlign = 'left';
  c.textBaseline = 'middle';
  lines.forEach((l, k) => c.fillText(l, lo + pad, y + (k + 0.5) * h));
}

function drawUpright(c: CanvasRenderingContext2D, box: Box, lo: number, room: number, lines: string[], w: number, h: number, look: AbsentLook): void {
  const { colours, dpr } = look;
  const text = lines.join(' · ');
  const long = c.measureText(text).width + 12 * dpr;
  const shown = long <= box.height - 8 * dpr ? text : w <= box.height - 8 * dpr ? (lines[0] as string) : '';
  if (shown === '' || room < h) return;
  const length = c.measureText(shown).width + 12 * dpr;
  c.save();
  c.translate(lo + room / 2, box.y + box.height / 2);
  c.rotate(-Math.PI / 2);
  c.fillStyle = colours.ground;
  c.fillRect(-length / 2, -h / 2, length, h);
  c.strokeStyle = colours.dim;
  c.lineWidth = dpr;
  c.strokeRect(-length / 2, -h / 2, length, h);
  c.fillStyle = colours.text;
  c.textAlign = 'center';
  c.textBaseline = 'middle';
  c.fillText(shown, 0, 0);
  c.restore();
}
