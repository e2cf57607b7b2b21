OWN = "was run"
