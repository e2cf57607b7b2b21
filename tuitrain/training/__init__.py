"""The worker's side: the only importer of torch; never imports commands, record or supervisor."""
