"""The chaos suite: ``make test-chaos``. Real processes killed and cut off at random points; afterwards sent = stored.

Not part of ``make test``: it takes minutes. ``VIGIL_CHAOS=full`` makes the long version, ``VIGIL_CHAOS_SEED`` replays a plan.
A reading is one value; a line of a sensor carries four.
"""
