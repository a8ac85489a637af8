// Where the provider keeps tokens, grants, sessions and registered clients: its `adapter`.

/** One storage for all kinds, which outlives a provider object and can be written as JSON. */
export class Storage {
  #rows;

  constructor(rows = []) { this.#rows = new Map(rows); }

  toJSON() { return [...this.#rows]; }

  /** The factory that oidc-provider's configuration asks for. */
  adapter = (kind) => ({
    upsert: async (id, payload, expiresIn) => {
      const expires = expiresIn ? Date.now() + expiresIn * 1000 : null;
      this.#rows.set(`${kind}:${id}`, { payload: structuredClone(payload), expires });
    },
    find: async (id) => this.#find(`${kind}:${id}`),
    findByUid: async (uid) => this.#search(kind, (payload) => payload.uid === uid),
    findByUserCode: async (code) => this.#search(kind, (payload) => payload.userCode === code),
    consume: async (id) => {
      const row = this.#rows.get(`${kind}:${id}`);
      if (row) row.payload.consumed = Math.floor(Date.now() / 1000);
    },
    destroy: async (id) => { this.#rows.delete(`${kind}:${id}`); },
    revokeByGrantId: async (grant) => {
      for (const [key, { payload }] of this.#rows) {
        if (payload.grantId === grant) this.#rows.delete(key);
      }
    },
  });

  #find(key) {
    const row = this.#rows.get(key);
    if (!row) return undefined;
    if (row.expires !== null && row.expires <= Date.now()) {
      this.#rows.delete(key);
      return undefined;
    }
    return structuredClone(row.payload);
  }

  #search(kind, matches) {
    for (const [key, { payload }] of this.#rows) {
      if (key.startsWith(`${kind}:`) && matches(payload)) return this.#find(key);
    }
    return undefined;
  }
}
