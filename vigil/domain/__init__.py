"""Pure nouns and rules of the field; imports only the standard library and numpy."""
