"""The interface: the only importer of textual; reads runs and gives commands, never trains."""
