"""A pretend bank that misbehaves on request. Shares no code with the rest, so that mistakes cannot cancel out."""
