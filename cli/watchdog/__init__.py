"""The dead-man's switch: a process of its own that tries the alarms all the time, and tells by another way when they fail.

``round_trip`` knows what must happen when and what is overdue, ``ways`` tells people, ``process`` drives both.
"""
