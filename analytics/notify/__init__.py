"""From the outbox to people: each channel sends what waits for it, tries again, and records what it learnt."""
