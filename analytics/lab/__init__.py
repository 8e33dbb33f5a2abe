"""The replay lab: policies tried on recorded history and judged by "How alert quality is measured", version 1, to the letter.

``labels`` what is known of the truth, ``raw`` the baseline that everything is compared with, ``alarms`` what a policy showed and
when it called, ``matching`` which events that caught, ``evaluate`` the figures, ``report`` the page about them.
"""

#: Version of the reference page "How alert quality is measured".
PAGE_VERSION = 1
