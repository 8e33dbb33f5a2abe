"""FHIR R4 (4.0.1) under ``/fhir/R4``: what is stored, as resources that hospital systems already read.

Own small models, exactly what is sent; ``docs/fhir.md`` is the page for those who connect, and decision 0020 says why it is so.
"""
