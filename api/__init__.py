"""Stage 5, show.

In: requests over HTTP, what the stores hold, and what the bus rings about.
Out: JSON, server-sent events and the page; acknowledgements and hand-entered values go back into the stores.
Next: the nurse, dashboards and other systems.
"""
