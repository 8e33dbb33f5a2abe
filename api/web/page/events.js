// Server-sent events out of pieces of text, after the WHATWG rules; fetch() is used because EventSource cannot send a token.

export class EventParser {
  #rest = "";
  #event = { type: "message", data: [], id: null };

  /** Takes the next piece; returns the events that it completes: {type, data, id}. */
  push(text) {
    const done = [];
    let buffer = this.#rest + text;
    const endsWithCr = buffer.endsWith("\r"); // may be the first half of CR LF
    if (endsWithCr) buffer = buffer.slice(0, -1);
    const lines = buffer.split(/\r\n|\n|\r/);
    this.#rest = lines.pop() + (endsWithCr ? "\r" : "");
    for (const line of lines) {
      const event = this.#line(line);
      if (event) done.push(event);
    }
    return done;
  }

  #line(line) {
    if (line === "") return this.#dispatch();
    if (line.startsWith(":")) return null;
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? "" : line.slice(colon + 1);
    if (value.startsWith(" ")) value = value.slice(1);
    if (field === "event") this.#event.type = value;
    else if (field === "data") this.#event.data.push(value);
    else if (field === "id" && !value.includes("\0")) this.#event.id = value;
    return null;
  }

  #dispatch() {
    const event = this.#event;
    this.#event = { type: "message", data: [], id: null };
    return event.data.length ? { type: event.type, data: event.data.join("\n"), id: event.id } : null;
  }
}
