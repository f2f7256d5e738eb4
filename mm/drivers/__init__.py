"""Three hands on one crank: live (real time), simulate (virtual time), replay (a journal)."""
