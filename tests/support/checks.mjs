// Named checks and the closing line that tests/run.sh counts.
let passed = 0;
let failed = 0;
let skipped = 0;

export function check(name, holds, detail = '') {
  if (holds) passed += 1;
  else failed += 1;
  console.log(`${holds ? 'ok' : 'NOT OK'} - ${name}${detail === '' ? '' : ` (${detail})`}`);
  return holds;
}

export function skip(name, why) {
  skipped += 1;
  console.log(`skipped - ${name} (${why})`);
}

// Runs the body; what it throws is a failed check with its text and, if given, the logs of processes.
export async function scenario(name, body, { logs } = {}) {
  const before = failed;
  console.log(`# ${name}`);
  try {
    await body();
  } catch (error) {
    check(name, false, error.stack ?? String(error));
  }
  if (failed > before && logs) console.log(logs());
}

export function finish() {
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  process.exit(failed ? 1 : 0);
}
