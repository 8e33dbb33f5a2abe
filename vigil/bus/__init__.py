"""Where stages of one process meet while running: bounded topics, and the board of what is known right now.

Spreading the stages over machines would put a partitioned log behind ``Topic``; the stages would not notice.
"""
