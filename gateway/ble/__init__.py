"""Bluetooth LE peripherals of a home.

In: values of standard characteristics, as bytes.
Out: measurements with the wire names and units of ``vigil.domain.vitals``.
Next: the spool, through the hub.
"""
