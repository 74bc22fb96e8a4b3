// Which of the frames that come can be decoded: everything from a key frame on, without a hole. Pure.

export interface Numbered {
  run: string; // of the encoder's start
  frame: number;
  key: boolean;
}

export type Verdict = 'feed' | 'skip' | 'hole'; // hole: the first frame that cannot be used; ask for a key frame

export class Sequence {
  private run = '';
  private last = -1;
  private broken = true; // nothing before the next key frame
  holes = 0; // times that frames were missing
  missed = 0; // frames that did not come, as far as their numbers say
  skipped = 0; // frames that came and were of no use

  take(f: Numbered): Verdict {
    const sameRun = f.run === this.run;
    if (f.key) {
      if (sameRun && f.frame <= this.last) return this.skip();
      if (sameRun && f.frame > this.last + 1) this.miss(f.frame);
      this.run = f.run;
      this.last = f.frame;
      this.broken = false;
      return 'feed';
    }
    if (!sameRun) {
      const first = !this.broken;
      this.broken = true;
      this.skipped++;
      return first ? 'hole' : 'skip';
    }
    if (f.frame <= this.last) return this.skip();
    if (this.broken) return this.skip();
    if (f.frame !== this.last + 1) {
      this.miss(f.frame);
      this.broken = true;
      this.skipped++;
      return 'hole';
    }
    this.last = f.frame;
    return 'feed';
  }

  // The decoder lost its place.
  lost(): void {
    this.broken = true;
  }

  get waiting(): boolean {
    return this.broken;
  }

  private skip(): Verdict {
    this.skipped++;
    return 'skip';
  }

  private miss(frame: number): void {
    this.holes++;
    this.missed += frame - this.last - 1;
  }
}
