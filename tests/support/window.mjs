// Loopback ports of another network namespace, asked from this one: a unix socket is the same in both.
//   node window.mjs FOLDER PORT…      there: FOLDER/PORT.sock leads to 127.0.0.1:PORT
import net from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const socketOf = (folder, port) => path.join(folder, `${port}.sock`);

function lead(from, to) {
  for (const [a, b] of [[from, to], [to, from]]) {
    a.on('error', () => b.destroy());
    a.on('close', () => b.destroy());
    a.pipe(b);
  }
}

const serve = (at, connect) =>
  new Promise((resolve, reject) => {
    const server = net.createServer((socket) => lead(socket, connect()));
    server.once('error', reject);
    server.listen(at, () => resolve(server));
  });

// Here: 127.0.0.1:PORT leads to what stands there. Resolves to a function that closes them.
export async function openWindows(folder, ports) {
  const servers = await Promise.all(ports.map((port) => serve({ port, host: '127.0.0.1' }, () => net.connect(socketOf(folder, port)))));
  return () => {
    for (const server of servers) server.close();
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder, ...ports] = process.argv.slice(2);
  await Promise.all(ports.map((port) => serve({ path: socketOf(folder, port) }, () => net.connect({ port: Number(port), host: '127.0.0.1' }))));
  console.log('{"windows":true}');
  process.stdin.on('end', () => process.exit()).resume();
}
