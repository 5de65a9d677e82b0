// The same as binder.c, as Node does it: SO_REUSEADDR is always set for TCP.
const net = require('net'), dgram = require('dgram');
const lines = require('readline').createInterface({ input: process.stdin });
let kept = null;
const waiting = [];
let isBusy = false;
function next() {
  if (isBusy || waiting.length === 0) return;
  isBusy = true;
  const words = waiting.shift().trim().split(/\s+/);
  const done = (answer) => { isBusy = false; console.log(answer); next(); };
  const bind = () => {
    kept = null;
    if (words.length !== 6) return done('closed');
    const [kind, address] = words;
    const [port, v6only, reuseAddr] = words.slice(2).map(Number);
    if (kind === 'tcp') {
      const server = net.createServer();
      server.once('error', (error) => done(error.code));
      server.listen({ host: address, port, ipv6Only: v6only === 1 }, () => { kept = server; done('ok'); });
    } else {
      const type = address.includes(':') ? 'udp6' : 'udp4';
      const socket = dgram.createSocket({ type, reuseAddr: reuseAddr === 1, ipv6Only: v6only === 1 });
      socket.once('error', (error) => { socket.close(); done(error.code); });
      socket.bind({ port, address, exclusive: true }, () => { kept = socket; done('ok'); });
    }
  };
  if (kept) kept.close(bind); else bind();
}
lines.on('line', (line) => { waiting.push(line); next(); });
lines.on('close', () => process.exit(0));
