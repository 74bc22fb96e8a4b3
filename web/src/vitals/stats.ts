// When observations came onto the screen; read by benches as window.xwVitals.

const KEPT = 20_000;

export class VitalsStats {
  readonly tMs = new Float64Array(KEPT); // performance.now() of the first frame after it was drawn
  readonly receivedWallUs = new Float64Array(KEPT); // when the gateway had its message, by the gateway's clock
  n = 0; // observations ever; k lies at k mod tMs.length

  reset(): void {
    this.n = 0;
  }

  // An observation was put on the page: the frame after the next one surely shows it.
  shown(receivedWallUs: number): void {
    requestAnimationFrame(() => requestAnimationFrame((tMs) => {
      const i = this.n++ % KEPT;
      this.tMs[i] = tMs;
      this.receivedWallUs[i] = receivedWallUs;
    }));
  }
}

declare global {
  interface Window {
    xwVitals: VitalsStats;
  }
}
export const vitalsStats = new VitalsStats();
window.xwVitals = vitalsStats;
