"""The batch scoring script: any table of statements, scored on every core, never begun twice."""
