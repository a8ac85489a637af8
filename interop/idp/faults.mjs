// Faults in front of the provider.

/** A JSON answer that was caught before it went out. */
class Caught {
  constructor(response) {
    this.response = response;
    this.chunks = [];
    this.end = response.end;
    this.finished = new Promise((resolve) => {
      response.write = (chunk) => { this.chunks.push(Buffer.from(chunk)); return true; };
      response.end = (chunk) => {
        if (chunk) this.chunks.push(Buffer.from(chunk));
        resolve();
        return response;
      };
    });
  }

  /** Sends the answer with members replaced; `null` removes one. */
  send(members) {
    const body = JSON.parse(Buffer.concat(this.chunks).toString());
    for (const [name, value] of Object.entries(members)) {
      if (value === null) delete body[name];
      else body[name] = value;
    }
    delete this.response.write;
    delete this.response.end;
    // In chunks, so that a reader cannot rely on a length that it is told.
    this.response.removeHeader('content-length');
    this.response.end(JSON.stringify(body));
  }
}

const KINDS = {
  status(_request, response, { status, headers = {} }) {
    response.writeHead(status, { 'content-type': 'text/plain', ...headers });
    response.end('a fault that a test asked for\n');
  },
  answer(_request, response, { status = 200, type = 'application/json', body }) {
    response.writeHead(status, { 'content-type': type });
    response.end(body);
  },
  redirect(_request, response, { location, status = 307 }) {
    response.writeHead(status, { location });
    response.end();
  },
  disconnect(_request, response) { response.destroy(); },
  // The head and one byte, and then nothing more.
  stall(_request, response) {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write('{');
  },
  async delay(_request, response, { seconds }, serve) {
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, seconds * 1000);
      response.on('close', () => { clearTimeout(timer); resolve(); });
    });
    if (!response.destroyed) await serve();
  },
  async merge(_request, response, { members }, serve) {
    const caught = new Caught(response);
    await serve();
    await caught.finished;
    caught.send(members);
  },
  // The provider does what it was asked, and its answer comes late.
  async withhold(_request, response, { seconds }, serve) {
    const caught = new Caught(response);
    await serve();
    await caught.finished;
    await new Promise((resolve) => { setTimeout(resolve, seconds * 1000); });
    caught.send({});
  },
  // The real answer, so long that a reader without a limit would be content with it.
  async oversized(request, response, { bytes }, serve) {
    await KINDS.merge(request, response, { members: { padding: 'x'.repeat(bytes) } }, serve);
  },
};

/** What is wrong with which endpoint at the moment. */
export class Faults {
  #active = new Map();

  /** Sets one endpoint's fault, or (`kind: 'none'`) clears it, or all where none is named. */
  set({ endpoint, kind, times = Infinity, ...options }) {
    if (kind === 'none') {
      if (endpoint) this.#active.delete(endpoint);
      else this.#active.clear();
      return;
    }
    if (!KINDS[kind] || !endpoint) throw new Error(`no such fault: ${endpoint} ${kind}`);
    this.#active.set(endpoint, { kind, times, options });
  }

  /** Answers with the endpoint's fault, or lets the provider serve. */
  async pass(endpoint, request, response, serve) {
    const fault = this.#active.get(endpoint);
    if (!fault) return serve();
    fault.times -= 1;
    if (fault.times <= 0) this.#active.delete(endpoint);
    return KINDS[fault.kind](request, response, fault.options, serve);
  }
}
