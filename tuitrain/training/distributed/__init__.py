"""Several processes that train one model: an agent, its ranks, and what they agree on."""
