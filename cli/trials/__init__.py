"""Policies tried on the store's own readings while Vigil runs: the page's policy lab (decision 0041)."""
