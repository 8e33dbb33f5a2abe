"""One file a noun; each route parses, authorises, calls and shapes, no more."""
