// Reading what is on a canvas. Everything runs in the page and gives back small numbers.

export const INK = { paper: [17, 17, 17], grey: [154, 161, 171] };

// Runs fn(pixels, width, height, argument) on the pixels of the paper; argument.on: another canvas.
export async function onPaper(page, fn, argument) {
  return page.evaluate(({ source, argument }) => {
    const canvas = document.querySelector(argument?.on ?? 'canvas.paper');
    const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    // The policy of the page forbids eval; a function given by the test runs outside of it.
    const fns = window.xwPixelFns;
    return fns[source](data.data, canvas.width, canvas.height, argument);
  }, { source: fn, argument });
}

// What a strip of 36 cells at the upper left of a picture says (fake/h264.mjs, gateway/tools/sim/picture.h), from
// a canvas or a video. row 0: number of the picture; row 1 of the simulated probe: ms of its clock, modulo 2^32.
export async function stripOf(page, selector, row = 0) {
  return page.evaluate(({ selector, row }) => {
    const el = document.querySelector(selector);
    if (!el) return null;
    const width = el.videoWidth || el.width;
    const c = document.createElement('canvas');
    c.width = width;
    c.height = 8;
    const g = c.getContext('2d');
    g.drawImage(el, 0, -8 * row);
    const d = g.getImageData(0, 0, width, 8).data;
    const bit = (k) => (d[(4 * width + k * 8 + 4) * 4] > 128 ? 1 : 0);
    let value = 0;
    let parity = 0;
    for (let k = 0; k < 32; k++) {
      value = value * 2 + bit(2 + k);
      parity ^= bit(2 + k);
    }
    const log = window.xwVideo?.log;
    const last = log && log.n > 0 ? log.frame[(log.n - 1) % log.frame.length] : -1;
    return { ok: width >= 288 && bit(0) === 1 && bit(1) === 0 && bit(34) === parity && bit(35) === 1, value, last, atMs: Date.now() };
  }, { selector, row });
}

// The functions, put into the page before it loads.
export function pixelFunctions() {
  const near = (d, k, c, tol) => Math.abs(d[k] - c[0]) <= tol && Math.abs(d[k + 1] - c[1]) <= tol && Math.abs(d[k + 2] - c[2]) <= tol;
  // Darkness of a pixel in the way of anti-aliasing: 1 = ink, 0 = anything as light as the grid.
  const ink = (d, k) => {
    const m = Math.max(d[k], d[k + 1], d[k + 2]);
    return m < 150 ? 1 : m < 205 && Math.abs(d[k] - d[k + 2]) < 25 ? 0.5 : 0;
  };
  window.xwPixelFns = {
    hash(d) {
      let h = 0;
      for (let i = 0; i < d.length; i += 4) h = (Math.imul(h, 31) + d[i] + d[i + 1] * 3 + d[i + 2] * 7) | 0;
      return h;
    },
    inkCount(d) {
      let n = 0;
      for (let k = 0; k < d.length; k += 4) if (ink(d, k) === 1) n++;
      return n;
    },
    colourCount(d, w, h, { colour, tol, x0 = 0, x1 = w, y0 = 0, y1 = h }) {
      let n = 0;
      for (let y = y0; y < y1; y++) for (let x = x0; x < x1; x++) if (near(d, (y * w + x) * 4, colour, tol)) n++;
      return n;
    },
    // How many pixels are of a colour, and their mean row.
    rows(d, w, h, { colour, tol, x0 = 0, x1 = w, y0 = 0, y1 = h }) {
      let n = 0;
      let sum = 0;
      for (let y = y0; y < y1; y++) {
        for (let x = x0; x < x1; x++) {
          if (!near(d, (y * w + x) * 4, colour, tol)) continue;
          n++;
          sum += y;
        }
      }
      return { n, mean: n > 0 ? sum / n : NaN };
    },
    // Vertical centre of the ink in each pixel column of a band; null where there is none.
    profile(d, w, _h, { x0, x1, y0, y1, least = 1 }) {
      const out = [];
      for (let x = x0; x < x1; x++) {
        let sum = 0;
        let weight = 0;
        let top = null;
        let bottom = null;
        for (let y = y0; y < y1; y++) {
          const v = ink(d, (y * w + x) * 4);
          if (v === 0) continue;
          sum += v * y;
          weight += v;
          if (v === 1) {
            top ??= y;
            bottom = y;
          }
        }
        out.push(weight >= least ? { mean: sum / weight, top, bottom } : null);
      }
      return out;
    },
    // How many separate lines of ink a column crosses.
    lines(d, w, h, { x }) {
      let n = 0;
      let inside = false;
      for (let y = 0; y < h; y++) {
        const v = ink(d, (y * w + x) * 4) === 1;
        if (v && !inside) n++;
        inside = v;
      }
      return n;
    },
    benchCode(d, w, _h, { dpr = 1 }) {
      const cell = 8 * dpr;
      const bit = (k) => (d[(Math.floor(cell / 2) * w + (w - 20 * cell + k * cell + Math.floor(cell / 2))) * 4] > 128 ? 1 : 0);
      let v = 0;
      let parity = 0;
      for (let k = 0; k < 16; k++) {
        v = v * 2 + bit(2 + k);
        parity ^= bit(2 + k);
      }
      return { ok: bit(0) === 1 && bit(1) === 0 && bit(18) === parity && bit(19) === 1, value: v };
    },
  };
}
