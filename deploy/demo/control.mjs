// usage: control.mjs SOCKET ACTION TARGET: asks the demo's supervisor to do something.
import { askSocket } from '../../tests/support/processes.mjs';

const [socket, action, target] = process.argv.slice(2);
const answer = await askSocket(socket, { action, target });
if (answer.error) {
  console.error(`demo.sh: ${answer.error}`);
  process.exit(1);
}
