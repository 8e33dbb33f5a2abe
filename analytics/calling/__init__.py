"""From an alert to a person, step by step: inhibit, snooze, list, group, budget, then route. ``decide`` lists the steps."""
