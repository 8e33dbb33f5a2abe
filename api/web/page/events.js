// Server-sent events out of pieces of text, after the WHATWG rules; fetch() is used because EventSource cannot send a token.

export class EventParser {
  #rest = "";
  #afterCr = false; // a line end may be cut: CR now, LF with the next piece
  #event = { type: "message", data: [], id: null };

  /** Takes the next piece; returns the events that it completes: {type, data, id}. */
  push(text) {
    const done = [];
    const lines = (this.#afterCr && text.startsWith("\n") ? text.slice(1) : text).split(/\r\n|\n|\r/);
    this.#afterCr = text.endsWith("\r");
    lines[0] = this.#rest + lines[0]; // what came before is not looked through again: a snapshot comes in many pieces
    this.#rest = lines.pop();
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
