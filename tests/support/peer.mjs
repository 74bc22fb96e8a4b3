// A peer written by hand: what it heard, and waiting for something to have been heard.
export class Peer {
  #waiters = [];

  // patienceMs: how long it waits unless told otherwise.
  constructor(patienceMs) {
    this.patienceMs = patienceMs;
    this.heard = []; // parsed messages: fields by number
    this.closed = false;
  }

  // For the connection: something was added to heard, or changed.
  wake() {
    for (const wake of this.#waiters.splice(0)) wake();
  }

  over() {
    this.closed = true;
    this.wake();
  }

  // Until condition() holds or time is up: what it returned.
  async until(condition, timeoutMs = this.patienceMs) {
    const end = performance.now() + timeoutMs;
    for (;;) {
      const value = condition();
      const left = end - performance.now();
      if (value || left <= 0) return value;
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#waiters.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  // The first message heard that has this field.
  hears(field, timeoutMs) {
    return this.until(() => this.heard.find((message) => message[field]), timeoutMs);
  }
}
