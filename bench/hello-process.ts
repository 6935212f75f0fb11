/** The floor of the runtime: a bare node:http server that answers every request with the same small JSON. */
import { createServer } from 'node:http';

const BODY = JSON.stringify({
  request_id: '0f7a4a3e-6f0d-4f62-9a2b-3d1f6f3f1c11',
  lease_id: '',
  renewable: false,
  lease_duration: 0,
  data: { data: { username: 'bench', password: 'x'.repeat(32) }, metadata: { version: 1 } },
});

const server = createServer((request, response) => {
  request.resume();
  request.on('end', () => {
    response.writeHead(200, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(BODY),
    });
    response.end(BODY);
  });
});
server.listen(Number(process.argv[2]), '127.0.0.1');
