"""Who follows a run beside its record, one a file: alerts, hangs, profiles, notices."""
