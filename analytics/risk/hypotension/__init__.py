"""The second model: will mean pressure lie at or below 60 mmHg for half an hour within the next hour?

In: mean pressure minute by minute (60 intensive-care records of the PhysioNet/CinC Challenge 2009 to learn from). Out: features,
candidates and their comparison. Next: ``analytics.risk.train``.
"""
