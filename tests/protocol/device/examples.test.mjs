// The example clients and the simulator's rules, judged by xinwang-devtest; a client that breaks a
// rule must fail. usage: node examples.test.mjs DEVTEST C_CLIENT PY_CLIENT
import { spawn } from 'node:child_process';
import net from 'node:net';
import * as w from './wire.mjs';

const [devtest, cClient, pyClient] = process.argv.slice(2);
const hexKey = '00112233445566778899aabbccddeeff';

// Runs devtest and, when it listens, the client; resolves with status and lines.
function judge(args, startClient) {
  return new Promise((resolve) => {
    const child = spawn(devtest, ['--port', '0', '--phase', '4s', '--wait', '15s', ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    let out = '';
    let started = false;
    let stopClient = () => {};
    child.stdout.on('data', (d) => {
      out += d;
      const port = started ? null : /port (\d+)\D/.exec(out);
      if (!port) return;
      started = true;
      stopClient = startClient(Number(port[1]));
    });
    child.on('close', (status) => {
      stopClient();
      resolve({ status, out });
    });
  });
}
const program = (command, args) => (port) => {
  const child = spawn(command, args(String(port)), { stdio: 'ignore' });
  return () => child.kill('SIGKILL');
};
// A device that comes back after each cut and sends what `make` says.
const faulty = (make) => (port) => {
  let stop = false;
  let first = 0;
  const connect = () => {
    if (stop) return;
    const socket = net.connect(port, '127.0.0.1', () => {
      socket.write(w.frame(w.hello()));
      const timer = setInterval(() => socket.write(w.frame(make(first))) && (first += 10), 40);
      socket.on('close', () => (clearInterval(timer), setTimeout(connect, 700)));
    });
    socket.on('error', () => {});
  };
  connect();
  return () => (stop = true);
};

const cases = [
  ['the C example passes', 0, null, () => judge([], program(cClient, (port) => ['127.0.0.1', port, 'c-1']))],
  ['the Python example passes', 0, null, () => judge([], program('python3', (port) => [pyClient, '127.0.0.1', port, 'py-1']))],
  ['the Python example proves its key', 0, /pass +auth\.hmac/, () => judge(['--key', hexKey], program('python3', (port) => [pyClient, '127.0.0.1', port, 'py-1', '0', hexKey]))],
  ['a wrong key fails', 1, /FAIL.*hmac/, () => judge(['--key', 'ff'.repeat(16)], program('python3', (port) => [pyClient, '127.0.0.1', port, 'py-1', '0', hexKey]))],
  ['a wrong CRC fails with field and byte', 1, /FAIL.*block\.crc32c.*byte \d+/, () => judge([], faulty((first) => w.block({ first, crc: 1 })))],
  ['an index that jumps fails with its hole', 1, /FAIL +stream\.whole/, () => judge([], faulty((first) => w.block({ first: first * 2 })))],
  ['a device that does not resume what it was not thanked for fails', 1, /FAIL +resume/, () => judge([], faulty((first) => w.block({ first })))],
];
let failed = 0;
const results = await Promise.all(cases.map(([, , , run]) => run()));
cases.forEach(([title, status, words], i) => {
  const { status: got, out } = results[i];
  const good = got === status && (!words || words.test(out));
  failed += !good;
  console.log(`${good ? 'ok  ' : 'FAIL'} ${title}`);
  if (!good) console.log(`status ${got}\n${out}`);
});
process.exit(failed ? 1 : 0);
