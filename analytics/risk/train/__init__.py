"""``vigil train``: from recordings to a model folder in five steps, each of which leaves its result on disk.

In: recordings of real people (``Task.collect``). Out: a model folder (``analytics.risk.folder``) with card and report. Next:
``vigil models shadow``, and scoring in the stream.
"""
